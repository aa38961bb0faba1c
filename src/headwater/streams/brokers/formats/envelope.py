"""Take rows out of the envelopes of CloudEvents and of Debezium's change events.

Sources: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md and
https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-events.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from headwater.errors import ConfigError, DataError, did_you_mean
from headwater.streams.brokers.address import Address

__all__ = ["ENVELOPES", "opener"]

ENVELOPES = ("debezium", "cloudevents")
_LEAVE_A_ROW = "cru"  # Debezium's letters: created, there when it began, updated; d is a deletion, t a truncation
_NAMED = "ce_"
"""How a column of ``key=`` or ``id=`` begins that is an attribute of the event, as in Kafka's headers."""


def opener(address: Address, target: str | None) -> Callable[[Any], Any] | None:
    """Return what makes a row of a decoded message, by the address's ``envelope=``; None without one.

    Parameters
    ----------
    address
        The address.
    target
        Column of the labels; None if learning needs none.

    Raises
    ------
    ConfigError
        For an unknown envelope.

    Examples
    --------
    >>> from headwater.streams.brokers.address import read_address
    >>> row = opener(read_address("redis://localhost/orders?envelope=debezium"), "late")
    >>> row({"op": "u", "before": {"a": 1, "late": None}, "after": {"a": 1, "late": True}})
    {'a': 1, 'late': True}
    >>> row({"op": "c", "before": None, "after": {"a": 2, "late": None}}), row({"op": "d", "after": None})
    (None, None)
    """
    name = address.options.get("envelope")
    if name is None:
        return None
    if name not in ENVELOPES:
        raise ConfigError(
            expected=f"envelope= one of {', '.join(ENVELOPES)}",
            got=name,
            at=address.at,
            help=did_you_mean(name, ENVELOPES),
        )
    if name == "debezium":
        return lambda message: _changed(message, target)
    named = {address.options.get("key", ""), address.options.get("id", "")}
    return lambda message: _data(message, {one for one in named if one.startswith(_NAMED)})


def _changed(message: Any, target: str | None) -> Any:
    """Return the row that a change left, or None if nothing is to be learned of it.

    A row is an example once its label is known. So a change that leaves it unknown is skipped, and so is one of a row whose label
    was known before.
    """
    change = message.get("payload", message) if isinstance(message, Mapping) else message
    if change is None:  # behind a deletion comes a message without a value, for Kafka's compaction
        return None
    if not isinstance(change, Mapping) or "op" not in change:
        raise DataError(
            expected="a change event with op, before and after",
            got=_seen(message),
            at="message",
            help="Leave envelope= out if Debezium unwraps the rows (ExtractNewRecordState).",
        )
    after, before = change.get("after"), change.get("before")
    if after is None or change["op"] not in _LEAVE_A_ROW:
        return None
    if target is not None and (after.get(target) is None or (before or {}).get(target) is not None):
        return None
    return after


def _data(message: Any, named: Collection[str]) -> Any:
    """Return the data of a structured CloudEvent, with the attributes that the address names."""
    if not isinstance(message, Mapping) or "specversion" not in message:
        raise DataError(
            expected="a CloudEvent with specversion and data",
            got=_seen(message),
            at="message",
            help="Leave envelope= out for events in binary mode, whose attributes are headers.",
        )
    row = _json(message["data_base64"]) if "data_base64" in message else message.get("data")
    if row is None:
        raise DataError(expected="a row: names and values", got="an event without data", at="message")
    if not named or not isinstance(row, Mapping):
        return row
    return {**row, **{one: message.get(one.removeprefix(_NAMED)) for one in named}}


def _json(value: Any) -> Any:
    try:
        return msgspec.json.decode(base64.b64decode(value, validate=True))
    except (TypeError, ValueError) as error:  # of msgspec, too
        got = f"{type(error).__name__}: {error}"[:200]
        raise DataError(expected="JSON in data_base64", got=got, at="message") from error


def _seen(message: Any) -> str:
    return ", ".join(map(str, message))[:100] if isinstance(message, Mapping) else type(message).__name__
