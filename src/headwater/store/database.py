"""The one SQLite file of a store: its tables, how it is opened, and what its errors mean.

WAL mode with ``synchronous=FULL``: a commit returns after fsync, so what was committed survives a power cut. One process at a
time has a store open; a lock file beside it sees to that.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from headwater.errors import StoreError

FORMAT = 2
"""1, which had no changes of the step in its journal, is read too."""

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE models (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, paused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE learners (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, name TEXT NOT NULL, champion INTEGER NOT NULL,
    UNIQUE (model, name));
CREATE TABLE journal (
    seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, model INTEGER NOT NULL, t INTEGER NOT NULL,
    body BLOB NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE pending (
    id INTEGER PRIMARY KEY AUTOINCREMENT, model INTEGER NOT NULL, t INTEGER NOT NULL, body BLOB NOT NULL);
CREATE INDEX pending_t ON pending (t);
CREATE TABLE seen (
    model INTEGER NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, digest INTEGER NOT NULL,
    PRIMARY KEY (model, id)) WITHOUT ROWID;
CREATE INDEX seen_seq ON seen (seq);
CREATE TABLE snapshots (
    learner INTEGER NOT NULL, seq INTEGER NOT NULL, t INTEGER NOT NULL, body BLOB NOT NULL, scores BLOB NOT NULL,
    sha BLOB NOT NULL, PRIMARY KEY (learner, seq));
CREATE TABLE damaged (seq INTEGER PRIMARY KEY, n INTEGER NOT NULL, t INTEGER NOT NULL, body BLOB);
"""
_LOOKS = "CREATE TABLE IF NOT EXISTS looks (model INTEGER PRIMARY KEY, body BLOB NOT NULL);"
"""What a page has seen of a model over time: of no weight to what is learned, so stores from before it get it when they are opened."""
"""``journal.seq`` is the number of an entry's last event, ``n`` how many events it has; t is in ms since 1970."""

_MS_TO_WAIT = 2000  # for a reader such as a backup; then the answer is that the store is in use


class Lock:
    """Hold a store for this process alone, by a lock on a file beside it that goes with the process, however that ends.

    Parameters
    ----------
    path : Path
        The store.

    Raises
    ------
    StoreError
        If another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._file: IO[bytes] | None = None
        try:
            file = open(f"{path}-lock", "ab")  # noqa: SIM115 - held open as long as the store is
        except OSError as error:
            raise _cannot_open(path, error.strerror or str(error)) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise StoreError(
                expected="a store that no other process has open",
                got="one that is in use",
                at=str(path),
                help="Stop the other process, or ask its server.",
            ) from error
        self._file = file

    def release(self) -> None:
        """Let other processes have the store."""
        if self._file is not None:
            self._file.close()
            self._file = None


def connect(path: Path, *, create: bool = True) -> sqlite3.Connection:
    """Open a store's file, making it if it is missing; the caller holds its lock.

    Parameters
    ----------
    path : Path
        The file.
    create : bool
        Whether a missing file is made.

    Returns
    -------
    sqlite3.Connection
        In autocommit mode: transactions are begun and ended by ``transaction``.

    Raises
    ------
    StoreError
        If it is no store, or of a later version.
    """
    if not create and not path.exists():
        raise _cannot_open(path, "no such file")
    try:
        base = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    except sqlite3.Error as error:
        raise _cannot_open(path, str(error)) from error
    try:
        _prepare(base, path)
    except sqlite3.Error as error:
        base.close()
        raise meaning(error, str(path)) from error
    except StoreError:
        base.close()
        raise
    return base


def _prepare(base: sqlite3.Connection, path: Path) -> None:
    base.execute(f"PRAGMA busy_timeout={_MS_TO_WAIT}")
    tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    if tables and "journal" not in tables:
        raise StoreError(
            expected="a store of headwater", got="another database", at=str(path), help="Choose another path."
        )
    base.execute("PRAGMA journal_mode=WAL")
    base.execute("PRAGMA synchronous=FULL")
    base.execute("PRAGMA wal_autocheckpoint=8000")  # 32 MB: each checkpoint stops the writer for some syncs
    base.execute("PRAGMA trusted_schema=OFF")
    base.execute("PRAGMA cell_size_check=ON")
    base.execute("PRAGMA cache_size=-16384")
    if not tables:
        base.executescript(f"BEGIN; {SCHEMA} {_LOOKS} INSERT INTO meta VALUES ('format', {FORMAT}); COMMIT;")
        _sync_folder(path)
    row = base.execute("SELECT value FROM meta WHERE key='format'").fetchone()
    if row is None or row[0] > FORMAT:
        raise StoreError(
            expected=f"a store of format {FORMAT} or earlier",
            got=f"format {row[0] if row else 'unknown'}",
            at=str(path),
            help="Update headwater.",
        )


def _sync_folder(path: Path) -> None:
    # The new file's name is in its folder, which has to reach the disk too.
    folder = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def upgrade(base: sqlite3.Connection) -> None:
    """Mark a store that is about to be written as one of this format, so that an earlier version refuses it."""
    base.execute(_LOOKS)
    base.execute("UPDATE meta SET value = ? WHERE key = 'format' AND value < ?", (FORMAT, FORMAT))


@contextmanager
def transaction(base: sqlite3.Connection, at: str) -> Iterator[None]:
    """Commit what the body writes as one, or nothing of it.

    Raises
    ------
    StoreError
        If it could not be written; nothing was, as far as this process is concerned.
    """
    try:
        base.execute("BEGIN IMMEDIATE")
        try:
            yield
            base.execute("COMMIT")
        except BaseException:
            if base.in_transaction:
                base.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        raise meaning(error, at) from error


def meaning(error: sqlite3.Error, at: str) -> StoreError:
    """Return what an error of SQLite means for the one who runs the service."""
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return StoreError(expected="room on the disk", got="a full disk", at=at, help=FULL)
    if name in ("SQLITE_BUSY", "SQLITE_LOCKED"):
        return StoreError(
            expected="a store that is free", got="one that is in use", at=at, help="Stop the other process."
        )
    if name.startswith("SQLITE_IOERR") or name in ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"):
        return StoreError(expected="a disk that can be written", got=f"{error} ({name})", at=at, help=FAILING)
    return StoreError(expected="a sound store", got=f"{error} ({name or type(error).__name__})", at=at, help=DAMAGED)


FULL = "Free some space; learning goes on by itself with the next example that can be written."
FAILING = "Check the disk, then start again: everything that was acknowledged is in the store."
DAMAGED = "Restore a backup; `headwater store check FILE` says what is sound, `headwater store export FILE` saves it."


def _cannot_open(path: Path, why: str) -> StoreError:
    return StoreError(
        expected="a store that can be opened", got=why, at=str(path), help="Check the path and its folder."
    )


__all__ = ["DAMAGED", "FAILING", "FULL", "Lock", "connect", "meaning", "transaction", "upgrade"]
