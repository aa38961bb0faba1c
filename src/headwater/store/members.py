"""Members of a fleet in one SQLite file: a record for each key, and what all have in common.

Whatever is written stands in one transaction until `commit`, so a crash leaves all members as they were at the last one.
Only one process may have the file open to write.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from headwater.errors import StoreError

__all__ = ["IN_USE", "Member", "MemberStore", "is_member_store"]

Member = tuple[int, str, bytes, list[int], int, float]
"""Number, key as JSON, record, labels, rows scored, sum of scores."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, record BLOB NOT NULL, labels TEXT NOT NULL,
    scored INTEGER NOT NULL, score REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS journal (n INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS block (source TEXT PRIMARY KEY, number INTEGER NOT NULL, reply BLOB NOT NULL) WITHOUT ROWID;
"""
_MARK = 0x68776631  # "hwf1"
MOST_ASKED = 500
IN_USE = "store_in_use"
"""The code of the error of a store that another process has open."""


def is_member_store(data: bytes) -> bool:
    """Whether a file that begins so is the store of a fleet."""
    return data[:16] == b"SQLite format 3\0" and data[68:72] == _MARK.to_bytes(4, "big")


class MemberStore:
    """The file of a fleet's members.

    Parameters
    ----------
    path : str or Path
        The file; it is made if it isn't there.

    Raises
    ------
    StoreError
        If it can't be used, is something else, or another process writes to it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        try:
            self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0)
            self._open()
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _open(self) -> None:
        run = self._connection.execute
        mark = run("PRAGMA application_id").fetchone()[0]
        empty = run("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty and mark != _MARK:
            self._connection.close()
            raise StoreError(
                expected="a store of a fleet", got="another database", at=self.path, help="Give another file."
            )
        # the mark comes before the WAL, so that the file itself tells what it is
        for setting in (
            "locking_mode = EXCLUSIVE",
            f"application_id = {_MARK}",
            "journal_mode = WAL",
            "synchronous = FULL",
        ):
            run(f"PRAGMA {setting}")
        self._connection.executescript(_SCHEMA)
        run("BEGIN IMMEDIATE")

    def _error(self, error: sqlite3.Error) -> StoreError:
        in_use = error.sqlite_errorname == "SQLITE_BUSY"
        return StoreError(
            expected="a store of a fleet that can be used",
            got=str(error),
            at=self.path,
            help="See that no other process has it open, and that there is space; else use a copy.",
            code=IN_USE if in_use else "",
        )

    # ---- what all have in common ------------------------------------------------------------------------------------

    def about(self) -> dict[str, Any] | None:
        """Return what was noted with `set_about`; None in a new store."""
        found = self._all("SELECT value FROM about WHERE name = 'fleet'")
        return json.loads(found[0][0]) if found else None

    def set_about(self, about: dict[str, Any]) -> None:
        """Note what all members have in common."""
        self._run("INSERT OR REPLACE INTO about VALUES ('fleet', ?)", (json.dumps(about),))

    # ---- members ----------------------------------------------------------------------------------------------------

    def listed(self) -> list[tuple[int, str, int, float]]:
        """Return number, key, rows scored and sum of scores of each member, by number."""
        return self._all("SELECT number, key, scored, score FROM member ORDER BY number")

    def put(self, members: Iterable[Member]) -> None:
        """Write some members."""
        rows = [(number, key, record, json.dumps(labels), n, x) for number, key, record, labels, n, x in members]
        try:
            self._connection.executemany("INSERT OR REPLACE INTO member VALUES (?, ?, ?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise self._error(error) from error

    def get(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes, list[int], int, float]]:
        """Yield number, record, labels, rows scored and sum of scores of some members."""
        wanted = sorted(numbers)
        for at in range(0, len(wanted), MOST_ASKED):
            part = wanted[at : at + MOST_ASKED]
            places = ",".join("?" * len(part))
            query = f"SELECT number, record, labels, scored, score FROM member WHERE number IN ({places})"
            for number, record, labels, rows, total in self._all(query, part):
                yield number, record, json.loads(labels), rows, total

    def remove(self, number: int, last: int) -> None:
        """Remove a member, and give its number to the one that has the last."""
        self._run("DELETE FROM member WHERE number = ?", (number,))
        self._run("UPDATE member SET number = ? WHERE number = ?", (number, last))

    # ---- blocks that were done --------------------------------------------------------------------------------------

    def reply(self, source: str) -> tuple[int, bytes] | None:
        """Return number and reply of the last block of a source that was done."""
        found = self._all("SELECT number, reply FROM block WHERE source = ?", (source,))
        return (found[0][0], found[0][1]) if found else None

    def sources(self) -> list[str]:
        """Return the sources of which a block was done."""
        return [source for (source,) in self._all("SELECT source FROM block")]

    def set_reply(self, source: str, number: int, reply: bytes) -> None:
        """Note the last block of a source, with what was answered."""
        self._run("INSERT OR REPLACE INTO block VALUES (?, ?, ?)", (source, number, reply))

    # ---- the journal ------------------------------------------------------------------------------------------------

    def append(self, body: bytes) -> None:
        """Note a block whose members are not written yet."""
        self._run("INSERT INTO journal (body) VALUES (?)", (body,))

    def journal(self) -> list[bytes]:
        """Return the blocks that were noted since the members were written, the oldest first."""
        return [body for (body,) in self._all("SELECT body FROM journal ORDER BY n")]

    def clear_journal(self) -> None:
        """Forget these blocks: the members are written."""
        self._run("DELETE FROM journal")

    # ---- transactions -----------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Make everything written since the last time durable, all or nothing."""
        self._run("COMMIT")
        self._run("BEGIN IMMEDIATE")

    def close(self) -> None:
        """Close the file; what was not committed is undone."""
        self._connection.close()

    def _run(self, query: str, values: Iterable[Any] = ()) -> None:
        self._all(query, values)

    def _all(self, query: str, values: Iterable[Any] = ()) -> list[Any]:
        try:
            return self._connection.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise self._error(error) from error
