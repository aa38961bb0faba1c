"""Tables of followed sources (read positions, waiting rows and labels, outgoing and rejected messages).

They are written in the transaction that journals the rows, so they always agree with the journal.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headwater.store.journal.requests import Gap, SourceRequest, Waiting

__all__ = ["DEAD_LETTERS", "PREDICTIONS", "SourceTables"]

PREDICTIONS, DEAD_LETTERS = "predictions", "dead letters"
"""Lanes of the outbox. Messages of one lane are sent in order."""

_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS positions (
    model INTEGER NOT NULL, source TEXT NOT NULL, part TEXT NOT NULL, position TEXT NOT NULL,
    PRIMARY KEY (model, source, part)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS tallies (
    model INTEGER NOT NULL, source TEXT NOT NULL, what TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (model, source, what)) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS joins (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, source TEXT NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL,
    body BLOB NOT NULL, example TEXT, UNIQUE (model, source, what, name))""",
    """CREATE TABLE IF NOT EXISTS rejects (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, source TEXT NOT NULL, part TEXT NOT NULL,
    position TEXT NOT NULL, reason TEXT NOT NULL, body BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, source TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
    lane TEXT NOT NULL DEFAULT 'predictions')""",
    """CREATE TABLE IF NOT EXISTS gaps (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, source TEXT NOT NULL, t INTEGER NOT NULL, least INTEGER NOT NULL,
    most INTEGER, words TEXT NOT NULL, positions TEXT NOT NULL)""",
)
"""Created when a model first follows a source. ``joins`` holds rows that wait for their label and labels that wait for their row."""

