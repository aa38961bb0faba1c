"""Select the decoder of an address's messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headwater._core import repeated_name
from headwater.errors import ConfigError, DataError, did_you_mean
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.formats.avro import avro
from headwater.streams.brokers.formats.envelope import opener
from headwater.streams.brokers.formats.protobuf import protobuf
from headwater.streams.brokers.protocol import BrokerGone

__all__ = ["FORMATS", "Decode", "decoder"]

Decode = Callable[[bytes], Mapping[str, Any] | None]
"""Decoder of a message's bytes to a row, or to None for a message to skip."""

FORMATS = ("json", "msgpack", "avro", "protobuf")
_JSON = msgspec.json.Decoder().decode
_BY_SCHEMA = ("avro", "protobuf")


def decoder(address: Address, target: str | None = None) -> Decode:
    """Return the decoder of a source's messages, by its ``format=``, ``schema=``, ``registry=`` and ``envelope=``.

    The decoder raises DataError for a message that can't be decoded, and BrokerGone if the registry is unavailable, in which
    case the message waits.

    Parameters
    ----------
    address
        The address.
    target
        Column of the labels, by which an envelope tells what is to be learned; None if learning needs none.

    Raises
    ------
    ConfigError
        For an unknown format or envelope, or a schema that can't be read.
    MissingExtra
        If the format's package is not installed.

    Examples
    --------
    >>> from headwater.streams.brokers.address import read_address
    >>> decoder(read_address("redis://localhost/orders"))(b'{"a": 1.5}')
    {'a': 1.5}
    """
    name = address.options.get("format", "json")
    makers = {"json": _json, "msgpack": _msgpack, "avro": avro, "protobuf": protobuf}
    if name not in makers:
        raise ConfigError(
            expected=f"format= one of {', '.join(FORMATS)}", got=name, at=address.at, help=did_you_mean(name, FORMATS)
        )
    if "registry" in address.options and name not in _BY_SCHEMA:
        raise ConfigError(
            expected="format=avro or format=protobuf with registry=",
            got=f"format={name}",
            at=address.at,
            help="Remove one of them.",
        )
    return _guarded(makers[name](address), name, opener(address, target))


def _guarded(decode: Callable[[bytes], Any], name: str, opened: Callable[[Any], Any] | None) -> Decode:
    def guarded(value: bytes) -> Mapping[str, Any] | None:
        try:
            row = decode(value) if value or opened is None else None
        except BrokerGone:
            raise  # the schema is unknown for now
        except Exception as error:
            # Decoders raise many types of errors. For a stream they all mean an invalid row.
            raise DataError(
                expected=f"a row in {name}", got=f"{type(error).__name__}: {error}"[:200], at="message"
            ) from error
        if opened is not None and (row := opened(row)) is None:
            return None
        if not isinstance(row, dict):
            raise DataError(expected="a row: names and values", got=type(row).__name__, at="message")
        return row

    return guarded


def _json(address: Address) -> Callable[[bytes], Any]:
    return _decode_json


def _decode_json(value: bytes) -> Any:
    found = _JSON(value)
    if (name := repeated_name(value)) is not None:
        raise msgspec.DecodeError(f'the name "{name}" stands twice in an object')
    return found


def _msgpack(address: Address) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder().decode
