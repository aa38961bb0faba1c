"""Count rejected rows by reason, and write them to a file on request."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import msgspec

from headwater.errors import ConfigError

__all__ = ["Rejects"]

_BEGINNING = b'{"line":'
_PLACES = 3  # locations kept per reason, to fit in one line of the report


class Rejects:
    """Count rows that can't be read or learned, and write them to an optional file.

    Parameters
    ----------
    path
        File for the rejected rows, one JSON object ``{"line", "reason", "row"}`` per line. It replaces one of an earlier
        run. None keeps only the counts.

    Raises
    ------
    ConfigError
        When the file can't be written, or holds something else, such as the rows to read or a model.

    Examples
    --------
    >>> rejects = Rejects()
    >>> rejects.add("wrong number of fields", line=7, row="1,2")
    >>> rejects.counts, rejects.places
    ({'wrong number of fields': 1}, {'wrong number of fields': [7]})
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.total = 0  # rows
        self.counts: dict[str, int] = {}
        self.places: dict[str, list[int | str]] = {}
        self.file = ""  # current file, if there are several
        self.before = 0  # rows of the files before
        self.last: int | None = None  # maximum row number to count, behind which nothing is read
        self.path = None if path is None else Path(path)
        self._file: IO[bytes] | None = None
        if self.path is not None:
            self._file = _open_for_writing(self.path)

    def add(self, reason: str, *, line: int, row: Any, number: int = 0) -> None:
        """Count one row, with its line or row number, its contents, and its row number in the file if known."""
        if self.last is not None and number + self.before > self.last:
            return
        self.total += 1
        self.counts[reason] = self.counts.get(reason, 0) + 1
        places = self.places.setdefault(reason, [])
        if len(places) < _PLACES:
            places.append(f"{line} of {self.file}" if self.file else line)
        if self._file is not None:
            # Values that JSON lacks (decimals, NumPy numbers) are written as text.
            entry = msgspec.json.encode(
                {"line": line, "reason": reason, "row": row} | ({"file": self.file} if self.file else {}), enc_hook=str
            )
            self._file.write(entry + b"\n")

    def close(self) -> None:
        """Close the file of rejected rows, if any."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _open_for_writing(path: Path) -> IO[bytes]:
    try:
        if path.is_file() and not _is_replaceable(path):
            raise ConfigError(
                expected="a new file, or the rejected rows of an earlier run",
                got="a file that holds something else, which would be lost",
                at=f"--rejects {path}",
                help="Name another file.",
            )
        return path.open("wb")
    except OSError as error:
        raise ConfigError(
            expected="a file that can be written",
            got=(error.strerror or str(error)).lower(),
            at=f"--rejects {path}",
            help="Name a file in a folder that exists.",
        ) from error


def _is_replaceable(path: Path) -> bool:
    """Return whether a file is empty, or begins as one of rejected rows does."""
    with path.open("rb") as file:
        return file.read(len(_BEGINNING)) in (b"", _BEGINNING)
