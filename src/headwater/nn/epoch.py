"""One pass of gradient descent over data that is all there, and the way back when it runs away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError
from headwater.kernels import _op as col

from .history import EarlyStopping, History
from .program import Program, weights

CHUNK = 256
"""Samples that go through the net at once where the batch is larger: enough to keep a layer's weights in the cache."""


def run_epoch(
    program: Program,
    x: NDArray[Any],
    y: NDArray[Any],
    w: NDArray[Any],
    order: NDArray[np.intp],
    size: int,
    epoch: int,
) -> float:
    """Take a step every ``size`` samples of x (n, inputs), in that order; return the mean loss, penalty included.

    Raises
    ------
    DataError
        If the loss or a weight stops being finite; everything is then as it was before the pass.
    """
    good, total = _copies(program), 0.0
    g = np.empty_like(program.p)
    for start in range(0, len(x), size):
        some = order[start : start + size]
        whole = len(some) == len(x)
        bx, by, bw = (x, y, w) if whole else (x[some], y[some], w[some])
        value = _gradient(program, bx, by, bw, g)
        if np.isfinite(value):
            total += (value + penalty(program)) * len(bx)
            program.apply(g, penalise=True)
        if not np.isfinite(value) or not np.isfinite(program.p).all():
            for array, copy in zip(_moving(program), good, strict=True):
                array[:] = copy
            program.run[col.DIVERGED] += 1
            raise DataError(
                expected="a loss that stays finite",
                got=f"{value:g}",
                at=f"Network.fit, epoch {epoch}",
                help="Use a smaller step or clip_norm, and bring the inputs to about -1 … 1. "
                "All is as it was before this epoch.",
            )
    return total / max(len(x), 1)


def descend(
    program: Program,
    epochs: int,
    one: Callable[[int], float],
    standing: Callable[[], float] | None,
    stopping: EarlyStopping | None,
) -> History:
    """Pass over the data so many times; the best weights stand again at the end where it may stop early.

    ``one(epoch)`` makes a pass and returns its loss; ``standing()`` is the loss on validation data.
    """
    history, best = History(), np.inf
    kept = program.p.copy(), program.buf.copy()  # running statistics belong to the weights
    for epoch in range(1, epochs + 1):
        history.loss.append(one(epoch))
        if standing is None:
            continue
        history.validation_loss.append(standing())
        if history.validation_loss[-1] < best - (stopping.min_delta if stopping else 0.0):
            best, history.best_epoch = history.validation_loss[-1], epoch
            kept = program.p.copy(), program.buf.copy()
        elif stopping is not None and epoch - history.best_epoch >= stopping.patience:
            history.stopped_early = True
            break
    if stopping is not None:
        program.p[:], program.buf[:] = kept
    return history


def penalty(program: Program) -> float:
    """Return l1·Σ|w| + ½·l2·Σw² over the weights of the first expert."""
    e = program.experts[0]
    if e.l1 == 0 and e.l2 == 0:
        return 0.0
    blocks = [weights(program, place) for place in program.places if place.n or place.table]
    return float(sum(e.l1 * np.abs(b).sum() + 0.5 * e.l2 * (b * b).sum() for b in blocks))


def standing_gradient(
    program: Program, x: NDArray[Any], y: NDArray[Any], w: NDArray[Any]
) -> tuple[float, NDArray[Any]]:
    """Return loss and gradient of the data as the net stands (no dropout, running statistics), penalty included."""
    g = np.zeros_like(program.p)
    value = _gradient(program, x, y, w, g, learn=False)
    e = program.experts[0]
    for place in program.places:
        if place.n or place.table:
            block, target = weights(program, place), weights(program, place, g)
            target += e.l2 * block + e.l1 * np.sign(block)
    return value + penalty(program), g


def chunks(x: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield samples by as many as go through the net at once."""
    for at in range(0, len(x), CHUNK):
        yield x[at : at + CHUNK]


def _gradient(
    program: Program, x: NDArray[Any], y: NDArray[Any], w: NDArray[Any], g: NDArray[Any], *, learn: bool = True
) -> float:
    """Write the gradient of a batch into g (all parameters) and return its loss, without the penalty."""
    g[:] = 0
    mass, value = float(w.sum()) or 1.0, 0.0
    # batch norm must see the whole batch at once to learn; without it, chunks that fit the cache give the same sum
    step = len(x) if learn and len(program.buf) else CHUNK
    for at in range(0, len(x), step):
        value += program.gradient(x[at : at + step], y[at : at + step], w[at : at + step], mass, learn, g)
    return value


def _moving(program: Program) -> tuple[NDArray[Any], ...]:
    """All arrays that a pass changes."""
    return program.p, program.s, program.buf, program.run, program.touched


def _copies(program: Program) -> list[NDArray[Any]]:
    return [array.copy() for array in _moving(program)]
