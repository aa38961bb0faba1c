"""Read a write-ahead log by its checksums, to find the commits that SQLite no longer sees.

SQLite reads a log up to the first frame with a wrong checksum and takes that for its end. Later frames of the same log are
commits that it no longer sees.

Source: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Frames", "read_frames"]

_HEADER, _FRAME = 32, 24
_ORDER = {0x377F0682: "<", 0x377F0683: ">"}
_EMPTY = (0, 0)


@dataclass(frozen=True, slots=True)
class Frames:
    """Frame counts of a log.

    Parameters
    ----------
    empty
        Whether the log is missing or has no bytes.
    sound
        Number of frames that SQLite finds.
    lost_commits
        Number of commits of the same log after the first damaged frame.
    """

    empty: bool = False
    sound: int = 0
    lost_commits: int = 0


def read_frames(wal: Path, *, only_first: bool = False) -> Frames:
    """Count the frames of a log.

    Parameters
    ----------
    wal : Path
        The file.
    only_first : bool
        Whether to read only the first frame.
    """
    try:
        with wal.open("rb") as file:
            header = file.read(_HEADER)
            if not header:
                return Frames(empty=True)
            return _read(file, header, only_first)
    except FileNotFoundError:
        return Frames(empty=True)


def _read(file: BinaryIO, header: bytes, only_first: bool) -> Frames:
    if len(header) < _HEADER:
        return Frames()
    magic, _, page, _, *salts, _, _ = struct.unpack(">8I", header)
    order = _ORDER.get(magic)
    if order is None or not 512 <= page <= 65_536:
        return Frames()
    sums = _checksum(header[:24], order, _EMPTY)
    whole = sums == struct.unpack(">2I", header[24:])
    sound = lost = 0
    for frame in _frames(file, page):
        _, commit, *own = struct.unpack(">6I", frame[:_FRAME])
        if whole:
            sums = _checksum(frame[:8] + frame[_FRAME:], order, sums)
            whole = own == [*salts, *sums]
        sound += whole
        lost += not whole and commit > 0 and own[:2] == salts
        if only_first:
            break
    return Frames(sound=sound, lost_commits=lost)


def _frames(file: BinaryIO, page: int) -> Iterator[bytes]:
    while len(frame := file.read(_FRAME + page)) == _FRAME + page:
        yield frame


def _checksum(data: bytes, order: str, start: tuple[int, int]) -> tuple[int, int]:
    a, b = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for x, y in zip(words[::2], words[1::2], strict=True):
        a = (a + x + b) & 0xFFFFFFFF
        b = (b + y + a) & 0xFFFFFFFF
    return a, b
