"""Messages as rows to learn, rows that wait, and messages that can't be used, each with its reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.errors import DataError
from headwater.learner.kind import kind_of
from headwater.store.journal.events import JournalEvent, pack_events, plain_sample, unpack_events
from headwater.streams.brokers.formats import Decode
from headwater.streams.brokers.protocol import BrokerGone, Message

__all__ = ["Columns", "Row", "read_rows", "refused"]

_KEY_CHARACTERS = 1000
"""Characters of a key or an id: the store looks rows up by it."""


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
    answers
        Whether a row can't be learned without its answer.
    """

    target: str | None
    key: str = ""
    id: str = ""
    drop: Collection[str] = ()
    answers: bool = True


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
    repeated: bool = False


def read_rows(
    messages: Sequence[Message],
    decode: Decode,
    columns: Columns,
    learner: Any,
    *,
    joins: bool,
    needs_id: bool = True,
    most_bytes: int = 1 << 40,
) -> list[Row]:
    """Return the rows of messages, in order; one that ``decode`` or the source passes over is left out.

    Whatever a message holds, and whatever ``decode`` raises, is a reason why that one message can't be used.

    Parameters
    ----------
    messages
        What was read.
    decode
        How.
    columns
        What their columns mean.
    learner
        Who is to learn them: which answers can be.
    joins
        Whether a row needs a key.
    needs_id
        Whether a row needs an id, where its column is named; an answer doesn't.
    most_bytes
        The size of a message that is decoded.

    Examples
    --------
    >>> import json
    >>> from headwater.kinds.classifier_regressor.classifier import Classifier
    >>> [row] = read_rows(
    ...     [Message("0", "7", b'{"a": 1, "y": "no"}')], json.loads, Columns("y"), Classifier(), joins=False
    ... )
    >>> row.x, row.y
    ({'a': 1}, 'no')
    """
    rows = []
    for message in messages:
        if message.passed:
            continue
        try:
            if len(message.value) > most_bytes:
                raise _too_large(message, most_bytes)
            found = decode(message.value)
            if found is not None:
                rows.append(_row(message, _sample(found), columns, learner, joins=joins, needs_id=needs_id))
        except BrokerGone:  # a registry's: nobody knows yet what the message says
            raise
        except Exception as error:  # noqa: BLE001 - a function of the user's may raise anything: it is told, and counted
            rows.append(refused(message, error))
    return rows


def refused(message: Message, error: Exception) -> Row:
    """Return a message that can't be used, with the reason: the sentence of an error of ours, the words of any other."""
    if isinstance(error, DataError):
        return Row(message, {}, reason=f"not {error.expected}", detail=str(error))
    detail = f"expected a message that can be decoded, got {type(error).__name__}: {error}"
    return Row(message, {}, reason="not a message that can be decoded", detail=detail[:_DETAIL_CHARACTERS])


_DETAIL_CHARACTERS = 500


def _sample(found: Any) -> dict[Any, Any]:
    if not isinstance(found, Mapping):
        raise DataError(expected="a row: names and values", got=type(found).__name__, at="message")
    return plain_sample(found)


def _too_large(message: Message, most: int) -> DataError:
    return DataError(
        expected=f"a message of at most {most:,} bytes", got=f"{len(message.value):,}", at="message", code="limit"
    )


def _row(message: Message, x: dict[Any, Any], columns: Columns, learner: Any, *, joins: bool, needs_id: bool) -> Row:
    y = None if columns.target is None else kind_of(learner).answer.read(x.pop(columns.target, None), learner)
    key = x.get(columns.key) if columns.key else message.key
    name = x.get(columns.id) if columns.id else None  # which may be the same column
    if joins and key is None:
        raise DataError(
            expected=f"a key in {columns.key}" if columns.key else "a message with a key", got="none", at="message"
        )
    if columns.id and name is None and needs_id:
        raise DataError(expected=f"an id in {columns.id}", got="none", at="message")
    for column in (*filter(None, (columns.key, columns.id)), *columns.drop):
        x.pop(column, None)
    # What is learned now is what a replay will learn.
    exact = unpack_events(pack_events([JournalEvent(x, y)]))[0]
    return Row(message, exact.x, exact.y, _text(key) or "", _text(name))


def _text(name: Any) -> str | None:
    """Return a key or an id as text, which the store can look up."""
    if name is None:
        return None
    text = str(name)
    if len(text) > _KEY_CHARACTERS or (not text.isascii() and _is_broken(text)):
        got = f"{len(text):,} characters" if len(text) > _KEY_CHARACTERS else "half of a surrogate pair"
        raise DataError(expected=f"a key or an id of at most {_KEY_CHARACTERS:,} characters", got=got, at="message")
    return text


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
