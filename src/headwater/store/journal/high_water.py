"""The checkpoint mark, a record of what was acknowledged, kept outside SQLite's files.

SQLite reads a WAL up to the first damaged frame and takes that for its end. It can't know whether more frames followed. The mark
is a small file next to the store that holds the numbers of acknowledged events and prediction ids. It is written after each
commit, without a sync of its own. After a power cut it may therefore lag the journal, but never lead it. After any other end of
the process it is exact.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

__all__ = ["HighWater", "read_mark"]

T = TypeVar("T")
_RECORD = struct.Struct("<8sqqI")
_NUMBERS = struct.Struct("<qq")
_MAGIC = b"hwmark01"
_SLOT = 64
_SLOTS = struct.Struct(f"{_RECORD.format}{_SLOT - _RECORD.size}x")
_BINARY = getattr(os, "O_BINARY", 0)
"""On Windows a byte 10 would become two without it."""


def mark_path(path: Path) -> Path:
    """Return the path of a store's mark."""
    return path.with_name(f"{path.name}-mark")


def read_mark(path: Path) -> tuple[int, int] | None:
    """Return the last acknowledged event and prediction id, or None without a readable mark.

    Parameters
    ----------
    path : Path
        The store.
    """
    try:
        data = mark_path(path).read_bytes()
    except OSError:
        return None
    whole = data[: 2 * _SLOT].ljust(2 * _SLOT, b"\0")
    sound = [
        (seq, last_id)
        for magic, seq, last_id, crc in _SLOTS.iter_unpack(whole)
        if magic == _MAGIC and crc == zlib.crc32(_NUMBERS.pack(seq, last_id))
    ]
    return max(sound, default=None)


class HighWater:
    """The mark of an open store.

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
        body = _RECORD.pack(_MAGIC, seq, last_id, zlib.crc32(_NUMBERS.pack(seq, last_id)))
        try:
            os.lseek(self._file, self._turn * _SLOT, os.SEEK_SET)  # Windows has no pwrite
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
            with contextlib.suppress(OSError):  # the mark is only a witness, and the journal is complete without it
                self.sync()
            os.close(self._file)
            self._file = -1
