"""Decompress files in gzip, bzip2, xz, zstd, or a zip archive with one file."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

from headwater.errors import MissingExtra, SourceError

__all__ = ["PACKED_SUFFIXES", "unpacked"]

PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip")
_BUFFER = 1 << 16
_DAMAGED = (EOFError, zlib.error, OSError, lzma.LZMAError, zipfile.BadZipFile, ValueError)


def unpacked(file: io.BufferedReader, at: str) -> tuple[Any, bytes, str]:
    """Return a reader of the decompressed bytes, its first bytes, and the name without the compression suffix.

    Raises
    ------
    SourceError
        When the file is damaged, or an archive of several files.
    MissingExtra
        When the package for the compression is not installed.
    """
    head = file.peek(8)
    for magic, (noun, opens) in _PACKINGS.items():
        if head.startswith(magic):
            return _opened(file, at, noun, opens)
    return file, head, at


def _opened(file: Any, at: str, noun: str, opens: Callable[[Any, str], Any]) -> tuple[Any, bytes, str]:
    try:
        raw = io.BufferedReader(opens(file, at), _BUFFER)
        head = raw.peek(_BUFFER)
    except _DAMAGED as error:
        if isinstance(error, SourceError | MissingExtra):
            raise
        raise SourceError(
            expected=f"a {noun} file", got="a damaged one", at=at, help="Download or write it again."
        ) from error
    name = Path(raw.raw.name if isinstance(raw.raw, _Member) else at)
    return raw, head, str(name.with_suffix("") if name.suffix.lower() in PACKED_SUFFIXES else name)


class _Member(io.RawIOBase):
    """The single file of a zip archive."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file, self.name = file, name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _zip(file: Any, at: str) -> _Member:
    archive = zipfile.ZipFile(file if file.seekable() else io.BytesIO(file.read()))
    names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX")]
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise SourceError(
            expected="CSV, TSV, JSON lines, Parquet or Arrow", got="a spreadsheet", at=at, help="Save the sheet as CSV."
        )
    if len(names) != 1:
        raise SourceError(
            expected="a zip archive of one file",
            got=f"{len(names)} files ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})",
            at=at,
            help="Unpack it, and name the files or their folder.",
        )
    return _Member(archive.open(names[0]), names[0])


def _zstd(file: Any, at: str) -> Any:
    if not find_spec("pyarrow"):
        raise MissingExtra(package="pyarrow", extra="frames", at=at)
    import pyarrow as pa

    return _Member(pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"), at)


_PACKINGS: dict[bytes, tuple[str, Callable[[Any, str], Any]]] = {
    b"\x1f\x8b": ("gzip", lambda file, at: gzip.GzipFile(fileobj=file)),
    b"BZh": ("bzip2", lambda file, at: cast("Any", bz2.open(file))),  # noqa: SIM115 - its reader closes it
    b"\xfd7zXZ": ("xz", lambda file, at: cast("Any", lzma.open(file))),  # noqa: SIM115 - its reader closes it
    b"\x28\xb5\x2f\xfd": ("zstd", _zstd),
    b"PK\x03\x04": ("zip", _zip),
}
