"""Tables of followed sources (read positions, waiting rows and labels, outgoing and rejected messages).

They are written in the transaction that journals the rows, so they always agree with the journal.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from headwater.errors import StoreError
from headwater.store.journal.database import DAMAGED, has_column, sound
from headwater.store.journal.events import checksum
from headwater.store.journal.requests import Gap, SourceRequest, Waiting

__all__ = ["DEAD_LETTERS", "PREDICTIONS", "SourceTables", "check_sources"]

_Row = TypeVar("_Row", bound=tuple[Any, ...])

PREDICTIONS, DEAD_LETTERS = "predictions", "dead letters"
"""Lanes of the outbox. Messages of one lane are sent in order."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS positions (
    model INTEGER NOT NULL, source TEXT NOT NULL, part TEXT NOT NULL, position TEXT NOT NULL,
    crc INTEGER, PRIMARY KEY (model, source, part)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS tallies (
    model INTEGER NOT NULL, source TEXT NOT NULL, what TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (model, source, what)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS joins (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, source TEXT NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL,
    body BLOB NOT NULL, example TEXT, crc INTEGER, UNIQUE (model, source, what, name))""",
    """CREATE TABLE IF NOT EXISTS rejects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, source TEXT NOT NULL, part TEXT NOT NULL,
    position TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
    lane TEXT NOT NULL DEFAULT 'predictions', crc INTEGER)""",
    """CREATE TABLE IF NOT EXISTS paused (
    model INTEGER NOT NULL, source TEXT NOT NULL, PRIMARY KEY (model, source)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, source TEXT NOT NULL, t INTEGER NOT NULL, least INTEGER NOT NULL,
    most INTEGER, words TEXT NOT NULL, positions TEXT NOT NULL)""",
)
"""Created when a model first follows a source. ``joins`` holds rows that wait for their label and labels that wait for their row."""

_ADDED = (
    ("outbox", "lane", "TEXT NOT NULL DEFAULT 'predictions'"),
    ("joins", "example", "TEXT"),
    *((table, "crc", "INTEGER") for table in ("positions", "joins", "outbox")),
)
"""Columns that tables of earlier versions lack."""
_GUARDED = {
    "positions": "model, source, part, position",
    "joins": "model, source, what, name, body, example",
    "outbox": "model, source, lane, name, body",
}
"""Columns that the column ``crc`` of a table covers, which is NULL in rows of earlier versions."""

# LOG and BEGUN of headwater.streams.brokers.protocol, not imported because opening a store doesn't need brokers
_NO_PARTS = {"log", "begun"}
_REJECTS = 1000  # kept rejects per source, while the counts go on
_REJECT_BYTES = 4096
"""Bytes kept of a rejected message, enough to identify it and few enough that a source's rejects take at most 4 MB."""
_DETAIL_CHARACTERS = 500
_AT_ONCE = 500


