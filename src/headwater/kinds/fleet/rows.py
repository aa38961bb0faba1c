"""Convert rows of any form to a list of mappings that include the key column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np

from headwater.encode.sparse import SparseRows
from headwater.errors import DataError
from headwater.learner.validation import as_samples, check_rows
from headwater.streams.readers.frame_rows import is_frame
from headwater.types import as_mapping

__all__ = ["as_list"]


def as_list(X: Any) -> list[Any]:
    """Return rows as a list of mappings, naming the columns of an array x0, x1, and so on.

    Parameters
    ----------
    X : list of dict, array (n, d) or data frame
        The rows.

    Examples
    --------
    >>> as_list(np.array([[1.0, 2.0]]))
    [{'x0': 1.0, 'x1': 2.0}]
    """
    X = as_samples(X)
    check_rows(X)
    if isinstance(X, SparseRows):
        raise DataError(
            expected="rows of dicts, an array or a data frame",
            got="a sparse matrix",
            at="X",
            help="A fleet needs each row's key, so give rows with names.",
        )
    if isinstance(X, np.ndarray):
        return [as_mapping(row) for row in X]
    if isinstance(X, Sequence):
        return X if type(X) is list else list(X)
    return _frame_rows(X) if is_frame(X) else list(X)


def _frame_rows(X: Any) -> list[dict[str, Any]]:
    """Return the rows of a data frame, converting whole columns because this is faster than row by row."""
    frame = nw.from_native(X, eager_only=True)
    names = frame.columns
    columns = [column.to_list() for column in frame.iter_columns()]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
