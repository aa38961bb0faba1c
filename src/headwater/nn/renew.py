"""Beginning anew: an expert that is lost gets fresh weights, and the label history room for more classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headwater.kernels import _op as col
from headwater.kernels.history import FOLLOWERS
from headwater.kernels.mix import PATIENCE

from .layers import Dense
from .lower import Place
from .matrices import weights

if TYPE_CHECKING:
    from .program import Program

COUNTED_CLASSES = 1000
"""Up to so many classes the label history counts which follows which; beyond that only how often one repeats."""


def renew_hopeless(program: Program) -> None:
    """Redraw every expert that has known less than nothing for too long; the others are not touched."""
    for e in range(len(program.experts)):
        run = program.run[e * col.RUNNING_WIDTH : (e + 1) * col.RUNNING_WIDTH]
        if run[col.SICK] >= PATIENCE:
            redraw(program, e, [int(program.touched[0]), int(run[col.RENEWED])])
            run[col.RENEWED] += 1


def redraw(program: Program, e: int, seed: Sequence[int]) -> None:
    """Draw all weights of expert e anew, its output layer's included, and forget its rule's state and its losses.

    Parameters
    ----------
    program : Program
        Whose weights.
    e : int
        Which expert, from 0.
    seed : sequence of int
        What differs from draw to draw, so that all repeat.
    """
    rng = np.random.default_rng([*seed, e])
    run = program.run[e * col.RUNNING_WIDTH : (e + 1) * col.RUNNING_WIDTH]
    run[[col.T, col.FADING, col.SICK]] = 0
    run[[col.SCALE, col.PRODUCT]] = 1
    for place in program.places:
        if place.expert != e:
            continue
        for state in program.s.reshape(program.states, -1):
            _clear(program, place, state)
        layer = program.experts[e].layers[place.layer]
        if isinstance(layer, Dense):
            _clear(program, place, program.p)
            block = weights(program, place)
            keys = rng.integers(1, 2**63, len(block), dtype=np.uint64)
            start = layer.start()
            fan_in = max(program.fan_in, 1)
            block[:] = start.rows(keys, fan_in, place.m) if place.table else start.matrix(rng, place.n, place.m)
        elif place.n == 0:  # gains start at 1
            _clear(program, place, program.p)
            weights(program, place)[:] = 1


def _clear(program: Program, place: Place, vector: NDArray[Any]) -> None:
    """Set one layer's numbers, weights and bias, to 0 in a vector of P's layout."""
    if place.table:
        table = vector[program.dense : program.dense + program.rows * program.stride]
        table.reshape(program.rows, program.stride)[:, place.start : place.start + place.m] = 0
    else:
        count = (place.n + 1) if place.n else 2
        vector[place.start : place.start + count * place.m] = 0


def wider(history: NDArray[np.float64], k: int, *, targets: bool) -> NDArray[np.float64]:
    """Return what the label history remembers with room for k classes; empty if there is none."""
    if not len(history):
        return history
    counted = not targets and k <= COUNTED_CLASSES
    out = np.zeros(FOLLOWERS + k * k * counted)
    known = min(len(history), FOLLOWERS)
    out[:known] = history[:known]
    old = int(np.sqrt(len(history) - known))
    if counted and old:
        square = out[FOLLOWERS:].reshape(k, k)
        square[:old, :old] = history[FOLLOWERS:].reshape(old, old)
    return out
