"""Decode Avro messages with the writer's schema, resolved to the reader's schema if one is given."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import msgspec

from headwater.errors import ConfigError, MissingExtra
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.formats.files import read_schema
from headwater.streams.brokers.formats.registry import Registry, Schemas, framed

__all__ = ["avro"]


def avro(address: Address) -> Callable[[bytes], Any]:
    """Return a decoder of Avro messages with the schemas of ``schema=``, ``registry=`` or both.

    With both, messages are resolved from the registry's schema to the file's.

    Raises
    ------
    ConfigError
        If a schema can't be read, or messages refer to a registry that is not given.
    MissingExtra
        If fastavro, or the registry's client, is not installed.
    """
    try:
        import fastavro
    except ImportError as error:
        raise MissingExtra(package="fastavro", extra="avro", at=address.at) from error
    options = address.options
    reader = None
    if "schema" in options or "registry" not in options:
        reader = fastavro.parse_schema(msgspec.json.decode(read_schema(address, "an Avro schema (.avsc)")))
    if "registry" in options:
        return _by_registry(fastavro, Registry(address), reader)
    if options.get("message") == "confluent":
        raise ConfigError(
            expected="registry= with message=confluent",
            got="none",
            at=address.at,
            help="Add registry=URL, since messages contain only the number of their schema.",
        )
    return lambda value: _read(fastavro, io.BytesIO(value), reader, None)


def _by_registry(fastavro: Any, registry: Registry, reader: Any) -> Callable[[bytes], Any]:
    schemas = Schemas(lambda number: _parsed(fastavro, registry, registry.schema(number), {}))

    def decode(value: bytes) -> Any:
        number, _, body = framed(value, "AVRO")
        return _read(fastavro, body, schemas.of(number), reader)

    return decode


def _parsed(fastavro: Any, registry: Registry, schema: Any, named: dict[str, Any]) -> Any:
    """Parse a schema and the schemas that it refers to."""
    for reference in schema.references or []:
        _parsed(fastavro, registry, registry.reference(reference), named)
    return fastavro.parse_schema(msgspec.json.decode(schema.schema_str), named_schemas=named)


def _read(fastavro: Any, body: io.BytesIO, writer: Any, reader: Any) -> Any:
    row = fastavro.schemaless_reader(body, writer, reader)
    if body.read(1):
        raise ValueError("bytes after the record")
    return row
