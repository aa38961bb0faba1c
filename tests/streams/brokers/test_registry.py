"""Schemas by their id: messages that Confluent's own serializers wrote are read with their writer's schema, and never with another."""

from __future__ import annotations

import json
import threading

import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.streams.brokers import BrokerGone, BrokerRefused, decoder, read_address
from headwater.streams.brokers.formats.registry import Schemas
from support.brokers.registry import RegistryServer
from support.brokers.secure import Certificates
from support.processes.following import learner, row

PATIENCE_S = 120


@pytest.fixture
def registry():
    pytest.importorskip("fastavro", reason="no fastavro: pip install 'headwater[avro]' brings it")
    server = RegistryServer()
    server.start()
    yield server
    server.stop()


def record(**kinds):
    fields = [{"name": name} | (kind if isinstance(kind, dict) else {"type": kind}) for name, kind in kinds.items()]
    return {"type": "record", "name": "Order", "fields": fields}


def written(registry, schema, value, topic="orders"):
    """Return a message that Confluent's serializer writes, registering its schema."""
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.avro import AvroSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    with SchemaRegistryClient({"url": registry.url}) as client:
        return AvroSerializer(client, json.dumps(schema))(value, SerializationContext(topic, MessageField.VALUE))


def decode(registry, value, options="", schema=None, tmp_path=None):
    if schema is not None:
        (tmp_path / "reader.avsc").write_text(json.dumps(schema))
        options += f"&schema={tmp_path}/reader.avsc"
    return decoder(read_address(f"kafka://localhost/orders?format=avro&registry={registry.url}{options}"))(value)


def test_fields_that_two_writers_order_differently_are_not_exchanged(registry, tmp_path):
    first, second = record(price="double", amount="double"), record(amount="double", price="double")
    row_ = {"price": 9.5, "amount": 3.0}
    for schema in (first, second):
        value = written(registry, schema, row_)
        assert value[:1] == b"\x00"
        assert decode(registry, value) == row_
        assert decode(registry, value, schema=first, tmp_path=tmp_path) == row_


def test_a_schema_that_evolved_is_resolved_to_the_readers(registry, tmp_path):
    value = written(registry, record(cost="int", gone="string"), {"cost": 3, "gone": "x"})
    reader = record(price={"type": "double", "aliases": ["cost"]}, country={"type": "string", "default": "fr"})
    assert decode(registry, value, schema=reader, tmp_path=tmp_path) == {"price": 3.0, "country": "fr"}


def test_what_can_not_be_resolved_is_refused_and_never_guessed(registry, tmp_path):
    value = written(registry, record(price="string"), {"price": "dear"})
    for reader in (record(price="double"), record(price="string", added="int")):
        with pytest.raises(DataError, match="expected a row in avro, got SchemaResolutionError"):
            decode(registry, value, schema=reader, tmp_path=tmp_path)


def test_messages_that_name_no_schema_of_the_registry_are_refused_and_asked_for_once(registry):
    read = decoder(read_address(f"kafka://localhost/orders?format=avro&registry={registry.url}"))
    good = written(registry, record(price="double"), {"price": 1.5})
    registry.asked.clear()
    for _ in range(3):
        with pytest.raises(DataError, match="schema 77: status 404"):
            read(b"\x00\x00\x00\x00\x4d" + good[5:])
        with pytest.raises(DataError, match="expected a row in avro"):
            read(b"\x07" + good[1:])
        with pytest.raises(DataError, match="expected a row in avro"):
            read(good + b"x")
        assert read(good) == {"price": 1.5}
    assert len(registry.asked) == 2  # one of each number


def test_a_number_without_a_registry_is_refused_before_anything_is_read(tmp_path):
    pytest.importorskip("fastavro", reason="no fastavro: pip install 'headwater[avro]' brings it")
    (tmp_path / "a.avsc").write_text(json.dumps(record(price="double")))
    with pytest.raises(ConfigError, match="expected registry= with message=confluent, got none"):
        decoder(read_address(f"kafka://localhost/t?format=avro&message=confluent&schema={tmp_path}/a.avsc"))


