"""Decode Protobuf messages with the writer's type, resolved to the reader's type if one is given.

On the wire a field is a number. Before a writer's messages are read as another type, the two are therefore compared: a name in
both must have the same number, and a number in both must have compatible types.

Source: https://protobuf.dev/programming-guides/proto3/#updating.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from headwater.errors import ConfigError, DataError, MissingExtra, did_you_mean
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.formats.files import read_schema
from headwater.streams.brokers.formats.registry import Registry, Schemas, framed

__all__ = ["protobuf"]

# Compatible types, by the numbers of google.protobuf.FieldDescriptor: varints, zigzag, bytes, four and eight bytes.
_ALIKE = ((3, 4, 5, 8, 13, 14), (17, 18), (9, 12), (7, 15), (6, 16))


def protobuf(address: Address) -> Callable[[bytes], Any]:
    """Return a decoder of Protobuf messages with the types of ``schema=``, ``registry=`` or both.

    With both, messages are resolved from the registry's type to the type ``message=`` of the file.

    Raises
    ------
    ConfigError
        If the descriptor set can't be read, or lacks the type.
    MissingExtra
        If protobuf, or the registry's client, is not installed.
    """
    try:
        from google.protobuf import message_factory
    except ImportError as error:
        raise MissingExtra(package="protobuf", extra="protobuf", at=address.at) from error
    options = address.options
    reader = _of_a_file(address) if "schema" in options or "registry" not in options else None
    if "registry" not in options:
        kind = message_factory.GetMessageClass(reader)
        return lambda value: fields_of(kind.FromString(value))
    registry, wanted = Registry(address), options.get("message", "")
    schemas = Schemas(lambda number: _file(registry, registry.schema(number, "serialized")))
    checked: set[tuple[int | str, tuple[int, ...]]] = set()

    def decode(value: bytes) -> Any:
        number, indexes, body = framed(value, "PROTOBUF")
        type_ = _of_type(schemas.of(number), indexes, wanted)
        if reader is not None and (number, tuple(indexes)) not in checked:
            _check_alike(type_, reader, set())
            if len(checked) < _CHECKED:
                checked.add((number, tuple(indexes)))
        kind = message_factory.GetMessageClass(reader or type_)
        return fields_of(kind.FromString(body.read()))

    return decode


_CHECKED = 4096  # maximum number of cached comparisons


def fields_of(message: Any) -> dict[str, Any]:
    """Return a message's fields by name, with defaults for fields without presence."""
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
    return value if isinstance(value, str | bytes | int | float) else fields_of(value)


def _of_a_file(address: Address) -> Any:
    """Return the type ``message=`` of a descriptor set."""
    from google.protobuf import descriptor_pb2, descriptor_pool

    files = descriptor_pb2.FileDescriptorSet.FromString(read_schema(address, "a descriptor set (protoc -o)"))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    name = address.options.get("message", "")
    try:
        return pool.FindMessageTypeByName(name)
    except KeyError as error:
        known = [f"{file.package}.{m.name}".lstrip(".") for file in files.file for m in file.message_type]
        raise ConfigError(
            expected="message= a type of the descriptor set", got=name, at=address.at, help=did_you_mean(name, known)
        ) from error


def _file(registry: Registry, schema: Any) -> Any:
    """Return the file descriptor of a schema, including its imports."""
    from google.protobuf import descriptor_pool

    pool = descriptor_pool.DescriptorPool()
    _add(pool, registry, schema, "schema.proto", set())
    return pool.FindFileByName("schema.proto")


def _add(pool: Any, registry: Registry, schema: Any, name: str, known: set[str]) -> None:
    from google.protobuf import descriptor_pb2

    if name in known:
        return
    known.add(name)
    file = descriptor_pb2.FileDescriptorProto.FromString(base64.b64decode(schema.schema_str))
    file.name = name
    for reference in schema.references or []:
        _add(pool, registry, registry.reference(reference, "serialized"), reference.name, known)
    for imported in file.dependency:
        if imported not in known:
            known.add(imported)
            pool.AddSerializedFile(_well_known(imported))
    pool.Add(file)


def _well_known(name: str) -> bytes:
    """Return a file descriptor bundled with protobuf, such as google/protobuf/timestamp.proto."""
    from importlib import import_module

    if not name.startswith("google/protobuf/"):
        raise DataError(expected="a schema whose imports the registry has", got=name, at="message")
    module: Any = import_module(name.removesuffix(".proto").replace("/", ".") + "_pb2")
    return bytes(module.DESCRIPTOR.serialized_pb)


def _of_type(file: Any, indexes: list[int], wanted: str) -> Any:
    """Return the type at a path of indexes into a file's types and their nested types."""
    types = list(file.message_types_by_name.values())
    found = None
    for index in indexes:
        if not 0 <= index < len(types):
            raise DataError(expected=f"a message of one of {len(types)} types", got=f"type {index}", at="message")
        found = types[index]
        types = list(found.nested_types)
    if found is None or (wanted and found.full_name != wanted):
        got = "none" if found is None else found.full_name
        raise DataError(expected=f"a message of type {wanted}", got=got, at="message")
    return found


def _check_alike(writer: Any, reader: Any, seen: set[tuple[str, str]]) -> None:
    """Raise DataError if messages of one type can't be read as another."""
    if (writer.full_name, reader.full_name) in seen:
        return
    seen.add((writer.full_name, reader.full_name))
    for one in writer.fields:
        same_name, same_number = reader.fields_by_name.get(one.name), reader.fields_by_number.get(one.number)
        if same_name is not None and same_name.number != one.number:
            got = f"{one.name} as field {one.number}, which is {same_name.number} in schema="
            raise DataError(expected="a schema that message= can read", got=got, at="message")
        if same_number is None:
            continue
        both = {one.type, same_number.type}
        if one.is_repeated != same_number.is_repeated or not (
            len(both) == 1 or any(both <= set(alike) for alike in _ALIKE)
        ):
            raise DataError(expected="a schema that message= can read", got=f"{one.name} of another type", at="message")
        if one.message_type is not None and same_number.message_type is not None:
            _check_alike(one.message_type, same_number.message_type, seen)
