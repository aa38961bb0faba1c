"""Locks of an open file description: only its own close ends them, never the close of another descriptor.

POSIX locks, which SQLite takes, belong to a process and a file. They all go when the process closes any descriptor of the file:
``open(path).read()`` is enough (see "How To Corrupt An SQLite Database File", section 2.2). Open file description (OFD) locks and
``flock`` stay. OFD locks and POSIX locks exclude each other, so an OFD lock on SQLite's own bytes is seen by every other SQLite.
"""

from __future__ import annotations

import errno
import struct
import sys

__all__ = ["exclude", "lock_whole", "share_bytes", "unshare_bytes"]

if sys.platform == "win32":
    import msvcrt

    def lock_whole(file: int) -> bool:
        """Lock a file for this descriptor alone; return False if another one has it."""
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def exclude(file: int) -> bool:
        """Keep out earlier versions, which lock the store itself; there were none here."""
        return True

    def share_bytes(file: int, start: int, length: int) -> bool:
        """Share SQLite's lock; here closing a descriptor ends no lock of another one."""
        return True

    def unshare_bytes(file: int, start: int, length: int) -> None:
        """Undo `share_bytes`."""

else:
    import fcntl

    _SET: int | None = getattr(fcntl, "F_OFD_SETLK", None)
    """The command for OFD locks; None where there are none, such as on macOS."""
    _TAKEN = (errno.EAGAIN, errno.EACCES)
    _FLOCK = struct.Struct("@hhqqi0q")
    """``struct flock``: type, whence, start, length, process (0 for OFD locks)."""

    def lock_whole(file: int) -> bool:
        """Lock a file for this open file description alone; return False if another one has it."""
        done = _set(file, fcntl.F_WRLCK, 0, 0)
        return exclude(file) if done is None else done

    def exclude(file: int) -> bool:
        """Lock a file by ``flock``, as version 0.2 locked the store itself; return False if another description has it."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def share_bytes(file: int, start: int, length: int) -> bool:
        """Hold a shared lock on some bytes; return False if somebody has them exclusively. Without OFD locks this does nothing."""
        return _set(file, fcntl.F_RDLCK, start, length) is not False

    def unshare_bytes(file: int, start: int, length: int) -> None:
        """Undo `share_bytes`."""
        _set(file, fcntl.F_UNLCK, start, length)

    def _set(file: int, kind: int, start: int, length: int) -> bool | None:
        """Set an OFD lock; return whether it was free, or None where the system or the file system has no such locks."""
        if _SET is None:
            return None
        try:
            fcntl.fcntl(file, _SET, _FLOCK.pack(kind, 0, start, length, 0))
        except OSError as error:
            return False if error.errno in _TAKEN else None
        return True
