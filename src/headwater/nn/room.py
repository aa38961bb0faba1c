"""Room for what a program keeps beside its parameters: the last samples, and opinions on rows that wait for their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headwater.kernels import _op as col
from headwater.kernels.given import PLACES

if TYPE_CHECKING:
    from .program import Program


def keep_nothing(program: Program) -> None:
    """Let nothing be kept yet."""
    keep_samples(program, 0)
    program.given_keys, program.given = np.zeros(2), np.zeros(0, program.dtype)
    program.bind(GIVEN=program.given, GIVEN_KEYS=program.given_keys)


def keep_samples(program: Program, pairs: int) -> None:
    """Make room in the ring of the last samples for that many pairs each."""
    size = program.ring
    rows, v = np.zeros((size, pairs), np.int64), np.zeros((size, pairs), program.dtype)
    if pairs:
        rows[:, : program.ring_rows.shape[1]], v[:, : program.ring_v.shape[1]] = program.ring_rows, program.ring_v
    else:
        program.ring_n, program.ring_y, program.ring_w = np.zeros(size, np.int64), np.zeros(size), np.zeros(size)
    program.ring_rows, program.ring_v = rows, v
    program.head[col.RING_WIDTH] = pairs
    program.bind(RING_ROWS=rows, RING_V=v, RING_N=program.ring_n, RING_Y=program.ring_y, RING_W=program.ring_w)


def keep_given(program: Program, k: int, bias: float = 0.0) -> None:
    """Make room for opinions of k outputs on rows that wait; of a class that is new, nobody said more than its bias."""
    opinions = len(program.experts) + int(program.head[col.HISTORY])
    old = program.given.reshape(PLACES, opinions, -1) if len(program.given) else np.zeros((PLACES, opinions, 0))
    given = np.full((PLACES, opinions, k), bias, program.dtype)
    given[:, :, : old.shape[2]] = old
    program.given = given.reshape(-1)
    if not len(old[0, 0]):
        program.given_keys = np.zeros(2 + 2 * PLACES)
    program.bind(GIVEN=program.given, GIVEN_KEYS=program.given_keys)


def longer(x: NDArray[Any], rows: int) -> NDArray[Any]:
    """Copy of x with that many rows."""
    out = np.zeros((rows, *x.shape[1:]), x.dtype)
    out[: len(x)] = x
    return out
