"""The file of a store that this process owns, and its watch: SQLite writes where the file stands, and nobody else does.

Four things keep a store in one process, each for another way in:

- the registry, for another door in this process, before it opens the file;
- a lock on ``FILE-lock``, which SQLite never opens, for other processes;
- ``flock`` on the store itself, for version 0.2 and for other names of the file;
- shared locks of this open file description on the bytes that SQLite itself locks, for other programs. SQLite's own locks go when
  this process closes any descriptor of the file. Then the next program that closes the store would take itself for its last user,
  and delete the write-ahead log (WAL) that this process goes on writing.
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
"""The code of the error of a store that is open elsewhere."""
_SHARED = (0x40000002, 510)
"""Start and length of the bytes of the file that a reader of SQLite shares (the shared range in its os.h)."""
_USED = (128, 1)
"""The byte of ``-shm`` that says that somebody uses it (the dead man's switch in SQLite's os_unix.c)."""


class OwnedFile:
    """Own a store's file until `close`, however the process ends.

    Parameters
    ----------
    path : Path
        The store. A symbolic link leads to the file that it names.
    create : bool
        Whether a missing file is made, readable by its owner alone.

    Raises
    ------
    StoreError
        If this or another process has it open, it has several hard links, or it can't be opened.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path.resolve()
        """Where the file itself stands: beside it stand its WAL and its mark."""
        self.pid = os.getpid()
        self.mutex = threading.RLock()
        """Held by the thread that writes."""
        self.writable = True
        """False for a file, or in a folder, that this process may only read."""
        self._watched: dict[str, tuple[int, int]] = {}
        self._handles = _Handles()
        self._finalizer = weakref.finalize(self, self._handles.let_go)
        self._finalizer.atexit = False  # what is open at exit is left as a killed process leaves it
        try:
            with registry.claiming():
                _refuse_known(registry.find(self.path), path)
                self._lock(path, create)
                registry.add(self._handles.main, self)
        except BaseException:
            self.close()
            raise

    @property
    def connection(self) -> sqlite3.Connection | None:
        """The only connection that writes; `close` closes it."""
        return self._handles.connection

    @connection.setter
    def connection(self, connection: sqlite3.Connection) -> None:
        self._handles.connection = connection

    def watch(self) -> None:
        """Keep other programs from taking themselves for the last user of the file, and note which WAL the connection has open.

        It is in WAL mode, and has read.

        Raises
        ------
        StoreError
            If another program is using the file exclusively.
        """
        wal, shm = (f"{self.path}{suffix}" for suffix in ("-wal", "-shm"))
        shared = share_bytes(self._handles.main, *_SHARED)
        if os.path.exists(shm):
            self._handles.shm = os.open(shm, os.O_RDWR)
            shared = share_bytes(self._handles.shm, *_USED) and shared
        if not shared:
            raise _in_use(self.path, "another program")
        for name in (str(self.path), wal):
            about = os.stat(name)
            self._watched[name] = about.st_dev, about.st_ino

    @property
    def is_forked(self) -> bool:
        """Whether this process was forked from the one that opened the store."""
        return self.pid != os.getpid()

    def read_head(self, size: int) -> bytes:
        """Return the first bytes of the file, by the descriptor that stays open."""
        os.lseek(self._handles.main, 0, os.SEEK_SET)
        return os.read(self._handles.main, size)

    def check_process(self) -> None:
        """Raise in a process that was forked from the one that opened the store.

        Raises
        ------
        StoreError
            Then: SQLite's connections can't be used on both sides of a fork.
        """
        if self.is_forked:
            raise _forked(self.path)

    def check(self) -> None:
        """Raise unless what was written is in the files that stand at their names: else it is lost with this process.

        Raises
        ------
        StoreError
            If one of them was removed or replaced, or the process is a forked one.
        """
        self.check_process()
        for name, known in self._watched.items():
            try:
                about = os.stat(name)
                got = "" if (about.st_dev, about.st_ino) == known else "another file in its place"
            except OSError:
                got = "none: it was removed or moved"
            if got:
                raise StoreError(
                    expected=f"{os.path.basename(name)} as this process opened it", got=got, at=name, help=LOST
                )

    def disown(self) -> None:
        """Let the parent alone have the file; called in a forked process."""
        self._handles.disown()

    def close(self) -> None:
        """Close the connection, then let the file go. In a forked process nothing is touched."""
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
            return  # where nothing can be written, nobody writes
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
            help="Remove the other links, or copy the file: its WAL stands beside one name only.",
        )


class _Handles:
    """What is closed when a store is let go, in the order that keeps other programs out until the end."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.lock: LockFile | None = None
        self.main = self.shm = -1
        self.connection: sqlite3.Connection | None = None

    def let_go(self) -> None:
        """Close everything; in a forked process nothing, since the parent goes on."""
        if self.pid != os.getpid():
            return
        try:
            if self.connection is not None:
                unshare_bytes(self.main, *_SHARED)  # then SQLite is the last user, and brings the WAL into the file
                if self.shm >= 0:
                    unshare_bytes(self.shm, *_USED)
                self.connection.close()
        finally:
            self._close_files()
            if self.lock is not None:
                self.lock.release()

    def disown(self) -> None:
        """Close the copies that a forked process has; the parent's locks go on, and end with the parent."""
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
    """Own a store to read it, or read along where this process has it open already.

    Yields
    ------
    OwnedFile
        Read it through new connections of SQLite alone: another way to open the file and close it would end SQLite's locks.

    Raises
    ------
    StoreError
        If another process has it open, or it can't be opened.
    """
    with registry.claiming():
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
    """Return the first bytes of a file. One that this process has open as a store is not opened another time.

    Raises
    ------
    OSError
        If it can't be read.
    """
    with registry.claiming():
        known = registry.find(Path(path))
        if known is not None:
            known.check_process()
            return bytes(known.read_head(size))
        with open(path, "rb") as file:
            return file.read(size)


LOST = (
    "Nothing more is acknowledged. Save what was, while this process lives: `backup(TO)` of the open store, or `GET /backup`. "
    "Then stop it and put the backup in the store's place."
)


def _refuse_known(known: OwnedFile | None, path: Path) -> None:
    if known is not None:
        known.check_process()
        raise StoreError(
            expected="a store that is not open yet",
            got="one that this process has open",
            at=str(path),
            help="Use the one that is open, or close() it first: in a notebook, before the cell runs again.",
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
        help="Open stores after the fork, or hand the examples to the process that has it.",
    )


def _cannot_open(path: Path, why: str) -> StoreError:
    return StoreError(
        expected="a store that can be opened", got=why, at=str(path), help="Check the path and its folder."
    )
