"""A copy of a core's parameters, made piece by piece between the steps of a learner that goes on learning.

The parameters are nearly all of a large learner. To copy them at once takes 0.3 s for 200,000 rows, in which nothing could be
learned. So the rows of the table are copied a few megabytes at a time, and what changed meanwhile is copied again, until little
is left for the last turn. Which rows may have changed is known: a step counts the rows that it takes (``touched``), and replay
takes rows of the samples that are kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.nn.core import Core
from headwater.nn.core.running import REINITIALISED

__all__ = ["ParameterCopy"]

_PIECE = 4_000_000
"""Bytes that are copied in one turn."""
_ROUNDS = 4


class ParameterCopy:
    """The arrays of a core that hold a number for each parameter: weights, and the numbers of the update rule.

    Each call needs the core to stand still while it runs; between the calls it may learn.

    Parameters
    ----------
    core : Core
        What is copied.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        about = core.sizes()
        self.names = ("weights", *(f"state_{k}" for k in range(about["states"])))
        """The arrays that are copied."""
        self._dense, self._stride = about["dense"], about["stride"]
        self._layout = self._layout_now()
        self._rows = self._drawn()
        spare = self._rows // 8 + 4096  # for rows that come while it is copied
        self._copies = {
            name: np.empty(self._dense + (self._rows + spare) * self._stride, core.dtype) for name in self.names
        }
        self._mark()
        self._waiting = np.arange(self._rows)
        self._rounds = _ROUNDS

    def advance(self) -> bool:
        """Copy some more rows; return whether it is worth calling again before `finish`."""
        if self._layout != self._layout_now():  # another layout, or an expert began anew: all is copied at the end
            return False
        per_row = self._stride * self._core.dtype.itemsize * len(self.names)
        count = max(1, _PIECE // per_row)
        now, self._waiting = self._waiting[:count], self._waiting[count:]
        self._copy(now)
        if len(self._waiting):
            return True
        self._rounds -= 1
        changed = self._changed()
        if not self._rounds or len(changed) <= count:
            return False
        self._mark()
        self._waiting = changed
        return True

    def finish(self) -> dict[str, NDArray[Any]]:
        """Return the arrays as they stand now."""
        end = self._dense + self._core.rows * self._stride
        if self._layout != self._layout_now() or end > len(self._copies["weights"]):
            return {name: self._core.array(name).copy() for name in self.names}
        self._copy(np.concatenate([self._waiting, self._changed()]))
        for name in self.names:
            out, now = self._copies[name], self._core.array(name)
            out[: self._dense] = now[: self._dense]
            known = self._dense + self._rows * self._stride
            out[known:end] = now[known:end]
        return {name: copy[:end] for name, copy in self._copies.items()}

    def _copy(self, rows: NDArray[np.int64]) -> None:
        if not len(rows):
            return
        first, last = int(rows[0]), int(rows[-1]) + 1
        part: Any = slice(first, last) if last - first == len(rows) else rows  # a slice is copied faster
        for name in self.names:
            to, of = (self._table(array) for array in (self._copies[name], self._core.array(name)))
            to[part] = of[part]

    def _table(self, array: NDArray[Any]) -> NDArray[Any]:
        return array[self._dense : self._dense + self._rows * self._stride].reshape(self._rows, self._stride)

    def _mark(self) -> None:
        """Note which rows were touched so far, and which may be replayed from here on."""
        self._touched = self._core.touched[: self._rows].copy()
        ring = self._core.ring_rows()
        self._ring = ring[ring < self._rows]

    def _changed(self) -> NDArray[np.int64]:
        """Rows that may have changed since the mark: touched, or in a sample that was kept then."""
        changed = self._core.touched[: self._rows] != self._touched
        changed[self._ring] = True
        return np.flatnonzero(changed)

    def _drawn(self) -> int:
        """How many rows have their first weights: later ones get them when they are first learned."""
        return int(min(self._core.rows, self._core.array("sizes")[1]))

    def _layout_now(self) -> tuple[Any, ...]:
        about = self._core.sizes()
        anew = self._core.running[:, REINITIALISED].tolist()
        return about["dense"], about["stride"], about["states"], self._core.outputs, anew
