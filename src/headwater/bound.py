"""Methods whose work is done in rooms above the class that has them: saving, exporting, explaining, drawing, notebooks.

A learner may not import those rooms, since they import it. So it declares the method, which calls ``face()``; and the package
binds once, in its ``__init__``, the module that does the work: `headwater.face`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Face", "bind", "face"]


class Face(Protocol):
    """What the bound module can do for a learner or a network."""

    def save(self, model: Any, path: Any) -> None:
        """Write it to a file."""

    def fleet_of(self, saved: Any, at: str) -> Any:
        """Return the fleet of a file's header and arrays."""

    def fleet_in(self, store: Any) -> Any:
        """Return a fleet in memory with the members of a store."""

    def export_onnx(self, model: Any, path: Any, *, opset: int, array: bool) -> None:
        """Write it as it predicts now to an ONNX file."""

    def to_torch(self, model: Any, *, logits: bool) -> Any:
        """Return it as a PyTorch module."""

    def explain_one(self, model: Any, x: Mapping[Any, Any], *, target: Any, method: str, of: str) -> Any:
        """Say how much each feature moved one prediction."""

    def explain_action(self, model: Any, x: Mapping[Any, Any], action: Any) -> Any:
        """Say how much each column moves the reward that is expected of an action."""

    def explain_forecast(self, model: Any, x: Mapping[Any, Any] | None, horizon: int) -> Any:
        """Say how much each answer of the past moved a forecast."""

    def explain_worth(self, model: Any, observation: Any, action: Any) -> Any:
        """Say how much each value of a state moves what an action is worth."""

    def importance(self, model: Any, method: str) -> dict[Any, float]:
        """Say how much each feature matters now."""

    def diagnose(self, model: Any) -> Any:
        """Say what is wrong with it."""

    def plot(self, model: Any) -> Any:
        """Draw its weights and activations."""

    def html(self, value: Any) -> str:
        """Return what a notebook shows of it, or of a result."""


_bound: list[Face] = []


def bind(module: Face) -> None:
    """Say who does the work."""
    _bound[:] = [module]


def face() -> Face:
    """Return who does the work."""
    return _bound[0]
