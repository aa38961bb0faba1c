"""Bitwise difference between two states, so that only changed rows travel between machines.

Arrays are compared in pieces of 64 bytes, one vector of the core. A round updates few rows of the input table, so few pieces
differ. Appended data follows the old end. `apply` restores exactly the bytes passed to `difference`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "Change", "Delta", "apply", "difference", "size_of"]

Arrays: TypeAlias = Mapping[str, NDArray[Any]]

PIECE = 64
"""Bytes compared and sent as a unit."""


@dataclass(frozen=True, slots=True)
class Change:
    """Difference of one array.

    Parameters
    ----------
    shape, dtype
        Shape and dtype of the new array.
    places : ndarray (m,) of uint32
        Indices of the changed pieces of 64 bytes.
    pieces : ndarray (m, 64) of uint8
        Their bytes.
    tail : ndarray of uint8
        Bytes after the last whole piece that both have.
    """

    shape: tuple[int, ...]
    dtype: str
    places: NDArray[np.uint32]
    pieces: NDArray[np.uint8]
    tail: NDArray[np.uint8]

    @property
    def nbytes(self) -> int:
        """Bytes to send."""
        return self.places.nbytes + self.pieces.nbytes + self.tail.nbytes


Delta: TypeAlias = dict[str, Change]
_NOTHING = np.empty(0, np.uint8)


def difference(old: Arrays, new: Arrays) -> Delta:
    """Return the difference from the old arrays to the new ones.

    Examples
    --------
    >>> old = {"a": np.zeros(1000), "b": np.arange(3)}
    >>> new = {"a": np.append(old["a"], [1.0, 2.0]), "b": np.arange(3)}
    >>> new["a"][500] = -1
    >>> delta = difference(old, new)
    >>> list(delta), delta["a"].places.tolist(), size_of(delta)
    (['a'], [62], 84)
    >>> np.array_equal(apply(old, delta)["a"], new["a"])
    True
    """
    changes = {name: _change(old.get(name), array) for name, array in new.items()}
    return {name: change for name, change in changes.items() if change is not None}


def apply(old: Arrays, delta: Mapping[str, Change]) -> dict[str, NDArray[Any]]:
    """Return the new arrays, sharing those that have not changed."""
    return {**old, **{name: _applied(old.get(name), change) for name, change in delta.items()}}


def size_of(delta: Mapping[str, Change]) -> int:
    """Return the bytes of a delta."""
    return sum(change.nbytes for change in delta.values())


def _bytes(array: NDArray[Any] | None) -> NDArray[np.uint8]:
    if array is None or not array.size:
        return _NOTHING
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


def _change(old: NDArray[Any] | None, new: NDArray[Any]) -> Change | None:
    before, now = _bytes(old if old is not None and old.dtype == new.dtype else None), _bytes(new)
    both = min(len(before), len(now)) // PIECE
    words = [part[: both * PIECE].view(np.uint64).reshape(both, PIECE // 8) for part in (before, now)]
    places = np.flatnonzero((words[0] != words[1]).any(axis=1))
    tail = now[both * PIECE :]
    if old is not None and old.shape == new.shape and not len(places) and np.array_equal(before[both * PIECE :], tail):
        return None
    pieces = now[: both * PIECE].reshape(both, PIECE)[places]
    return Change(new.shape, new.dtype.str, places.astype(np.uint32), pieces, tail.copy())


def _applied(old: NDArray[Any] | None, change: Change) -> NDArray[Any]:
    array = np.empty(change.shape, np.dtype(change.dtype))
    now = _bytes(array)
    same = len(now) - len(change.tail)
    now[:same] = _bytes(old)[:same]
    now[:same].reshape(-1, PIECE)[change.places] = change.pieces
    now[same:] = change.tail
    return array
