"""Net with a fixed number of inputs, computed by the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from headwater.nn.core import UNDONE, Core, bias, weights
from headwater.nn.core.declaration import memory_numbers
from headwater.nn.expert import Expert
from headwater.nn.network.parameters import Parameters
from headwater.nn.shapes import Shape, size_of

from .fixed_net import Array

CHUNK = 256
"""Maximum number of samples per pass, which keeps a layer's weights in the cache."""
STRETCH = 4096
"""Rows converted for the core at once, few enough to stay in the cache until they are learned."""


class CoreNet:
    """A ``FixedNet`` computed by the core.

    Parameters
    ----------
    expert : Expert
        Layers, loss, optimizer and penalties.
    inputs : int or tuple of int
        Number of inputs, rows of an Embedding, or shape of an image.
    dtype, seed
        As in ``Network``.
    state : mapping, optional
        Arrays of a saved network to continue from.
    """

    def __init__(
        self, expert: Expert, *, inputs: int | Shape, dtype: str, seed: int, state: Mapping[str, Array] | None = None
    ) -> None:
        layer = expert.recurrent
        memory = () if layer is None else memory_numbers(layer, keys=1, blocks=1, traced=size_of(inputs) + 1)
        self.core = Core(
            [expert], dtype=dtype, seed=seed, outputs=expert.outputs, inputs=inputs, memory=memory, state=state
        )
        self._g: Array | None = None

    @property
    def recurrent(self) -> bool:
        """Whether rows form a sequence with a carried state."""
        return self.core.experts[0].recurrent is not None

    @property
    def parameters(self) -> Array:
        """View of the flat vector, dense layers first, then the rows of the first layer."""
        return self.core.parameters

    def layers(self, vector: Array | None = None) -> list[Parameters]:
        """Return named views of each layer's parameters, or of a gradient of the same layout."""
        core, declared = self.core, self.core.experts[0].layers
        return [
            Parameters(type(declared[place.layer]).__name__, weights(core, place, vector), bias(core, place, vector))
            for place in core.places()
        ]

    def forward(self, x: Array) -> Array:
        """Return the predictions (n, k)."""
        chunk = max(len(x), 1) if self.recurrent else CHUNK  # a sequence cannot be split
        parts = [self.core.forward(x[at : at + chunk]) for at in range(0, len(x), chunk)]
        return np.concatenate(parts) if parts else np.empty((0, self.core.outputs), self.core.dtype)

    def learn(self, x: Array, y: Array, w: Array) -> Array:
        """Predict each row before learning it, and return the predictions (n, k)."""
        out = np.empty((len(x), self.core.outputs), self.core.dtype)
        for at in range(0, len(x), STRETCH):
            part = slice(at, at + STRETCH)
            out[part] = self.core.learn(x[part], y[part], w[part])
        return out

    def loss_and_gradient(self, x: Array, y: Array, w: Array) -> tuple[float, Array]:
        """Return the loss and gradient in prediction mode (no dropout, running statistics), including the penalty."""
        g = np.zeros_like(self.parameters)
        value = self._gradient(x, y, w, g, learn=False)
        e = self.core.experts[0]
        for place in self._penalised():
            block, target = weights(self.core, place), weights(self.core, place, g)
            target += e.l2 * block + e.l1 * np.sign(block)
        return value + self.penalty(), g

    def training_loss_and_gradient(self, x: Array, y: Array, w: Array) -> tuple[float, Array]:
        """Return a mini-batch's training loss and gradient without the penalty. The next call overwrites it."""
        if self._g is None:
            self._g = np.empty_like(self.parameters)
        return self._gradient(x, y, w, self._g, learn=True), self._g

    def penalty(self) -> float:
        """Return l1·Σ|w| + ½·l2·Σw²."""
        e = self.core.experts[0]
        if e.l1 == 0 and e.l2 == 0:
            return 0.0
        blocks = [weights(self.core, place) for place in self._penalised()]
        return float(sum(e.l1 * np.abs(b).sum() + 0.5 * e.l2 * (b * b).sum() for b in blocks))

    def apply(self, g: Array, *, penalise: bool) -> None:
        """Take one optimizer step along the gradient g, which clipping may overwrite."""
        self.core.apply(g, penalise=penalise)

    def snapshot(self, *, steps: bool) -> list[Array]:
        """Return copies of weights and running statistics, or with ``steps`` of all that a step changes."""
        return [array.copy() for array in self._moving(steps)]

    def restore(self, kept: Sequence[Array]) -> None:
        """Restore a ``snapshot``."""
        for array, copy in zip(self._moving(len(kept) > 2), kept, strict=True):
            array[:] = copy

    def count_undone(self) -> None:
        """Count an undone epoch."""
        self.core.running[0, UNDONE] += 1

    def _moving(self, steps: bool) -> list[Array]:
        names = ["weights", "buffer"]  # predictions depend on running statistics too
        if steps:
            names += [*(f"state_{k}" for k in range(self.core.about["states"])), "running", "touched"]
        return [self.core.array(name) for name in names]

    def _penalised(self) -> list[Any]:
        return [place for place in self.core.places() if place.n or place.table]

    def _gradient(self, x: Array, y: Array, w: Array, g: Array, *, learn: bool) -> float:
        """Write the gradient of a batch into g (all parameters) and return its loss, without the penalty."""
        g[:] = 0
        mass, value = float(w.sum()) or 1.0, 0.0
        # batch norm needs the whole batch to learn; without it, chunks that fit the cache give the same sum
        whole = self.recurrent or (learn and len(self.core.array("buffer")))
        step = max(len(x), 1) if whole else CHUNK
        for at in range(0, len(x), step):
            value += self.core.gradient(x[at : at + step], y[at : at + step], w[at : at + step], mass, learn, g)
        return value
