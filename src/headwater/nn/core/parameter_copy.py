"""Copy a core's parameters in pieces, between the steps of a learner that keeps learning.

The parameters are nearly all of a large learner, and copying them at once blocks learning for 0.3 s with 200,000 rows. So
the rows of the table are copied a few megabytes at a time, and rows changed meanwhile are copied again until few remain for
the last piece. A step counts the rows it updates (``touched``), and replay updates rows of the samples in its buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.nn.core import Core
from headwater.nn.core.running import REINITIALISED

__all__ = ["ParameterCopy"]

_PIECE = 4_000_000
"""Bytes copied per call."""
_ROUNDS = 4


class ParameterCopy:
    """Incremental copy of a core's parameters and of the optimizer's state for them.

    The core must not learn during a call, but may learn between calls.

    Parameters
    ----------
    core : Core
        The core to copy.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        about = core.sizes()
        self.names = ("weights", *(f"state_{k}" for k in range(about["states"])))
        """Names of the arrays to copy."""
        weights, numbers = (about["dense"], about["stride"]), (about["numbers"], about["numbers_stride"])
        self._places = {name: weights if name == "weights" else numbers for name in self.names}  # row 0, and row to row
        self._layout = self._layout_now()
        self._rows = self._drawn()
        spare = self._rows // 8 + 4096  # for rows added during the copy
        self._copies = {
            name: np.empty(first + (self._rows + spare) * stride, core.dtype)
            for name, (first, stride) in self._places.items()
        }
        self._mark()
        self._waiting = np.arange(self._rows)
        self._rounds = _ROUNDS

    def advance(self) -> bool:
        """Copy some more rows, and return whether another call before `finish` is worthwhile."""
        if self._layout != self._layout_now():  # after a new layout or a restarted expert, `finish` copies everything
            return False
        per_row = self._core.dtype.itemsize * sum(stride for _, stride in self._places.values())
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
        """Return the current arrays."""
        ends = {name: first + self._core.rows * stride for name, (first, stride) in self._places.items()}
        if self._layout != self._layout_now() or ends["weights"] > len(self._copies["weights"]):
            return {name: self._core.array(name).copy() for name in self.names}
        self._copy(np.concatenate([self._waiting, self._changed()]))
        for name, (first, stride) in self._places.items():
            out, now, end = self._copies[name], self._core.array(name), ends[name]
            out[:first] = now[:first]
            known = first + self._rows * stride
            out[known:end] = now[known:end]
        return {name: copy[: ends[name]] for name, copy in self._copies.items()}

    def _copy(self, rows: NDArray[np.int64]) -> None:
        if not len(rows):
            return
        first, last = int(rows[0]), int(rows[-1]) + 1
        part: Any = slice(first, last) if last - first == len(rows) else rows  # slices copy faster
        for name in self.names:
            to, of = (self._table(name, array) for array in (self._copies[name], self._core.array(name)))
            to[part] = of[part]

    def _table(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        first, stride = self._places[name]
        return array[first : first + self._rows * stride].reshape(self._rows, stride)

    def _mark(self) -> None:
        """Record which rows are touched so far, and which may be replayed from here on."""
        self._touched = self._core.touched[: self._rows].copy()
        ring = self._core.ring_rows()
        self._ring = ring[ring < self._rows]

    def _changed(self) -> NDArray[np.int64]:
        """Return the rows that may have changed since the mark, by updates or replay."""
        changed = self._core.touched[: self._rows] != self._touched
        changed[self._ring] = True
        return np.flatnonzero(changed)

    def _drawn(self) -> int:
        """Return the number of rows with initial weights. Later rows get them when first learned."""
        return int(min(self._core.rows, self._core.array("sizes")[1]))

    def _layout_now(self) -> tuple[Any, ...]:
        about = self._core.sizes()
        anew = self._core.running[:, REINITIALISED].tolist()
        return about["dense"], about["stride"], about["states"], self._core.outputs, anew
