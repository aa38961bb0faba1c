"""Addresses of files, such as ``s3://bucket/day.csv``: what they begin with, and how they are shown."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit, urlunsplit

from headwater.errors import SourceError

__all__ = ["DELTA", "MARK", "WEB", "check_no_table", "shown"]

MARK = "://"
"""What only an address has."""
DELTA = "delta://"
"""Beginning of the address of a table of Delta Lake."""
WEB = ("http", "https")
"""Schemes of web servers, which list nothing."""


def shown(address: str) -> str:
    """Return an address without login and query, which may hold secrets such as the signature of a link.

    Examples
    --------
    >>> shown("https://ann:secret@host/a.csv?signature=1f")
    'https://host/a.csv'
    """
    if MARK not in address:
        return address
    if address.startswith(DELTA):
        return DELTA + shown(address.removeprefix(DELTA))
    parts = urlsplit(address)
    query = parts.query if parts.scheme not in WEB else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def check_no_table(names: Collection[str], folder: str) -> None:
    """Raise SourceError if a folder is a table, of whose files some hold rows that were deleted.

    Raises
    ------
    SourceError
        With the address of the table.
    """
    if any(name.rpartition("/")[2] == "_delta_log" for name in names):
        raise SourceError(
            expected="a folder of files",
            got="a table of Delta Lake",
            at=shown(folder),
            help=f"Read {DELTA}{shown(folder)}",
        )
