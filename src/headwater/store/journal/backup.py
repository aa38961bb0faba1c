"""Back up a store online, as a verified snapshot of one moment.

SQLite's backup API copies all pages in one step under one read transaction. Writers meanwhile append to the write-ahead log.
The copy never restarts, unlike a copy in many steps, which restarts after each commit of another process.
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
from .seal import read_seal, write_seal

__all__ = ["check_pages", "write_backup"]

_SPARE = 16 << 20
"""Free bytes required beyond the copy itself, for its journal and for learning to continue."""
_BESIDE = ("-journal", "-wal", "-shm", "-mark", "-lock")


def write_backup(source: sqlite3.Connection, to: Path, verify: Callable[[Path], None]) -> int:
    """Copy a store to a new path, all or nothing, and return its size in bytes.

    Parameters
    ----------
    source : sqlite3.Connection
        The store. The copy includes everything committed before it starts.
    to : Path
        Path of the copy. It gets this name only once it is complete and verified.
    verify : callable
        Raises StoreError if the copy is damaged.

    Returns
    -------
    int
        Size of the copy in bytes.

    Raises
    ------
    StoreError
        If the copy can't be written, or is damaged. Nothing is left of it then.
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
            help="Choose another one. The store is unharmed.",
        ) from error
    return size


def _check_place(source: sqlite3.Connection, to: Path) -> None:
    if to.exists() or to.is_symlink():
        raise StoreError(
            expected="a path where nothing is",
            got="a file",
            at=str(to),
            help="Choose another name: a backup never overwrites a file.",
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
    """Copy all pages in one step, and turn the copy into a closed store in a single file."""
    with closing(sqlite3.connect(part, isolation_level=None)) as copy:
        copy.execute("PRAGMA synchronous=OFF")  # the whole file is synced before it gets its name
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        if _is_learner(copy) and read_seal(copy) is not None:
            copy.execute("BEGIN")
            write_seal(copy, is_open=False)
            copy.execute("COMMIT")


def _is_learner(base: sqlite3.Connection) -> bool:
    """Return whether a database is the store of a durable learner, not of a fleet."""
    return base.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is not None


def _sync(path: Path) -> None:
    file = os.open(path, os.O_RDWR)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def check_pages(path: Path) -> None:
    """Raise StoreError unless SQLite's integrity check passes.

    Raises
    ------
    StoreError
        If a page is damaged.
    """
    with closing(read_only(path)) as base:
        (word,) = base.execute("PRAGMA integrity_check(1)").fetchone()
    if word != "ok":
        got = " ".join(word.split())
        raise StoreError(expected="a sound copy", got=got, at=str(path), help="Check the disk, and the store itself.")
