"""What is particular to each broker: late commits, cut logs, new partitions, what is sent twice; and predictions into each."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import time

import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.streams.brokers import Outgoing, TrimmedLog, open_sink, open_source, read_address
from support.brokers.kinds import Kafka, Nats, Redis
from support.brokers.servers import PostgresServer, mosquitto, nats_server
from support.learners import fingerprint
from support.processes.following import learner, row

PATIENCE_S = 60


def drain(source, n):
    """Read n messages, however long it takes."""
    out = []
    while len(out) < n:
        out += source.read(100, 1.0)
    return out


def values(messages):
    return [json.loads(message.value) for message in messages]


# ---- Kafka, on the mock cluster of librdkafka ------------------------------------------------------------------------


@pytest.fixture
def kafka():
    kafka = pytest.importorskip("confluent_kafka", reason="no client: pip install 'headwater[kafka]' brings it")
    producer = kafka.Producer({"test.mock.num.brokers": 3, "bootstrap.servers": "", "log_level": 0})
    brokers = producer.list_topics(timeout=PATIENCE_S).brokers.values()
    return Cluster(producer, "kafka://" + ",".join(f"{broker.host}:{broker.port}" for broker in brokers))


class Cluster:
    """A mock cluster, which ends with its producer."""

    def __init__(self, producer, address):
        self.producer, self.address = producer, address


def produce(kafka, rows, partition=0):
    for one in rows:
        kafka.producer.produce("rows", json.dumps(one).encode(), partition=partition, key=str(one.get("id", "")))
    assert kafka.producer.flush(PATIENCE_S) == 0


def test_kafka_is_read_behind_our_own_offsets_whatever_a_group_has_committed(kafka, tmp_path):
    produce(kafka, [row(i) for i in range(20)])
    produce(kafka, [row(i) for i in range(20, 30)], partition=3)
    where = kafka.address + "/rows?group=watchers"
    with hw.open(tmp_path / "a.db", learner()) as model:
        assert model.learn_from(where, "y", limit=30).read == 30
        positions = model.service.sources.positions(1, "kafka:rows")
        assert positions == {"0": "19", "1": "-1", "2": "-1", "3": "9"}
        produce(kafka, [row(i) for i in range(30, 35)], partition=1)
        assert model.learn_from(where, "y", limit=5).read == 35
    with hw.open(tmp_path / "b.db", learner()) as other:  # the group's offsets are for those who watch the lag
        assert other.learn_from(where, "y", limit=35).read == 35


def test_kafka_offsets_that_are_not_there_are_an_error_and_not_a_jump(kafka):
    produce(kafka, [row(i) for i in range(5)])
    source = open_source(read_address(kafka.address + "/rows"))
    source.open({"0": "100"})
    with pytest.raises(TrimmedLog):
        drain(source, 1)
    source.close()


def test_kafka_takes_predictions_by_key(kafka):
    produce(kafka, [row(0)])
    sink = open_sink(read_address(kafka.address + "/said"))
    sink.send("kafka:rows", [Outgoing(1, "0:7", b'{"y_pred": "up"}')])
    sink.close()
    source = open_source(read_address(kafka.address + "/said"))
    source.open({})
    (message,) = drain(source, 1)
    assert (message.key, message.value) == ("kafka:rows:0:7", b'{"y_pred": "up"}')
    source.close()


def test_partitions_added_to_a_busy_topic_of_kafka_are_read_from_their_beginning(kafka, monkeypatch):
    """No broker here can add partitions, so one is hidden from the reader until then."""
    from headwater.streams.brokers import kafka as module

    described, hidden = module.KafkaSource._described, [3]

    def seen(source):
        name, parts = described(source)
        return name, [part for part in parts if part not in hidden]

    monkeypatch.setattr(module.KafkaSource, "_described", seen)
    monkeypatch.setattr(module, "_LOOK_S", 0.0)
    produce(kafka, [row(i) for i in range(5)], partition=3)
    produce(kafka, [row(0)])
    source = open_source(read_address(kafka.address + "/rows"))
    assert "3" not in source.open({})
    drain(source, 1)
    hidden.clear()
    added = []
    while len(added) < 5:
        produce(kafka, [row(0)])  # there is always a message: the reader is never idle
        added += [one for one in source.read(100, 10.0) if one.partition == "3"]
    assert [one.position for one in added] == ["0", "1", "2", "3", "4"]
    source.close()


def test_a_cut_log_of_kafka_says_how_many_messages_are_gone(kafka):
    for _ in range(8):  # the mock cluster keeps 5 MB of a partition
        kafka.producer.produce("rows", b"x" * 900_000, partition=0)
        assert kafka.producer.flush(PATIENCE_S) == 0
    source = open_source(read_address(kafka.address + "/rows"))
    with pytest.raises(TrimmedLog, match="expected partition 0 from offset 1 on, got one that starts at") as caught:
        source.open({"0": "0"})
    source.close()
    assert caught.value.gone == caught.value.most == int(caught.value.go_on["0"])
    assert f"{caught.value.gone} messages are gone" in str(caught.value)


# ---- PostgreSQL ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres():
    server = PostgresServer()
    server.start()
    yield server
    server.remove()


def test_postgresql_rows_that_commit_late_are_not_skipped(postgres):
    import psycopg

    source = open_source(read_address(f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres/late"))
    with psycopg.connect(postgres.database, autocommit=True) as one, psycopg.connect(postgres.database) as slow:
        one.execute("CREATE TABLE late (tx xid8 NOT NULL DEFAULT pg_current_xact_id(), id bigserial, a int)")
        one.execute("INSERT INTO late (a) VALUES (1)")
        slow.execute("INSERT INTO late (a) VALUES (2)")  # takes its number, and commits later
        one.execute("INSERT INTO late (a) VALUES (3)")
        source.open({})
        assert values(drain(source, 1)) == [{"a": 1}]
        assert source.read(100, 0.0) == []  # 3 is there, but 2 may still come before it
        slow.commit()
        assert values(drain(source, 2)) == [{"a": 2}, {"a": 3}]
    source.close()


def test_postgresql_goes_on_behind_a_position_and_takes_each_prediction_once(postgres):
    import psycopg

    where = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres/"
    with psycopg.connect(postgres.database, autocommit=True) as base:
        base.execute("CREATE TABLE kept (tx xid8 NOT NULL DEFAULT pg_current_xact_id(), id bigserial, a int)")
        base.execute("INSERT INTO kept (a) SELECT * FROM generate_series(1, 10)")  # one transaction
        source = open_source(read_address(where + "kept?id=id"))
        source.open({})
        first = drain(source, 10)
        again = open_source(read_address(where + "kept?id=id"))
        again.open({"0": first[3].position})
        assert values(drain(again, 6)) == [{"a": i, "id": i} for i in range(5, 11)]
        far = open_source(read_address(where + "kept"))
        with pytest.raises(TrimmedLog, match="expected a server past transaction 999999999"):
            far.open({"0": "999999999 1"})
        sink = open_sink(read_address(where + "public.said"))
        for _ in range(2):
            sink.send("postgresql:kept", [Outgoing(i, f"0:{i}", b'{"y_pred": 1}') for i in range(3)])
        assert base.execute("SELECT count(*), min(body->>'y_pred') FROM said").fetchone() == (3, "1")
        for one in (source, again, far, sink):
            one.close()


# ---- NATS ------------------------------------------------------------------------------------------------------------


def test_nats_messages_that_are_gone_are_an_error_and_repetitions_of_predictions_are_dropped(tmp_path):
    nats = pytest.importorskip("nats", reason="no client: pip install 'headwater[nats]' brings it")
    server = nats_server(tmp_path)
    server.start()
    where = f"nats://127.0.0.1:{server.port}"

    async def with_stream(what):
        client = await nats.connect(where)
        await what(client.jetstream(timeout=PATIENCE_S))
        await client.close()

    async def fill(stream):
        await stream.add_stream(name="ALL", subjects=["rows", "said"])
        for i in range(10):
            await stream.publish("rows", json.dumps(row(i)).encode())

    async def cut(stream):
        await stream.purge_stream("ALL", seq=8)

    try:
        asyncio.run(with_stream(fill))
        source = open_source(read_address(where + "/rows"))
        source.open({"0": "4"})
        assert [one["id"] for one in values(drain(source, 6))] == [4, 5, 6, 7, 8, 9]
        source.close()
        asyncio.run(with_stream(cut))
        with pytest.raises(TrimmedLog, match="expected every message from 5 on, got a stream that starts at 8"):
            source.open({"0": "4"})
        source.close()
        with pytest.raises(TrimmedLog, match="a stream that ends at 10"):
            source.open({"0": "40"})
        source.close()
        sink = open_sink(read_address(where + "/said"))
        for _ in range(2):
            sink.send("nats:rows", [Outgoing(i, f"0:{i}", b"{}") for i in range(3)])
        sink.close()
        said = open_source(read_address(where + "/said"))
        said.open({})
        assert [message.key for message in drain(said, 3)] == ["0:0", "0:1", "0:2"]
        assert said.read(10, 0.05) == []
        said.close()
    finally:
        server.kill()


def test_messages_of_one_subject_that_a_limit_deleted_are_missed_behind_another_subject_that_stays(tmp_path):
    nats = pytest.importorskip("nats", reason="no client: pip install 'headwater[nats]' brings it")
    server = nats_server(tmp_path)
    server.start()

    async def fill(begin, end):
        client = await nats.connect(f"nats://127.0.0.1:{server.port}")
        stream = client.jetstream(timeout=PATIENCE_S)
        if not begin:
            await stream.add_stream(name="ALL", subjects=["rows.*"], max_msgs_per_subject=50)
            await stream.publish("rows.other", b"{}")
        for i in range(begin, end):
            await stream.publish("rows.a", json.dumps(row(i)).encode())
        await client.close()

    try:
        asyncio.run(fill(0, 20))
        where = f"nats://127.0.0.1:{server.port}/rows.a?idle=0.3"
        with hw.open(tmp_path / "a.db", learner()) as model:
            assert model.learn_from(where, "y").learned == 20
            asyncio.run(fill(20, 60))  # the oldest go, and were read
            assert model.learn_from(where, "y").learned == 60
            asyncio.run(fill(60, 340))
            with pytest.raises(TrimmedLog, match="up to 230 messages are gone"):
                model.learn_from(where, "y")
            assert model.learn_from(where, "y", accept_gap=True).learned == 110
    finally:
        server.kill()


# ---- MQTT ------------------------------------------------------------------------------------------------------------


def test_mqtt_messages_are_acknowledged_only_once_they_are_kept(tmp_path):
    pytest.importorskip("paho.mqtt", reason="no client: pip install 'headwater[mqtt]' brings it")
    server = mosquitto(tmp_path)
    server.start()
    where = f"mqtt://127.0.0.1:{server.port}/"
    try:
        source = open_source(read_address(where + "rooms/+/heat"))
        source.open({})
        sink = open_sink(read_address(where + "rooms/7/heat"))
        sink.send("", [Outgoing(i, "", json.dumps(row(i)).encode()) for i in range(5)])
        first = drain(source, 5)
        assert [(one.position, one.key) for one in first[:2]] == [("1", "rooms/7/heat"), ("2", "rooms/7/heat")]
        source.committed({"0": "3"})  # then it ends before the others are kept
        source.close()
        source = open_source(read_address(where + "rooms/+/heat"))
        assert source.open({"0": "3"}) == {"0": "3"}
        again = []
        while not again or again[-1] != 4:
            again += [one["id"] for one in values(drain(source, 1))]
        # All that were not acknowledged; the end of a connection may swallow an acknowledgement before them too.
        assert again == list(range(again[0], 5))
        assert again[0] <= 3
        source.close()
        sink.close()
    finally:
        server.kill()


def test_a_retained_message_is_counted_and_not_learned_at_each_start(tmp_path):
    paho = pytest.importorskip("paho.mqtt.publish", reason="no client: pip install 'headwater[mqtt]' brings it")
    server = mosquitto(tmp_path)
    server.start()
    where = f"mqtt://127.0.0.1:{server.port}/heat?idle=0.5"
    try:
        paho.single("heat", json.dumps(row(0)), qos=1, retain=True, hostname="127.0.0.1", port=server.port)
        for start in (1, 2):
            with hw.open(tmp_path / "a.db", learner()) as model:
                state = model.learn_from(where, "y")
                assert (state.learned, state.counts) == (0, {"a retained message": start})
    finally:
        server.kill()


def test_two_stores_follow_one_topic_of_mqtt(tmp_path):
    pytest.importorskip("paho.mqtt", reason="no client: pip install 'headwater[mqtt]' brings it")
    server = mosquitto(tmp_path)
    server.start()
    where = f"mqtt://127.0.0.1:{server.port}/heat?idle=0.5"
    try:
        with hw.open(tmp_path / "a.db", learner()) as one, hw.open(tmp_path / "b.db", learner()) as two:
            for model in (one, two):
                assert model.learn_from(where, "y").learned == 0  # makes the subscription
            sink = open_sink(read_address(where))
            sink.send("", [Outgoing(i, "", json.dumps(row(i)).encode()) for i in range(5)])
            sink.close()
            assert [model.learn_from(where, "y").learned for model in (one, two)] == [5, 5]
    finally:
        server.kill()


# ---- from a time on --------------------------------------------------------------------------------------------------


@pytest.fixture(params=[Redis, Nats, Kafka], ids=lambda kind: kind.__name__)
def timed(request, tmp_path):
    """A broker that knows when messages came, with two times five of them, which came at two times."""
    broker = request.param(tmp_path)
    broker.make("rows")
    for start in (0, 5):
        broker.put("rows", [json.dumps(row(i)).encode() for i in range(start, start + 5)])
        until = time.time() + 0.002
        while time.time() < until:
            pass
    yield broker
    broker.close()


def times(broker):
    """Return when each message came, in microseconds of the broker's clock."""
    source = open_source(read_address(broker.address("rows")))
    source.open({})
    found = [round(message.sent * 1e6) for message in drain(source, 10)]
    source.close()
    return found


