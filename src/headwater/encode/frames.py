"""Encode data frames column by column, from pandas, Polars, PyArrow or any library that narwhals supports.

A frame gives the same entries in the same order as its rows given as dicts, so the learned bits are equal. Only a categorical
dtype adds information, since its numbers are categories too. Values that need Python are converted once per distinct value.
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
"""Marks a column whose values each carry a kind of their own."""


def is_frame(X: Any) -> bool:
    """Return whether narwhals supports X as an eager data frame."""
    return isinstance(_frame(X), nw.DataFrame)


def frame_table(learner: Any, X: Any, learn: NDArray[np.bool_]) -> Any:
    """Convert a frame to a ``_core.Table``, or to a list of dicts if some column must be read row by row.

    Parameters
    ----------
    learner : _core.Learner
        The learner, whose column kinds decide how values are read.
    X : data frame
        n rows.
    learn : ndarray (n,)
        Rows to learn. Unusable values are counted in these rows only.

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
    """Wrap X with narwhals, or return it unchanged if it is no frame."""
    try:
        return nw.from_native(X, pass_through=True, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            expected="columns of different names", got="some twice", at="X", help="Rename or drop them."
        ) from error


def _column(known: int | None, column: NDArray[np.float64] | Times | Coded) -> tuple[Any, ...]:
    """Return kind, numbers, codes and encoded values of a column, whose kind in the learner is ``known``."""
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
    """Return the kind of column that a value would begin, with its text, number and time parts, or None for each."""
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