def test_schemas_are_kept_within_bounds():
    def make(number):
        if number % 2:
            raise DataError(expected="an even number", got=str(number))
        return number

    kept = Schemas(make)
    for number in range(40_000):
        try:
            assert kept.of(number) == number
        except DataError:
            assert number % 2
    assert len(kept) <= 256 + 4096
    assert kept.of(39_998) == 39_998


def test_a_schema_that_refers_to_others_is_read_with_them(registry):
    from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient

    place = {"type": "record", "name": "Place", "fields": [{"name": "country", "type": "string"}]}
    with SchemaRegistryClient({"url": registry.url}) as client:
        client.register_schema("place", Schema(json.dumps(place), "AVRO"))
        refers = Schema(json.dumps(record(price="double", to="Place")), "AVRO", [SchemaReference("Place", "place", 1)])
        number = client.register_schema("orders-value", refers)
    import io

    import fastavro

    out = io.BytesIO()
    whole = fastavro.parse_schema(record(price="double", to={"type": place}))
    fastavro.schemaless_writer(out, whole, {"price": 2.5, "to": {"country": "fr"}})
    value = b"\x00" + number.to_bytes(4, "big") + out.getvalue()
    assert decode(registry, value) == {"price": 2.5, "to": {"country": "fr"}}


def test_a_registry_that_is_away_is_waited_for_and_no_message_is_skipped(registry, base, server, tmp_path):
    schema = record(a="double", c="string", y="string")
    rows = [{name: row(i)[name] for name in ("a", "c", "y")} for i in range(30)]
    for one in rows:
        base.xadd("rows", {"value": written(registry, schema, one)})
    registry.stop()
    where = f"redis://127.0.0.1:{server.port}/rows?format=avro&idle=0.2&registry={registry.url}"
    with hw.open(tmp_path / "a.db", learner()) as model:
        back = threading.Timer(1.0, registry.start)
        back.start()
        followed = model.learn_from(where, "y")
        back.join()
        assert (followed.read, followed.learned, followed.counts) == (30, 30, {})
        base.xadd("rows", {"value": b"\x00\x00\x00\x03\xe8junk"})
        base.xadd("rows", {"value": written(registry, schema, rows[0])})
        followed = model.learn_from(where, "y")
        assert (followed.read, followed.learned) == (32, 31)
        assert followed.counts == {"not a row in avro": 1}


def test_a_session_without_a_store_ends_where_the_registry_is_away_and_keeps_its_position(
    registry, base, server, tmp_path
):
    schema = record(a="double", c="string", y="string")
    rows = [{name: row(i)[name] for name in ("a", "c", "y")} for i in range(20)]
    for one in rows:
        base.xadd("rows", {"value": written(registry, schema, one)})
    where = f"redis://127.0.0.1:{server.port}/rows?format=avro&idle=0.2&registry={registry.url}"
    registry.failing = 503
    with pytest.raises(BrokerGone, match="expected a schema registry that responds, got status 503"):
        hw.Session(learner(), keep=tmp_path / "a.hw").run(where, target="y")
    registry.failing = 0
    model = learner()
    record_ = hw.Session(model, keep=tmp_path / "a.hw").run(where, target="y")
    assert (record_.rows, record_.rejected) == (20, {})


def test_a_registry_proves_who_it_is_and_asks_for_a_password(tmp_path, monkeypatch):
    pytest.importorskip("fastavro", reason="no fastavro: pip install 'headwater[avro]' brings it")
    certs = Certificates.make(tmp_path)
    server = RegistryServer(certs, login="me:s3cret:/?")
    server.start()
    files = f"&registry_tls_ca={certs.ca_pem}&registry_tls_cert={certs.client_pem}&registry_tls_key={certs.client_key}"
    monkeypatch.setenv("HEADWATER_REGISTRY_USER", "me")
    monkeypatch.setenv("HEADWATER_REGISTRY_PASSWORD", "s3cret:/?")
    from confluent_kafka.schema_registry import Schema

    number = server.store.register_schema("t-value", Schema(json.dumps(record(price="double")), "AVRO"))
    value = b"\x00" + number.to_bytes(4, "big") + bytes(8)
    assert decode(server, value, files) == {"price": 0.0}
    with pytest.raises(BrokerRefused, match="a schema registry with a trusted certificate"):
        decode(server, value, files.replace("ca.pem", "stranger.pem"))
    with pytest.raises(BrokerGone):
        decode(server, value, f"&registry_tls_ca={certs.ca_pem}")  # no client certificate
    (tmp_path / "word").write_text("wr0ng-secret")
    with pytest.raises(BrokerRefused, match="a schema registry that accepts the login, got status 401") as refused:
        decode(server, value, f"{files}&registry_password_file={tmp_path}/word")
    assert "s3cret" not in str(refused.value)
    assert "wr0ng" not in str(refused.value)
    server.stop()


