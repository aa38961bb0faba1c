"""The file of an open store, with its lock, connection, transactions and checkpoint mark."""

from __future__ import annotations

import errno
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

import msgspec

from headwater.errors import StoreError
from headwater.store.model_file.container import PATH, no_path
from headwater.store.ownership import OwnedFile

from .checkpoint_mark import MAGIC, NUMBERS, RECORD, SLOT, mark_path
from .database import FAILING, FULL, MS_TO_WAIT, connect, ends_where_it_should, meaning, transaction
from .seal import PUT_SEAL, SEAL_KEY, SEALED_AS, write_seal

__all__ = ["PAGE", "CheckpointMark", "StoreFile"]

T = TypeVar("T")
PAGE = 4096
"""Bytes of a page."""
_PAGES_A_COMMIT = 7
"""Approximate pages changed by a small commit (journal, indices, seal)."""
_CHECKPOINT_NOW = 1 << 20
"""Pages of WAL beyond any threshold, which forces a checkpoint soon."""
_WAL_PAGES = 2048
"""Approximate pages (8 MB) of WAL that trigger a background checkpoint."""
_WAL_FULL = 3072
"""Pages (12 MB) at which writers checkpoint first, which keeps the WAL below 16 MB unless a single request is larger."""
_PAGES_BETWEEN = 256
"""Pages (1 MB) written before the next try when a reader blocked a checkpoint."""
_BINARY = getattr(os, "O_BINARY", 0)
"""On Windows a byte 10 would become two without it."""
_IDENTITY = attrgetter("st_dev", "st_ino")


