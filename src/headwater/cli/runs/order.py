"""Watch whether the rows of a series come in the order of time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

from headwater.encode.values import as_key, as_time
from headwater.errors import ConfigError, DataError, counted, did_you_mean
from headwater.streams import Stream
from headwater.streams.block import Block

__all__ = ["TimeOrder", "watch_order"]

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - naive times are compared as written
_ALL: Hashable = object()
"""Stands for the key where all rows are one series, or rows of one time follow each other."""


class TimeOrder:
    """The order of a stream's rows in time, which a forecaster takes to be that of the file.

    Parameters
    ----------
    column : str
        The column of times.
    at : str
        The source, for messages.
    declared : bool
        Whether rows that go back are refused; else a sentence counts them.
    key : str, optional
        The column of several series' key.
    together : bool
        Whether rows of one time follow each other, whatever their keys.

    Examples
    --------
    >>> order = TimeOrder("day", at="a.csv", declared=False)
    >>> for i, day in enumerate([1, 2, 2, 1], 1):
    ...     order.see(i, {"day": day})
    >>> len(order.sentences())
    2
    """

    def __init__(self, column: str, *, at: str, declared: bool, key: str | None = None, together: bool = False) -> None:
        self._column, self._at, self._declared, self._key, self._together = column, at, declared, key, together
        self._last: dict[Hashable, tuple[float, Any]] = {}
        """The newest time of each key, and as it was written."""
        self._back, self._same, self._first = 0, 0, ""

    def watched(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Yield blocks whose rows were seen."""
        for block in blocks:
            for number, x in zip(block.rows, block.X, strict=True):
                self.see(number, x)
            yield block

    def see(self, number: int, x: Mapping[Any, Any]) -> None:
        """Compare a row with those before.

        Raises
        ------
        DataError
            If it goes back in a declared column.
        """
        value = x.get(self._column)
        time = _instant(value)
        if time is None:
            return
        key = _ALL if self._key is None else as_key(x.get(self._key))
        newest, shown = self._last.get(_ALL if self._together else key, (time, value))
        self._same += key in self._last and self._last[key][0] == time
        if time < newest:
            self._note_back(number, f"{_shown(value)} after {_shown(shown)}")
        self._last[key] = time, value
        if self._together:
            self._last[_ALL] = time, value

    def _note_back(self, number: int, what: str) -> None:
        if self._declared:
            together = ", those of one time together" if self._together else ""
            raise DataError(
                expected=f"rows in the order of {self._column}{together}",
                got=what,
                at=f"row {number} of {self._at}",
                help=f"Sort the file by {self._column}: a series is learned in the order of its rows.",
            )
        self._first = self._first or f"first in row {number}: {what}"
        self._back += 1

    def sentences(self) -> list[str]:
        """Return what is odd about the order, in a sentence each."""
        said = []
        if self._back:
            keys = " Rows of one time follow each other, whatever their keys." if self._together else ""
            said.append(
                f"{self._column} goes back in {counted(self._back, 'row')} ({self._first}). A series is learned in the "
                f"order of its rows: sort the file by {self._column}.{keys}"
            )
        if self._same:
            whose = "" if self._key is None else f" of one {self._key}"
            several = " Several series: headwater learn FILE --task forecast --key COLUMN." if self._key is None else ""
            said.append(
                f"{self._column} stays the same in {counted(self._same, 'row')}{whose}: "
                f"a series has one row a time.{several}"
            )
        return said


def watch_order(stream: Stream, time: str | None, *, key: str | None = None, together: bool = False) -> None:
    """Let a stream note what is odd about the order of its rows, by a declared column or the only one of dates.

    Raises
    ------
    ConfigError
        If the declared column is not there.
    """
    head = stream.look()
    rows = [x for block in head for x in block.X if isinstance(x, Mapping)]
    if time is not None and stream.columns and time not in stream.columns:
        raise ConfigError(
            expected=f"a column {time}", got="none", at=stream.name, help=did_you_mean(time, stream.columns)
        )
    dated = dict.fromkeys(name for x in rows for name, value in x.items() if isinstance(value, dt.date))
    if not rows or (time is None and len(dated) != 1):
        return
    column = next(iter(dated)) if time is None else time
    order = TimeOrder(column, at=stream.name, declared=time is not None, key=key, together=together)

    def watched(blocks: Iterator[Block]) -> Iterator[Block]:
        yield from order.watched(blocks)
        for sentence in order.sentences():
            stream.add_note(sentence)

    stream.through(watched)


def _instant(value: Any) -> float | None:
    """Return a time as a number, None for what is none."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value == value else None
    when = as_time(value)
    if when is None:
        return None
    return when.timestamp() if when.tzinfo is not None else (when - _EPOCH).total_seconds()


def _shown(value: Any) -> str:
    return str(value).removesuffix(" 00:00:00")
