"""Open a file or standard input, and detect its format."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from headwater.errors import ConfigError, SourceError, did_you_mean
from headwater.streams.files.addresses import MARK, shown
from headwater.streams.files.decompress import unpacked
from headwater.streams.files.encoding import Decoder, Returns, Transcoded, check_encoding, spoken, wide_encoding
from headwater.streams.files.lines import Raw
from headwater.streams.files.paths import SUFFIXES, check_there
from headwater.types import Lazy

__all__ = ["COLUMNAR", "FORMATS", "OpenFile", "is_model", "no_rows", "open_bytes", "open_file"]

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow")
COLUMNAR = ("parquet", "arrow")

_OPEN_REMOTE = Lazy("headwater.streams.files.remote:open_remote")
_BUFFER = 1 << 16
_MODEL, _DATABASE = b'{"__metadata__":{"headwater', b"SQLite format 3\0"
_HEAD = 1 << 14  # bytes for detecting the format


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Opened source of bytes.

    Parameters
    ----------
    raw
        Source of the decompressed bytes.
    name
        Name for messages.
    kind
        One of `FORMATS`.
    live
        Whether it is standard input or another pipe, where rows may arrive slowly.
    size
        Size on disk in bytes; None if unknown.
    position
        Returns the number of bytes on disk read so far.
    close
        Closes the source.
    decoder
        Decoder of the text.
    """

    raw: Raw
    name: str
    kind: str
    live: bool
    size: int | None
    position: Callable[[], int]
    close: Callable[[], None]
    decoder: Decoder

    def seekable(self) -> IO[bytes]:
        """Return a seekable file, reading everything into memory if necessary."""
        file = cast("IO[bytes]", self.raw)
        return file if file.seekable() and not self.live else io.BytesIO(file.read())


def open_file(source: str | Path, *, kind: str | None = None, encoding: str | None = None) -> OpenFile:
    """Open a path, an address, or ``-`` for standard input.

    Parameters
    ----------
    source
        A path or an address. Compression is detected from the first bytes.
    kind
        One of `FORMATS`; None detects it from the first bytes, then the suffix, then the first line.
    encoding
        Encoding of text; None detects it.

    Raises
    ------
    SourceError
        When it can't be opened, is empty, or has no readable contents.
    ConfigError
        For an unknown format or encoding.
    """
    if kind is not None and kind not in FORMATS:
        remedy = did_you_mean(kind, FORMATS)
        raise ConfigError(expected=f"one of {', '.join(FORMATS)}", got=kind, at="--format", help=remedy)
    decoder = Decoder(None if encoding is None else check_encoding(encoding))
    if str(source) == "-":
        raw, kind = _look_inside(sys.stdin.buffer, kind, "standard input", decoder)
        return OpenFile(raw, "standard input", kind, True, None, lambda: 0, lambda: None, decoder)
    with ExitStack() as opened:  # closes the file if it turns out to be unreadable
        name = str(source)
        file, size = open_bytes(name)
        opened.callback(file.close)
        name = name if MARK not in name else shown(name)
        raw, kind = _look_inside(file, kind, name, decoder)
        opened.pop_all()
    if MARK not in name and not os.path.isfile(source):  # a named pipe, or <(command) of a shell, which has no position
        return OpenFile(raw, name, kind, True, None, lambda: 0, file.close, decoder)
    return OpenFile(raw, name, kind, False, size, file.tell, file.close, decoder)


def _look_inside(file: Any, kind: str | None, at: str, decoder: Decoder) -> tuple[Any, str]:
    """Return the decompressed bytes and their format, transcoding UTF-16 and UTF-32 to UTF-8."""
    raw, head, name = unpacked(file, at)
    wide = None if kind in COLUMNAR else wide_encoding(head[:_HEAD], decoder.given)
    if wide is not None:
        raw = Transcoded(raw, wide)
        decoder.encoding, decoder.spoken, decoder.found = "utf-8", spoken(wide), decoder.given is None
        head = head[:_HEAD].decode(wide, "ignore").lstrip("\ufeff").encode()
    kind = kind or _tell(head[:_HEAD], Path(name).suffix.lower())
    if kind not in COLUMNAR:
        _check_text(head[:_HEAD], at)
        if b"\r" in head and b"\n" not in head:
            raw = Returns(raw)
    return raw, kind


def open_bytes(name: str) -> tuple[io.BufferedReader[Any], int | None]:
    """Return a reader of a file's bytes, and their number if it is known.

    Raises
    ------
    SourceError
        When it can't be opened.
    """
    if MARK in name:
        opened: tuple[io.BufferedReader[Any], int | None] = _OPEN_REMOTE(name)
        return opened
    try:
        file = io.BufferedReader(Path(name).open("rb", buffering=0), _BUFFER)  # noqa: SIM115 - the caller closes it
    except OSError as error:
        check_there(name)
        raise SourceError(
            expected="a file that can be read",
            got=(error.strerror or str(error)).lower(),
            at=name,
            help="Check its permissions.",
        ) from error
    return file, os.fstat(file.fileno()).st_size


def _tell(head: bytes, suffix: str) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    if suffix in SUFFIXES:
        return SUFFIXES[suffix]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        return "jsonl"
    line = start.split(b"\n", 1)[0]
    return "tsv" if line.count(b"\t") > max(line.count(b","), line.count(b";")) else "csv"


def is_model(name: str) -> bool:
    """Return whether there is a file that starts as a saved model does."""
    if not Path(name).is_file():
        return False
    with Path(name).open("rb") as file:
        return file.read(64)[8:].startswith(_MODEL)


def no_rows(model: str) -> SourceError:
    """Return what is said of a saved model in the place of rows, with the commands that use it."""
    return SourceError(
        expected="rows",
        got="a saved model",
        at=model,
        help=f"It predicts with: headwater predict FILE --model {model} (a forecaster needs no FILE). It goes on "
        f"with: headwater learn FILE --model {model}; headwater show {model} says what it has learned.",
    )


def _check_no_model(head: bytes, at: str) -> None:
    """Raise SourceError for what headwater itself has saved, with the command that goes on with it."""
    if head[8:].startswith(_MODEL):
        raise no_rows(at)
    if head.startswith(_DATABASE):
        raise SourceError(
            expected="rows",
            got="a store, or another database of SQLite",
            at=at,
            help=f"A store goes on with: headwater serve --store {at}. Export a table as CSV.",
        )


def _check_text(head: bytes, at: str) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise SourceError(
            expected="rows",
            got="an empty file" if at != "standard input" else "nothing",
            at=at,
            help="Check its origin.",
        )
    _check_no_model(head, at)
    if b"\0" in head:
        raise SourceError(
            expected="CSV, TSV, JSON lines, Parquet or Arrow",
            got="a binary file",
            at=at,
            help="Give its --format if it is one of them.",
        )
    for sign, what in ((b"<!DOCTYPE", "a web page"), (b"<html", "a web page"), (b"<?xml", "XML"), (b"%PDF", "a PDF")):
        if start[:20].lower().startswith(sign.lower()):
            raise SourceError(
                expected="CSV, TSV, JSON lines, Parquet or Arrow", got=what, at=at, help="Export it as one of these."
            )
    if start.startswith(b"["):
        raise SourceError(
            expected="one JSON object a line",
            got="one JSON array",
            at=at,
            help="Split it: jq -c '.[]' FILE | headwater learn - …",
        )
