"""Encode data frames column by column, from pandas, Polars, PyArrow or any library that narwhals supports.

A frame gives the same entries in the same order as its rows given as dicts, so the learned bits are equal. Only a categorical
dtype adds information, since its numbers are categories too. Values that need Python are converted once per distinct value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from operator import itemgetter
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

import headwater._core as _core
from headwater.streams.readers.dtypes.cells import first_cell, next_cell
from headwater.streams.readers.frame_rows import as_frame

from .columns import Coded, Times, Unusable, coded_numbers, read
from .rows import TableRows
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
    frame = as_frame(X)
    read_columns = {}
    for name, series in zip(frame.columns, frame.iter_columns(), strict=True):
        column = read(series)
        if column is None or _is_formatted(learner, name, column):
            return list(frame.iter_rows(named=True))
        read_columns[name] = column
    return _table(learner, read_columns, len(frame), learn)


def _is_formatted(learner: Any, name: str, column: Any) -> bool:
    """Return whether the texts of a column are read in a format of its own, row by row."""
    return isinstance(column, Coded) and name_bytes(name) in getattr(learner.reader, "columns", ())


class Columns(TableRows):
    """Rows whose columns are read already. Parts of them are views, and as a sequence they are dicts.

    Parameters
    ----------
    columns : dict
        Numbers or `Coded` by name, n each.
    n : int
        Number of rows.
    rows : callable
        Returns the rows from one place to another as dicts.
    """

    def __init__(self, columns: dict[str, Any], n: int, rows: Callable[[int, int], list[dict[str, Any]]]) -> None:
        self.columns, self._n, self._rows = columns, n, rows

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows(0, self._n))

    @overload
    def __getitem__(self, i: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, i: slice) -> Columns: ...

    def __getitem__(self, i: int | slice) -> dict[str, Any] | Columns:
        if not isinstance(i, slice):
            place = range(self._n)[i]
            return self._rows(place, place + 1)[0]
        start, stop, _ = slice(i.start, i.stop).indices(self._n)
        own = {
            name: Coded(column.codes[start:stop], column.values) if isinstance(column, Coded) else column[start:stop]
            for name, column in self.columns.items()
        }
        return Columns(own, max(stop - start, 0), lambda first, last: self._rows(start + first, start + last))

    def table(self, learner: Any, learn: NDArray[np.bool_]) -> Any:
        """Return a ``_core.Table``, or a list of dicts if some column must be read row by row."""
        if any(_is_formatted(learner, name, column) for name, column in self.columns.items()):
            return list(self)
        return _table(learner, self.columns, self._n, learn)


def _table(learner: Any, read_columns: dict[str, Any], n: int, learn: NDArray[np.bool_]) -> Any:
    """Return the table of columns that were read."""
    rows = _Rows(read_columns, learn)
    columns: list[tuple[Any, ...]] = []
    for name in in_order(read_columns):
        column = read_columns[name]
        if isinstance(column, Unusable):
            learner.unusable += int((learn & column.present).sum())
            continue
        found = learner.column(name_bytes(name))
        columns.append((name_bytes(name), *_column(None if found is None else found[0], column, rows)))
    return _core.Table(n, columns)


class _Rows:
    """Rows of a frame, and which of them hold texts alone."""

    def __init__(self, columns: dict[str, Any], learn: NDArray[np.bool_]) -> None:
        self._columns, self.learn = columns, learn

    @cached_property
    def of_texts(self) -> NDArray[np.bool_]:
        """Whether each row holds texts alone, as a row of ``csv.DictReader`` does (n,)."""
        typed: NDArray[np.bool_] = np.zeros(len(self.learn), bool)
        for column in self._columns.values():
            typed |= _typed(column)
        return ~typed


def _typed(column: Any) -> NDArray[np.bool_]:
    """Return the rows in which a column has a value that is no text (n,)."""
    if isinstance(column, np.ndarray):
        return ~np.isnan(column)
    if isinstance(column, Times):
        return ~column.missing
    if isinstance(column, Unusable):
        return column.present
    kinds = np.array([not missing(value) and type(value) is not str for value in column.values] + [False], bool)
    typed: NDArray[np.bool_] = kinds[column.places()]
    return typed


def _column(known: int | None, column: NDArray[np.float64] | Times | Coded, rows: _Rows) -> tuple[Any, ...]:
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
    forms = [_forms(known, value, categories=column.categories) for value in column.values]
    if column.categories or not any(type(value) is str for value in column.values):
        return _OWN, None, np.ascontiguousarray(column.codes, np.int64), forms
    return _OWN, None, *_with_cells(known, column, forms, rows)


def _with_cells(
    known: int | None, column: Coded, forms: list[Any], rows: _Rows
) -> tuple[NDArray[np.int64], list[tuple[Any, ...]]]:
    """Return codes and forms in which the texts of rows of texts alone are read as cells of a file."""
    numbers, begin = (known == _NUMBER, 0) if known is not None else _beginning(column, rows)
    cells = [
        _cell(value, form, numbers=numbers) if type(value) is str else form
        for value, form in zip(column.values, forms, strict=True)
    ]
    early = [type(value) is str and first_cell(value, True) is None for value in column.values] if begin else [False]
    if cells == forms and not any(early):
        return np.ascontiguousarray(column.codes, np.int64), forms
    places, k = column.places(), len(forms)
    codes = np.where((places < k) & rows.of_texts, places + k, np.where(places < k, places, -1))
    if any(early):  # a gap doesn't begin a column, though later it may be one of its texts
        codes[:begin][np.array([*early, False])[places[:begin]] & rows.of_texts[:begin]] = -1
    return codes, forms + cells


def _beginning(column: Coded, rows: _Rows) -> tuple[bool, int]:
    """Return whether a new column begins with a number, or a text that reads as one, and the row in which it begins."""
    firsts = zip(column.firsts(rows.learn), column.values, strict=True)
    for row, value in sorted([pair for pair in firsts if pair[0] >= 0], key=itemgetter(0)):
        if type(value) is not str:
            return kind_of(value) == FLOAT, row
        found = first_cell(value, bool(rows.of_texts[row]))
        if found is not None:
            return isinstance(found, float), row
    return False, len(rows.learn)


def _cell(value: str, form: tuple[Any, ...], *, numbers: bool) -> tuple[Any, ...]:
    """Return the form of a text in a row of texts alone, in a column of ``numbers`` or of another kind."""
    if form[3] is not None or (numbers and form[2] is not None):
        return _NUMBER if numbers else form[0], *form[1:]
    found = next_cell(value, numbers)
    if found is None:
        return _CATEGORY, None, None, None
    if isinstance(found, float):
        return _NUMBER, form[1], found, None
    return _CATEGORY, found.encode("utf-8", "surrogatepass"), None, None


def _forms(known: int | None, value: Any, *, categories: bool) -> tuple[Any, ...]:
    """Return the kind of column that a value would begin, with its text, number and time parts, or None for each."""
    if missing(value):
        return _CATEGORY, None, None, None
    kind, when = kind_of(value), None if known in (_NUMBER, _CATEGORY, *_TEXTS) else as_time(value)
    number = None
    if kind == FLOAT and not (categories and known is None):
        number = as_float(value)
    elif kind == TEXT and known in (None, _NUMBER) and not (categories and known is None):
        number = as_number(value)  # for a column that began with a number, maybe in a row before
        if known is None and isinstance(first_cell(value, False), float):
            kind = FLOAT
    own = _NUMBER if kind == FLOAT and number is not None else _CATEGORY if when is None else _TIME
    if categories and known is None and when is None:
        own = _CATEGORY
    text = as_text(value).encode("utf-8", "surrogatepass")
    return own, text, number, None if when is None else time_parts(when)
