"""Open a file or standard input, see through gzip, and tell which format it holds."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from headwater.errors import ConfigError, SourceError, did_you_mean
from headwater.streams.lines import Raw

__all__ = ["FORMATS", "OpenFile", "open_file"]

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow")
COLUMNAR = ("parquet", "arrow")

_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
_BINARY = {  # first bytes → what it is, and the way out
    b"PK\x03\x04": ("a zip archive or a spreadsheet", "Unpack it, or save the sheet as CSV."),
    b"BZh": ("a bzip2 file", "Unpack it first: bunzip2 -c FILE | headwater learn - …"),
    b"\xfd7zXZ": ("an xz file", "Unpack it first: xz -dc FILE | headwater learn - …"),
    b"\x28\xb5\x2f\xfd": ("a zstd file", "Unpack it first: zstd -dc FILE | headwater learn - …"),
    b"\xff\xfe": ("UTF-16 text", "Convert it: iconv -f UTF-16 -t UTF-8 FILE | headwater learn - …"),
    b"\xfe\xff": ("UTF-16 text", "Convert it: iconv -f UTF-16 -t UTF-8 FILE | headwater learn - …"),
}


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An opened source of bytes.

    Parameters
    ----------
    raw
        Where the (unpacked) bytes come from.
    name
        What to call it in messages.
    kind
        One of `FORMATS`.
    live
        Whether it is standard input, where rows may trickle in.
    size
        Its size on disk in bytes; None where that isn't known.
    position
        Returns how many bytes on disk have been read.
    close
        Closes it.
    """

    raw: Raw
    name: str
    kind: str
    live: bool
    size: int | None
    position: Callable[[], int]
    close: Callable[[], None]

    def seekable(self) -> IO[bytes]:
        """Return a file that can seek, reading all into memory where this one can't."""
        file = cast("IO[bytes]", self.raw)
        return file if file.seekable() and not self.live else io.BytesIO(file.read())


def open_file(source: str | Path, *, kind: str | None = None) -> OpenFile:
    """Open a path, or ``-`` for standard input.

    Parameters
    ----------
    source
        A path; gzip is told by its first bytes.
    kind
        One of `FORMATS`; None tells it by the first bytes, then by the suffix, then by what the first line looks like.

    Raises
    ------
    SourceError
        When it can't be opened, is empty, or holds nothing that can be read.
    ConfigError
        When `kind` is not a format.
    """
    if kind is not None and kind not in FORMATS:
        raise ConfigError(expected=f"one of {', '.join(FORMATS)}", got=kind, at="--format", help="Choose one of them.")
    if str(source) == "-":
        raw, kind = _look_inside(sys.stdin.buffer, kind, "standard input")
        return OpenFile(raw, "standard input", kind, True, None, lambda: 0, lambda: None)
    with ExitStack() as opened:  # closes the file if it turns out to be unreadable
        file = opened.enter_context(_open_path(Path(source)))
        raw, kind = _look_inside(file, kind, str(source))
        opened.pop_all()
    return OpenFile(raw, str(source), kind, False, os.fstat(file.fileno()).st_size, file.tell, file.close)


def _look_inside(file: Any, kind: str | None, at: str) -> tuple[Any, str]:
    """Return where the unpacked bytes come from, and their format."""
    raw, head = file, file.peek(2)[:4096]
    if head[:2] == b"\x1f\x8b":
        raw = gzip.GzipFile(fileobj=file)
        head = _first_unpacked(raw, at)
    kind = kind or _tell(head, Path(at.removesuffix(".gz")).suffix.lower())
    if kind not in COLUMNAR:
        _check_text(head, at)
    return raw, kind


def _open_path(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except IsADirectoryError as error:
        raise SourceError(
            expected="a file",
            got="a folder",
            at=str(path),
            help="Name one file in it, or pipe several: cat … | headwater learn -",
        ) from error
    except FileNotFoundError as error:
        names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        remedy = did_you_mean(path.name, names) if names else "Check its path."
        raise SourceError(
            expected="a file",
            got="no such file",
            at=str(path),
            help=remedy if remedy.startswith("Did") else "Check its path.",
        ) from error
    except OSError as error:
        raise SourceError(
            expected="a file that can be read",
            got=(error.strerror or str(error)).lower(),
            at=str(path),
            help="Check its permissions.",
        ) from error


def _first_unpacked(raw: gzip.GzipFile, at: str) -> bytes:
    try:
        return raw.peek(4096)[:4096]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise SourceError(
            expected="a gzip file", got="a damaged one", at=at, help="Fetch or write it again."
        ) from error


def _tell(head: bytes, suffix: str) -> str:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"{"):
        return "jsonl"
    line = start.split(b"\n", 1)[0]
    return "tsv" if line.count(b"\t") > max(line.count(b","), line.count(b";")) else "csv"


def _check_text(head: bytes, at: str) -> None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start:
        raise SourceError(
            expected="rows",
            got="an empty file" if at != "standard input" else "nothing",
            at=at,
            help="Check where it comes from.",
        )
    for magic, (what, remedy) in _BINARY.items():
        if head.startswith(magic):
            raise SourceError(expected="CSV, TSV, JSON lines, Parquet or Arrow", got=what, at=at, help=remedy)
    if b"\0" in head:
        raise SourceError(
            expected="CSV, TSV, JSON lines, Parquet or Arrow",
            got="a binary file",
            at=at,
            help="Give its --format if it is one of them.",
        )
    if start.startswith(b"["):
        raise SourceError(
            expected="one JSON object a line",
            got="one JSON array",
            at=at,
            help="Split it: jq -c '.[]' FILE | headwater learn - …",
        )
