"""A file that is there to be locked: beside what it protects, and opened by nothing else."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .byte_locks import lock_whole

__all__ = ["LockFile"]


class LockFile:
    """A lock file. The system ends its lock when the process ends, however it ends.

    Parameters
    ----------
    path : Path
        Where it stands; it is made when it is taken, and removed when it is released.

    Raises
    ------
    OSError
        By `take`, if the file can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1

    def take(self) -> bool:
        """Take the lock; return False if another description has it."""
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
        """Remove the file, then let the lock go, so that whoever waits makes a new one."""
        if self._file >= 0:
            with suppress(OSError):
                self.path.unlink()
            self.abandon()

    def abandon(self) -> None:
        """Close the file and leave it where it is; in a forked process the lock goes on."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
