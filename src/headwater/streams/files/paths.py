"""Expand paths, folders and patterns such as ``2024-*.csv`` to files, sorted by name."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path

from headwater.errors import SourceError, did_you_mean
from headwater.streams.files.packed import PACKED_SUFFIXES

__all__ = ["SUFFIXES", "files_of"]

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
    """Return the files of a path, a folder (by known suffixes) or a pattern.

    Raises
    ------
    SourceError
        When there are none, or the source is a URL.

    Examples
    --------
    >>> files_of("-"), files_of(["b.csv", "a.csv"])
    (['-'], ['b.csv', 'a.csv'])
    """
    if not isinstance(source, str | Path):
        return [file for one in source for file in files_of(one)]
    name = str(source)
    if "://" in name:
        raise SourceError(
            expected="a file or standard input",
            got="an address",
            at=name,
            help=f"Download it first: curl -L -o FILE {name}, or pipe it: curl -sL {name} | headwater learn - …",
        )
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
    if name == "-" or path.exists():
        return
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    close = did_you_mean(path.name, names) if names else ""
    remedy = close if close.startswith("Did") else "Check its path."
    raise SourceError(expected="a file", got="no such file", at=name, help=remedy)


def _in_folder(path: Path) -> list[str]:
    files = sorted(str(file) for file in path.iterdir() if file.is_file() and _is_data(file))
    if not files:
        raise SourceError(
            expected=f"files that end in {', '.join(SUFFIXES)}",
            got="none",
            at=f"the folder {path}",
            help="Name the files themselves.",
        )
    return files


def _is_data(file: Path) -> bool:
    suffixes = [suffix.lower() for suffix in file.suffixes]
    if suffixes and suffixes[-1] in PACKED_SUFFIXES:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in SUFFIXES and not file.name.startswith((".", "_"))
