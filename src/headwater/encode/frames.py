"""Data frames, column by column: pandas, Polars, PyArrow and whatever else narwhals knows.

A frame gives the same entries as its rows would as dicts, in the same order, so learning is equal to the bit; every row
has an entry for every column, and a missing one is NaN, which the machine skips. Only a categorical column says more
than its values: it is one of categories, even of numbers. What Python must look up, it looks up once a different value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from headwater.errors import DataError
from headwater.nn.program import Block

from .columns import Coded, Read, Times, Unusable, coded_numbers, read
from .values import FLOAT, as_float, as_number, as_text, as_time, kind_of, missing, time_parts, times_parts
from .vectorize import Encoder, in_order, kind_of_column
from .vocabulary import CATEGORY, NUMBER, PARTS, TIME, Column, Vocabulary

STRIP = 2048
"""Rows that are written at once: their entries stay in the processor's cache while the columns are filled in."""
New = tuple[int, int, Callable[[], object]]
"""A name to append: the row, then the column in which it first appears, and what appends it."""


@dataclass(slots=True)
class Entries:
    """Slots and values of a column's entries, w of them a row.

    Parameters
    ----------
    slots : ndarray (w,), or (k + 1, w) with codes
        Slot of each entry; of one dimension where all rows have the same.
    x : ndarray (w,), (n, w), or (k + 1, w) with codes
        Value of each entry.
    codes : ndarray (n,), optional
        Which row of the two belongs to which row of the frame; the last is the one of a missing value.
    """

    slots: NDArray[np.int64]
    x: NDArray[np.float64]
    codes: NDArray[Any] | None = None


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
    frame, words = _frame(X), encoder.words
    series = dict(zip(frame.columns, frame.iter_columns(), strict=True))
    names = in_order(series)
    columns: list[Read] = []
    for name in names:
        column = read(series[name])
        if column is None:
            return encoder.samples(list(frame.iter_rows(named=True)), learn.tolist())
        columns.append(_as_known(words.columns.get(name), column))
    new = [item for j, name in enumerate(names) for item in _new_names(words, name, columns[j], learn, j)]
    if not words.has_room(len(PARTS) * len(names), len(new)):  # what is full, or may become so, goes by the row
        return encoder.samples(list(frame.iter_rows(named=True)), learn.tolist())
    for _, _, add in sorted(new, key=lambda item: item[:2]):
        add()
    encoder.unusable += sum(int((learn & c.present).sum()) for c in columns if isinstance(c, Unusable))
    parts = [_entries(words, name, column) for name, column in zip(names, columns, strict=True)]
    return _block([part for part in parts if part is not None], len(frame))


def _frame(X: Any) -> Any:
    """Return X as narwhals knows it, or as it is."""
    try:
        return nw.from_native(X, pass_through=True, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            expected="columns of different names", got="some twice", at="X", help="Rename or drop them."
        ) from error


def _as_known(known: Column | None, column: Read) -> Read:
    """Bring a column whose type isn't that of its first value, long ago, into a form that is looked up by value."""
    if isinstance(column, np.ndarray) and known is not None and known.kind != NUMBER:
        return coded_numbers(column)
    if isinstance(column, Times) and known is not None and known.kind != TIME:
        return column.coded()
    return column


# ---- names ----------------------------------------------------------------------------------------------------------


def _new_names(words: Vocabulary, name: Any, column: Read, learn: NDArray[np.bool_], j: int) -> list[New]:
    """List what column j adds to the vocabulary."""
    if isinstance(column, Coded):
        return _new_values(words, name, column, learn, j)
    if isinstance(column, Unusable) or name in words.columns:
        return []
    seen = learn & ~(column.missing if isinstance(column, Times) else np.isnan(column))
    kind = TIME if isinstance(column, Times) else NUMBER
    return [(int(seen.argmax()), j, partial(words.column, name, kind))] if seen.any() else []


def _new_values(words: Vocabulary, name: Any, column: Coded, learn: NDArray[np.bool_], j: int) -> list[New]:
    """List the column itself if it is new, and its new categories."""
    known = words.columns.get(name)
    if known is not None and known.kind == CATEGORY and None not in map(known.values.get, column.values):
        return []
    firsts = zip(column.firsts(learn), column.values, strict=True)
    seen = [(row, value) for row, value in firsts if row >= 0 and not missing(value)]
    new: list[New] = []
    if known is None and seen:
        row, value = min(seen, key=itemgetter(0))
        kind = CATEGORY if column.categories and as_time(value) is None else kind_of_column(value)
        known = Column(name, kind)  # stands for the one that is appended
        new.append((row, j, partial(words.column, name, kind)))
    for row, value in seen:
        if known is not None and _is_category(known, value) and as_text(value) not in known.values:
            new.append((row, j, partial(_add_category, words, name, as_text(value))))
    return new


