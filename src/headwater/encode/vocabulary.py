"""The vocabulary: which row of the input table belongs to which name, for ever.

Names are only ever appended. A numeric column has one row, which its value scales, and a slot for its running
statistics; a category has a row of its own in its column. Row 0 is the bias. Beyond ``max_rows`` no name is remembered
any more, not of columns either: new ones share a stretch of rows, picked by their hash, so memory stays bounded on an
endless stream of names. A column that came too late has no kind: each of its values is taken for what it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

import numpy as np

from headwater.errors import ConfigError

NUMBER, CATEGORY, TIME = "number", "category", "time"
PARTS = ("elapsed", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "yearday_sin", "yearday_cos")
"""The numeric features of a date-time."""
LEAST_ROWS = 16
"""A table needs room for a few names and the rows that the others share."""


@dataclass(slots=True)
class Column:
    """One named input: its kind is what its first value was.

    Parameters
    ----------
    name : hashable
        As in the samples.
    kind : str
        "number", "category" or "time".
    slot : int
        Place of a number's statistics, of the first of a date-time's seven; −1 for none.
    values : dict
        Row of each category seen.
    parts : tuple of int
        Places of a date-time's seven; −1 where a shared one isn't there yet.
    """

    name: Any
    kind: str
    slot: int = -1
    values: dict[str, int] = field(default_factory=dict)
    parts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.kind == TIME and not self.parts:
            self.parts = tuple(range(self.slot, self.slot + len(PARTS)))


class Vocabulary:
    """Append-only names of columns and categories, each with its row.

    Parameters
    ----------
    seed : int
        Part of the key from which a new row is drawn.
    max_rows : int
        Rows that the table may have.
    hats : int
        Rows more for each numeric column, for its curve through so many knots.

    Raises
    ------
    ConfigError
        If max_rows is too small to hold anything.

    Examples
    --------
    >>> words = Vocabulary(seed=0, max_rows=1000)
    >>> words.category(words.column("carrier", CATEGORY), "AA")
    1
    >>> words.rows, len(words.new)
    (2, 1)
    """

    def __init__(self, *, seed: int, max_rows: int, hats: int = 0) -> None:
        if max_rows < LEAST_ROWS:
            raise ConfigError(
                expected="max_rows of 16 or more", got=repr(max_rows), at="max_rows", help="Give e.g. 200_000."
            )
        self.seed = seed
        self.max_rows = max_rows
        self.shared = min(1024, max_rows // 4)
        self.columns: dict[Any, Column] = {}
        self.rows = 1
        self.hats = hats
        self.slot_rows: list[int] = []
        """For each slot the row that its value scales."""
        self.slot_hats: list[int] = []
        """For each slot the first row of its hats; 0 for none."""
        self.shared_from = 0
        self.shared_slots: dict[int, int] = {}
        self.shared_names = 0
        """How often a name without a row of its own was learned."""
        self.new: list[tuple[int, int]] = []
        """Rows appended since the program last drew them, each with its key."""
        self.version = 0

    def column(self, name: Any, kind: str) -> Column:
        """Append a column of that kind (it must not exist yet); once the table is full, return one that isn't kept."""
        numbers = {NUMBER: (name,), TIME: [f"{name}\x00{part}" for part in PARTS]}.get(kind, ())
        if not self._room(len(numbers) * (1 + self.hats) or 1):
            return self._passing(name, kind, True)
        slot = -1 if kind == CATEGORY else len(self.slot_rows)
        for own in numbers:
            row = self._append(f"{own}")
            hats = [self._append(f"{own}\x03{k}") for k in range(self.hats)]
            self.slot_rows.append(row)
            self.slot_hats.append(hats[0] if hats else 0)
        column = Column(name, kind, slot)
        self.columns[name] = column
        self.version += 1
        return column

    def late(self, name: Any, kind: str) -> Column | None:
        """Return what a column without a name of its own shares with others, or None while the table isn't full."""
        return self._passing(name, kind, False) if self.shared_from else None

    def category(self, column: Column, value: str) -> int:
        """Return the row of that category, appending it if it is new and there is room."""
        row = column.values.get(value)
        if row is None:
            row = self._row(f"{column.name}\x01{value}")
            if row < self.shared_from or not self.shared_from:
                column.values[value] = row
        return row

    def known(self, column: Column, value: str) -> int:
        """Return the row of that category, or −1 if it has none yet."""
        row = column.values.get(value)
        if row is None:
            return self._hashed(f"{column.name}\x01{value}") if self.shared_from else -1
        return row

    def has_room(self, numbers: int, categories: int = 0) -> bool:
        """Say whether that many numbers and categories would each get rows of their own."""
        rows = self.rows + numbers * (1 + self.hats) + categories
        return not self.shared_from and rows <= self.max_rows - self.shared

    def _room(self, count: int) -> bool:
        """Say whether that many rows can be appended; the first time they can't, the rows to share are."""
        if not self.shared_from and self.rows + count > self.max_rows - self.shared:
            self.shared_from = self.rows
            for i in range(self.shared):
                self._append(f"\x02shared {i}")
        return not self.shared_from

    def _row(self, name: str) -> int:
        """Append a row for the name, or share one once the table is full."""
        return self._append(name) if self._room(1) else self._hashed(name)

    def _append(self, name: str) -> int:
        self.new.append((self.rows, self._key(name)))
        self.rows += 1
        return self.rows - 1

    def _hashed(self, name: str) -> int:
        return self.shared_from + self._key(name) % self.shared

    def _passing(self, name: Any, kind: str, learn: bool) -> Column:
        """Return a column that nobody remembers: its numbers use the slots of the rows they share."""
        if kind == NUMBER:
            return Column(name, kind, self._shared_slot(f"{name}", learn))
        if kind == TIME:
            return Column(name, kind, parts=tuple(self._shared_slot(f"{name}\x00{part}", learn) for part in PARTS))
        return Column(name, kind)

    def _shared_slot(self, name: str, learn: bool) -> int:
        """Return the slot of the row that the name shares, or −1 if it has none yet and may get none."""
        row = self._hashed(name)
        if learn and row not in self.shared_slots:
            self.shared_slots[row] = len(self.slot_rows)
            self.slot_rows.append(row)
            self.slot_hats.append(0)
        return self.shared_slots.get(row, -1)

    def _key(self, name: str) -> int:
        """Return a number for (seed, name) that no process, version or order of arrival changes."""
        digest = blake2b(f"{self.seed}\x00{name}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "little")

    def take_new(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return rows and keys appended since the last call, and forget them."""
        rows = np.array([row for row, _ in self.new], np.int64)
        keys = np.array([key for _, key in self.new], np.uint64)
        self.new.clear()
        return rows, keys
