"""Lock file placed next to a store, opened only to be locked."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .byte_locks import lock_whole

__all__ = ["LockFile"]


class LockFile:
    """A lock file whose lock the system releases when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        Path of the file, created by `take` and removed by `release`.

    Raises
    ------
    OSError
        By `take`, if the file can't be created.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def take(self) -> bool:
        """Take the lock and return False if another description holds it."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            if not lock_whole(file):
                os.close(file)
                return False
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), os.stat(self.path)):
                    self._file = file
                    return True
            os.close(file)  # its owner has just removed it

    def release(self) -> None:
        """Remove the file, then release the lock, so that the next owner creates a new file."""
        if self._file >= 0:
            with suppress(OSError):
                self.path.unlink()
            self.abandon()

    def abandon(self) -> None:
        """Close the file without removing it. In a forked process the parent keeps the lock."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