def at(ms):
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_follower_begins_at_the_first_message_at_or_after_a_time(timed, tmp_path):
    came = times(timed)
    begin = came[7] // 1000
    later = [i for i, us in enumerate(came) if us >= begin * 1000]
    assert 3 <= len(later) <= 5  # those before came at least two milliseconds earlier
    where = timed.address("rows", **{"from": at(begin), "idle": "1"})
    with hw.open(tmp_path / "a.db", learner()) as model:
        assert model.learn_from(where, "y", drop=["id"]).learned == len(later)
        timed.put("rows", [json.dumps(row(10)).encode()])
        assert model.learn_from(where, "y", drop=["id"]).learned == len(later) + 1  # goes on, and learns none twice
        [name] = model.service.sources.names(1)
        assert model.service.sources.positions(1, name).keys() == {"0"}
        other = timed.address("rows", **{"from": at(begin - 1), "idle": "1"})
        with pytest.raises(
            ConfigError, match=r"expected a source that isn't followed yet, got from=.* of one with a position"
        ):
            model.learn_from(other, "y")
    expected = learner()
    for i in [*later, 10]:
        one = row(i)
        expected.learn_one({"a": one["a"], "c": one["c"]}, one["y"])
    with hw.open(tmp_path / "a.db") as model:
        assert fingerprint(model.learner) == fingerprint(expected)


