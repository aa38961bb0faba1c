"""One sample the short way: into buffers that stay, with no block, no array and no list of samples made for it."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

import numpy as np

from .encode.values import as_time, time_parts
from .encode.vectorize import in_order
from .encode.vocabulary import CATEGORY, NUMBER, PARTS, TIME, Vocabulary
from .nn.program import Block

_PLAIN = (float, int, bool)


class Event:
    """A block of one sample, into which the next sample of the same names is written.

    The short way takes columns and categories that are known, and gives the entries that ``Encoder.samples`` gives, in the
    same order. Whatever else a sample may hold (a new name or category, a list, a text in a column of numbers) is left to
    the long way: ``write`` then returns False.

    Parameters
    ----------
    words : Vocabulary
        Names and their rows; the buffers follow it as it grows.

    Examples
    --------
    >>> words = Vocabulary(seed=0, max_rows=100)
    >>> words.column("price", NUMBER), words.category(words.column("carrier", CATEGORY), "AA")  # doctest: +ELLIPSIS
    (Column(name='price', ...), 2)
    >>> event = Event(words)
    >>> event.write({"carrier": "AA", "price": 2.0}), event.block.slots.tolist(), event.block.x.tolist()
    (True, [0, -3], [2.0, 1.0])
    >>> event.write({"carrier": "UA", "price": 2.0})
    False
    """

    def __init__(self, words: Vocabulary) -> None:
        self.words = words
        self.block: Block
        self._names: tuple[Any, ...] | None = None
        self._take: Callable[[Any], tuple[Any, ...]] | None = None
        self._numbers = self._full = False
        self._pack: Callable[..., None]
        self._slots: Callable[..., None]
        self._own: list[int] = []

    def write(self, x: Mapping[Any, Any]) -> bool:
        """Write the sample's entries into ``block``; False if it needs the long way."""
        try:
            names = tuple(x)
            if names != self._names and not self._prepare(names):
                return False
            if self._numbers:  # one call puts down all of them
                try:
                    self._pack(self._bytes, 0, *(self._take(x) if self._take else x.values()))
                except (struct.error, TypeError, OverflowError):
                    return self._mixed(x)
                if not self._full:
                    self._slots(self._slot_bytes, 0, *self._own)
                    self._ends[1] = len(names)
                    self._full = True
                return True
            return self._mixed(x)
        except (TypeError, AttributeError):
            return False

    def begins_well(self) -> bool:
        """Say whether the first entry is a finite number, so that there is something to learn from."""
        first: float = self._values[0]
        return first - first == 0

    def _mixed(self, x: Mapping[Any, Any]) -> bool:
        """Write a sample of several kinds, or with gaps; see ``Encoder._mapping``, whose results these are."""
        slots: list[int] = []
        values: list[float] = []
        for name, column in self._plan:
            value = x[name]
            kind = type(value)
            if value is None:
                continue
            if column.kind == CATEGORY:
                row = column.values.get(value) if kind is str else None
                if row is None:
                    return False
                slots.append(-row - 1)
                values.append(1.0)
            elif column.kind == NUMBER:
                if kind not in _PLAIN:
                    return False
                slots.append(column.slot)
                values.append(value)
            else:
                when = as_time(value)
                if when is None:
                    return False
                slots += column.parts
                values += time_parts(when)
        if not slots:
            return False
        try:
            struct.pack_into(f"{len(values)}d", self._bytes, 0, *values)
        except (struct.error, OverflowError):  # a whole number beyond float
            return False
        struct.pack_into(f"{len(slots)}q", self._slot_bytes, 0, *slots)
        self._ends[1] = len(slots)
        self._full = False
        return True

    def _prepare(self, names: tuple[Any, ...]) -> bool:
        """Make buffers for samples of these names, if all are known columns."""
        self._names, self._take = None, None
        order = in_order(names)
        columns = [column for name in order if (column := self.words.columns.get(name)) is not None]
        if not names or len(columns) < len(names):
            return False
        width = sum(len(PARTS) if column.kind == TIME else 1 for column in columns)
        x, slots, ends = np.zeros(width), np.zeros(width, np.int64), np.array([0, width], np.int64)
        self.block = Block(slots, ends, x, False, width)
        self._values, self._ends = x.data, ends.data
        self._bytes, self._slot_bytes = self._values.cast("B"), slots.data.cast("B")
        self._plan = list(zip(order, columns, strict=True))
        self._numbers = all(column.kind == NUMBER for column in columns)
        self._full = False
        self._own = [column.slot for column in columns]
        self._pack, self._slots = struct.Struct(f"{width}d").pack_into, struct.Struct(f"{width}q").pack_into
        self._names = names
        if order != list(names):
            self._take = itemgetter(*order)
        return True
