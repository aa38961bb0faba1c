"""Messages as rows to learn, rows that wait, and messages that can't be used, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.errors import DataError, HeadwaterError
from headwater.store.journal.events import JournalEvent, pack_events, plain, plain_sample, unpack_events
from headwater.streams.brokers.formats import Decode
from headwater.streams.brokers.protocol import Message

__all__ = ["Columns", "Row", "answer_of", "read_rows", "refused"]


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a message mean.

    Parameters
    ----------
    target
        The answer.
    key
        What joins a row and its answer; the message's own key where it is empty. It is no feature.
    id
        What names an example, so that it is learned once however often it comes; empty for nothing. It is no feature.
    drop
        Columns to leave out.
    """

    target: str
    key: str = ""
    id: str = ""
    drop: Collection[str] = ()


@dataclass(slots=True)
class Row:
    """A message that was read: a row with its answer, None while that is unknown; or why it can't be used, in short and in full."""

    message: Message
    x: dict[Any, Any]
    y: Any = None
    key: str = ""
    id: str | None = None
    reason: str = ""
    detail: str = ""


def read_rows(messages: Sequence[Message], decode: Decode, columns: Columns, task: str, *, joins: bool) -> list[Row]:
    """Return the rows of messages, in order; one that ``decode`` passes over is left out.

    Parameters
    ----------
    messages
        What was read.
    decode
        How.
    columns
        What their columns mean.
    task
        ``"classify"``, ``"regress"`` and so on: which answers can be.
    joins
        Whether a row needs a key.

    Examples
    --------
    >>> import json
    >>> [row] = read_rows(
    ...     [Message("0", "7", b'{"a": 1, "y": "no"}')], json.loads, Columns("y"), "classify", joins=False
    ... )
    >>> row.x, row.y
    ({'a': 1}, 'no')
    """
    rows = []
    for message in messages:
        try:
            found = decode(message.value)
            if found is not None:
                rows.append(_row(message, plain_sample(found), columns, task, joins=joins))
        except DataError as error:
            rows.append(refused(message, error))
    return rows


def refused(message: Message, error: HeadwaterError) -> Row:
    """Return a message that can't be used."""
    return Row(message, {}, reason=f"not {error.expected}", detail=str(error))


def answer_of(value: Any, task: str) -> Any:
    """Return an answer that can be learned; None for one that is missing, but NaN in a series, whose time goes on.

    Raises
    ------
    DataError
        If it is of a kind that can't be.
    """
    value = plain(value)
    if value is None or value != value:
        return math.nan if task == "forecast" else None
    if task == "classify":
        if isinstance(value, list | dict):
            raise DataError(expected="a class as answer", at="message", got=type(value).__name__)
        return value
    if not isinstance(value, int | float) or not math.isfinite(value) or abs(value) >= 1e300:
        raise DataError(expected="a number as answer", at="message", got=repr(value)[:50])
    return float(value)


def _row(message: Message, x: dict[Any, Any], columns: Columns, task: str, *, joins: bool) -> Row:
    y = answer_of(x.pop(columns.target, None), task)
    key = x.pop(columns.key, None) if columns.key else message.key
    name = x.pop(columns.id, None) if columns.id else None
    if joins and key is None:
        raise DataError(
            expected=f"a key in {columns.key}" if columns.key else "a message with a key", got="none", at="message"
        )
    if columns.id and name is None:
        raise DataError(expected=f"an id in {columns.id}", got="none", at="message")
    for column in columns.drop:
        x.pop(column, None)
    # What is learned now is what a replay will learn.
    exact = unpack_events(pack_events([JournalEvent(x, y)]))[0]
    return Row(message, exact.x, exact.y, "" if key is None else str(key), None if name is None else str(name))