class StoreFile:
    """The SQLite file of a store, open for writing by this process alone.

    Parameters
    ----------
    path : str or Path
        The file.
    create : bool
        Whether to create a missing file.
    accept : bool
        Whether to open a store whose journal ends before the last acknowledged event. ``sound_before`` is False then.

    Raises
    ------
    ConfigError
        If the path is none, or ``:memory:``.
    StoreError
        If the file is in use, damaged, emptied, or not a store.
    """

    def __init__(self, path: str | Path, *, create: bool = True, accept: bool = False) -> None:
        if not isinstance(path, PATH) or path == ":memory:":
            raise no_path(path)
        path = Path(path)
        self.at = str(path)
        self._owned = OwnedFile(path, create=create)
        self.pid = self._owned.pid
        """The process that opened the file."""
        self.check_process = self._owned.check_process
        """Raises StoreError in a forked process. Called before taking the mutex, which a thread of the parent may have held."""
        self.mutex = self._owned.mutex
        """Must be held to use the connection. Requests and background maintenance take turns."""
        self.path = self._owned.path
        self.overwrites = False
        """Whether everything that is deleted is overwritten with zeros."""
        self.wal_pages = 0
        """Approximate pages in the WAL since its last restart."""
        self._tried_at = 0  # pages in the WAL when a restart last failed
        self.checkpoint_at = _WAL_PAGES
        """Pages in the WAL from which on a background checkpoint is due."""
        try:
            self.sound_before = not accept or ends_where_it_should(self.path)
            self.base, self.sealed, self.id = connect(self._owned, create=create, accept=accept)
            """The connection, the seal of the last commit, None before the first one of a store of version 0.2, and the store's id."""
            self.begin = partial(self.base.execute, "BEGIN IMMEDIATE")
            """Begins a transaction that `commit` ends."""
            self._owned.connections.append(self.base)
            self._owned.watch()
            self._watched = self._owned.watched
            self._mark = CheckpointMark(self.path)
            self.acknowledge = partial(self._mark.write, refused=partial(_unmarked, self.path))
            """Records the last acknowledged event and id in the checkpoint mark, and returns a StoreError if it can't."""
            if self.sealed is not None:
                self._seal_as_open()
        except BaseException:
            self._owned.close()
            raise

    def _seal_as_open(self) -> None:
        """Mark the file itself as open, so that a plain copy of it can't pass for a complete store."""
        before = self.sealed
        with self.transaction():
            pass  # it seals
        if self.sealed != before:
            self.checkpoint()

    @property
    def is_forked(self) -> bool:
        """Whether this process was forked from the one that opened the file."""
        return self._owned.is_forked

    def check(self) -> None:
        """Raise StoreError unless this process still writes to the file at the path.

        Raises
        ------
        StoreError
            If the file or its WAL was removed or replaced, or this process was forked.
        """
        self._owned.check()

    def is_lost(self) -> bool:
        """Return whether the file or its WAL was removed or replaced, so that only this process has the data."""
        try:
            self.check()
        except StoreError:
            return True
        return False

    @contextmanager
    def transaction(self, pages: int = _PAGES_A_COMMIT) -> Iterator[None]:
        """Run the body in one transaction, synced to disk, committing all of its writes or none.

        Parameters
        ----------
        pages : int
            Approximate number of changed pages.

        Raises
        ------
        StoreError
            If the commit failed, or the file was replaced. For this process nothing was written.
        """
        self.check_process()
        with self.mutex:
            try:
                with self.base:  # rolls back at an error
                    self.begin()
                    yield
                    self.commit(pages)
            except sqlite3.Error as error:
                raise meaning(error, self.at) from error

    def commit(self, pages: int = _PAGES_A_COMMIT, *, appended: tuple[int, int] | None = None) -> StoreError | None:
        """Seal and commit what was written since ``begin``, and acknowledge what was appended in the checkpoint mark.

        At an error the caller rolls back. It holds the mutex.

        Parameters
        ----------
        pages : int
            Approximate number of changed pages.
        appended : (int, int), optional
            The last event and the last prediction id, if only events and ids were added, so that no table has to be read for the seal.

        Returns
        -------
        StoreError or None
            Why the mark can't be written. What was appended is durable all the same.

        Raises
        ------
        StoreError
            If the file was replaced.
        """
        before, base = self.sealed, self.base
        if appended is None or before is None:
            seal = write_seal(base, before)
        else:
            seq, last_id = appended
            first, last = (before.first or before.seq + 1, seq) if seq > before.seq else (before.first, before.last)
            seal = msgspec.structs.replace(before, seq=seq, last_id=last_id, first=first, last=last)
            if seal != before:
                text = msgspec.json.encode(seal)
                base.execute(PUT_SEAL, (SEAL_KEY, SEALED_AS(text.decode(), zlib.crc32(text))))
        base.commit()
        # The first seal must reach the main file soon, so that a plain copy can be recognized.
        self.wal_pages += pages if before is not None else pages + _CHECKPOINT_NOW
        self.sealed = seal
        try:
            in_place = list(map(_IDENTITY, map(os.stat, self._watched))) == list(self._watched.values())
        except OSError:
            in_place = False
        if not in_place:
            self._owned.check()  # which says what became of the file
        return None if appended is None else self.acknowledge(*appended)

    @contextmanager
    def short_transaction(self, pages: int = 64) -> Iterator[None]:
        """Commit as `transaction` does but without a sync, leaving durability to the next synced commit.

        Use it for data that can be rebuilt from the journal. The order of the WAL still holds, so after a power cut everything
        before a surviving commit has survived too. ``pages`` is the approximate number of changed pages.
        """
        self.check_process()
        with self.mutex:
            self.base.execute("PRAGMA synchronous=NORMAL")
            try:
                with self.transaction(pages):
                    yield
            finally:
                self.base.execute("PRAGMA synchronous=FULL")

    @property
    def wants_checkpoint(self) -> bool:
        """Whether the WAL is long enough for a background checkpoint."""
        return self.wal_pages >= self.checkpoint_at

    @property
    def needs_checkpoint(self) -> bool:
        """Whether the WAL is so long that writers must checkpoint first."""
        return self.wal_pages >= max(_WAL_FULL, self._tried_at + _PAGES_BETWEEN)

    def checkpoint(self, *, truncate: bool = False) -> None:
        """Copy the WAL into the main file, mostly while requests continue, then restart the WAL.

        If another connection still reads from the WAL, the restart happens later.

        Raises
        ------
        StoreError
            If writing failed. The WAL then keeps growing, and nothing is lost.
        """
        self._owned.check()
        try:
            with closing(sqlite3.connect(self.path, isolation_level=None)) as other:
                other.execute("PRAGMA synchronous=FULL")
                other.execute("PRAGMA wal_checkpoint(PASSIVE)")
            with self.mutex:
                self._begin_anew("TRUNCATE" if truncate else "RESTART")
            self._mark.sync()
        except sqlite3.Error as error:
            raise meaning(error, self.at) from error
        except OSError as error:
            raise StoreError(expected="a disk that can be written", got=str(error), at=self.at, help=FAILING) from error

    def _begin_anew(self, how: str) -> None:
        wait = MS_TO_WAIT if how == "TRUNCATE" else 0  # a reader, such as a backup, must not block learning
        self.base.execute(f"PRAGMA busy_timeout={wait}")
        try:
            busy, pages, _ = self.base.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        finally:
            self.base.execute(f"PRAGMA busy_timeout={MS_TO_WAIT}")
        self.wal_pages = self._tried_at = pages if busy and pages > 0 else 0
        self.checkpoint_at = max(_WAL_PAGES, self._tried_at + _PAGES_BETWEEN)

    @contextmanager
    def overwriting(self) -> Iterator[None]:
        """Overwrite with zeros what the body deletes, which costs a write of each freed page."""
        self.base.execute("PRAGMA secure_delete=ON")
        try:
            yield
        finally:
            if not self.overwrites:
                self.base.execute("PRAGMA secure_delete=FAST")

    def always_overwrite(self) -> None:
        """Overwrite whatever is deleted from now on."""
        self.overwrites = True
        self.base.execute("PRAGMA secure_delete=ON")

    def used(self) -> int:
        """Return the bytes of the file that are in use."""
        with self.mutex:
            pages, free, size = (self.base.execute(f"PRAGMA {name}").fetchone()[0] for name in _SIZES)
        return int((pages - free) * size)

    def vacuum(self) -> bool:
        """Return unused space to the file system.

        Returns
        -------
        bool
            Whether the log is empty, which it isn't while another connection reads from it.
        """
        with self.mutex:
            self.base.execute("VACUUM")
            with self.transaction():
                pass  # it seals SQLite's new schema version
            self.checkpoint(truncate=True)
            return self.wal_pages == 0

    def close(self, *, clean: bool = True) -> None:
        """Close the file. Does nothing in a forked process.

        Parameters
        ----------
        clean : bool
            Whether the shutdown was clean, so that the seal may mark the store as closed.
        """
        if self.is_forked:
            return
        with self.mutex:
            if clean and self.sealed is not None:
                with suppress(StoreError):  # if sealing fails, the store opens like one whose process was killed
                    self._seal_as_closed()
            self._mark.close()
            self._owned.close()

    def _seal_as_closed(self) -> None:
        self._owned.check()
        with transaction(self.base, self.at):
            write_seal(self.base, self.sealed, is_open=False)