def _add_category(words: Vocabulary, name: Any, text: str) -> None:
    words.category(words.columns[name], text)


def _is_category(column: Column, value: Any) -> bool:
    """Say whether a value of that column is read as a category."""
    if column.kind == NUMBER:
        return _number(value) is None
    return column.kind == CATEGORY or as_time(value) is None


def _number(value: Any) -> float | None:
    """Return the number that a value is in a column of numbers, or None."""
    if isinstance(value, str):
        return as_number(value)
    return as_float(value) if kind_of(value) == FLOAT else None


# ---- entries --------------------------------------------------------------------------------------------------------


def _entries(words: Vocabulary, name: Any, column: Read) -> Entries | None:
    """Entries of a column; None where it has none."""
    known = words.columns.get(name)
    if known is None or isinstance(column, Unusable):
        return None
    if isinstance(column, np.ndarray):
        return Entries(np.array([known.slot]), column[:, None])
    if isinstance(column, Times):
        x = times_parts(column.local, column.utc)
        x[column.missing] = np.nan
        return Entries(np.array(known.parts), x)
    if known.kind == CATEGORY:
        return _categories(words, known, column)
    k, width = len(column.values), len(PARTS) if known.kind == TIME else 1
    slots, x = np.zeros((k + 1, width), np.int64), np.full((k + 1, width), np.nan)
    for i, value in enumerate(column.values):
        found, entry = _one(words, known, value)
        slots[i, : len(found)], x[i, : len(found)] = found, entry
    return Entries(slots, x, column.codes)


def _categories(words: Vocabulary, known: Column, column: Coded) -> Entries:
    """Entries of a column of categories: the row of each, with the value 1."""
    rows = list(map(known.values.get, column.values))
    found = [_row(words, known, value) if row is None else row for row, value in zip(rows, column.values, strict=True)]
    slots = -1 - np.array([*found, -1], np.int64)
    codes = column.codes
    if slots[:-1].all() and (len(codes) == 0 or (codes.min() >= 0 and codes.max() < len(found))):
        return Entries(slots[:, None], np.ones(1), codes)
    return Entries(slots[:, None], np.where(slots < 0, 1.0, np.nan)[:, None], codes)


def _row(words: Vocabulary, column: Column, value: Any) -> int:
    """Return the row of a category; −1 if it has none."""
    return -1 if missing(value) else words.known(column, as_text(value))


def _one(words: Vocabulary, column: Column, value: Any) -> tuple[list[int], list[float]]:
    """Return slots and entries of one value in a column of numbers or date-times; none where its name is unknown."""
    if column.kind == NUMBER and (number := _number(value)) is not None:
        return [column.slot], [number]
    if column.kind == TIME and (when := as_time(value)) is not None:
        return list(column.parts), list(time_parts(when))
    row = _row(words, column, value)
    return ([-row - 1], [1.0]) if row >= 0 else ([], [])


def _block(parts: list[Entries], n: int) -> Block:
    """Put the columns' entries side by side."""
    width = sum(part.x.shape[-1] for part in parts)
    slots, x = np.empty((n, width), np.int64), np.empty((n, width))
    _fill(slots, [(part.slots, part.codes) for part in parts])
    _fill(x, [(part.x, part.codes) for part in parts])
    return Block(slots.reshape(-1), np.arange(n + 1, dtype=np.int64) * width, x.reshape(-1), False, width)


def _fill(out: NDArray[Any], columns: list[tuple[NDArray[Any], NDArray[Any] | None]]) -> None:
    """Fill out (n, width) with columns that are the same in all rows (w,), or differ by row (n, w) or code (k + 1, w)."""
    same: list[Any] = []
    varying: list[tuple[slice, NDArray[Any], NDArray[Any] | None]] = []
    for table, codes in columns:
        at = slice(len(same), len(same) + table.shape[-1])
        same += table.tolist() if table.ndim == 1 else [0] * table.shape[-1]
        if table.ndim == 2:
            varying.append((at, table, codes))
    for first in range(0, len(out), STRIP):
        rows = slice(first, first + STRIP)
        strip = out[rows]
        strip[:] = same
        for at, table, codes in varying:
            strip[:, at] = table[rows] if codes is None else table.take(codes[rows], 0)
