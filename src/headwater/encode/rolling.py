"""Read keys, times and values of rolling aggregates from a row, where the core doesn't know their types."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from . import values
from .values import as_float, as_number, as_text, as_time, missing, name_bytes

__all__ = ["ROLLING_STATE", "RollingReader"]

ROLLING_STATE = ("rolling_keys", "rolling_ends", "rolling_events", "rolling_counts")
"""Names of the arrays that hold what aggregates of earlier rows are made of."""

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - naive times are used as written
_EPOCH_UTC = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MOST = 1e12
"""Largest number of seconds before or after 1970 that is a time."""


class RollingReader:
    """Reader of a row's key, time and values, which follows the formats of the file that was learned.

    Parameters
    ----------
    reader
        The learner's reader of values, such as a ``FormattedReader``.

    Examples
    --------
    >>> reader = RollingReader(values)
    >>> reader.time("at", dt.datetime(1970, 1, 1, 1)), reader.time("at", "1970-01-01 00:00:01"), reader.time("at", 2)
    (3600000000, 1000000, 2000000)
    >>> reader.number("amount", "1.5"), reader.name(5.0), reader.name([1]) is None
    (1.5, '5', True)
    """

    def __init__(self, reader: Any) -> None:
        self._formatted = getattr(reader, "formatted", None)

    def time(self, name: Any, value: Any) -> int | None:
        """Return microseconds since 1970, or None for what is no time."""
        if isinstance(value, str):
            value = self._cell(name, value)
        when = value if type(value) is dt.datetime else as_time(value)
        if when is not None:
            past = when - _EPOCH if when.tzinfo is None else when - _EPOCH_UTC
            return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds
        if type(value) is int:
            return value * 1_000_000 if abs(value) <= _MOST else None
        seconds = self.number(name, value)
        return math.floor(seconds * 1e6 + 0.5) if abs(seconds) <= _MOST else None

    def number(self, name: Any, value: Any) -> float:
        """Return a value as a number, NaN for what is none."""
        if isinstance(value, str):
            read = self._cell(name, value)
            found = as_number(read) if isinstance(read, str) else read
            return math.nan if found is None else float(found)
        return as_float(value) if values.kind_of(value) == values.FLOAT else math.nan

    def name(self, value: Any) -> str | None:
        """Return a value as a name, None for what is missing or none."""
        kind = values.kind_of(value)
        if missing(value) or kind in (values.MANY, values.MAPPING, values.UNUSABLE):
            return None
        return as_text(value)

    def _cell(self, name: Any, text: str) -> Any:
        """Return a text as its column's format reads it, or the text itself."""
        read = ... if self._formatted is None else self._formatted(name_bytes(name), text)
        if read is ...:
            return text
        return read[0] if isinstance(read, tuple) else read
