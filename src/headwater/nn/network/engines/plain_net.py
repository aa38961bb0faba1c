"""Net with a fixed number of inputs in plain NumPy, slow and meant for a debugger.

``headwater.plain`` has the arithmetic. This class joins its arrays to one flat vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headwater.nn.expert import Expert
from headwater.nn.network.parameters import Parameters
from headwater.nn.shapes import Shape
from headwater.plain import PlainNetwork
from headwater.plain.layers import BatchNormalisation

from .fixed_net import Array


class PlainNet:
    """A ``FixedNet`` computed by NumPy.

    Parameters
    ----------
    expert : Expert
        Layers, loss, optimizer and penalties.
    inputs : int or tuple of int
        Number of inputs, rows of an Embedding, or shape of an image.
    dtype, seed
        As in ``Network``.
    """

    def __init__(self, expert: Expert, *, inputs: int | Shape, dtype: str, seed: int) -> None:
        bounds = {name: getattr(expert, name) for name in ("l1", "l2", "clip_norm", "clip_value")}
        self.net = PlainNetwork(
            expert.layers, expert.loss, expert.optimizer, inputs=inputs, dtype=dtype, seed=seed, **bounds
        )
        self._join()

    def _join(self) -> None:
        """Make the arrays of all layers views of one flat vector, weights before bias."""
        arrays = self._arrays()
        self._flat = np.concatenate([array.ravel() for array in arrays])
        views = iter(self._split(self._flat))
        for layer in self.net.layers:
            if layer.weights is not None:
                layer.weights = next(views)
            if layer.bias is not None:
                layer.bias = next(views)

    def __getstate__(self) -> dict[str, Any]:
        return {"net": self.net}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.net = state["net"]
        self._join()  # unpickled arrays are no longer views

    def _arrays(self) -> list[Array]:
        return [a for layer in self.net.layers for a in (layer.weights, layer.bias) if a is not None]

    def _split(self, flat: Array) -> list[Array]:
        """Return views of a flat vector, one per array."""
        shapes = [array.shape for array in self._arrays()]
        ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes, strict=True)]

    @property
    def parameters(self) -> Array:
        """Flat vector of all parameters, weights before bias, layer by layer."""
        return self._flat

    def layers(self, vector: Array | None = None) -> list[Parameters]:
        """Return named views of each layer's parameters, or of a gradient of the same layout."""
        views = iter(self._split(self._flat if vector is None else vector))
        return [
            Parameters(part.name, next(views), None if part.bias is None else next(views))
            for part in self.net.parameters
        ]

    def forward(self, x: Array) -> Array:
        """Return the predictions (n, k)."""
        return self.net.forward(x)

    def learn(self, x: Array, y: Array, w: Array) -> Array:
        """Predict each row before learning it, and return the predictions (n, k)."""
        return self.net.learn_many(x, y, w)

    def loss_and_gradient(self, x: Array, y: Array, w: Array) -> tuple[float, Array]:
        """Return the loss and gradient in prediction mode (no dropout, running statistics), including the penalty."""
        loss, gradients = self.net.gradient(x, y, w, learn=False)
        both = zip(gradients, self.net.penalty_gradients(), strict=True)
        return loss + self.penalty(), self._joined([g + more for g, more in both])

    def training_loss_and_gradient(self, x: Array, y: Array, w: Array) -> tuple[float, Array]:
        """Return a mini-batch's training loss and gradient, without the penalty."""
        loss, gradients = self.net.gradient(x, y, w)
        return loss, self._joined(gradients)

    def _joined(self, gradients: Sequence[Array]) -> Array:
        return np.concatenate([g.ravel() for g in gradients]).astype(self._flat.dtype)

    def penalty(self) -> float:
        """Return l1·Σ|w| + ½·l2·Σw²."""
        return float(self.net.penalty())

    def apply(self, g: Array, *, penalise: bool) -> None:
        """Take one optimizer step along the gradient g."""
        self.net.step(self._split(g), penalise=penalise)

    def snapshot(self, *, steps: bool) -> list[Array]:
        """Return copies of weights and running statistics, or with ``steps`` of all that a step changes."""
        net, progress = self.net, self.net.progress
        norms = [number for norm in self._norms() for number in (norm.mean, norm.variance, np.array(norm.count))]
        moving = [self._flat, *norms]
        if steps:
            numbers = (progress.steps, progress.step_scale, progress.fading_loss, progress.product)
            moving += [*net.states, net.row_steps, np.array(numbers)]
        return [np.copy(array) for array in moving]

    def restore(self, kept: Sequence[Array]) -> None:
        """Restore a ``snapshot``."""
        net, progress, rest = self.net, self.net.progress, list(kept)
        self._flat[:] = rest.pop(0)
        for norm in self._norms():
            norm.mean, norm.variance, norm.count = rest.pop(0), rest.pop(0), int(rest.pop(0))
        if rest:
            for state in (*net.states, net.row_steps):
                state[...] = rest.pop(0)
            steps, progress.step_scale, progress.fading_loss, progress.product = rest.pop(0).tolist()
            progress.steps = int(steps)

    def _norms(self) -> list[BatchNormalisation]:
        return [layer for layer in self.net.layers if isinstance(layer, BatchNormalisation)]

    def count_undone(self) -> None:
        """Count an undone epoch."""
        self.net.progress.undone += 1
