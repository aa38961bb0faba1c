"""Store the members of a fleet in one SQLite file, with one record per key.

Records carry a version. Writes go to the version after the committed one, in short transactions, so that a large commit needs
little room in the write-ahead log. The commit itself is one small transaction that sets the new version. Readers see the old
version before it and the new one after it. A failed commit, such as on a full disk, changes nothing and may be retried.

Only one process may have the file open.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from headwater.errors import StoreError

from .journal.database import FULL, has_column, meaning, read_only, transaction
from .journal.events import checksum
from .ownership import IN_USE, OwnedFile, is_open_here, read_head

__all__ = ["FORMAT", "IN_USE", "READ_TOO", "Member", "MemberStore", "format_of", "is_member_store", "undisturbed"]

Member = tuple[int, str, bytes, list[int], int, float]
"""Member as number, key (JSON), record, labels, rows scored, and sum of scores."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS record (
    number INTEGER NOT NULL, version INTEGER NOT NULL, key TEXT NOT NULL, record BLOB NOT NULL, labels TEXT NOT NULL,
    scored INTEGER NOT NULL, score REAL NOT NULL, crc INTEGER, PRIMARY KEY (number, version)
);
CREATE TABLE IF NOT EXISTS journal (n INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL, crc INTEGER);
CREATE TABLE IF NOT EXISTS block (
    source TEXT PRIMARY KEY, number INTEGER NOT NULL, reply BLOB NOT NULL, crc INTEGER) WITHOUT ROWID;
"""
"""Each ``crc`` covers the other columns of its row, and the name ``crc`` in ``about`` its other rows. Rows of earlier versions have
none."""
_GUARDED = ("record", "journal", "block")
_MARK = 0x68776632  # "hwf2"
_MARK_WITHOUT_VERSIONS = 0x68776631  # "hwf1", of headwater 0.2
FORMAT, READ_TOO = (mark.to_bytes(4, "big").decode() for mark in (_MARK, _MARK_WITHOUT_VERSIONS))
"""The format that is written, and the one that is read and upgraded."""
_ADD_VERSIONS = """
BEGIN IMMEDIATE;
INSERT INTO record SELECT number, 0, key, record, labels, scored, score, NULL FROM member;
INSERT OR REPLACE INTO about SELECT 'members', count(*) FROM member;
DROP TABLE member;
COMMIT;
"""
_MOST_ASKED = 500
"""Members fetched by one query."""
_WRITTEN_AT_ONCE = 2_000_000
"""Approximate bytes of records in one short transaction, which the write-ahead log must hold until its checkpoint."""
_REMOVED_AT_ONCE = 500
"""Records removed in one short transaction."""
_WAL_LEFT = 16 << 20
"""Bytes of the write-ahead log that stay on disk after its restart."""
_SUPERSEDED = (
    "version <= ?1 AND (number >= ?2 OR version < "
    "(SELECT max(version) FROM record newest WHERE newest.number = record.number AND newest.version <= ?1))"
)
"""Records that a commit (its version, its members) no longer needs."""
_FULL = (
    "Free some space and try again: nothing that was learned is lost, and the store is as it was at the last commit."
)


def is_member_store(data: bytes) -> bool:
    """Return whether a file with this beginning is the store of a fleet."""
    return data[:16] == b"SQLite format 3\0" and format_of(data) in (FORMAT, READ_TOO)


def format_of(data: bytes) -> str:
    """Return the format that the beginning of a fleet's store names, SQLite's application id."""
    return data[68:72].decode("latin-1")


@contextmanager
def undisturbed(path: str | Path) -> Iterator[Path]:
    """Yield a path of the store that is safe to open.

    It is a temporary copy if this process has it open, or if opening it would upgrade an earlier version's store.
    """
    if not is_open_here(path) and format_of(read_head(path)) == FORMAT:
        yield Path(path)
        return
    with TemporaryDirectory() as folder:
        copy = Path(folder, "copy.db")
        with closing(read_only(Path(path))) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        yield copy


def _checked(row: tuple[Any, ...]) -> bool:
    """Return True for a row that fits its checksum, the last column.

    Raises
    ------
    ValueError
        If it doesn't.
    """
    *columns, crc = row
    if crc is not None and crc != checksum(*columns):
        raise ValueError(f"a damaged record, {str(columns[0])[:60]!r}")
    return True


def _member(row: tuple[Any, ...]) -> tuple[int, bytes, list[int], int, float]:
    """Return number, record, labels, rows scored and sum of scores of a member's row, after checking it."""
    _checked(row)
    number, _, _, record, labels, rows, total, _ = msgspec.convert(row, _Row, builtin_types=(bytes,))
    return number, record, _LABELS.decode(labels), rows, total


