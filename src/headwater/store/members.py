"""Members of a fleet in one SQLite file: a record for each key, and what all have in common.

Records carry a version. What is written goes into the version behind the committed one, in short transactions, so that a large
commit needs little room in the write-ahead log. A commit is one small transaction that names the new version: before it the
members are those of the last commit, and from then on those that were written since. A commit that fails, such as on a full disk,
changes nothing and can be tried again.

Only one process may have the file open.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from headwater.errors import StoreError

from .journal.database import FULL, meaning, read_only, transaction
from .ownership import IN_USE, OwnedFile, is_open_here

__all__ = ["IN_USE", "Member", "MemberStore", "is_member_store", "undisturbed"]

Member = tuple[int, str, bytes, list[int], int, float]
"""Number, key as JSON, record, labels, rows scored, sum of scores."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    number INTEGER NOT NULL, version INTEGER NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, labels TEXT NOT NULL,
    scored INTEGER NOT NULL, score REAL NOT NULL, PRIMARY KEY (number, version)
);
CREATE TABLE IF NOT EXISTS journal (n INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS block (source TEXT PRIMARY KEY, number INTEGER NOT NULL, reply BLOB NOT NULL) WITHOUT ROWID;
"""
_MARK = 0x68776632  # "hwf2"
_MARK_WITHOUT_VERSIONS = 0x68776631  # "hwf1", of headwater 0.2
_ADD_VERSIONS = """
BEGIN IMMEDIATE;
INSERT INTO record SELECT number, 0, key, record, labels, scored, score FROM member;
INSERT OR REPLACE INTO about SELECT 'members', count(*) FROM member;
DROP TABLE member;
COMMIT;
"""
_MOST_ASKED = 500
"""Members that are asked for at once."""
_WRITTEN_AT_ONCE = 2_000_000
"""Bytes of records in one short transaction, about: the write-ahead log has to hold them, and is checkpointed behind."""
_REMOVED_AT_ONCE = 500
"""Records that are removed in one short transaction."""
_WAL_LEFT = 16 << 20
"""Bytes of the write-ahead log that stay on the disk once it begins anew."""
_OLDER = "version < (SELECT max(version) FROM record newest WHERE newest.number = record.number)"
_FULL = (
    "Free some space and try again: nothing that was learned is lost, and the store is as it was at the last commit."
)


def is_member_store(data: bytes) -> bool:
    """Whether a file that begins so is the store of a fleet."""
    marks = [mark.to_bytes(4, "big") for mark in (_MARK, _MARK_WITHOUT_VERSIONS)]
    return data[:16] == b"SQLite format 3\0" and data[68:72] in marks


@contextmanager
def undisturbed(path: str | Path) -> Iterator[Path]:
    """Yield the path of a store that may be opened: its own, or where this process has it open that of a copy, for a while."""
    if not is_open_here(path):
        yield Path(path)
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        with closing(read_only(Path(path))) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        yield copy


class MemberStore:
    """The file of a fleet's members.

    Parameters
    ----------
    path : str or Path
        The file; it is made if it isn't there.

    Raises
    ------
    StoreError
        If it can't be used, is something else, or another process has it open.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self._version = 0  # the committed one
        self._written: set[int] = (
            set()
        )  # numbers with a record of a later version, or an older one that is to be removed
        self._owned = OwnedFile(Path(path), create=True)
        try:
            self._connection = sqlite3.connect(
                self._owned.path, isolation_level=None, check_same_thread=False, timeout=2
            )
            self._owned.connection = self._connection
            self._open()
            self._owned.watch()
        except sqlite3.Error as error:
            self._owned.close()
            raise self._cannot_open(error) from error
        except BaseException:
            self._owned.close()
            raise

    def _open(self) -> None:
        run = self._connection.execute
        mark = run("PRAGMA application_id").fetchone()[0]
        empty = run("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty and mark not in (_MARK, _MARK_WITHOUT_VERSIONS):
            raise StoreError(
                expected="a store of a fleet", got="another database", at=self.path, help="Give another file."
            )
        # the mark comes before the WAL, so that the file itself tells what it is
        for setting in (
            f"application_id = {_MARK}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"journal_size_limit = {_WAL_LEFT}",
        ):
            run(f"PRAGMA {setting}")
        self._connection.executescript(_SCHEMA)
        if run("SELECT 1 FROM sqlite_master WHERE name = 'member'").fetchone():
            self._connection.executescript(_ADD_VERSIONS)
        self._version = int(self._noted("version") or 0)
        self._forget_all_others()

    def _forget_all_others(self) -> None:
        """Remove the records that are not of the last commit: written after it, or left over by one that was interrupted."""
        members = int(self._noted("members") or 0)
        self._delete(self._all("SELECT rowid FROM record WHERE version > ? OR number >= ?", (self._version, members)))
        self._delete(self._all(f"SELECT rowid FROM record WHERE {_OLDER}"))

    def _cannot_open(self, error: sqlite3.Error) -> StoreError:
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
        """Return what the last commit noted of the fleet; None in a new store."""
        noted = self._noted("fleet")
        return None if noted is None else json.loads(noted)

    def _noted(self, name: str) -> str | None:
        found = self._all("SELECT value FROM about WHERE name = ?", (name,))
        return found[0][0] if found else None

    # ---- members ----------------------------------------------------------------------------------------------------

    def listed(self) -> list[tuple[int, str, int, float]]:
        """Return number, key as JSON, rows scored and sum of scores of each member as it was opened, by number."""
        return self._all("SELECT number, key, scored, score FROM record ORDER BY number")

    def put(self, members: Iterable[Member]) -> None:
        """Write some members; the next commit makes them count."""
        rows: list[tuple[Any, ...]] = []
        size = 0
        for number, key, record, labels, scored, score in members:
            rows.append((number, self._version + 1, key, record, json.dumps(labels), scored, score))
            size += len(record)
            if size > _WRITTEN_AT_ONCE:
                self._put(rows)
                rows, size = [], 0
        if rows:
            self._put(rows)

    def _put(self, rows: list[tuple[Any, ...]]) -> None:
        self._written.update(row[0] for row in rows)
        with self._short_transaction():
            self._connection.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def get(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes, list[int], int, float]]:
        """Yield number, record, labels, rows scored and sum of scores of some members, as they were written last."""
        wanted = sorted(numbers)
        for at in range(0, len(wanted), _MOST_ASKED):
            part = wanted[at : at + _MOST_ASKED]
            places = ",".join("?" * len(part))
            columns = "number, max(version), record, labels, scored, score"  # of the row with the highest version
            query = f"SELECT {columns} FROM record WHERE number IN ({places}) GROUP BY number"
            for number, _, record, labels, rows, total in self._all(query, part):
                yield number, record, json.loads(labels), rows, total

    def remove(self, number: int, last: int) -> None:
        """Remove a member, and give its number to the one that has the last; the next commit makes it count."""
        newest = (
            "SELECT ?, ?, key, record, labels, scored, score FROM record WHERE number = ? ORDER BY version DESC LIMIT 1"
        )
        self._written.update((number, last))
        with self._short_transaction():
            self._connection.execute(f"INSERT OR REPLACE INTO record {newest}", (number, self._version + 1, last))
            gone = "DELETE FROM record WHERE number = ? AND version > ?"
            self._connection.execute(gone, (last, self._version))

    # ---- blocks that were done --------------------------------------------------------------------------------------

    def reply(self, source: str) -> tuple[int, bytes] | None:
        """Return number and reply of the last block of a source that was done."""
        found = self._all("SELECT number, reply FROM block WHERE source = ?", (source,))
        return (found[0][0], found[0][1]) if found else None

    def sources(self) -> list[str]:
        """Return the sources of which a block was done."""
        return [source for (source,) in self._all("SELECT source FROM block")]

    def set_reply(self, source: str, number: int, reply: bytes) -> None:
        """Note the last block of a source, with what was answered, beside a commit."""
        self._all("INSERT OR REPLACE INTO block VALUES (?, ?, ?)", (source, number, reply))

    # ---- the journal ------------------------------------------------------------------------------------------------

    def append(self, body: bytes) -> None:
        """Note a block whose members are not committed yet; it is on the disk when this returns."""
        with self._transaction():
            self._connection.execute("INSERT INTO journal (body) VALUES (?)", (body,))

    def journal(self) -> list[bytes]:
        """Return the blocks that were noted since the members were committed, the oldest first."""
        return [body for (body,) in self._all("SELECT body FROM journal ORDER BY n")]

    def clear_journal(self) -> None:
        """Forget these blocks, beside a commit: the members hold what was in them."""
        self._all("DELETE FROM journal")

    # ---- transactions -----------------------------------------------------------------------------------------------

    def commit(self, about: dict[str, Any], members: int, besides: Callable[[], None] = lambda: None) -> None:
        """Make everything written since the last commit durable, all or nothing; after a failure it can be tried again.

        Parameters
        ----------
        about : dict
            What all members have in common.
        members : int
            How many there are.
        besides : callable
            Writes what is to count from the same moment on: replies, a journal that is cleared.

        Raises
        ------
        StoreError
            If it could not be written: what counts is the commit before.
        """
        noted = [("fleet", json.dumps(about)), ("version", str(self._version + 1)), ("members", str(members))]
        try:
            with self._transaction():
                self._connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", noted)
                besides()
        finally:  # the file knows whether it counts, whatever ended this
            self._version = int(self._noted("version") or 0)
        self._forget_older(members)

    def _forget_older(self, members: int) -> None:
        """Remove the records in whose place there are newer ones now, and those of numbers that are no longer there."""
        query = f"SELECT rowid FROM record WHERE number = ? AND (number >= ? OR {_OLDER})"
        try:
            self._delete([row for number in self._written for row in self._all(query, (number, members))])
        except StoreError:  # the commit holds all the same, and they take room until the next one removes them
            return
        self._written.clear()

    def _delete(self, rows: list[tuple[int]]) -> None:
        for at in range(0, len(rows), _REMOVED_AT_ONCE):
            with self._short_transaction():
                part = rows[at : at + _REMOVED_AT_ONCE]
                self._connection.executemany("DELETE FROM record WHERE rowid = ?", part)

    @contextmanager
    def _short_transaction(self) -> Iterator[None]:
        """Write without a sync of its own: a commit's sync brings to the disk whatever was written before it."""
        self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            with self._transaction():
                yield
        finally:
            self._connection.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._owned.check_process()
        try:
            with self._owned.mutex, transaction(self._connection, self.path):
                yield
            self._owned.check()
        except StoreError as error:
            if error.help != FULL:
                raise
            raise StoreError(expected=error.expected, got=error.got, at=self.path, help=_FULL) from error

    def close(self) -> None:
        """Close the file; what was not committed is undone."""
        self._owned.close()

    def _all(self, query: str, values: Iterable[Any] = ()) -> list[Any]:
        self._owned.check_process()
        try:
            return self._connection.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error