def test_a_time_behind_the_last_message_reads_only_what_comes(timed, tmp_path):
    where = timed.address("rows", **{"from": at(int(time.time() * 1000)), "idle": "0.5"})
    with hw.open(tmp_path / "a.db", learner()) as model:
        assert model.learn_from(where, "y", drop=["id"]).read == 0
        timed.put("rows", [json.dumps(row(10)).encode()])
        assert model.learn_from(where, "y", drop=["id"]).read == 1


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("kafka://a/rows?from=begin", "expected from= beginning, end, or a time with its zone, got begin"),
        ("redis://a/rows?from=2026-11-01", "expected from= beginning, end, or a time with its zone, got 2026-11-01"),
        ("nats://a/rows?from=2999-01-01T00:00Z", "expected from= a time that has passed, got 2999-01-01T00:00Z"),
        ("mqtt://a/rows?from=2026-11-01T00:00Z", "knows when messages came (kafka://, nats://, redis://), got mqtt://"),
        ("postgresql://a/b/rows?from=2026-11-01T00:00Z", "(kafka://, nats://, redis://), got postgresql://"),
    ],
)
def test_a_time_that_cannot_be_is_refused_in_a_sentence(address, sentence):
    with pytest.raises(ConfigError, match=re.escape(sentence)):
        read_address(address)


def test_a_time_is_read_with_its_zone():
    utc, ahead = (read_address(f"kafka://a/rows?from=2026-11-01T{t}") for t in ("00:00Z", "02:00+02:00"))
    assert utc.begins == ahead.begins == 1_793_491_200_000
    assert read_address("kafka://a/rows?from=end").begins is None