class CheckpointMark:
    """The checkpoint mark of an open store.

    Writes alternate between two slots, so that a torn write leaves the previous mark intact.

    Parameters
    ----------
    path : Path
        The store.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(mark_path(path), os.O_RDWR | os.O_CREAT | _BINARY, 0o600)
        self._turn = 0

    def write(self, seq: int, last_id: int, refused: Callable[[OSError], T] | None = None) -> T | None:
        """Record the last acknowledged event and prediction id, or return what ``refused`` makes of the system's error."""
        body = RECORD.pack(MAGIC, seq, last_id, zlib.crc32(NUMBERS.pack(seq, last_id)))
        try:
            os.lseek(self._file, self._turn * SLOT, os.SEEK_SET)  # Windows has no pwrite
            os.write(self._file, body)
        except OSError as error:
            if refused is None:
                raise
            return refused(error)
        self._turn ^= 1
        return None

    def sync(self) -> None:
        """Sync the mark to disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Sync and close the file."""
        if self._file >= 0:
            with suppress(OSError):  # the mark is only a witness, and the journal is complete without it
                self.sync()
            os.close(self._file)
            self._file = -1


def _unmarked(path: Path, error: OSError) -> StoreError:
    """Return why the mark could not be written.

    What was committed before is durable without it, but a later loss could go unnoticed, so nothing more may be acknowledged while
    the mark lags.
    """
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return StoreError(
        expected="a checkpoint mark that can be written",
        got=f"{error.strerror} ({errno.errorcode.get(error.errno or 0, 'OSError')})",
        at=str(mark_path(path)),
        help=FULL if full else FAILING,
    )


_SIZES = ("page_count", "freelist_count", "page_size")
