"""Convert rows of any shape to a list of dicts or a table for the core."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.streams.readers.frame_rows import as_frame, is_frame
from headwater.types import Lazy

from .values import items_of
from .vocabulary import KINDS, NUMBER

_FRAME_TABLE = Lazy("headwater.encode.frames:frame_table")


class TableRows(Sequence[dict[str, Any]]):
    """Rows in a form that makes the core's table itself. As a sequence they are dicts."""

    @abstractmethod
    def table(self, learner: Any, learn: NDArray[np.bool_]) -> Any:
        """Return a ``_core.Table``, or a list of dicts if some column must be read row by row."""


def as_rows(learner: Any, X: Any, learn: NDArray[np.bool_]) -> Any:
    """Convert rows to a list of dicts or a ``_core.Table``, with the same entries in the same order either way.

    Parameters
    ----------
    learner : _core.Learner
        The learner, whose column kinds decide how values are read.
    X : list of dict, array (n, d), TableRows or data frame
        The rows.
    learn : ndarray (n,)
        Rows to learn. Unusable values are counted in these rows only.
    """
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return _array_table(learner, X)
    if isinstance(X, TableRows):
        return X.table(learner, learn)
    if isinstance(X, Sequence):
        return X if type(X) is list else list(X)
    return _FRAME_TABLE(learner, X, learn)


def _array_table(learner: Any, X: NDArray[Any]) -> Any:
    """Convert an array (n, d) to a table with the columns x0, x1 and so on, or to dicts if a table would differ."""
    names = [b"x%d" % j for j in range(X.shape[1])]
    plain = X.dtype.kind in "fiub" and X.dtype.itemsize <= 8  # a longer float may overflow float64
    if plain:
        known = [learner.column(name) for name in names]
        plain = all(found is None or KINDS[found[0]] == NUMBER for found in known)
    if not plain:
        texts = [name.decode() for name in names]
        return [dict(zip(texts, items_of(row), strict=True)) for row in X]
    x = np.ascontiguousarray(X, np.float64)
    kind = KINDS.index(NUMBER)
    return _core.Table(len(x), [(name, kind, x[:, j], None, None) for j, name in enumerate(names)])


def as_dicts(X: Any) -> list[Mapping[Any, Any]]:
    """Convert rows to dicts, for learners without batches. The columns of an array are named x0, x1 and so on.

    Parameters
    ----------
    X : list of dict, array (n, d) or data frame
        Rows.

    Examples
    --------
    >>> as_dicts(np.array([[1.0, 2.0]]))
    [{'x0': 1.0, 'x1': 2.0}]
    """
    if type(X) is list:
        return X
    if isinstance(X, np.ndarray):
        names = [f"x{j}" for j in range(X.shape[1])]
        return [dict(zip(names, row, strict=True)) for row in X.tolist()]
    if is_frame(X):
        return list(as_frame(X).iter_rows(named=True))
    return list(X)
