"""Rows of a sparse matrix: what is not stored has no entry, so the cost of a row is that of its stored values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import NDArray

from headwater.nn.program import Block

from .vectorize import Encoder
from .vocabulary import NUMBER


@dataclass(frozen=True, slots=True)
class SparseRows(Sequence[dict[str, float]]):
    """Rows in compressed form; as a sequence they are dicts of the values stored, with the names x0, x1 and so on.

    Parameters
    ----------
    ends : ndarray (n + 1,)
        Where each row begins among the entries, and where the last ends; ``indptr`` of SciPy's CSR.
    columns : ndarray (entries,)
        Number of each entry's column, ascending in a row.
    values : ndarray (entries,)
        Value of each entry; a 0 is left out.

    Examples
    --------
    >>> rows = SparseRows(np.array([0, 1, 3]), np.array([7, 0, 2]), np.array([1.5, 2.0, 3.0]))
    >>> rows[1], len(rows)
    ({'x0': 2.0, 'x2': 3.0}, 2)
    """

    ends: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ends) - 1

    @overload
    def __getitem__(self, i: int) -> dict[str, float]: ...

    @overload
    def __getitem__(self, i: slice) -> SparseRows: ...

    def __getitem__(self, i: int | slice) -> dict[str, float] | SparseRows:
        if isinstance(i, slice):
            return self.take(np.arange(len(self))[i])
        at = slice(self.ends[i], self.ends[i + 1 if i >= 0 else len(self) + i + 1])
        names = [f"x{j}" for j in self.columns[at].tolist()]
        return dict(zip(names, self.values[at].tolist(), strict=True))

    def take(self, rows: NDArray[np.int64]) -> SparseRows:
        """Return those rows, in that order."""
        lengths = np.diff(self.ends)[rows]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        at = np.arange(ends[-1]) + np.repeat(self.ends[rows] - ends[:-1], lengths)
        return SparseRows(ends, self.columns[at], self.values[at])


def encode_sparse(encoder: Encoder, X: SparseRows, learn: NDArray[np.bool_]) -> Block:
    """Encode sparse rows as their dicts would be; names of the rows with ``learn`` are added."""
    words = encoder.words
    present, at = np.unique(X.columns, return_inverse=True)
    names = [f"x{j}" for j in present.tolist()]
    known = [words.columns.get(name) for name in names]
    plain = all(column is None or column.kind == NUMBER for column in known)
    if not plain or not words.has_room(known.count(None)):
        return encoder.samples(X, learn.tolist())
    if None in known:
        taught = np.flatnonzero(np.repeat(learn, np.diff(X.ends)) & ~np.isnan(X.values))
        seen, first = np.unique(at[taught], return_index=True)
        for j in seen[np.argsort(first)].tolist():
            known[j] = known[j] or words.column(names[j], NUMBER)
    slots = np.array([-1 if column is None else column.slot for column in known], np.int64)[at]
    x = np.where(slots < 0, np.nan, X.values)
    width = int(np.diff(X.ends).max(initial=0))
    return Block(np.maximum(slots, 0), X.ends, x, False, width)
