"""Encode rows of a sparse matrix at a cost proportional to their stored values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core

from .rows import TableRows
from .vocabulary import KINDS, NUMBER


@dataclass(frozen=True, slots=True)
class SparseRows(TableRows):
    """Sparse rows in compressed form (CSR). As a sequence they are dicts of the stored values, named x0, x1 and so on.

    Parameters
    ----------
    ends : ndarray (n + 1,)
        Offsets of the rows among the entries, as SciPy's ``indptr``.
    columns : ndarray (entries,)
        Column index of each entry, ascending within a row.
    values : ndarray (entries,)
        Value of each entry, never 0.

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
        """Return the given rows in the given order."""
        lengths = np.diff(self.ends)[rows]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        at = np.arange(ends[-1]) + np.repeat(self.ends[rows] - ends[:-1], lengths)
        return SparseRows(ends, self.columns[at], self.values[at])

    def table(self, learner: Any, learn: NDArray[np.bool_]) -> Any:
        """Return a ``_core.Table``, or dicts if a known column isn't numeric."""
        present, at = np.unique(self.columns, return_inverse=True)
        names = [b"x%d" % j for j in present.tolist()]
        known = [learner.column(name) for name in names]
        if any(found is not None and KINDS[found[0]] != NUMBER for found in known):
            return list(self)
        entries = np.ascontiguousarray(at.reshape(-1), np.int64), np.ascontiguousarray(self.values, np.float64)
        return _core.Table(len(self), names, np.ascontiguousarray(self.ends, np.int64), *entries)


def sparse_rows(matrix: Any) -> SparseRows:
    """Convert a SciPy sparse matrix to rows, without explicit zeros."""
    rows = matrix.tocsr(copy=True)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    return SparseRows(rows.indptr.astype(np.int64), rows.indices.astype(np.int64), rows.data)