# ---- Protobuf --------------------------------------------------------------------------------------------------------


def proto(**messages):
    """Return message classes by name: each message's fields are ``name=(number, type)``."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="order.proto", package="shop", syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            type_ = getattr(kinds, f"TYPE_{kind}")
            message.field.add(name=field, number=number, type=type_, label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"shop.{name}")) for name in messages}
    return found, descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()


def sent(registry, kind, **values):
    from confluent_kafka.schema_registry import SchemaRegistryClient
    from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
    from confluent_kafka.serialization import MessageField, SerializationContext

    pytest.importorskip("google.type", reason="no googleapis-common-protos, which Confluent's serializer needs")
    with SchemaRegistryClient({"url": registry.url}) as client:
        write = ProtobufSerializer(kind, client, {"use.deprecated.format": False})
        return write(kind(**values), SerializationContext("orders", MessageField.VALUE))


def read_proto(registry, value, options=""):
    return decoder(read_address(f"kafka://localhost/orders?format=protobuf&registry={registry.url}{options}"))(value)


def test_a_protobuf_message_is_of_the_type_that_its_indexes_say(registry):
    kinds, _ = proto(Other={"x": (1, "INT32")}, Order={"price": (1, "DOUBLE"), "amount": (2, "DOUBLE")})
    value = sent(registry, kinds["Order"], price=9.5, amount=3.0)
    assert read_proto(registry, value) == {"price": 9.5, "amount": 3.0}
    assert read_proto(registry, sent(registry, kinds["Other"], x=4)) == {"x": 4}
    with pytest.raises(DataError, match=r"expected a message of type shop.Order, got shop.Other"):
        read_proto(registry, sent(registry, kinds["Other"], x=4), "&message=shop.Order")
    with pytest.raises(DataError, match="one of 2 types, got type 9"):
        read_proto(registry, value[:5] + b"\x02\x12" + value[7:])


def test_a_protobuf_schema_that_evolved_is_read_and_one_that_exchanged_fields_is_refused(registry, tmp_path):
    _, reader = proto(Order={"price": (1, "DOUBLE"), "amount": (2, "DOUBLE"), "late": (3, "BOOL")})
    (tmp_path / "order.desc").write_bytes(reader)
    options = f"&schema={tmp_path}/order.desc&message=shop.Order"
    older, _ = proto(Order={"price": (1, "DOUBLE"), "amount": (2, "DOUBLE")})
    renamed, _ = proto(Order={"cost": (1, "DOUBLE"), "more": (9, "STRING")})
    said = {"price": 9.5, "amount": 3.0, "late": False}
    assert read_proto(registry, sent(registry, older["Order"], price=9.5, amount=3.0), options) == said
    assert read_proto(registry, sent(registry, renamed["Order"], cost=9.5), options) == said | {"amount": 0.0}
    exchanged, _ = proto(Order={"amount": (1, "DOUBLE"), "price": (2, "DOUBLE")})
    value = sent(registry, exchanged["Order"], price=9.5, amount=3.0)
    assert read_proto(registry, value) == {"amount": 3.0, "price": 9.5}
    with pytest.raises(DataError, match="amount as field 1, which is 2 in schema="):
        read_proto(registry, value, options)
    retyped, _ = proto(Order={"price": (1, "STRING")})
    with pytest.raises(DataError, match="price of another type"):
        read_proto(registry, sent(registry, retyped["Order"], price="dear"), options)
