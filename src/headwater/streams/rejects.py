"""Rows that can't be used: counted by reason, their first places remembered, written to a file if asked."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import msgspec

from headwater.errors import ConfigError

__all__ = ["Rejects"]

_PLACES = 3  # enough to find the trouble, few enough for one line of the report


class Rejects:
    """Count rows that can't be read or learned, and keep them if there is a file for them.

    Parameters
    ----------
    path
        A file for the rejected rows, one JSON object a line: ``{"line", "reason", "row"}``. It is emptied first.
        None keeps the counts only.

    Raises
    ------
    ConfigError
        When the file can't be written.

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
        self.file = ""  # the one that is read, where there are several
        self.path = None if path is None else Path(path)
        self._file: IO[bytes] | None = None
        if self.path is not None:
            self._file = _open_for_writing(self.path)

    def add(self, reason: str, *, line: int, row: Any) -> None:
        """Count one row, with its line (or row) number and what it said."""
        self.total += 1
        self.counts[reason] = self.counts.get(reason, 0) + 1
        places = self.places.setdefault(reason, [])
        if len(places) < _PLACES:
            places.append(f"{line} of {self.file}" if self.file else line)
        if self._file is not None:
            # A value that JSON doesn't know (a decimal, a NumPy number) is written as its text.
            entry = msgspec.json.encode(
                {"line": line, "reason": reason, "row": row} | ({"file": self.file} if self.file else {}), enc_hook=str
            )
            self._file.write(entry + b"\n")

    def close(self) -> None:
        """Close the file of rejected rows, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _open_for_writing(path: Path) -> IO[bytes]:
    try:
        return path.open("wb")
    except OSError as error:
        raise ConfigError(
            expected="a file that can be written",
            got=(error.strerror or str(error)).lower(),
            at=f"--rejects {path}",
            help="Name a file in a folder that exists.",
        ) from error
