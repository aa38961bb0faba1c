"""Expand paths, folders, patterns such as ``2024-*.csv`` and addresses to files, sorted by name."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path, PurePath

from headwater.errors import SourceError, did_you_mean
from headwater.streams.files.addresses import MARK, check_no_table, shown
from headwater.streams.files.decompress import PACKED_SUFFIXES
from headwater.types import Lazy

__all__ = ["SUFFIXES", "check_there", "files_of", "sizes_of"]

_LISTED = Lazy("headwater.streams.files.remote:listed")

SUFFIXES = {
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


_PATTERN = frozenset("*?[")  # characters of a pattern


def files_of(source: str | Path | Iterable[str | Path]) -> list[str]:
    """Return the files of a path, a folder (by known suffixes), a pattern or an address.

    Raises
    ------
    SourceError
        When there are none.

    Examples
    --------
    >>> files_of("-"), files_of(["b.csv", "a.csv"])
    (['-'], ['b.csv', 'a.csv'])
    """
    if not isinstance(source, str | Path):
        return [file for one in source for file in files_of(one)]
    name = str(source)
    if MARK in name:
        found = _LISTED(name)
        return [name] if found is None else _data_among(found, f"the folder {shown(name)}")
    path = Path(name)
    if path.is_dir():
        return _in_folder(path)
    if not _PATTERN.isdisjoint(name) and not path.exists():
        found = sorted(file for file in glob.glob(name, recursive=True) if Path(file).is_file())
        if not found:
            raise SourceError(expected="files of such names", got="none", at=name, help="Check the pattern.")
        return found
    return [name]


def check_there(name: str) -> None:
    """Raise SourceError if a file doesn't exist.

    Raises
    ------
    SourceError
        With similar names.
    """
    path = Path(name)
    if name == "-" or MARK in name or path.exists():  # an address is asked when it is opened
        return
    there = path.parent.iterdir() if path.parent.is_dir() else ()
    names = [entry.name for entry in there if not entry.name.startswith(".")]
    close = did_you_mean(path.name, names) if names else ""
    remedy = close if close.startswith("Did") else "Check its path."
    raise SourceError(expected="a file", got="no such file", at=name, help=remedy)


def sizes_of(names: Iterable[str]) -> int:
    """Return the bytes of all files together, 0 if one is behind an address or standard input."""
    files = list(names)
    return 0 if any(name == "-" or MARK in name for name in files) else sum(map(os.path.getsize, files))


def _in_folder(path: Path) -> list[str]:
    entries = sorted(path.iterdir())
    check_no_table([entry.name for entry in entries], str(path))
    return _data_among([str(file) for file in entries if file.is_file()], f"the folder {path}")


def _data_among(names: list[str], at: str) -> list[str]:
    """Return the files with a known suffix.

    Raises
    ------
    SourceError
        When there are none.
    """
    files = [name for name in names if _is_data(PurePath(name))]
    if not files:
        raise SourceError(
            expected=f"files that end in {', '.join(SUFFIXES)}", got="none", at=at, help="Name the files themselves."
        )
    return files


def _is_data(file: PurePath) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in PACKED_SUFFIXES:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in SUFFIXES and not file.name.startswith((".", "_"))
