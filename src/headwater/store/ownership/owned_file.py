"""A store's file owned by this process, with checks that it still is the file at the path.

Four locks restrict a store to one process:

- The registry stops a second opening in this process, before it opens the file.
- A lock on ``FILE-lock``, which SQLite never opens, stops other processes.
- ``flock`` on the store itself stops version 0.2, and openings under another name of the file.
- Shared locks of this open file description on the bytes that SQLite locks stop other programs. SQLite's own locks are dropped
  when this process closes any descriptor of the file. The next program to close the store would then consider itself the last
  user, and delete the write-ahead log (WAL) that this process is still writing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.errors import StoreError

from . import registry
from .byte_locks import exclude, share_bytes, unshare_bytes
from .lock_file import LockFile

__all__ = ["IN_USE", "OwnedFile", "read_head", "reading"]

IN_USE = "store_in_use"
"""Error code of a store that is open elsewhere."""
_SHARED = (0x40000002, 510)
"""Start and length of the bytes that SQLite's readers lock (the shared range in its os.h)."""
_USED = (128, 1)
"""Byte of ``-shm`` that marks it as in use (the dead man's switch in SQLite's os_unix.c)."""


class OwnedFile:
    """Own a store's file until `close`, or until the process ends in any way.

    Parameters
    ----------
    path : Path
        The store. Symbolic links are resolved.
    create : bool
        Whether to create a missing file, readable only by its owner.

    Raises
    ------
    StoreError
        If any process has the file open, it has several hard links, or it can't be opened.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path.resolve()
        """Resolved path of the file. Its WAL and its mark are next to it."""
        self.pid = os.getpid()
        self.mutex = threading.RLock()
        """Held by the writing thread."""
        self.outer: list[threading.RLock] = []
        """Locks that it takes before, for which a fork waits too."""
        self.writable = True
        """False if this process may only read the file or its folder."""
        self.watched: dict[str, tuple[int, int]] = {}
        """Device and inode of the open file and its WAL, by path."""
        self._handles = _Handles()
        self.connections = self._handles.connections
        """The connection that writes, first, and others that only read. `close` closes them."""
        self._finalizer = weakref.finalize(self, self._handles.let_go)
        self._finalizer.atexit = False  # at exit, open stores are left as a killed process leaves them
        try:
            with registry.claims():
                known = registry.find(self.path)
                if known is not None:
                    raise _open_here(known, path)
                self._lock(path, create)
                registry.add(self._handles.main, self)
        except BaseException:
            self.close()
            raise

    def watch(self) -> None:
        """Lock out other programs' last-user cleanup, and remember the identity of the open file and WAL.

        Requires a connection in WAL mode that has read.

        Raises
        ------
        StoreError
            If another program is using the file exclusively.
        """
        wal, shm = f"{self.path}-wal", f"{self.path}-shm"
        shared = share_bytes(self._handles.main, *_SHARED)
        if os.path.exists(shm):
            self._handles.shm = os.open(shm, os.O_RDWR)
            shared = share_bytes(self._handles.shm, *_USED) and shared
        if not shared:
            raise _in_use(self.path, "another program")
        for name in (str(self.path), wal):
            about = os.stat(name)
            self.watched[name] = about.st_dev, about.st_ino

    @property
    def is_forked(self) -> bool:
        """Whether this process was forked from the one that opened the store."""
        return self.pid != os.getpid()

    def read_head(self, size: int) -> bytes:
        """Return the first bytes of the file through the descriptor that stays open."""
        os.lseek(self._handles.main, 0, os.SEEK_SET)
        return os.read(self._handles.main, size)

    def check_process(self) -> None:
        """Raise StoreError in a process forked from the one that opened the store.

        Raises
        ------
        StoreError
            Because SQLite connections can't be used on both sides of a fork.
        """
        if self.pid != os.getpid():
            raise _forked(self.path)

    def check(self) -> None:
        """Raise StoreError unless the open file and WAL still have their paths, since writes would be lost otherwise.

        Raises
        ------
        StoreError
            If one of them was removed or replaced, or this process was forked.
        """
        if self.pid != os.getpid():
            raise _forked(self.path)
        for name, known in self.watched.items():
            try:
                about = os.stat(name)
                got = "" if (about.st_dev, about.st_ino) == known else "another file in its place"
            except OSError:
                got = "none, because it was removed or moved"
            if got:
                raise StoreError(
                    expected=f"{os.path.basename(name)} as this process opened it", got=got, at=name, help=LOST
                )

    def disown(self) -> None:
        """Leave the file to the parent. Called in a forked process."""
        self._handles.disown()

    def close(self) -> None:
        """Close the connections, then release the file. Does nothing in a forked process."""
        registry.forget(self)
        self._finalizer()

    def _lock(self, path: Path, create: bool) -> None:
        self._lock_beside(path)
        self._handles.main = self._open(path, create)
        if not exclude(self._handles.main):
            raise _in_use(path, "another process")
        self._check_name(path, os.fstat(self._handles.main))

    def _lock_beside(self, path: Path) -> None:
        lock = LockFile(self.path.with_name(f"{self.path.name}-lock"))
        try:
            taken = lock.take()
        except OSError as error:
            if os.access(self.path.parent, os.W_OK):
                raise _cannot_open(lock.path, error.strerror or str(error)) from error
            return  # a read-only folder has no writers to exclude
        if not taken:
            raise _in_use(path, "another process")
        self._handles.lock = lock

    def _open(self, path: Path, create: bool) -> int:
        try:
            return os.open(self.path, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
        except OSError as error:
            if create or not self.path.is_file():
                raise _cannot_open(path, error.strerror or str(error)) from error
        self.writable = False
        try:
            return os.open(self.path, os.O_RDONLY)
        except OSError as error:
            raise _cannot_open(path, error.strerror or str(error)) from error

    def _check_name(self, path: Path, about: os.stat_result) -> None:
        names = about.st_nlink
        if names == 1 and os.path.samestat(about, os.stat(self.path)):
            self.writable = self.writable and os.access(self.path.parent, os.W_OK)
            return
        raise StoreError(
            expected="a store whose file has one name",
            got=f"{names} hard links" if names > 1 else "a file that was just replaced",
            at=str(path),
            help="Remove the other links, or copy the file, because its WAL belongs to one name only.",
        )


class _Handles:
    """Open handles of a store, closed in an order that excludes other programs until the end."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock: LockFile | None = None
        self.main = self.shm = -1
        self.connections: list[sqlite3.Connection] = []

    def let_go(self) -> None:
        """Close everything. Does nothing in a forked process, because the parent continues."""
        if self.pid != os.getpid():
            return
        try:
            if self.connections:
                unshare_bytes(self.main, *_SHARED)  # SQLite, as the last user, then checkpoints on close
                if self.shm >= 0:
                    unshare_bytes(self.shm, *_USED)
            while self.connections:
                self.connections.pop().close()
        finally:
            self._close_files()
            if self.lock is not None:
                self.lock.release()

    def disown(self) -> None:
        """Close a forked process's copies of the handles. The parent keeps its locks."""
        self._close_files()
        if self.lock is not None:
            self.lock.abandon()

    def _close_files(self) -> None:
        for file in (self.shm, self.main):
            if file >= 0:
                os.close(file)
        self.main = self.shm = -1