_LOG = "log"  # LOG of headwater.streams.brokers.protocol, not imported because opening a store doesn't need brokers
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
    """

    def __init__(self, base: sqlite3.Connection, mutex: threading.RLock) -> None:
        self._base, self._mutex = base, mutex
        self.followed: set[tuple[int, str]] = set()
        """Pairs of model and source that are followed now. Each has a single follower."""

    def make(self) -> None:
        """Create or upgrade the tables."""
        for line in _SCHEMA:
            self._base.execute(line)
        if not self._has("outbox", "lane"):
            self._update()
        if not self._has("joins", "example"):  # from a version that identified waiting rows by key alone
            self._base.execute("ALTER TABLE joins ADD COLUMN example TEXT")

    def _has(self, table: str, column: str) -> bool:
        return any(row[1] == column for row in self._base.execute(f"PRAGMA table_info({table})").fetchall())

    def _update(self) -> None:
        """Upgrade tables of version 0.2, which had no dead letters and kept rejected messages whole."""
        self._base.execute("ALTER TABLE outbox ADD COLUMN lane TEXT NOT NULL DEFAULT 'predictions'")
        shorten = "UPDATE rejects SET body = substr(body, 1, ?) WHERE length(body) > ?"
        self._base.execute(shorten, (_REJECT_BYTES, _REJECT_BYTES))

    def write(self, request: SourceRequest, *, learned: int, repeated: int) -> None:
        """Write everything of a request except its events, and count the new and repeated ones."""
        of = (request.model, request.source)
        self._move(of, request.positions)
        gaps = [(*of, g.t, g.least, g.most, g.words, msgspec.json.encode(g.positions).decode()) for g in request.gaps]
        new = "INSERT INTO gaps (model, source, t, least, most, words, positions) VALUES (?, ?, ?, ?, ?, ?, ?)"
        self._base.executemany(new, gaps)
        self._base.executemany("DELETE FROM joins WHERE id = ?", [(number,) for number in request.joined])
        waiting = [(*of, *row) for row in request.waiting]
        new = "INSERT INTO joins (model, source, what, name, body, example) VALUES (?, ?, ?, ?, ?, ?)"
        self._base.executemany(new, waiting)
        refused = [
            (*of, part, position, reason[:_DETAIL_CHARACTERS], body[:_REJECT_BYTES])
            for part, position, reason, body in request.rejects
        ]
        new = "INSERT INTO rejects (model, source, part, position, reason, body) VALUES (?, ?, ?, ?, ?, ?)"
        self._base.executemany(new, refused)
        self._write_outgoing(of, request)
        self._count(of, Counter(request.counts) + Counter(learned=learned, repeated=repeated))
        if waiting or request.joined:
            self._bound(of, request.most_waiting)
        if refused:
            self._forget_rejects(of)

    def _write_outgoing(self, of: tuple[int, str], request: SourceRequest) -> None:
        """Add messages to send, and delete sent ones."""
        rows = [(*of, *row) for row in request.outgoing]
        self._base.executemany("INSERT INTO outbox (model, source, lane, name, body) VALUES (?, ?, ?, ?, ?)", rows)
        self._count(of, Counter(lane for lane, _, _ in request.outgoing))
        drop = "DELETE FROM outbox WHERE model = ? AND source = ? AND lane = ? AND id <= ?"
        self._base.executemany(drop, [(*of, *pair) for pair in request.sent.items()])

    def _move(self, of: tuple[int, str], positions: dict[str, str]) -> None:
        rows = [(*of, part, position) for part, position in positions.items() if position]
        self._base.executemany("REPLACE INTO positions VALUES (?, ?, ?, ?)", rows)
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
        return {part: at for part, at in known.items() if part.rpartition("/")[2] != _LOG}

    def known(self, model: int, source: str) -> dict[str, str]:
        """Return positions together with the log identities, as needed to open the source."""
        return dict(self._rows("SELECT part, position FROM positions WHERE model = ? AND source = ?", model, source))

    def tallies(self, model: int, source: str) -> dict[str, int]:
        """Return the counters of a source."""
        query = "SELECT what, n FROM tallies WHERE model = ? AND source = ? ORDER BY what"
        return dict(self._rows(query, model, source))

    def names(self, model: int) -> list[str]:
        """Return the names of the sources that a model has followed."""
        return [name for (name,) in self._rows("SELECT DISTINCT source FROM positions WHERE model = ?", model)]

    def waiting(self, model: int, source: str, what: str) -> int:
        """Return the number of waiting rows or labels."""
        query = "SELECT count(*) FROM joins WHERE model = ? AND source = ? AND what = ?"
        return int(self._rows(query, model, source, what)[0][0])

    def found(self, model: int, source: str, what: str, names: Sequence[str]) -> dict[str, Waiting]:
        """Return the waiting entries with the given names."""
        out: dict[str, Waiting] = {}
        for i in range(0, len(names), _AT_ONCE):
            some = names[i : i + _AT_ONCE]
            marks = ",".join("?" * len(some))
            query = "SELECT name, id, body, example FROM joins WHERE model = ? AND source = ? AND what = ? AND name IN"
            rows = self._rows(f"{query} ({marks})", model, source, what, *some)
            out |= {name: Waiting(id_, bytes(body), example) for name, id_, body, example in rows}
        return out

    def learned(self, model: int, names: Sequence[str]) -> dict[str, int]:
        """Return the digests of learned events by the given ids."""
        out: dict[str, int] = {}
        for i in range(0, len(names), _AT_ONCE):
            some = names[i : i + _AT_ONCE]
            marks = ",".join("?" * len(some))
            out |= dict(self._rows(f"SELECT id, digest FROM seen WHERE model = ? AND id IN ({marks})", model, *some))
        return out

    def gaps(self, model: int, source: str) -> list[Gap]:
        """Return the skipped gaps in order."""
        query = "SELECT t, least, most, words, positions FROM gaps WHERE model = ? AND source = ? ORDER BY id"
        rows = self._rows(query, model, source)
        return [Gap(t, least, most, words, msgspec.json.decode(at)) for t, least, most, words, at in rows]

    def rejects(self, model: int, source: str) -> list[tuple[str, str, str, bytes]]:
        """Return the latest rejected messages (partition, position, reason, message)."""
        query = "SELECT part, position, reason, body FROM rejects WHERE model = ? AND source = ? ORDER BY id"
        return [(part, at, reason, bytes(body)) for part, at, reason, body in self._rows(query, model, source)]

    def outbox(self, model: int, source: str, lane: str, behind: int, most: int) -> list[tuple[int, str, bytes]]:
        """Return the first unsent messages of a lane after a number (number, name, message)."""
        query = "SELECT id, name, body FROM outbox WHERE model = ? AND source = ? AND lane = ? AND id > ? ORDER BY id LIMIT ?"
        rows = self._rows(query, model, source, lane, behind, most)
        return [(number, name, bytes(body)) for number, name, body in rows]

    def unsent(self, model: int, source: str) -> int:
        """Return the number of unsent messages."""
        return int(self._rows("SELECT count(*) FROM outbox WHERE model = ? AND source = ?", model, source)[0][0])

    def _rows(self, query: str, *of: Any) -> list[Any]:
        with self._mutex:
            try:
                return self._base.execute(query, of).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):  # a store that never followed a source
                    return [(0,)] if "count(" in query else []
                raise
