"""Messages as rows: each format by its own library, and what is no row is refused."""

from __future__ import annotations

import io

import msgspec
import pytest

from headwater.errors import ConfigError, DataError, MissingExtra
from headwater.streams.brokers import decoder, read_address

ROW = {"a": 1.5, "n": 2**40, "c": "red", "on": True, "parts": [1, 2]}


def decode(options, value):
    return decoder(read_address(f"redis://localhost/rows?{options}"))(value)


def test_json_and_messagepack_are_decoded():
    assert decode("", msgspec.json.encode(ROW)) == ROW
    assert decode("format=msgpack", msgspec.msgpack.encode(ROW)) == ROW


def avro(value, schema):
    fastavro = pytest.importorskip("fastavro", reason="no fastavro: pip install 'headwater[avro]' brings it")
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def avro_schema(tmp_path):
    kinds = {"a": "double", "n": "long", "c": "string", "on": "boolean", "parts": {"type": "array", "items": "int"}}
    schema = {"type": "record", "name": "Row", "fields": [{"name": n, "type": kind} for n, kind in kinds.items()]}
    (tmp_path / "row.avsc").write_bytes(msgspec.json.encode(schema))
    return schema, f"format=avro&schema={tmp_path}/row.avsc"


def test_avro_is_decoded_by_its_schema(tmp_path):
    schema, options = avro_schema(tmp_path)
    body = avro(ROW, schema)
    assert decode(options, body) == ROW
    for broken in (body[:-1], body + b"x"):
        with pytest.raises(DataError, match="expected a row in avro"):
            decode(options, broken)


def test_protobuf_is_decoded_by_a_descriptor_set(tmp_path):
    descriptor_pb2 = pytest.importorskip(
        "google.protobuf.descriptor_pb2", reason="no protobuf: pip install 'headwater[protobuf]' brings it"
    )
    from google.protobuf import descriptor_pool, message_factory

    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="row.proto", package="shop", syntax="proto3")
    row = file.message_type.add(name="Row")
    for number, (name, type_) in enumerate(
        {"a": kind.TYPE_DOUBLE, "n": kind.TYPE_INT64, "c": kind.TYPE_STRING, "on": kind.TYPE_BOOL}.items(), 1
    ):
        row.field.add(name=name, number=number, type=type_, label=kind.LABEL_OPTIONAL)
    row.field.add(name="parts", number=5, type=kind.TYPE_INT32, label=kind.LABEL_REPEATED)
    color = row.enum_type.add(name="Colour")
    color.value.add(name="RED", number=0)
    color.value.add(name="BLUE", number=1)
    row.field.add(name="colour", number=6, type=kind.TYPE_ENUM, type_name=".shop.Row.Colour", label=kind.LABEL_OPTIONAL)
    row.field.add(name="inner", number=7, type=kind.TYPE_MESSAGE, type_name=".shop.Row", label=kind.LABEL_OPTIONAL)
    (tmp_path / "row.desc").write_bytes(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Row"))
    value = made(**ROW, colour=1, inner=made(a=2.5)).SerializeToString()
    options = f"format=protobuf&schema={tmp_path}/row.desc&message="
    inner = {"a": 2.5, "n": 0, "c": "", "on": False, "parts": [], "colour": "RED"}
    assert decode(options + "shop.Row", value) == ROW | {"colour": "BLUE", "inner": inner}
    with pytest.raises(DataError, match="expected a row in protobuf"):
        decode(options + "shop.Row", b"\xff")
    with pytest.raises(ConfigError, match=r"Did you mean shop\.Row\?"):
        decode(options + "shop.Raw", value)


def test_a_schema_that_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(ConfigError, match="expected schema= an Avro schema"):
        decode("format=avro", b"")
    with pytest.raises(ConfigError, match="No such file or directory"):
        decode(f"format=protobuf&schema={tmp_path}/none.desc", b"")


def test_a_package_that_is_missing_is_named_with_its_extra(monkeypatch):
    import sys

    from headwater.streams.brokers import open_source

    for name, address, extra in [
        ("fastavro", "redis://localhost/rows?format=avro", "avro"),
        ("redis", "redis://localhost/rows", "redis"),
        ("confluent_kafka", "kafka://localhost/rows", "kafka"),
        ("nats", "nats://localhost/rows", "nats"),
        ("psycopg", "postgresql://localhost/base/rows", "postgres"),
        ("paho", "mqtt://localhost/rows", "mqtt"),
    ]:
        for loaded in [module for module in sys.modules if module.startswith("headwater.streams.brokers.")]:
            if loaded.rpartition(".")[2] in ("kafka", "nats", "redis", "postgres", "mqtt"):
                monkeypatch.delitem(sys.modules, loaded)
        for loaded in [module for module in sys.modules if module.partition(".")[0] == name]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, name, None)
        where = read_address(address)
        with pytest.raises(MissingExtra, match=rf"pip install 'headwater\[{extra}\]'"):
            (decoder if extra == "avro" else open_source)(where)
