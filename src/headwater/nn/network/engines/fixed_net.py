"""Interface of the engines of ``Network``, implemented by ``core_net.py`` and ``plain_net.py``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from headwater.nn.network.parameters import Parameters

Array = NDArray[Any]


class FixedNet(Protocol):
    """A net with a fixed number of inputs. Inputs, predictions and gradients have its dtype.

    Shapes: x (n, inputs), y (n, 1) or (n, k), w (n,); ``parameters`` and gradients (parameters,), of one layout.
    """

    @property
    def parameters(self) -> Array:
        """Flat vector of all parameters. Writing into it changes the net."""

    def layers(self, vector: Array | None = None) -> list[Parameters]:
        """Return named views of each layer's parameters, or of a gradient of the same layout."""

    def forward(self, x: Array) -> Array:
        """Return the predictions (n, k)."""

    def learn(self, x: Array, y: Array, w: Array) -> Array:
        """Predict each row before learning it, and return the predictions (n, k)."""

    def loss_and_gradient(self, x: Array, y: Array, w: Array) -> tuple[float, Array]:
        """Return the loss and gradient in prediction mode (no dropout, running statistics), including the penalty."""

    def training_loss_and_gradient(self, x: Array, y: Array, w: Array) -> tuple[float, Array]:
        """Return a mini-batch's training loss and gradient without the penalty. The next call may overwrite it."""

    def penalty(self) -> float:
        """Return l1·Σ|w| + ½·l2·Σw²."""

    def apply(self, g: Array, *, penalise: bool) -> None:
        """Take one optimizer step along the gradient g, which may be overwritten, plus the penalty if ``penalise``."""

    def snapshot(self, *, steps: bool) -> list[Array]:
        """Return copies of all that predictions depend on, or with ``steps`` of all that a step changes."""

    def restore(self, kept: Sequence[Array]) -> None:
        """Restore a ``snapshot``."""

    def count_undone(self) -> None:
        """Count an undone epoch."""