@contextmanager
def reading(path: str | Path) -> Iterator[OwnedFile]:
    """Own a store to read it, or share it if this process has it open already.

    Yields
    ------
    OwnedFile
        Read it only through new SQLite connections. Opening and closing the file otherwise would drop SQLite's locks.

    Raises
    ------
    StoreError
        If another process has the store open, or it can't be opened.
    """
    with registry.claims():
        known = registry.find(Path(path))
        if known is not None:
            known.check_process()
        own = OwnedFile(Path(path)) if known is None else None
    try:
        yield known if own is None else own
    finally:
        if own is not None:
            own.close()


def read_head(path: str | Path, size: int = 100) -> bytes:
    """Return the first bytes of a file, without reopening a store that this process has open.

    Raises
    ------
    OSError
        If the file can't be read.
    """
    with registry.claims():
        known = registry.find(Path(path))
        if known is not None:
            known.check_process()
            return bytes(known.read_head(size))
        with open(path, "rb") as file:
            return file.read(size)


LOST = (
    "Nothing more is acknowledged. Save the store while this process lives, with `backup(TO)` or `GET /backup`. "
    "Then stop the process and put the backup in the store's place."
)


def _open_here(known: OwnedFile, path: Path) -> StoreError:
    known.check_process()
    return StoreError(
        expected="a store that is not open yet",
        got="one that this process has open",
        at=str(path),
        help="Use the one that is open, or close() it first. In a notebook, close it before the cell runs again.",
        code=IN_USE,
    )


def _in_use(path: Path, by: str) -> StoreError:
    return StoreError(
        expected="a store that no other process has open",
        got=f"one that {by} is using",
        at=str(path),
        help="Stop the other process, or ask its server.",
        code=IN_USE,
    )


def _forked(path: Path) -> StoreError:
    return StoreError(
        expected="the process that opened the store",
        got="one that was forked from it",
        at=str(path),
        help="Open stores after the fork, or send the examples to the process that opened it.",
    )


def _cannot_open(path: Path, why: str) -> StoreError:
    return StoreError(
        expected="a store that can be opened", got=why, at=str(path), help="Check the path and its folder."
    )
