"""Locks of an open file description, which end only with its own close.

SQLite takes POSIX locks, which belong to a process and a file. All of them are dropped when the process closes any descriptor of
the file, so ``open(path).read()`` is enough (see "How To Corrupt An SQLite Database File", section 2.2). Open file description
(OFD) locks and ``flock`` are kept. OFD and POSIX locks exclude each other, so every other SQLite sees an OFD lock on its bytes.
"""

from __future__ import annotations

import errno
import struct
import sys

__all__ = ["exclude", "lock_whole", "share_bytes", "unshare_bytes"]

if sys.platform == "win32":
    import msvcrt

    def lock_whole(file: int) -> bool:
        """Lock a file for this descriptor and return False if another one holds the lock."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def exclude(file: int) -> bool:
        """Exclude earlier versions, which lock the store itself. None exist on Windows."""
        return True

    def share_bytes(file: int, start: int, length: int) -> bool:
        """Share SQLite's lock. Does nothing on Windows, where closing a descriptor drops no other lock."""
        return True

    def unshare_bytes(file: int, start: int, length: int) -> None:
        """Undo `share_bytes`."""

else:
    import fcntl

    _SET: int | None = getattr(fcntl, "F_OFD_SETLK", None)
    """The ``fcntl`` command for OFD locks, None where they don't exist, such as on macOS."""
    _TAKEN = (errno.EAGAIN, errno.EACCES)
    _FLOCK = struct.Struct("@hhqqi0q")
    """Layout of ``struct flock`` (type, whence, start, length, process, which is 0 for OFD locks)."""

    def lock_whole(file: int) -> bool:
        """Lock a file for this open file description and return False if another one holds the lock."""
        done = _set(file, fcntl.F_WRLCK, 0, 0)
        return exclude(file) if done is None else done

    def exclude(file: int) -> bool:
        """Lock a file by ``flock``, as version 0.2 did, and return False if another description holds the lock."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def share_bytes(file: int, start: int, length: int) -> bool:
        """Take a shared lock on some bytes and return False if they are locked exclusively.

        Without OFD locks this does nothing.
        """
        return _set(file, fcntl.F_RDLCK, start, length) is not False

    def unshare_bytes(file: int, start: int, length: int) -> None:
        """Undo `share_bytes`."""
        _set(file, fcntl.F_UNLCK, start, length)

    def _set(file: int, kind: int, start: int, length: int) -> bool | None:
        """Set an OFD lock and return whether it was free, or None where such locks don't exist."""
        if _SET is None:
            return None
        try:
            fcntl.fcntl(file, _SET, _FLOCK.pack(kind, 0, start, length, 0))
        except OSError as error:
            return False if error.errno in _TAKEN else None
        return True
