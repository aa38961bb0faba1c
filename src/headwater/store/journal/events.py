"""MessagePack serialization of journal events, exact so that every replay learns the same values."""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from headwater.errors import DataError
from headwater.learner.validation import check_sample
from headwater.streams.readers.dtypes.cells import Text

Issued = dict[str, tuple[Any, dict[Any, float] | None]]
"""Predictions issued for a row by learner name, each the predicted value and a classifier's probabilities."""
OFFER = ""
"""Name, which no learner has, under which a choice keeps the features of what was on offer."""
CHANCE = "?"
"""Name, which no learner has, under which a row that waits for a person's label keeps the probability with which it was asked."""


ROLLED = "+"
"""What begins a name, which no learner has, under which a row keeps the aggregates of earlier rows that a learner read with it."""


class JournalEvent(msgspec.Struct, array_like=True, gc=False):
    """One example with its label, weight and client id, and the earlier prediction, if any.

    With ``step`` the event is a change of one learner's step size instead, given as its number and the factor on the declared
    step size. The number -1 marks a row that was predicted and whose label is still to come.
    """

    x: dict[Any, Any]
    y: Any
    w: float | None = None
    id: str | None = None
    predicted: Issued | None = None
    step: tuple[int, float] | None = None


TOMBSTONE = JournalEvent({}, None, step=(0, 0.0))
"""What stands in the place of a forgotten event, and in the place of the request to forget.

No learner has the number 0, so a replay changes nothing here, in earlier versions either.
"""


def is_tombstone(event: JournalEvent) -> bool:
    """Return whether an event stands in the place of a forgotten one."""
    return event.step is not None and event.step[0] == 0


_OBSERVED = (-1, 0.0)


def observation(x: dict[Any, Any], predicted: Issued | None = None) -> JournalEvent:
    """Return the event of a row that counts at once though its label is still to come, perhaps with what was said of it."""
    return JournalEvent(x, None, predicted=predicted, step=_OBSERVED)


def is_observation(event: JournalEvent) -> bool:
    """Return whether an event is a row whose label was still to come."""
    return event.step is not None and event.step[0] == _OBSERVED[0]


def is_row(event: JournalEvent) -> bool:
    """Return whether an event holds a row."""
    return event.step is None or is_observation(event)


class PendingPrediction(msgspec.Struct, array_like=True, gc=False):
    """A prediction whose label is still to come, with the sample and the sequence at that time."""

    x: dict[Any, Any]
    predicted: Issued
    seq: int


class HeldAnswer(PendingPrediction, array_like=True, gc=False):
    """A prediction whose label and weight came before those that are learned first, or (``held`` is None) did not come yet."""

    held: tuple[Any, float | None] | None = None


_DATE = 1  # MessagePack extension code of a date, or a date-time without zone
_TEXT = 2  # of a text that stays a text
_NAMES = {str}
_PLAIN = frozenset((float, int, str, Text, bool, type(None), bytes))


def _read(code: int, data: memoryview) -> Any:
    text = bytes(data).decode()
    if code == _TEXT:
        return Text(text)
    return dt.date.fromisoformat(text) if len(text) == len("2026-01-01") else dt.datetime.fromisoformat(text)


def _write(value: Any) -> Any:
    if type(value) is Text:
        return msgspec.msgpack.Ext(_TEXT, value.encode())
    raise NotImplementedError(type(value).__name__)


encode = msgspec.msgpack.Encoder(enc_hook=_write).encode
"""Serializes what `pack` does, whose errors are `UNPACKABLE`."""
UNPACKABLE = (UnicodeEncodeError, OverflowError)
unpack_events = msgspec.msgpack.Decoder(list[JournalEvent], ext_hook=_read).decode
"""Deserialize a list of events."""
unpack_pending = msgspec.msgpack.Decoder(HeldAnswer, ext_hook=_read).decode
"""Deserialize a pending prediction, with its answer if it is held."""
unpack = msgspec.msgpack.Decoder(ext_hook=_read).decode
"""Deserialize other values that ``pack`` serialized."""


def pack(value: Any) -> bytes:
    """Serialize a list of events, or a pending prediction, to MessagePack.

    Raises
    ------
    DataError
        If a value can't be stored, such as invalid Unicode or an integer of more than 64 bits.
    """
    try:
        return encode(value)
    except UNPACKABLE as error:
        raise unpackable(error) from error


def unpackable(error: Exception) -> DataError:
    """Return why values can't be stored, of which ``encode`` raised one of `UNPACKABLE`."""
    if isinstance(error, OverflowError):
        return DataError(
            expected="whole numbers of up to 64 bits", got=str(error), at="a sample", help="Make them floats."
        )
    return DataError(
        expected="text that is Unicode",
        got="half of a surrogate pair",
        at="a sample",
        help="Send whole characters.",
    )


def packed_size(value: Any) -> int:
    """Return the size of a value in the journal, in bytes."""
    return len(pack(value))


def checksum(*values: Any) -> int:
    """Return a CRC-32 over the columns of a row whose body has no other."""
    return zlib.crc32(encode(values))


def content(event: JournalEvent) -> bytes:
    """Return the bytes of what an event teaches (row and label), for hashing."""
    return pack((event.x, event.y))


def digest(x: Any, y: Any) -> int:
    """Return a checksum of an example, to detect a repeated id with different content."""
    return zlib.crc32(pack((x, y)))


def plain_sample(x: Mapping[Any, Any]) -> dict[Any, Any]:
    """Convert a sample to values that MessagePack restores exactly, so that replay learns what was learned.

    Raises
    ------
    DataError
        If it is no mapping, or a value can't be stored.

    Examples
    --------
    >>> plain_sample({"a": np.float32(0.5), "b": (1, 2)})
    {'a': 0.5, 'b': [1, 2]}
    """
    if type(x) is not dict:
        check_sample(x)
    if set(map(type, x)) <= _NAMES and _PLAIN.issuperset(map(type, x.values())):
        return dict(x)
    return {  # no call for a name or a value that is stored as it is
        name if type(name) is str else _name(name): value if type(value) in _PLAIN else plain(value)
        for name, value in x.items()
    }


def _name(name: Any) -> Any:
    if isinstance(name, tuple):
        return tuple(map(_name, name))
    return name if type(name) in _PLAIN else plain(name)


def plain(value: Any) -> Any:
    """Convert a value to a form that MessagePack restores exactly.

    Raises
    ------
    DataError
        If the type can't be stored.
    """
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime | dt.date):
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            return value.astimezone(dt.UTC)
        return msgspec.msgpack.Ext(_DATE, value.isoformat().encode())
    if isinstance(value, Mapping):
        return plain_sample(value)
    raise DataError(
        expected="text, numbers, booleans, dates, None or lists of them",
        got=f"{value!r} ({type(value).__name__})",
        at="a sample of a durable learner",
        help="Turn it into one of these.",
    )


__all__ = [
    "CHANCE",
    "HeldAnswer",
    "Issued",
    "OFFER",
    "ROLLED",
    "PendingPrediction",
    "JournalEvent",
    "TOMBSTONE",
    "UNPACKABLE",
    "checksum",
    "content",
    "digest",
    "encode",
    "is_observation",
    "is_row",
    "is_tombstone",
    "observation",
    "pack",
    "packed_size",
    "plain",
    "plain_sample",
    "unpack",
    "unpack_pending",
    "unpackable",
    "unpack_events",
]
