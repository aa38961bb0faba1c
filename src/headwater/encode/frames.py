"""Data frames, column by column: pandas, Polars, PyArrow and whatever else narwhals knows.

A frame gives the same entries as its rows would as dicts, in the same order, so learning is equal to the bit; every row
has an entry for every column, and a missing one is NaN, which the machine skips. Only a categorical column says more than
its values: it is one of categories, even of numbers.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError
from headwater.nn.program import Block

from .values import as_number, as_text, as_time, missing, time_parts
from .vectorize import Encoder
from .vocabulary import CATEGORY, NUMBER, PARTS, TIME, Column

Entries = tuple[NDArray[np.int64], NDArray[np.float64]]
Addition = tuple[int, int, Callable[[], object]]
"""A name to append: the row, then the column in which it first appears, and what appends it."""


def is_frame(X: Any) -> bool:
    """Say whether narwhals knows X as an eager data frame."""
    return isinstance(_frame(X), nw.DataFrame)


def encode_frame(encoder: Encoder, X: Any, learn: NDArray[np.bool_]) -> Block:
    """Encode a frame; names of the rows with ``learn`` are added in the order in which dicts would add them.

    Parameters
    ----------
    encoder : Encoder
        Whose vocabulary grows.
    X : data frame
        n rows.
    learn : ndarray (n,)
        Rows whose names may be added.

    Returns
    -------
    Block

    Raises
    ------
    DataError
        If two columns have the same name.
    """
    frame = _frame(X)
    names, series = list(frame.columns), list(frame.iter_columns())
    if any(_other(s.dtype) for s in series):
        return encoder.samples(list(frame.iter_rows(named=True)), learn.tolist())
    values = [_numbers(s) if s.dtype.is_numeric() or s.dtype == nw.Boolean else s.to_list() for s in series]
    new = [item for j, name in enumerate(names) for item in _additions(encoder, name, j, values[j], learn)]
    words = encoder.words
    if words.shared_from or (new and not words.has_room(len(PARTS) * len(new))):  # what is full goes by the row
        return encoder.samples(list(frame.iter_rows(named=True)), learn.tolist())
    for _, _, add in sorted(new, key=lambda item: item[:2]):
        add()
    parts = [_entries(encoder, name, column) for name, column in zip(names, values, strict=True)]
    n, width = len(frame), sum(part[0].shape[1] for part in parts)
    slots = np.hstack([part[0] for part in parts]) if parts else np.zeros((n, 0), np.int64)
    x = np.hstack([part[1] for part in parts]) if parts else np.zeros((n, 0))
    return Block(slots.reshape(-1), np.arange(n + 1, dtype=np.int64) * width, x.reshape(-1), False, width)


def _frame(X: Any) -> Any:
    """Return X as narwhals knows it, or as it is."""
    try:
        return nw.from_native(X, pass_through=True, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            expected="columns of different names", got="some twice", at="X", help="Rename or drop them."
        ) from error


def _other(dtype: Any) -> bool:
    """Say whether a column's values must be looked at one by one."""
    known = (nw.String, nw.Categorical, nw.Enum, nw.Datetime, nw.Date, nw.Boolean)
    return not (dtype.is_numeric() or isinstance(dtype, known) or dtype in known)


def _numbers(series: Any) -> NDArray[np.float64]:
    """Return a numeric or Boolean column as floats, nulls as NaN."""
    return np.asarray(series.cast(nw.Float64).to_numpy(), np.float64)


def _additions(encoder: Encoder, name: Any, j: int, values: Any, learn: NDArray[np.bool_]) -> list[Addition]:
    """List what column j adds to the vocabulary."""
    words, known = encoder.words, encoder.words.columns.get(name)
    if isinstance(values, np.ndarray):
        rows = np.flatnonzero(learn & ~np.isnan(values)).tolist()
        if known is None:
            return [(i, j, partial(words.column, name, NUMBER)) for i in rows[:1]]
        if known.kind == NUMBER:
            return []
        texts = {as_text(values[i]): i for i in reversed(rows)}
        return [(i, j, partial(words.category, known, text)) for text, i in texts.items() if text not in known.values]
    first: dict[Any, int] = {}
    for i in np.flatnonzero(learn).tolist():
        if not missing(values[i]):
            first.setdefault(values[i], i)
    new: list[Addition] = []
    if known is None and first:
        value, row = next(iter(first.items()))
        new.append((row, j, partial(words.column, name, CATEGORY if as_time(value) is None else TIME)))
    return new + [(row, j, partial(_add_category, encoder, name, value)) for value, row in first.items()]


def _add_category(encoder: Encoder, name: Any, value: Any) -> None:
    """Append a category unless its column reads the value as a number or a date-time."""
    column = encoder.words.columns[name]
    if column.kind == NUMBER and _number(value) is not None:
        return
    if column.kind == TIME and as_time(value) is not None:
        return
    encoder.words.category(column, as_text(value))


def _number(value: Any) -> float | None:
    """Return the number that a value is in a column of numbers, or None."""
    if isinstance(value, str):
        return as_number(value)
    return float(value) if isinstance(value, int | float | np.number) else None


def _entries(encoder: Encoder, name: Any, values: Any) -> Entries:
    """Slots and values (n, 1) of a column, (n, 7) of date-times."""
    column = encoder.words.columns.get(name)
    n = len(values)
    if column is None:
        return np.zeros((n, 0), np.int64), np.zeros((n, 0))
    if isinstance(values, np.ndarray) and column.kind == NUMBER:
        return np.full((n, 1), column.slot, np.int64), values[:, None]
    width = len(PARTS) if column.kind == TIME else 1
    slots, x = np.zeros((n, width), np.int64), np.full((n, width), np.nan)
    memory: dict[Any, tuple[Any, Any]] = {}
    for i, value in enumerate(values.tolist() if isinstance(values, np.ndarray) else values):
        if missing(value):
            continue
        # two date-times that are equal may still show different clocks: the hour that comes twice in autumn
        key = (value, value.fold) if isinstance(value, dt.datetime) else value
        if key not in memory:
            memory[key] = _one(encoder, column, value)
        found, entry = memory[key]
        if found is not None:
            slots[i, : len(entry)], x[i, : len(entry)] = found, entry
    return slots, x


def _one(encoder: Encoder, column: Column, value: Any) -> tuple[Any, Any]:
    """Slots and entries of one value of a text or date-time column; None where its name is unknown."""
    if column.kind == NUMBER:
        number = _number(value)
        if number is not None:
            return [column.slot], [number]
    if column.kind == TIME:
        when = as_time(value)
        if when is not None:
            return list(column.parts), list(time_parts(when))
    row = encoder.words.known(column, as_text(value))
    return ([-row - 1], [1.0]) if row >= 0 else (None, None)
