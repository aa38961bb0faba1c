"""Data frames, column by column: pandas, Polars, PyArrow and whatever else narwhals knows.

A frame gives the same entries as its rows would as dicts, in the same order, so learning is equal to the bit. Only a
categorical column says more than its values: it is one of categories, even of numbers. What Python must look at, it looks at
once a different value.
"""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.errors import DataError

from .columns import Coded, Times, Unusable, coded_numbers, read
from .values import (
    FLOAT,
    TEXT,
    as_float,
    as_number,
    as_text,
    as_time,
    in_order,
    kind_of,
    missing,
    name_bytes,
    time_parts,
    times_parts,
)
from .vocabulary import BIGRAMS, CATEGORY, KINDS, NUMBER, TIME, WORDS

_NUMBER, _CATEGORY, _TIME = KINDS.index(NUMBER), KINDS.index(CATEGORY), KINDS.index(TIME)
_TEXTS = (KINDS.index(WORDS), KINDS.index(BIGRAMS))
_OWN = 255
"""In place of a column's kind: each of its values has its own."""


def is_frame(X: Any) -> bool:
    """Say whether narwhals knows X as an eager data frame."""
    return isinstance(_frame(X), nw.DataFrame)


def frame_table(learner: Any, X: Any, learn: NDArray[np.bool_]) -> Any:
    """Return a frame as the core reads it: a ``_core.Table``, or a list of dicts where values must be looked at row by row.

    Parameters
    ----------
    learner : _core.Learner
        Whose columns' kinds say how values are read.
    X : data frame
        n rows.
    learn : ndarray (n,)
        Rows that are to be learned: of these values of no usable type are counted.

    Raises
    ------
    DataError
        If two columns have the same name.
    """
    frame = _frame(X)
    series = dict(zip(frame.columns, frame.iter_columns(), strict=True))
    columns: list[tuple[Any, ...]] = []
    unusable = 0
    for name in in_order(series):
        column = read(series[name])
        if column is None:
            return list(frame.iter_rows(named=True))
        if isinstance(column, Unusable):
            unusable += int((learn & column.present).sum())
            continue
        found = learner.column(name_bytes(name))
        columns.append((name_bytes(name), *_column(None if found is None else found[0], column)))
    learner.unusable += unusable
    return _core.Table(len(frame), columns)


def _frame(X: Any) -> Any:
    """Return X as narwhals knows it, or as it is."""
    try:
        return nw.from_native(X, pass_through=True, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            expected="columns of different names", got="some twice", at="X", help="Rename or drop them."
        ) from error


def _column(known: int | None, column: NDArray[np.float64] | Times | Coded) -> tuple[Any, ...]:
    """Return kind, numbers, codes and forms of a column, for the core; ``known``: what kind of column it is already."""
    if isinstance(column, np.ndarray):
        if known in (None, _NUMBER):
            return _NUMBER, np.ascontiguousarray(column, np.float64), None, None
        column = coded_numbers(column)
    if isinstance(column, Times):
        if known in (None, _TIME):
            parts = times_parts(column.local, column.utc)
            parts[column.missing] = np.nan
            return _TIME, parts.reshape(-1), None, None
        column = column.coded()
    numbers = known == _NUMBER or (known is None and any(kind_of(value) == FLOAT for value in column.values))
    forms = [_forms(known, value, categories=column.categories, numbers=numbers) for value in column.values]
    return _OWN, None, np.ascontiguousarray(column.codes, np.int64), forms


def _forms(known: int | None, value: Any, *, categories: bool, numbers: bool) -> tuple[Any, ...]:
    """Return what a value would be as the first of a column, and its text, number and times; None where it has none."""
    if missing(value):
        return _CATEGORY, None, None, None
    kind, when = kind_of(value), None if known in (_NUMBER, _CATEGORY, *_TEXTS) else as_time(value)
    number = None
    if kind == FLOAT and not (categories and known is None):
        number = as_float(value)
    elif kind == TEXT and numbers:
        number = as_number(value)
    own = _NUMBER if kind == FLOAT and number is not None else _CATEGORY if when is None else _TIME
    if categories and known is None and when is None:
        own = _CATEGORY
    text = as_text(value).encode("utf-8", "surrogatepass")
    return own, text, number, None if when is None else time_parts(when)
