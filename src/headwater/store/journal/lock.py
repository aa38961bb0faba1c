"""The lock that gives one process a store: on the file itself, so that no other name of it leads around the lock."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from headwater.errors import StoreError

__all__ = ["Lock"]


class Lock:
    """Hold a store's file for this process alone, however the process ends.

    The lock is on the file (``flock``), not on a name: a symbolic link leads to the same lock, and there is no lock file that
    could be removed. A file with several hard links is refused, since SQLite keeps the WAL beside the name it is opened by.

    Parameters
    ----------
    path : Path
        The store.
    create : bool
        Whether a missing file is made, readable by its owner alone.

    Raises
    ------
    StoreError
        If another process has it, it has several names, or it can't be opened.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path.resolve()
        """Where the file itself stands: beside it stand its WAL and its mark."""
        self.writable = True
        """False for a file, or in a folder, that this process may only read."""
        self._file: IO[bytes] | None = None
        file = self._open(path, create)
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
        self._check_name(path, os.fstat(file.fileno()))

    def release(self) -> None:
        """Let other processes have the store; SQLite has let it go before, since closing the file ends its locks too."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, path: Path, create: bool) -> IO[bytes]:
        try:
            flags = os.O_RDWR | (os.O_CREAT if create else 0) | os.O_CLOEXEC
            return os.fdopen(os.open(self.path, flags, 0o600), "r+b", buffering=0)
        except OSError as error:
            if create or not self.path.is_file():
                raise _cannot_open(path, error.strerror or str(error)) from error
        self.writable = False
        try:
            return os.fdopen(os.open(self.path, os.O_RDONLY | os.O_CLOEXEC), "rb", buffering=0)
        except OSError as error:
            raise _cannot_open(path, error.strerror or str(error)) from error

    def _check_name(self, path: Path, about: os.stat_result) -> None:
        names = about.st_nlink
        if names == 1 and os.path.samestat(about, os.stat(self.path)):
            self.writable = self.writable and os.access(self.path.parent, os.W_OK)
            return
        self.release()
        got = f"{names} hard links" if names > 1 else "a file that was just replaced"
        raise StoreError(
            expected="a store whose file has one name",
            got=got,
            at=str(path),
            help="Remove the other links, or copy the file: its WAL stands beside one name only.",
        )


def _cannot_open(path: Path, why: str) -> StoreError:
    return StoreError(
        expected="a store that can be opened", got=why, at=str(path), help="Check the path and its folder."
    )
