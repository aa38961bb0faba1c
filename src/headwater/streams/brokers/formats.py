"""Messages as rows: JSON, MessagePack, Avro and Protobuf, each decoded by a well-kept library."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import ConfigError, DataError, MissingExtra, did_you_mean
from headwater.streams.brokers.address import Address

__all__ = ["FORMATS", "Decode", "decoder"]

Decode = Callable[[bytes], Mapping[str, Any] | None]
"""What turns the bytes of a message into a row; None is a message that is no row and is passed over."""

FORMATS = ("json", "msgpack", "avro", "protobuf")


def decoder(address: Address) -> Decode:
    """Return what decodes the messages of a source: its ``format=``, with ``schema=`` a file for Avro and Protobuf.

    A message that can't be decoded makes the function raise DataError.

    Raises
    ------
    ConfigError
        If there is no such format, or its schema can't be read.
    MissingExtra
        If the package is missing that decodes it.

    Examples
    --------
    >>> from headwater.streams.brokers.address import read_address
    >>> decoder(read_address("redis://localhost/orders"))(b'{"a": 1.5}')
    {'a': 1.5}
    """
    name = address.options.get("format", "json")
    makers = {"json": _json, "msgpack": _msgpack, "avro": _avro, "protobuf": _protobuf}
    if name not in makers:
        raise ConfigError(
            expected=f"format= one of {', '.join(FORMATS)}", got=name, at=address.at, help=did_you_mean(name, FORMATS)
        )
    return _guarded(makers[name](address), name)


def _guarded(decode: Callable[[bytes], Any], name: str) -> Decode:
    def guarded(value: bytes) -> Mapping[str, Any] | None:
        try:
            row = decode(value)
        except Exception as error:
            # Decoders raise whatever their format makes them stumble on; for a stream it is one thing: no row.
            raise DataError(
                expected=f"a row in {name}", got=f"{type(error).__name__}: {error}"[:200], at="message"
            ) from error
        if not isinstance(row, dict):
            raise DataError(expected="a row: names and values", got=type(row).__name__, at="message")
        return row

    return guarded


def _json(address: Address) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder().decode


def _msgpack(address: Address) -> Callable[[bytes], Any]:
    return msgspec.msgpack.Decoder().decode


def _avro(address: Address) -> Callable[[bytes], Any]:
    try:
        import fastavro
    except ImportError as error:
        raise MissingExtra(package="fastavro", extra="avro", at=address.at) from error
    schema = fastavro.parse_schema(msgspec.json.decode(_schema(address, "an Avro schema (.avsc)")))

    def decode(value: bytes) -> Any:
        # The framing of Confluent's serializers: a zero byte and the number of the schema in a registry.
        body = io.BytesIO(value[5:] if framed and value[:1] == b"\x00" else value)
        row = fastavro.schemaless_reader(body, schema, None)
        if body.read(1):
            raise ValueError("bytes behind the record")
        return row

    framed = address.options.get("message") == "confluent"
    return decode


def _protobuf(address: Address) -> Callable[[bytes], Any]:
    try:
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    except ImportError as error:
        raise MissingExtra(package="protobuf", extra="protobuf", at=address.at) from error
    files = descriptor_pb2.FileDescriptorSet.FromString(_schema(address, "a descriptor set (protoc -o)"))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    name = address.options.get("message", "")
    try:
        kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))
    except KeyError as error:
        known = [f"{file.package}.{m.name}".lstrip(".") for file in files.file for m in file.message_type]
        raise ConfigError(
            expected="message= a type of the descriptor set", got=name, at=address.at, help=did_you_mean(name, known)
        ) from error
    return lambda value: _fields(kind.FromString(value))


def _fields(message: Any) -> dict[str, Any]:
    """Return a message's fields by name: those without presence also where they hold their default."""
    row: dict[str, Any] = {}
    for one in message.DESCRIPTOR.fields:
        if one.has_presence and not message.HasField(one.name):
            continue
        value = getattr(message, one.name)
        if one.message_type is not None and one.message_type.GetOptions().map_entry:
            row[one.name] = {str(k): _value(v) for k, v in value.items()}
        elif one.is_repeated:
            row[one.name] = [_value(item) for item in value]
        else:
            row[one.name] = _value(value, one)
    return row


def _value(value: Any, one: Any = None) -> Any:
    if one is not None and one.enum_type is not None:
        return one.enum_type.values_by_number[value].name if value in one.enum_type.values_by_number else value
    return value if isinstance(value, str | bytes | int | float) else _fields(value)


def _schema(address: Address, what: str) -> bytes:
    name = address.options.get("schema")
    if not name:
        raise ConfigError(expected=f"schema= {what}", got="none", at=address.at, help="Name the file.")
    try:
        return Path(name).read_bytes()
    except OSError as error:
        got = f"{name}: {error.strerror or error}"
        raise ConfigError(expected=f"schema= {what}", got=got, at=address.at, help="Check the path.") from error
