"""The public face: what the methods of learners and networks do in rooms above them (see `bound`).

Each function imports its room when it is called, so that ``import headwater`` stays quick.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = [
    "diagnose",
    "explain_action",
    "explain_forecast",
    "explain_one",
    "explain_worth",
    "export_onnx",
    "fleet_in",
    "fleet_of",
    "html",
    "importance",
    "plot",
    "save",
    "to_torch",
]


def save(model: Any, path: Any) -> None:
    """Write a learner or a network to a file."""
    from headwater.learner_file import save

    save(model, path)


def fleet_of(saved: Any, at: str) -> Any:
    """Return the fleet of a file's header and arrays."""
    from headwater.fleet import Fleet

    return Fleet.from_saved(saved, at)


def fleet_in(store: Any) -> Any:
    """Return a fleet in memory with the members of a store."""
    from headwater.fleet import Fleet

    return Fleet.from_store(store)


def export_onnx(model: Any, path: Any, *, opset: int, array: bool) -> None:
    """Write a learner or a network as it predicts now to an ONNX file."""
    from headwater.store.onnx.export import export_onnx

    export_onnx(model, path, opset=opset, array=array)


def to_torch(model: Any, *, logits: bool) -> Any:
    """Return a network as a PyTorch module."""
    from headwater.nn.torch import to_torch

    return to_torch(model, logits=logits)


def explain_one(model: Any, x: Mapping[Any, Any], *, target: Any, method: str, of: str) -> Any:
    """Say how much each feature moved one prediction."""
    from headwater.explain import explain_anomaly, explain_one

    if model.task == "anomaly":
        return explain_anomaly(model, x)
    return explain_one(model, x, target=target, method=method, of=of)


def explain_action(model: Any, x: Mapping[Any, Any], action: Any) -> Any:
    """Say how much each column moves the reward that is expected of an action."""
    from headwater.explain import explain_action

    return explain_action(model, x, action)


def explain_forecast(model: Any, x: Mapping[Any, Any] | None, horizon: int) -> Any:
    """Say how much each answer of the past moved a forecast."""
    from headwater.explain import explain_forecast

    return explain_forecast(model, x, horizon)


def explain_worth(model: Any, observation: Any, action: Any) -> Any:
    """Say how much each value of a state moves what an action is worth."""
    from headwater.explain import explain_worth

    return explain_worth(model, observation, action)


def importance(model: Any, method: str) -> dict[Any, float]:
    """Say how much each feature matters now."""
    from headwater.explain import importance

    return importance(model, method)


def diagnose(model: Any) -> Any:
    """Say what is wrong with a learner."""
    from headwater.diagnose import diagnose

    return diagnose(model)


def html(value: Any) -> str:
    """Return what a notebook shows of a learner, a network or a result."""
    from headwater.notebook.representation import html

    return html(value)


def plot(model: Any) -> Any:
    """Draw the weights and activations of a learner."""
    from headwater.plot.inside import layers

    return layers(model)
