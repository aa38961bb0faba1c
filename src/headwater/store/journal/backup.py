"""A whole copy of a store, made while it goes on learning: of one moment, in one step, verified, and then put into its place.

SQLite's backup API copies all pages in one step under one read transaction. Writers go on beside it in the write-ahead log, and
it never begins again, as a copy in many steps does after each commit of another process.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from headwater.errors import StoreError

from .database import FULL, meaning, read_only, sync_folder
from .seal import read_seal, tables_of, write_seal

__all__ = ["check_pages", "write_backup"]

_SPARE = 16 << 20
"""Bytes beside the copy itself that must be free: of its journal, and for learning to go on."""
_BESIDE = ("-journal", "-wal", "-shm", "-mark", "-lock")


def write_backup(source: sqlite3.Connection, to: Path, verify: Callable[[Path], None]) -> int:
    """Copy a store to a path where nothing is yet; all of it or nothing.

    Parameters
    ----------
    source : sqlite3.Connection
        The store. What was committed when the copy begins is in it.
    to : Path
        Where the copy goes. Until it is whole and verified it stands beside that, under another name.
    verify : callable
        Raises StoreError unless the copy is sound.

    Returns
    -------
    int
        Its size in bytes.

    Raises
    ------
    StoreError
        If it can't be written, or the copy is not sound; nothing is left of it then.
    """
    part = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        _check_place(source, to)
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        try:
            _copy(source, part)
            verify(part)
            _sync(part)
            size = part.stat().st_size
            os.replace(part, to)
        finally:
            for name in (part, *(part.with_name(part.name + end) for end in _BESIDE)):
                name.unlink(missing_ok=True)
        sync_folder(to)
    except sqlite3.Error as error:
        raise meaning(error, str(to)) from error
    except StoreError:
        raise
    except OSError as error:
        raise StoreError(
            expected="a place that can be written",
            got=error.strerror or str(error),
            at=str(to),
            help="Choose another one; the store is unharmed.",
        ) from error
    return size


def _check_place(source: sqlite3.Connection, to: Path) -> None:
    if to.exists() or to.is_symlink():
        raise StoreError(
            expected="a path where nothing is",
            got="a file",
            at=str(to),
            help="Choose another name: a backup replaces nothing.",
        )
    pages, size = (source.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    free = shutil.disk_usage(to.parent).free
    if free < pages * size + _SPARE:
        raise StoreError(
            expected=f"room for {pages * size + _SPARE:,} bytes",
            got=f"{free:,} free",
            at=str(to.parent),
            help=FULL,
        )


def _copy(source: sqlite3.Connection, part: Path) -> None:
    """Copy all pages in one step, and make the copy a closed store in a single file."""
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous=OFF")  # the file is synced as a whole before it gets its name
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        if _is_learner(copy) and read_seal(copy) is not None:
            copy.execute("BEGIN")
            write_seal(copy, tables_of(copy, is_open=False))
            copy.execute("COMMIT")


def _is_learner(base: sqlite3.Connection) -> bool:
    """Whether a database is the store of a durable learner, and not that of a fleet."""
    return base.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is not None


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def check_pages(path: Path) -> None:
    """Raise unless SQLite finds every page of a file sound.

    Raises
    ------
    StoreError
        Then.
    """
    with closing(read_only(path)) as base:
        (word,) = base.execute("PRAGMA integrity_check(1)").fetchone()
    if word != "ok":
        raise StoreError(expected="a sound copy", got=word, at=str(path), help="Check the disk, and the store itself.")
