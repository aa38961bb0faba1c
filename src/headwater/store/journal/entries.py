"""The journal of accepted examples, in order and with a CRC each, and its rules for damage.

An entry holds the events of one request. Its key ``seq`` is the number of its last event, so entries tile the sequence
without gaps. Entry i begins right after entry i − 1. The rules for damage:

- Damaged entries at the end, with no sound entry after them, are the tail. They are set aside (table ``damaged``) and counted,
  and the journal opens up to the last sound entry.
- A damaged or missing entry before a sound one is an error that names its sequence. Nothing is skipped silently.
"""

from __future__ import annotations

import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import msgspec

from headwater.errors import StoreError

from .database import DAMAGED, Transaction, meaning
from .events import JournalEvent, unpack_events
from .seal import ends

_PAGE = 256  # entries read at once


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry, with the number of its last event, its model, its time (ms since 1970) and its events."""

    seq: int
    model: int
    t: int
    events: list[JournalEvent]

    def numbered(self) -> Iterator[tuple[int, JournalEvent]]:
        """Return the events with their numbers."""
        return enumerate(self.events, self.seq - len(self.events) + 1)


class Journal:
    """The table ``journal`` of an open store.

    Parameters
    ----------
    base : sqlite3.Connection
        The open file.
    at : str
        Path of the file, for errors.
    """

    def __init__(self, base: sqlite3.Connection, at: str) -> None:
        self._base, self._at = base, at
        self.seq = 0
        """Number of the last event."""
        self.t = 0
        """Time of the last event."""

    def find_end(self) -> None:
        """Find the last event."""
        row = self._base.execute("SELECT t FROM journal ORDER BY seq DESC LIMIT 1").fetchone()
        # Numbers of a set-aside tail, and numbers up to a snapshot, are never reused.
        self.seq = ends(self._base)[0]
        self.t = row[0] if row else 0

    def append(self, model: int, body: bytes, n: int, t: int) -> int:
        """Append an entry inside the caller's transaction and return the number of its first event.

        Parameters
        ----------
        model : int
            Id of the model.
        body : bytes
            The events, packed by ``pack``.
        n : int
            Number of events.
        t : int
            Time in ms since 1970.

        Returns
        -------
        int
            Number of the first event.
        """
        first = self.seq + 1
        seq = self.seq + n
        row = (seq, n, model, t, body, crc(seq, n, model, t, body))
        self._base.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?)", row)
        self.seq, self.t = seq, t
        return first

    def read(self, behind: int = 0, until: int | None = None) -> Iterator[Entry]:
        """Yield the entries with events after sequence ``behind``, up to ``until``.

        Raises
        ------
        StoreError
            At a damaged or missing entry, naming its sequence.
        """
        end, aside, begun = behind, self._set_aside(), False
        for row in self._rows(behind, until):
            entry = _sound(row)
            if entry is None:
                raise self._damage(row[0], "one that fails its CRC")
            begin = entry.seq - len(entry.events)
            while begin != end and end in aside:
                end = aside[end]
            if begin != end and (begun or begin > end):
                raise self._damage(end + 1, "none")
            end, begun = entry.seq, True
            yield _trimmed(entry, behind, until)

    def read_where(self, may_hold: Callable[[int, int, bytes], bool], behind: int = 0) -> Iterator[Entry]:
        """Yield the entries after a sequence whose bytes may hold what is looked for, without decoding the others.

        Parameters
        ----------
        may_hold
            Returns whether an entry (number of its first and its last event, body) may hold it.
        behind
            The sequence.

        Raises
        ------
        StoreError
            At a damaged entry among them.
        """
        for row in self._rows(behind, None):
            seq, n, _, _, body, _ = row
            if isinstance(body, bytes) and may_hold(seq - n + 1, seq, body):
                entry = _sound(row)
                if entry is None:
                    raise self._damage(seq, "one that fails its CRC")
                yield _trimmed(entry, behind, None)

    def cut_tail(self, transaction: Transaction) -> list[int]:
        """Set damaged entries at the end aside and return their sequence numbers.

        Damage before a sound entry is left in place.
        """
        bad = self._tail()
        if not bad:
            return []
        with transaction():
            self._base.executemany("INSERT OR REPLACE INTO damaged VALUES (?, ?, ?, ?)", bad)
            self._base.executemany("DELETE FROM journal WHERE seq = ?", [(row[0],) for row in bad])
        return [row[0] for row in reversed(bad)]

    def sound_end(self) -> int:
        """Return the number of the last event before the damaged tail, or 0 if there is none."""
        bad = self._tail()
        query = "SELECT coalesce(max(seq), 0) FROM journal WHERE seq < ?"
        return int(self._base.execute(query, (bad[-1][0] if bad else self.seq + 1,)).fetchone()[0])

    def _tail(self) -> list[tuple[int, int, int, bytes | None]]:
        """Return the damaged entries at the end (number, events, time, body), last first."""
        bad: list[tuple[int, int, int, bytes | None]] = []
        try:
            for row in self._base.execute("SELECT seq, n, model, t, body, crc FROM journal ORDER BY seq DESC"):
                if _sound(row) is not None:
                    break
                seq, n, t, body = row[0], row[1], row[3], row[4]
                bad.append((seq, n if isinstance(n, int) else 1, t if isinstance(t, int) else 0, _blob(body)))
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from error
        return bad

    def first(self) -> int:
        """Return the number of the oldest kept event, or 0 if there is none."""
        row = self._base.execute("SELECT seq - n + 1 FROM journal ORDER BY seq LIMIT 1").fetchone()
        return int(row[0]) if row else 0

    def at_time(self, t: int) -> int:
        """Return the number of the last event at or before time t, or 0 if there is none."""
        row = self._base.execute("SELECT max(seq) FROM journal WHERE t <= ?", (t,)).fetchone()
        return int(row[0] or 0)

    def prune(self, until: int, transaction: Transaction) -> None:
        """Delete entries whose events are all at or before a sequence, in short transactions."""
        one = "DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE seq <= ? ORDER BY seq LIMIT ?)"
        gone = _PAGE
        while gone == _PAGE:
            with transaction():
                gone = self._base.execute(one, (until, _PAGE)).rowcount

    def skipped(self) -> frozenset[int]:
        """Return the numbers of events excluded by command because no learner can learn them."""
        return frozenset(seq for (seq,) in self._base.execute("SELECT seq FROM skipped"))

    def skip(self, seq: int, t: int, reason: str) -> None:
        """Exclude an event from every replay, inside the caller's transaction."""
        self._base.execute("INSERT OR REPLACE INTO skipped VALUES (?, ?, ?)", (seq, t, reason))

    def _rows(self, behind: int, until: int | None) -> Iterator[tuple[Any, ...]]:
        """Yield rows page by page, so that no statement stays open while the caller writes."""
        last = behind
        while True:
            try:
                rows = self._base.execute(
                    "SELECT seq, n, model, t, body, crc FROM journal WHERE seq > ? ORDER BY seq LIMIT ?", (last, _PAGE)
                ).fetchall()
            except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
                raise self._unreadable(error, last) from error
            for row in rows:
                if until is not None and row[0] - row[1] >= until:
                    return
                yield row
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

    def _set_aside(self) -> dict[int, int]:
        """Return the ranges of entries that were set aside, as a map from begin to end."""
        return {seq - n: seq for seq, n in self._base.execute("SELECT seq, n FROM damaged ORDER BY seq")}

    def _damage(self, seq: int, what: str) -> StoreError:
        return StoreError(expected=f"a sound journal entry {seq}", got=what, at=self._at, help=DAMAGED)

    def _unreadable(self, error: Exception, behind: int | None = None) -> StoreError:
        if isinstance(error, sqlite3.Error):
            sentence = meaning(error, self._at)
            if sentence.help != DAMAGED:
                return sentence
        where = "" if behind is None else f" after {behind}"
        return StoreError(expected=f"sound journal entries{where}", got=f"{error}", at=self._at, help=DAMAGED)


