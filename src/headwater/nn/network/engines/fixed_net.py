"""What ``Network`` asks of whatever computes it: the core (``core_net.py``), or plain NumPy (``plain_net.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from headwater.nn.network.parameters import Parameters

Array = NDArray[Any]


class FixedNet(Protocol):
    """A net of a fixed number of inputs. Inputs, predictions and gradients have its number type.

    Shapes: x (n, inputs), y (n, 1) or (n, k), w (n,); ``parameters`` and gradients (parameters,), of one layout.
    """

    @property
    def parameters(self) -> Array:
        """The flat vector of all that is learned; writing into it changes the net."""

    def layers(self, vector: Array | None = None) -> list[Parameters]:
        """Return named views of each layer's numbers: of the parameters, or of a gradient in their layout."""

    def forward(self, x: Array) -> Array:
        """Return the predictions (n, k)."""

    def learn(self, x: Array, y: Array, w: Array) -> Array:
        """Predict each row, then learn it; return the predictions (n, k)."""

    def loss_and_gradient(self, x: Array, y: Array, w: Array) -> tuple[float, Array]:
        """Return loss and gradient as the net stands (no dropout, running statistics), penalty included."""

    def training_loss_and_gradient(self, x: Array, y: Array, w: Array) -> tuple[float, Array]:
        """Return loss and gradient of a mini-batch that is learned, without the penalty; the next call may overwrite it."""

    def penalty(self) -> float:
        """Return l1·Σ|w| + ½·l2·Σw²."""

    def apply(self, g: Array, *, penalise: bool) -> None:
        """Take one step of the rule along the gradient g, which may be overwritten; penalise: add the penalty's own."""

    def snapshot(self, *, steps: bool) -> list[Array]:
        """Return copies of what predictions depend on; with ``steps``, of all that a step changes."""

    def restore(self, kept: Sequence[Array]) -> None:
        """Put back what ``snapshot`` returned."""

    def count_undone(self) -> None:
        """Count that steps were taken back."""