_Row = tuple[int, int, str, bytes, str, int, float, int | None]
_LABELS = msgspec.json.Decoder(list[int])
_ABOUT = msgspec.json.Decoder(dict[str, Any])


class MemberStore:
    """The SQLite file of a fleet's members.

    Parameters
    ----------
    path : str or Path
        The file, created if missing.
    lock : RLock, optional
        The fleet's, which is taken before this file is written. A fork waits until it is free.

    Raises
    ------
    StoreError
        If the file can't be used, is not a fleet's store, or is open in another process.
    """

    def __init__(self, path: str | Path, lock: threading.RLock | None = None) -> None:
        self.path = str(path)
        self._version = 0  # last committed version
        self._next = 1  # version of what is written now
        self._written: set[int] = set()  # members with a record of another version, which may have to be removed
        self._to_clean: set[int] = set()  # those of them that the commit at hand may remove
        self._owned = OwnedFile(Path(path), create=True)
        self._owned.outer += [] if lock is None else [lock]
        self.check_process = self._owned.check_process
        """Raises StoreError in a forked process. Called before waiting for what a thread of the parent may have held."""
        try:
            self._connection = self._connect()
            self._open()
            self._reader = self._connect()  # members are read while a commit is written
            self._owned.watch()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._owned.close()
            raise self._cannot_open(error) from error
        except BaseException:
            self._owned.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        base = sqlite3.connect(self._owned.path, isolation_level=None, check_same_thread=False, timeout=2)
        self._owned.connections.append(base)
        return base

    def _open(self) -> None:
        run = self._connection.execute
        mark = run("PRAGMA application_id").fetchone()[0]
        empty = run("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
        if not empty and mark not in (_MARK, _MARK_WITHOUT_VERSIONS):
            raise StoreError(
                expected="a store of a fleet", got="another database", at=self.path, help="Give another file."
            )
        # set application_id before entering WAL mode, so that the main file itself identifies its kind
        for setting in (
            f"application_id = {_MARK}",
            "journal_mode = WAL",
            "synchronous = FULL",
            f"journal_size_limit = {_WAL_LEFT}",
            "secure_delete = ON",  # a removed key is often one that must be forgotten, so its freed pages are zeroed too
        ):
            run(f"PRAGMA {setting}")
        self._connection.executescript(_SCHEMA)
        for table in _GUARDED:
            if not has_column(self._connection, table, "crc"):
                run(f"ALTER TABLE {table} ADD COLUMN crc INTEGER")
        if run("SELECT 1 FROM sqlite_master WHERE name = 'member'").fetchone():
            self._connection.executescript(_ADD_VERSIONS)
        with self._sound():
            about = self._noted()
            self._version, members = int(about.get("version", 0)), int(about.get("members", 0))
            self._check_members(members)
        self._next = self._version + 1
        self._forget_all_others(members)

    @contextmanager
    def _sound(self) -> Iterator[None]:
        """Raise StoreError for values that no commit can have written."""
        try:
            yield
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error
        except (ValueError, TypeError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
            got = " ".join(str(error).split())[:200]
            raise StoreError(
                expected="a sound store of a fleet", got=got, at=self.path, help="Restore a backup of it."
            ) from error

    def _check_members(self, members: int) -> None:
        """Raise ValueError unless the last commit's records are there, before any other is deleted."""
        query = "SELECT count(DISTINCT number) FROM record WHERE version <= ? AND number BETWEEN 0 AND ? - 1"
        ((there,),) = self._connection.execute(query, (self._version, members)).fetchall()
        if there != members:
            raise ValueError(f"{there:,} of {members:,} members")

    def _forget_all_others(self, members: int) -> None:
        """Delete records outside the last commit, whether newer or left over by an interrupted one."""
        self._delete(self._all("SELECT rowid FROM record WHERE version > ?", (self._version,)))
        self._delete(self._all(f"SELECT rowid FROM record WHERE {_SUPERSEDED}", (self._version, members)))

    def _cannot_open(self, error: Exception) -> StoreError:
        in_use = getattr(error, "sqlite_errorname", "") == "SQLITE_BUSY"  # errors of decoding have no name
        return StoreError(
            expected="a store of a fleet that can be used",
            got=" ".join(str(error).split()),
            at=self.path,
            help="Check that no other process has it open and that there is free space, or use a copy.",
            code=IN_USE if in_use else "",
        )

    # ---- the header of the fleet ------------------------------------------------------------------------------------

    def about(self) -> dict[str, Any] | None:
        """Return the fleet's header of the last commit, or None in a new store."""
        with self._sound():
            noted = self._noted()
            return _ABOUT.decode(noted["fleet"]) if "fleet" in noted else None

    def _noted(self) -> dict[str, str]:
        """Return what the last commit noted, after checking it.

        Raises
        ------
        ValueError
            If it is damaged.
        """
        noted = dict(msgspec.convert(self._all("SELECT name, value FROM about"), list[tuple[str, str]]))
        crc = noted.pop("crc", None)
        if crc is not None and crc != str(checksum(sorted(noted.items()))):
            raise ValueError("a header that does not fit its checksum")
        if int(noted.get("members", 0)) and "fleet" not in noted:
            raise ValueError("members without a header")
        return noted

    # ---- members ----------------------------------------------------------------------------------------------------

    def listed(self) -> list[tuple[int, str, int, float]]:
        """Return number, key (JSON), rows scored and sum of scores of each member, ordered by number."""
        with self._sound():
            rows = self._all("SELECT number, key, scored, score FROM record ORDER BY number")
            return msgspec.convert(rows, list[tuple[int, str, int, float]])

    def put(self, members: Iterable[Member], version: int | None = None) -> None:
        """Write members, effective with the next commit, or with that of a version."""
        rows: list[tuple[Any, ...]] = []
        size, version = 0, self._next if version is None else version
        for number, key, record, labels, scored, score in members:
            row = (number, version, key, record, json.dumps(labels), scored, score)
            rows.append((*row, checksum(*row)))
            size += len(record)
            if size > _WRITTEN_AT_ONCE:
                self._put(rows)
                rows, size = [], 0
        if rows:
            self._put(rows)

    def _put(self, rows: list[tuple[Any, ...]]) -> None:
        own = {row[0] for row in rows}
        if rows[0][1] == self._next:
            self._written |= own
        else:
            self._to_clean |= own
        with self._short_transaction():
            self._connection.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def get(self, numbers: Iterable[int]) -> Iterator[tuple[int, bytes, list[int], int, float]]:
        """Yield the latest number, record, labels, rows scored and sum of scores of members."""
        wanted = sorted(numbers)
        for at in range(0, len(wanted), _MOST_ASKED):
            part = wanted[at : at + _MOST_ASKED]
            places = ",".join("?" * len(part))
            columns = "number, max(version), key, record, labels, scored, score, crc"  # from the row with the maximum
            query = f"SELECT {columns} FROM record WHERE number IN ({places}) GROUP BY number"
            with self._sound():
                found = [_member(row) for row in self._found(self._reader, query, part)]
                if len(found) < len(part):
                    raise ValueError(f"{len(found):,} of {len(part):,} members")
            yield from found

    def remove(self, number: int, last: int) -> None:
        """Delete a member and give its number to the last member, effective with the next commit."""
        columns = "key, record, labels, scored, score"
        newest = self._all(f"SELECT {columns} FROM record WHERE number = ? ORDER BY version DESC LIMIT 1", (last,))
        self._written.update((number, last))
        with self._short_transaction():
            for found in newest:  # none if the last member was never written, which the next commit does
                row = (number, self._next, *found)
                new = "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                self._connection.execute(new, (*row, checksum(*row)))
            self._connection.execute("DELETE FROM record WHERE number = ? AND version = ?", (last, self._next))

    # ---- completed blocks -------------------------------------------------------------------------------------------

    def reply(self, source: str) -> tuple[int, bytes] | None:
        """Return number and reply of the last completed block of a source."""
        with self._sound():
            found = self._all("SELECT source, number, reply, crc FROM block WHERE source = ?", (source,))
            return (found[0][1], found[0][2]) if found and _checked(found[0]) else None

    def sources(self) -> list[str]:
        """Return the sources with a completed block."""
        return [source for (source,) in self._all("SELECT source FROM block")]

    def set_reply(self, source: str, number: int, reply: bytes) -> None:
        """Record the last completed block of a source and its reply, as part of a commit."""
        row = (source, number, reply)
        self._all("INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?)", (*row, checksum(*row)))

    # ---- the journal ------------------------------------------------------------------------------------------------

    def append(self, body: bytes) -> None:
        """Journal a block whose members are not committed yet. It is durable when this returns."""
        with self._transaction():
            self._connection.execute("INSERT INTO journal (body, crc) VALUES (?, ?)", (body, checksum(body)))

    def journal(self) -> list[bytes]:
        """Return the journaled blocks since the last commit, oldest first."""
        with self._sound():
            rows, last = self._all("SELECT n, body, crc FROM journal ORDER BY n"), self._last_journaled()
            first = int(self._noted().get("journal", rows[0][0] - 1 if rows else last))
            if first + len(rows) != last or any(row[0] != first + i for i, row in enumerate(rows, 1)):
                raise ValueError(f"a journal without some of the blocks {first + 1:,} to {last:,}")
            return [row[1] for row in rows if _checked(row[1:])]

    def _last_journaled(self) -> int:
        """Return the number of the last block that was ever journaled."""
        found = self._all("SELECT seq FROM sqlite_sequence WHERE name = 'journal'")
        return int(found[0][0]) if found else 0

    def clear_journal(self) -> None:
        """Clear the journal as part of a commit, because the members now include its blocks."""
        self._all("DELETE FROM journal")

    # ---- transactions -----------------------------------------------------------------------------------------------

    def begin_commit(self) -> int:
        """Return the version of a commit of all that was written so far. What is written from now on belongs to the next one."""
        version, self._next = self._next, self._next + 1
        self._to_clean |= self._written
        self._written = set()
        return version

    def commit(
        self, version: int, about: dict[str, Any], members: int, besides: Callable[[], None] = lambda: None
    ) -> None:
        """Commit what was written up to a version durably, all or nothing. If it fails, the next commit holds it too.

        Parameters
        ----------
        version : int
            From `begin_commit`.
        about : dict
            Header of the fleet.
        members : int
            Number of members.
        besides : callable
            Writes further data in the same transaction, such as replies.

        Raises
        ------
        StoreError
            If writing failed. The previous commit stays in effect.
        """
        last = str(self._last_journaled())  # a shard clears its journal with each commit
        noted = [("fleet", json.dumps(about)), ("journal", last), ("members", str(members))]
        noted.append(("version", str(version)))
        noted.append(("crc", str(checksum(noted))))
        try:
            with self._transaction():
                self._connection.executemany("INSERT OR REPLACE INTO about VALUES (?, ?)", noted)
                besides()
        finally:  # read back, because only the file knows whether the commit took effect
            with self._sound():
                self._version = int(self._noted().get("version", 0))

    def forget_older(self, members: int) -> None:
        """Delete the records that the last commit, which has so many members, superseded or dropped."""
        numbers = sorted(self._to_clean)
        for at in range(0, len(numbers), _REMOVED_AT_ONCE):
            part = numbers[at : at + _REMOVED_AT_ONCE]
            places = ",".join(f"?{i}" for i in range(3, 3 + len(part)))
            query = f"DELETE FROM record WHERE number IN ({places}) AND {_SUPERSEDED}"
            try:
                with self._short_transaction():
                    self._connection.execute(query, (self._version, members, *part))
            except StoreError:  # the commit is valid regardless, and the next one removes them
                return
            self._to_clean.difference_update(part)

    def _delete(self, rows: list[tuple[int]]) -> None:
        for at in range(0, len(rows), _REMOVED_AT_ONCE):
            with self._short_transaction():
                part = rows[at : at + _REMOVED_AT_ONCE]
                self._connection.executemany("DELETE FROM record WHERE rowid = ?", part)

    @contextmanager
    def _short_transaction(self) -> Iterator[None]:
        """Write without a sync, because the next commit's sync also covers earlier writes."""
        self._owned.check_process()
        with self._owned.mutex:
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

    @contextmanager
    def held(self, *, wait: bool = True) -> Iterator[bool]:
        """Keep other threads from writing and forks from happening until the block ends, and yield whether that succeeded."""
        self._owned.check_process()
        held = self._owned.mutex.acquire(blocking=wait)
        try:
            yield held
        finally:
            if held:
                self._owned.mutex.release()

    def close(self) -> None:
        """Close the file, rolling back what was not committed."""
        self._owned.close()

    def _all(self, query: str, values: Iterable[Any] = ()) -> list[Any]:
        """Return what a query finds, one thread after the other, as Python holds its own lock where it waits for a connection."""
        self._owned.check_process()
        with self._owned.mutex:
            return self._found(self._connection, query, values)

    def _found(self, base: sqlite3.Connection, query: str, values: Iterable[Any]) -> list[Any]:
        self._owned.check_process()
        try:
            return base.execute(query, tuple(values)).fetchall()
        except sqlite3.Error as error:
            raise meaning(error, self.path) from error