def crc(seq: int, n: int, model: int, t: int, body: bytes) -> int:
    """Return the CRC-32 over all columns of a journal entry."""
    return zlib.crc32(body, zlib.crc32(struct.pack("<4q", seq, n, model, t)))


def _sound(row: tuple[Any, ...]) -> Entry | None:
    """Return the entry of a row, or None if the row is damaged."""
    seq, n, model, t, body, sum_ = row
    if not isinstance(body, bytes) or not all(map(isinstance, (seq, n, model, t), repeat(int))):
        return None
    if crc(seq, n, model, t, body) != sum_:
        return None
    try:
        events = unpack_events(body)
    except (msgspec.DecodeError, ValueError):
        return None
    return Entry(seq, model, t, events) if len(events) == n else None


def _trimmed(entry: Entry, behind: int, until: int | None) -> Entry:
    """Return the entry with only the events after ``behind`` and up to ``until``."""
    begin = entry.seq - len(entry.events)
    if begin >= behind and (until is None or entry.seq <= until):
        return entry
    stop = entry.seq if until is None else min(until, entry.seq)
    return Entry(stop, entry.model, entry.t, entry.events[max(behind - begin, 0) : stop - begin])


def _blob(body: object) -> bytes | None:
    return body if isinstance(body, bytes) else None


__all__ = ["Entry", "Journal", "crc"]
