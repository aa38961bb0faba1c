"""Decode messages to rows, giving each unusable message a reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.errors import DataError
from headwater.learner.kind import kind_of
from headwater.store.journal.events import JournalEvent, pack, plain_sample, unpack_events
from headwater.streams.brokers.formats import Decode
from headwater.streams.brokers.protocol import BrokerGone, Message

__all__ = ["Columns", "Row", "read_rows", "refused"]

_KEY_CHARACTERS = 1000
"""Maximum characters of a key or an id, which index rows in the store."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Roles of a message's columns.

    Parameters
    ----------
    target
        The label column.
    key
        The column that joins a row and its label, by default the message's own key. Not a feature.
    id
        The column that identifies an example, so that it is learned once however often it is delivered. "" for none. Not a
        feature.
    drop
        Columns to leave out.
    answers
        Whether learning needs a label.
    """

    target: str | None
    key: str = ""
    id: str = ""
    drop: Collection[str] = ()
    answers: bool = True


@dataclass(slots=True)
class Row:
    """A decoded message with its label (None if unknown), or the reason why it can't be used."""

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
    """Decode messages to rows in order, leaving out those that ``decode`` or the source skips.

    A malformed message, or any exception of ``decode``, rejects that one message with a reason.

    Parameters
    ----------
    messages
        The messages read.
    decode
        Decodes a message's bytes.
    columns
        Roles of the columns.
    learner
        The learner, which determines the valid labels.
    joins
        Whether a row needs a key.
    needs_id
        Whether a row needs an id if its column is named. Labels don't.
    most_bytes
        Maximum size of a message.

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
        except BrokerGone:  # the schema registry is away, so the content is still unknown
            raise
        except Exception as error:  # noqa: BLE001 - the user's function may raise anything, which is reported and counted
            rows.append(refused(message, error))
    return rows


def refused(message: Message, error: Exception) -> Row:
    """Return a rejected message with the reason from the error."""
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
    name = x.get(columns.id) if columns.id else None  # may be the same column as the key
    if joins and key is None:
        raise DataError(
            expected=f"a key in {columns.key}" if columns.key else "a message with a key", got="none", at="message"
        )
    if columns.id and name is None and needs_id:
        raise DataError(expected=f"an id in {columns.id}", got="none", at="message")
    for column in (*filter(None, (columns.key, columns.id)), *columns.drop):
        x.pop(column, None)
    # Round-trip through the journal's format, so that a replay learns exactly the same.
    exact = unpack_events(pack([JournalEvent(x, y)]))[0]
    return Row(message, exact.x, exact.y, _text(key) or "", _text(name))


def _text(name: Any) -> str | None:
    """Return a key or an id as text for lookups in the store."""
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
