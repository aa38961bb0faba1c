"""Data frames, column by column: pandas, Polars, PyArrow and whatever else narwhals knows.

A frame gives the same entries as its rows would as dicts, in the same order, so learning is equal to the bit; every row has
an entry for every column, and a missing one is NaN, which the machine skips.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from ..nn.program import Block
from .values import as_number, as_text, as_time, time_parts
from .vectorize import Encoder
from .vocabulary import CATEGORY, NUMBER, PARTS, TIME, Column

Entries = tuple[NDArray[np.int64], NDArray[np.float64]]


def is_frame(X: Any) -> bool:
    """Say whether narwhals knows X as an eager data frame."""
    return isinstance(nw.from_native(X, pass_through=True, eager_only=True), nw.DataFrame)


def encode_frame(encoder: Encoder, X: Any, learn: NDArray[np.bool_]) -> Block:
    """Encode a frame; names of the rows with ``learn`` are added in the order in which its rows as dicts would add them.

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
    """
    frame = nw.from_native(X, eager_only=True)
    series = [frame[name] for name in frame.columns]
    if any(_other(s.dtype) for s in series):
        return encoder.samples(list(frame.iter_rows(named=True)), learn.tolist())
    values = [_numbers(s) if s.dtype.is_numeric() or s.dtype == nw.Boolean else s.to_list() for s in series]
    _add_names(encoder, frame.columns, values, learn)
    parts = [_entries(encoder, name, column) for name, column in zip(frame.columns, values, strict=True)]
    n, width = len(frame), sum(part[0].shape[1] for part in parts)
    slots = np.hstack([part[0] for part in parts]) if parts else np.zeros((n, 0), np.int64)
    x = np.hstack([part[1] for part in parts]) if parts else np.zeros((n, 0))
    return Block(slots.reshape(-1), np.arange(n + 1, dtype=np.int64) * width, x.reshape(-1), False, width)


def _other(dtype: Any) -> bool:
    """Whether a column's values must be looked at one by one."""
    known = (nw.String, nw.Categorical, nw.Enum, nw.Datetime, nw.Date, nw.Boolean)
    return not (dtype.is_numeric() or isinstance(dtype, known) or dtype in known)


def _numbers(series: Any) -> NDArray[np.float64]:
    """A numeric or Boolean column as floats, nulls as NaN."""
    return np.asarray(series.cast(nw.Float64).to_numpy(), np.float64)


def _missing(value: Any) -> bool:
    return value is None or value != value or type(value).__name__ in ("NAType", "NaTType")


def _add_names(encoder: Encoder, names: list[str], values: list[Any], learn: NDArray[np.bool_]) -> None:
    """Append new columns and categories by the row, then the column, in which they first appear."""
    new: list[tuple[int, int, Callable[[], Any]]] = []
    words = encoder.words
    for j, (name, column) in enumerate(zip(names, values, strict=True)):
        known = words.columns.get(name)
        if isinstance(column, np.ndarray):
            seen = np.flatnonzero(learn & ~np.isnan(column))
            if known is None and len(seen):
                new.append((int(seen[0]), j, lambda name=name: words.column(name, NUMBER)))  # type: ignore[misc]
            elif known is not None and known.kind != NUMBER:
                texts = {as_text(column[i]): i for i in seen[::-1].tolist()}
                new += [(i, j, lambda k=known, t=t: words.category(k, t)) for t, i in texts.items() if t not in known.values]  # type: ignore[misc]
            continue
        first: dict[Any, int] = {}
        for i in np.flatnonzero(learn).tolist():
            if not _missing(column[i]):
                first.setdefault(column[i], i)
        if known is None and first:
            value, row = next(iter(first.items()))
            kind = TIME if as_time(value) is not None else CATEGORY
            new.append((row, j, lambda name=name, kind=kind: words.column(name, kind)))  # type: ignore[misc]
        for value, row in first.items():
            new.append((row, j, lambda name=name, value=value: _add_category(encoder, name, value)))  # type: ignore[misc]
    for _, _, add in sorted(new, key=lambda item: item[:2]):
        add()


def _add_category(encoder: Encoder, name: str, value: Any) -> None:
    """Append a category unless its column reads the value as a number or a date-time."""
    column = encoder.words.columns[name]
    if column.kind == NUMBER and isinstance(value, str) and as_number(value) is not None:
        return
    if column.kind == TIME and as_time(value) is not None:
        return
    encoder.words.category(column, as_text(value))


def _entries(encoder: Encoder, name: str, values: Any) -> Entries:
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
        if _missing(value):
            continue
        if value not in memory:
            memory[value] = _one(encoder, column, value)
        found, entry = memory[value]
        if found is not None:
            slots[i, : len(entry)], x[i, : len(entry)] = found, entry
    return slots, x


def _one(encoder: Encoder, column: Column, value: Any) -> tuple[Any, Any]:
    """Slots and entries of one value of a text or date-time column; None where its name is unknown."""
    if column.kind == NUMBER and isinstance(value, str):
        number = as_number(value)
        if number is not None:
            return [column.slot], [number]
    if column.kind == TIME:
        when = as_time(value)
        if when is not None:
            return [column.slot + k for k in range(len(PARTS))], list(time_parts(when))
    row = encoder.words.known(column, as_text(value))
    return ([-row - 1], [1.0]) if row >= 0 else (None, None)
