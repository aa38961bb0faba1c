"""The checkpoint mark, a record of what was acknowledged, kept outside SQLite's files.

SQLite reads a WAL up to the first damaged frame and takes that for its end. It can't know whether more frames followed. The mark
is a small file next to the store that holds the numbers of acknowledged events and prediction ids. It is written after each
commit, without a sync of its own. After a power cut it may therefore lag the journal, but never lead it. After any other end of
the process it is exact.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

__all__ = ["MAGIC", "NUMBERS", "RECORD", "SLOT", "mark_path", "read_mark"]

RECORD = struct.Struct("<8sqqI")
"""Magic, event, prediction id, and the CRC-32 over both numbers."""
NUMBERS = struct.Struct("<qq")
MAGIC = b"hwmark01"
SLOT = 64
"""Bytes between the two records, to which the mark is written in turn."""
_SLOTS = struct.Struct(f"{RECORD.format}{SLOT - RECORD.size}x")


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
    whole = data[: 2 * SLOT].ljust(2 * SLOT, b"\0")
    sound = [
        (seq, last_id)
        for magic, seq, last_id, crc in _SLOTS.iter_unpack(whole)
        if magic == MAGIC and crc == zlib.crc32(NUMBERS.pack(seq, last_id))
    ]
    return max(sound, default=None)
