"""Bytes → lines of text with their numbers; a line that can't be decoded is rejected, the others go on."""

from __future__ import annotations

import io
import lzma
import zlib
from collections.abc import Iterator, Sequence
from typing import Protocol

from headwater.streams.files.encoding import Decoder, spoken
from headwater.streams.rejects import Rejects

__all__ = ["Numbered", "Raw", "read_lines"]

# Some hundred rows: measured on 12 columns of flights, 32 KiB gives 250,000 rows/s; 256 KiB gives 190,000, since its
# cells no longer fit a core's cache between splitting and parsing.
_CHUNK = 1 << 15

Numbered = tuple[Sequence[int], list[str]]  # the numbers of some lines, counted from 1, and the lines with their "\n"


class Raw(Protocol):
    """What is read from: a file, a decompressor, standard input."""

    def read(self, size: int, /) -> bytes: ...
    def read1(self, size: int, /) -> bytes: ...


def read_lines(raw: Raw, rejects: Rejects, *, live: bool = False, decoder: Decoder | None = None) -> Iterator[Numbered]:
    r"""Yield lines as they come, each ending in ``"\n"``.

    Parameters
    ----------
    raw
        Where the bytes come from.
    rejects
        Where lines that can't be decoded are counted.
    live
        Whether to hand on what is there instead of waiting for a full chunk: right for a pipe that trickles.
    decoder
        What knows the encoding; without one it is UTF-8, or found out.

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
    started: list[bytes] = []  # the pieces of a line whose end has not come yet
    lines_read = 0
    while True:
        try:
            chunk = raw.read1(_CHUNK) if live else raw.read(_CHUNK)
        except (EOFError, zlib.error, lzma.LZMAError, OSError) as error:  # cut short: what came before it is good
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of the disk, not of the file
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
        # Not splitlines(): that also splits at form feeds and at U+2028, which are text. StringIO splits at "\n" only.
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
