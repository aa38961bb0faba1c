"""Split bytes into numbered lines of text, rejecting lines that can't be decoded."""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from headwater.streams.files.encoding import Decoder, spoken
from headwater.streams.files.rejects import Rejects

__all__ = ["Numbered", "Raw", "read_lines"]

# Some hundred rows. On 12 columns of flights, 32 KiB gives 250,000 rows/s and 256 KiB 190,000, since the cells no longer
# fit a core's cache between splitting and parsing.
_CHUNK = 1 << 15

Numbered = tuple[Sequence[int], list[str]]  # the numbers of some lines, counted from 1, and the lines with their "\n"


class Raw(Protocol):
    """Readable bytes, of a file, a decompressor or standard input."""

    def read(self, size: int, /) -> bytes: ...
    def read1(self, size: int, /) -> bytes: ...


def read_lines(raw: Raw, rejects: Rejects, *, live: bool = False, decoder: Decoder | None = None) -> Iterator[Numbered]:
    r"""Yield lines as they arrive, each ending in ``"\n"``.

    Parameters
    ----------
    raw
        Source of bytes.
    rejects
        Counts lines that can't be decoded.
    live
        Whether to return available lines instead of waiting for a full chunk, as for a slow pipe.
    decoder
        Decoder of the text; by default the encoding is detected.

    Examples
    --------
    >>> rejects = Rejects()
    >>> list(read_lines(io.BytesIO(b"a\nb\xff\nc"), rejects))
    [([1], ['a\n']), (range(3, 4), ['c\n'])]
    >>> rejects.places
    {'not UTF-8': [2]}
    """
    number, decoder = 1, decoder or Decoder()
    for chunk in _whole_lines(raw, rejects, live=live):
        text = chunk.removeprefix(b"\xef\xbb\xbf") if number == 1 else chunk
        numbers, lines = _decode(text, number, rejects, decoder)
        number += chunk.count(b"\n")
        if lines:
            yield numbers, lines


def _whole_lines(raw: Raw, rejects: Rejects, *, live: bool) -> Iterator[bytes]:
    started: list[bytes] = []  # pieces of an incomplete line
    lines_read = 0
    while True:
        try:
            chunk = raw.read1(_CHUNK) if live else raw.read(_CHUNK)
        except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:  # truncated, but earlier data is good
            if isinstance(error, OSError) and error.errno is not None:
                raise  # an error of the disk, not of the file
            rejects.add("damaged archive: the rest is lost", line=lines_read + 1, row=str(error))
            break
        if not chunk:
            break
        whole, newline, rest = chunk.rpartition(b"\n")
        if newline:
            yield b"".join((*started, whole, newline))
            lines_read += whole.count(b"\n") + 1
            started = []
        if rest:
            started.append(rest)
    if started:
        yield b"".join((*started, b"\n"))


def _decode(chunk: bytes, number: int, rejects: Rejects, decoder: Decoder) -> Numbered:
    try:
        # splitlines() would also split at form feeds and U+2028, which are text. StringIO splits at "\n" only.
        lines = io.StringIO(decoder.decode(chunk), newline="\n").readlines()
        return range(number, number + len(lines)), lines
    except UnicodeDecodeError:
        return _decode_each(chunk, number, rejects, decoder.encoding)


def _decode_each(chunk: bytes, number: int, rejects: Rejects, encoding: str) -> Numbered:
    numbers: list[int] = []
    lines: list[str] = []
    for at, line in enumerate(chunk.split(b"\n")[:-1], number):
        try:
            lines.append(line.decode(encoding) + "\n")
            numbers.append(at)
        except UnicodeDecodeError:
            name = "UTF-8" if encoding == "utf-8" else spoken(encoding)
            rejects.add(f"not {name}", line=at, row=line.decode(errors="backslashreplace"))
    return numbers, lines
