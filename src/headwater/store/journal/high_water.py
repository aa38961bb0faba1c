"""The high-water mark: what was acknowledged, kept outside SQLite's files, so that a damaged WAL can't be taken for its end.

SQLite reads a WAL up to the first frame that is not sound and takes that for its end; it can't know whether there was more.
The mark knows: a small file beside the store says how many events, and how many ids of predictions, were given out. It is
written after each commit, without a sync of its own. So after a power cut it may be behind the journal, and never before it; after
anything else that ends a process it is exact.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from pathlib import Path

__all__ = ["HighWater", "read_mark"]

_RECORD = struct.Struct("<8sqqI")
_MAGIC = b"hwmark01"
_SLOT = 64


def mark_path(path: Path) -> Path:
    """Return where the mark of a store stands."""
    return path.with_name(f"{path.name}-mark")


def read_mark(path: Path) -> tuple[int, int] | None:
    """Return the last event and the last id that a store gave out; None where there is no mark that can be read.

    Parameters
    ----------
    path : Path
        The store.
    """
    try:
        data = mark_path(path).read_bytes()
    except OSError:
        return None
    found = [record for at in (0, _SLOT) if (record := _record(data[at : at + _RECORD.size])) is not None]
    return max(found, default=None)


class HighWater:
    """The mark of an open store; written in turns in two places, so that a torn write leaves the one before.

    Parameters
    ----------
    path : Path
        The store.
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(mark_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._turn = 0

    def write(self, seq: int, last_id: int) -> None:
        """Note what was given out so far."""
        body = _RECORD.pack(_MAGIC, seq, last_id, _crc(seq, last_id))
        os.pwrite(self._file, body, self._turn * _SLOT)
        self._turn ^= 1

    def sync(self) -> None:
        """Bring the mark to the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Let the file go."""
        if self._file >= 0:
            with contextlib.suppress(OSError):  # it is a witness only: the journal stands without it
                self.sync()
            os.close(self._file)
            self._file = -1


def _record(data: bytes) -> tuple[int, int] | None:
    if len(data) < _RECORD.size:
        return None
    magic, seq, last_id, crc = _RECORD.unpack(data)
    return (seq, last_id) if magic == _MAGIC and crc == _crc(seq, last_id) else None


def _crc(seq: int, last_id: int) -> int:
    return zlib.crc32(struct.pack("<qq", seq, last_id))