class SourceTables:
    """The tables of followed sources in an open store.

    Parameters
    ----------
    base : sqlite3.Connection
        The open file. Callers write inside a transaction of the store.
    mutex : threading.RLock
        Must be held to use the connection.
    at : str
        Path of the file, for errors.
    """

    def __init__(self, base: sqlite3.Connection, mutex: threading.RLock, at: str) -> None:
        self._base, self._mutex, self._at = base, mutex, at
        self.followed: set[tuple[int, str]] = set()
        """Pairs of model and source that are followed now. Each has a single follower."""

    def make(self) -> None:
        """Create or upgrade the tables, and check every row that has a checksum.

        Raises
        ------
        StoreError
            If a position, a waiting row or an outgoing message is damaged.
        """
        for line in _SCHEMA:
            self._base.execute(line)
        if not has_column(self._base, "outbox", "lane"):
            self._shorten_rejects()
        for table, column, kind in _ADDED:
            if not has_column(self._base, table, column):
                self._base.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")
        check_sources(self._base, self._at)

    def _shorten_rejects(self) -> None:
        """Shorten the rejected messages of version 0.2, which kept them whole."""
        shorten = "UPDATE rejects SET body = substr(body, 1, ?) WHERE length(body) > ?"
        self._base.execute(shorten, (_REJECT_BYTES, _REJECT_BYTES))

    def _insert(self, how: str, table: str, rows: list[tuple[Any, ...]]) -> None:
        """Insert rows with their checksums."""
        marks = ", ".join("?" * (_GUARDED[table].count(",") + 2))
        new = f"{how} INTO {table} ({_GUARDED[table]}, crc) VALUES ({marks})"
        self._base.executemany(new, [(*row, checksum(*row)) for row in rows])

    def write(self, request: SourceRequest, *, learned: int, repeated: int) -> None:
        """Write everything of a request except its events, and count the new and repeated ones."""
        of = (request.model, request.source)
        self._move(of, request.positions)
        if request.gaps:
            self._add_gaps(of, request.gaps)
        if request.joined:
            self._base.executemany("DELETE FROM joins WHERE id = ?", [(number,) for number in request.joined])
        if request.waiting:
            self._insert("INSERT", "joins", [(*of, *row) for row in request.waiting])
        if request.rejects:
            self._add_rejects(of, request.rejects)
        if request.outgoing or request.sent:
            self._write_outgoing(of, request)
        self._count(of, Counter(request.counts) + Counter(learned=learned, repeated=repeated))
        if request.waiting or request.joined:
            self._bound(of, request.most_waiting)

    def _add_gaps(self, of: tuple[int, str], gaps: Sequence[Gap]) -> None:
        rows = [(*of, g.t, g.least, g.most, g.words, msgspec.json.encode(g.positions).decode()) for g in gaps]
        new = "INSERT INTO gaps (model, source, t, least, most, words, positions) VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._base.executemany(new, rows)

    def _add_rejects(self, of: tuple[int, str], rejects: Sequence[tuple[str, str, str, bytes]]) -> None:
        """Add messages that can't be used, and drop the oldest beyond those that are kept."""
        rows = [
            (*of, part, position, reason[:_DETAIL_CHARACTERS], body[:_REJECT_BYTES])
            for part, position, reason, body in rejects
        ]
        new = "INSERT INTO rejects (model, source, part, position, reason, body) VALUES (?, ?, ?, ?, ?, ?)"
        self._base.executemany(new, rows)
        self._forget_rejects(of)

    def _write_outgoing(self, of: tuple[int, str], request: SourceRequest) -> None:
        """Add messages to send, and delete sent ones."""
        self._insert("INSERT", "outbox", [(*of, *row) for row in request.outgoing])
        self._count(of, Counter(lane for lane, _, _ in request.outgoing))
        drop = "DELETE FROM outbox WHERE model = ? AND source = ? AND lane = ? AND id <= ?"
        self._base.executemany(drop, [(*of, *pair) for pair in request.sent.items()])

    def pause(self, model: int, source: str, paused: bool) -> None:
        """Note whether a source is to be read, in a transaction of the caller's."""
        for line in _SCHEMA:
            self._base.execute(line)
        write = "REPLACE INTO paused VALUES (?, ?)" if paused else "DELETE FROM paused WHERE model = ? AND source = ?"
        self._base.execute(write, (model, source))

    def _move(self, of: tuple[int, str], positions: dict[str, str]) -> None:
        rows = [(*of, part, position) for part, position in positions.items() if position]
        self._insert("REPLACE", "positions", rows)
        gone = [(*of, part) for part, position in positions.items() if not position]
        self._base.executemany("DELETE FROM positions WHERE model = ? AND source = ? AND part = ?", gone)

    def _count(self, of: tuple[int, str], counts: Mapping[str, int]) -> None:
        rows = [(*of, what, n) for what, n in counts.items() if n]
        add = "INSERT INTO tallies VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n"
        self._base.executemany(add, rows)

    def _bound(self, of: tuple[int, str], most: int) -> None:
        """Drop and count the oldest waiting rows and labels beyond ``most``."""
        for what, gone in (("row", "rows whose answer never came"), ("answer", "answers whose row never came")):
            query = "SELECT id FROM joins WHERE model = ? AND source = ? AND what = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
            last = self._base.execute(query, (*of, what, most)).fetchone()
            if last is not None:
                drop = "DELETE FROM joins WHERE model = ? AND source = ? AND what = ? AND id <= ?"
                self._count(of, {gone: self._base.execute(drop, (*of, what, last[0])).rowcount})

    def _forget_rejects(self, of: tuple[int, str]) -> None:
        drop = """DELETE FROM rejects WHERE model = ? AND source = ? AND id <= (
            SELECT id FROM rejects WHERE model = ? AND source = ? ORDER BY id DESC LIMIT 1 OFFSET ?)"""
        self._base.execute(drop, (*of, *of, _REJECTS))

    # ---- queries -----------------------------------------------------------------------------------------------------

    def positions(self, model: int, source: str) -> dict[str, str]:
        """Return the position of the last kept message by partition."""
        known = self.known(model, source)
        return {part: at for part, at in known.items() if part.rpartition("/")[2] not in _NO_PARTS}

    def known(self, model: int, source: str) -> dict[str, str]:
        """Return positions together with the log identities, as needed to open the source."""
        query = "SELECT part, position FROM positions WHERE model = ? AND source = ?"
        return dict(self._rows(tuple[str, str], query, model, source))

    def tallies(self, model: int, source: str) -> dict[str, int]:
        """Return the counters of a source."""
        query = "SELECT what, n FROM tallies WHERE model = ? AND source = ? ORDER BY what"
        return dict(self._rows(tuple[str, int], query, model, source))

    def names(self, model: int) -> list[str]:
        """Return the names of the sources that a model has followed."""
        rows = self._rows(tuple[str], "SELECT DISTINCT source FROM positions WHERE model = ?", model)
        return [name for (name,) in rows]

    def paused(self, model: int) -> set[str]:
        """Return the names of a model's sources that are not to be read."""
        return {name for (name,) in self._rows(tuple[str], "SELECT source FROM paused WHERE model = ?", model)}

    def waiting(self, model: int, source: str, what: str) -> int:
        """Return the number of waiting rows or labels."""
        return self._count_of("joins WHERE model = ? AND source = ? AND what = ?", model, source, what)

    def found(self, model: int, source: str, what: str, names: Sequence[str]) -> dict[str, Waiting]:
        """Return the waiting entries with the given names."""
        query = "SELECT name, id, body, example FROM joins WHERE model = ? AND source = ? AND what = ? AND name IN"
        rows = self._rows_of(tuple[str, int, bytes, str | None], query, names, model, source, what)
        return {name: Waiting(id_, body, example) for name, id_, body, example in rows}

    def learned(self, model: int, names: Sequence[str]) -> dict[str, int]:
        """Return the digests of learned events by the given ids."""
        return dict(
            self._rows_of(tuple[str, int], "SELECT id, digest FROM seen WHERE model = ? AND id IN", names, model)
        )

    def gaps(self, model: int, source: str) -> list[Gap]:
        """Return the skipped gaps in order."""
        query = "SELECT t, least, most, words, positions FROM gaps WHERE model = ? AND source = ? ORDER BY id"
        rows = self._rows(tuple[int, int, int | None, str, str], query, model, source)
        with sound(self._at):
            return [Gap(t, least, most, words, _places.decode(at)) for t, least, most, words, at in rows]

    def rejects(self, model: int, source: str) -> list[tuple[str, str, str, bytes]]:
        """Return the latest rejected messages (partition, position, reason, message)."""
        query = "SELECT part, position, reason, body FROM rejects WHERE model = ? AND source = ? ORDER BY id"
        return self._rows(tuple[str, str, str, bytes], query, model, source)

    def outbox(self, model: int, source: str, lane: str, behind: int, most: int) -> list[tuple[int, str, bytes]]:
        """Return the first unsent messages of a lane after a number (number, name, message)."""
        query = "SELECT id, name, body FROM outbox WHERE model = ? AND source = ? AND lane = ? AND id > ? ORDER BY id LIMIT ?"
        return self._rows(tuple[int, str, bytes], query, model, source, lane, behind, most)

    def unsent(self, model: int, source: str) -> int:
        """Return the number of unsent messages."""
        return self._count_of("outbox WHERE model = ? AND source = ?", model, source)

    def _count_of(self, what: str, *of: Any) -> int:
        return sum(n for (n,) in self._rows(tuple[int], f"SELECT count(*) FROM {what}", *of))

    def _rows_of(self, kind: type[_Row], query: str, names: Sequence[str], *of: Any) -> list[_Row]:
        """Return the rows of some names, asking for a few hundred at once."""
        out: list[_Row] = []
        for i in range(0, len(names), _AT_ONCE):
            some = names[i : i + _AT_ONCE]
            out += self._rows(kind, f"{query} ({','.join('?' * len(some))})", *of, *some)
        return out

    def _rows(self, kind: type[_Row], query: str, *of: Any) -> list[_Row]:
        """Return rows whose columns have the declared types.

        Raises
        ------
        StoreError
            If a row is damaged.
        """
        with self._mutex, sound(self._at):
            try:
                rows = self._base.execute(query, of).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):  # a store that never followed a source
                    return []
                raise
            return msgspec.convert(rows, list[kind], builtin_types=(bytes,))  # type: ignore[valid-type]


_places = msgspec.json.Decoder(dict[str, str])


def check_sources(base: sqlite3.Connection, at: str) -> None:
    """Raise StoreError if a row of the guarded tables doesn't fit its checksum.

    Parameters
    ----------
    base : sqlite3.Connection
        An open store, which may never have followed a source.
    at : str
        Path of the file, for errors.

    Raises
    ------
    StoreError
        Names the table and the row.
    """
    for table in _GUARDED:
        if has_column(base, table, "crc"):
            with sound(at):
                _check_rows(base, table, at)


def _check_rows(base: sqlite3.Connection, table: str, at: str) -> None:
    for *row, crc in base.execute(f"SELECT {_GUARDED[table]}, crc FROM {table}"):
        if crc is not None and crc != checksum(*row):
            raise StoreError(
                expected=f"{table} of sources as they were stored",
                got=f"a damaged row of {str(row[1])[:60]!r}, {str(row[3])[:60]!r}",
                at=at,
                help=DAMAGED,
            )
