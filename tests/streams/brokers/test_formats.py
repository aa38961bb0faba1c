"""Messages as rows: each format by its own library, and what is no row is refused."""

from __future__ import annotations

import base64
import io
import re

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


def test_a_message_in_json_with_a_name_twice_is_refused():
    with pytest.raises(DataError, match='the name "a" stands twice in an object'):
        decode("", b'{"a": 1, "b": {"a": 2}, "a": 3}')


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


# ---- envelopes ----------------------------------------------------------------------------------------------------------


def opened(options, message, target=None):
    value = b"" if message is None else msgspec.json.encode(message)
    return decoder(read_address(f"kafka://localhost/rows?{options}"), target)(value)


OPEN, SOLVED = {"id": 7, "words": 20, "minutes": None}, {"id": 7, "words": 20, "minutes": 4.5}


@pytest.mark.parametrize("wrapped", [lambda change: change, lambda change: {"schema": {}, "payload": change}])
@pytest.mark.parametrize(
    ("change", "of_all", "taught"),
    [
        ({"op": "c", "before": None, "after": OPEN}, OPEN, None),
        ({"op": "r", "before": None, "after": SOLVED}, SOLVED, SOLVED),
        ({"op": "u", "before": OPEN, "after": SOLVED}, SOLVED, SOLVED),
        ({"op": "u", "before": SOLVED, "after": {**SOLVED, "words": 21}}, {**SOLVED, "words": 21}, None),
        ({"op": "u", "before": None, "after": SOLVED}, SOLVED, SOLVED),  # a table without REPLICA IDENTITY FULL
        ({"op": "d", "before": SOLVED, "after": None}, None, None),
        ({"op": "t", "before": None, "after": None}, None, None),
    ],
)
def test_a_change_event_is_the_row_that_it_left_and_an_example_once_its_label_is_known(wrapped, change, of_all, taught):
    assert opened("envelope=debezium", wrapped(change)) == of_all
    assert opened("envelope=debezium", wrapped(change), "minutes") == taught


def test_what_follows_a_deletion_is_skipped_and_an_empty_message_without_an_envelope_is_refused():
    assert opened("envelope=debezium", None) is None
    assert opened("envelope=debezium", {"schema": {}, "payload": None}) is None
    with pytest.raises(DataError, match="expected a row in json"):
        opened("", None)


EVENT = {"specversion": "1.0", "id": "A7", "source": "/shop", "type": "order", "time": "2026-01-01T00:00:00Z"}


def test_the_data_of_a_cloud_event_is_the_row_with_the_attributes_that_the_address_names():
    assert opened("envelope=cloudevents", EVENT | {"data": ROW}) == ROW
    named = opened("envelope=cloudevents&id=ce_id&key=c", EVENT | {"data": ROW})
    assert named == ROW | {"ce_id": "A7"}
    packed = base64.b64encode(msgspec.json.encode(ROW)).decode()
    assert opened("envelope=cloudevents", EVENT | {"data_base64": packed}) == ROW


@pytest.mark.parametrize(
    ("options", "message", "said"),
    [
        ("envelope=debezium", ROW, "expected a change event with op, before and after, got a, n, c, on, parts"),
        ("envelope=debezium", [1], "expected a change event with op, before and after, got list"),
        ("envelope=cloudevents", {"data": ROW}, "expected a CloudEvent with specversion and data, got data"),
        ("envelope=cloudevents", None, "expected a CloudEvent with specversion and data, got NoneType"),
        ("envelope=cloudevents", EVENT | {"data": "text"}, "expected a row: names and values, got str"),
        ("envelope=cloudevents", EVENT, "expected a row: names and values, got an event without data"),
        ("envelope=cloudevents", EVENT | {"data_base64": "*"}, "expected JSON in data_base64, got"),
    ],
)
def test_what_is_no_envelope_is_refused_in_a_sentence(options, message, said):
    with pytest.raises(DataError, match=re.escape(said)):
        opened(options, message)


def test_an_unknown_envelope_is_refused_with_the_nearest_name():
    with pytest.raises(
        ConfigError, match=r"expected envelope= one of debezium, cloudevents, got debezum.*Did you mean debezium\?"
    ):
        opened("envelope=debezum", ROW)
