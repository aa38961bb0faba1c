"""Samples, arrays and frames as blocks of entries (slot, value), the form in which the machine reads them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.nn.program import Block

from .values import (
    FLOAT,
    MANY,
    MAPPING,
    MISSING,
    TEXT,
    UNUSABLE,
    as_float,
    as_number,
    as_text,
    as_time,
    kind_of,
    time_parts,
)
from .vocabulary import CATEGORY, NUMBER, TIME, Column, Vocabulary

DEPTH = 8
"""Lists and mappings inside each other are followed this far: what lies deeper is not a sample but an accident."""


REMEMBERED = 1000
"""Sets of names whose order is remembered; texts as bags of words bring a new one with each sample."""


def in_order(names: Iterable[Any]) -> list[Any]:
    """Return names by length, then by letter: the order of a sample's entries, however they came.

    Sums of floats depend on their order. The columns of an array, x0, x1, …, x10, are in this order as they stand.

    Examples
    --------
    >>> in_order(["x10", "x2", "b", 7])
    [7, 'b', 'x2', 'x10']
    """
    names = list(names)
    try:
        return sorted(sorted(names), key=len)  # texts only, at the speed of C
    except TypeError:
        return sorted(names, key=lambda name: (len(f"{name}"), f"{name}"))


class Encoder:
    """Turns samples into entries, adding names to the vocabulary only when told to.

    Rules for what comes in: a number scales its column's row (True and False are 1 and 0). A text picks its category's
    row; in a column that began with numbers, a text that reads as a number is that number, and any other is a category
    of that column; in a column that began with texts, a number is the category of its text. A date-time, or an ISO 8601
    text in a column that began with one, becomes seven numbers. A list becomes numbered columns, a list in it columns
    with two numbers; an array numbered columns, whatever its shape; a mapping columns with dotted names. None and NaN
    are missing and give no entry. Anything else gives none and is counted.

    Parameters
    ----------
    words : Vocabulary
        Names and their rows.

    Examples
    --------
    >>> encoder = Encoder(Vocabulary(seed=0, max_rows=100))
    >>> block = encoder.samples([{"price": 2.0, "carrier": "AA"}], learn=[True])
    >>> block.slots.tolist(), block.x.tolist()
    ([0, -3], [2.0, 1.0])
    """

    def __init__(self, words: Vocabulary) -> None:
        self.words = words
        self.unusable = 0
        """Values of no usable type met while learning."""
        self._orders: dict[tuple[Any, ...], tuple[Any, ...]] = {}

    # ---- samples ----------------------------------------------------------------------------------------------------

    def samples(self, X: Sequence[Mapping[Any, Any]], learn: Sequence[bool]) -> Block:
        """Encode dicts; names of the rows with ``learn`` are added first-come, unknown names of others give nothing."""
        slots: list[int] = []
        values: list[float] = []
        ends = np.empty(len(X) + 1, np.int64)
        ends[0] = 0
        for i, x in enumerate(X):
            self._mapping(x, learn[i], slots, values, "", 0)
            ends[i + 1] = len(slots)
        width = int(np.diff(ends).max(initial=0))
        try:
            entries = np.array(values, np.float64)
        except OverflowError:  # a whole number beyond float
            entries = np.array([as_float(value) for value in values], np.float64)
        return Block(np.array(slots, np.int64), ends, entries, False, width)

    def _mapping(
        self, x: Mapping[Any, Any], learn: bool, slots: list[int], values: list[float], prefix: str, depth: int
    ) -> None:
        columns = self.words.columns
        names = tuple(x)
        for name in self._orders.get(names) or self._order(names):
            value = x[name]
            full = f"{prefix}{name}" if prefix else name
            column = columns.get(full)
            kind = type(value)
            # the two common cases, without asking further
            if column is not None and column.kind == NUMBER and (kind is float or kind is int):
                slots.append(column.slot)
                values.append(value)
                continue
            row = column.values.get(value) if column is not None and kind is str and column.kind == CATEGORY else None
            if row is None:
                self._value(full, column, value, learn, slots, values, depth)
                continue
            slots.append(-row - 1)
            values.append(1.0)

    def _order(self, names: tuple[Any, ...]) -> tuple[Any, ...]:
        """Put the names of a sample in order, and remember it for the next sample of these names."""
        if len(self._orders) >= REMEMBERED:
            self._orders.clear()
        self._orders[names] = tuple(in_order(names))
        return self._orders[names]

    def _value(
        self,
        name: Any,
        column: Column | None,
        value: Any,
        learn: bool,
        slots: list[int],
        values: list[float],
        depth: int,
    ) -> None:
        """Encode one value of any kind, by the rules of the class."""
        if isinstance(value, np.ndarray) and value.ndim == 0:
            value = value[()]
        kind = kind_of(value)
        if kind == MISSING or (kind == FLOAT and math.isnan(as_float(value))):
            return
        if kind == UNUSABLE or depth > DEPTH:
            self.unusable += learn
            return
        if kind == MAPPING:
            self._mapping(value, learn, slots, values, f"{name}.", depth + 1)
            return
        if kind == MANY:
            parts = {f"[{i}]": part for i, part in enumerate(_parts(value))}
            self._mapping(parts, learn, slots, values, f"{name}", depth + 1)
            return
        if column is None:
            own = kind_of_column(value)
            column = self.words.column(name, own) if learn else self.words.late(name, own)
        if column is not None:
            self._typed(column, kind, value, learn, slots, values)

    def _typed(self, column: Column, kind: int, value: Any, learn: bool, slots: list[int], values: list[float]) -> None:
        """Encode a value of a column whose kind is settled."""
        if column.kind == NUMBER:
            number = as_number(value) if kind == TEXT else as_float(value) if kind == FLOAT else None
            if number is not None:
                _append((column.slot,), (number,), slots, values)
                return
        elif column.kind == TIME:
            when = as_time(value)
            if when is not None:
                _append(column.parts, time_parts(when), slots, values)
                return
        text = as_text(value)
        row = self.words.category(column, text) if learn else self.words.known(column, text)
        if row >= 0:
            slots.append(-row - 1)
            values.append(1.0)

    # ---- arrays -----------------------------------------------------------------------------------------------------

    def array(self, X: NDArray[Any], learn: NDArray[np.bool_]) -> Block:
        """Encode an array (n, d) as its rows would be as dicts; its columns are named x0, x1, and so on."""
        names = [f"x{j}" for j in range(X.shape[1])]
        known = [self.words.columns.get(name) for name in names]
        plain = X.dtype.kind in "fiub" and X.dtype.itemsize <= 8  # a longer float may not fit into one of 64 bits
        numbers = plain and all(column is None or column.kind == NUMBER for column in known)
        if not numbers or (None in known and not self.words.has_room(known.count(None))):
            return self.samples([dict(zip(names, _parts(row), strict=True)) for row in X], learn.tolist())
        for j in _first_seen(X, [j for j, column in enumerate(known) if column is None], learn):
            known[j] = self.words.column(names[j], NUMBER)
        keep = [j for j, column in enumerate(known) if column is not None]
        slots = np.array([column.slot for column in known if column is not None], np.int64)
        x = np.ascontiguousarray(X if len(keep) == len(names) else X[:, keep], np.float64)
        ends = np.arange(len(X) + 1, dtype=np.int64) * len(keep)
        return Block(slots, ends, x.reshape(-1), True, len(keep))


def _append(where: Sequence[int], parts: Sequence[float], slots: list[int], values: list[float]) -> None:
    """Append numbers that are not missing to the slots that exist."""
    for slot, part in zip(where, parts, strict=True):
        if slot >= 0 and not math.isnan(part):
            slots.append(slot)
            values.append(part)


def kind_of_column(value: Any) -> str:
    """Return the kind of a column whose first value this is."""
    if kind_of(value) == FLOAT:
        return NUMBER
    return CATEGORY if as_time(value) is None else TIME


def _first_seen(X: NDArray[Any], columns: list[int], learn: NDArray[np.bool_]) -> list[int]:
    """Return those columns of a numeric array that have a value in a row to be learned, by where their first stands."""
    if not columns or not learn.any():
        return []
    seen = learn[:, None] & ~np.isnan(np.asarray(X[:, columns], np.float64))
    first: list[int] = seen.argmax(0).tolist()
    some: list[bool] = np.asarray(seen.any(0)).tolist()
    return [j for _, j, any_ in sorted(zip(first, columns, some, strict=True)) if any_]


def _parts(value: Any) -> Any:
    """Return the items of a list or an array as Python's own values; date-times stay NumPy's, which know their unit."""
    if not isinstance(value, np.ndarray):
        return value
    return value.ravel() if value.dtype.kind in "mM" else value.ravel().tolist()
