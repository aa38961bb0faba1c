"""SIGKILL of the learner and of the broker at random moments: the learner that comes out is the one that was never ended, to the bit."""

from __future__ import annotations

import asyncio
import json
from types import MappingProxyType

import pytest

import headwater as hw
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check
from headwater.streams.brokers import Outgoing, read_address
from support.brokers.following import follow_through_kills, uninterrupted
from support.brokers.proxy import Proxy
from support.brokers.servers import PostgresServer, free_port, mosquitto, nats_server, redis_server, tansu
from support.processes.following import row

ROWS = 1500


def assert_learned_once(path, n=ROWS):
    with hw.open(path) as model:
        assert (model.n_learned, model.seq) == (n, n)
        assert fingerprint(model.learner) == fingerprint(uninterrupted(n))
    assert check(path, LEARNER_FORMAT).problems == []


class Redis:
    """A stream of rows."""

    kills = MappingProxyType({"learner": 9, "broker": 5})

    def __init__(self, folder):
        pytest.importorskip("redis", reason="no client: pip install 'headwater[redis]' brings it")
        self.server = redis_server(folder)
        self.server.start()
        self.address = f"redis://127.0.0.1:{self.server.port}/rows?block=20"

    def fill(self, n):
        import redis

        with redis.Redis(port=self.server.port) as base:
            pipe = base.pipeline(transaction=False)
            for i in range(n):
                pipe.xadd("rows", {"value": json.dumps(row(i))})
            pipe.execute()

    def kill(self):
        self.server.kill()
        self.server.start()

    def close(self):
        self.server.kill()


class Nats(Redis):
    """A subject of a JetStream stream."""

    def __init__(self, folder):
        pytest.importorskip("nats", reason="no client: pip install 'headwater[nats]' brings it")
        self.server = nats_server(folder)
        self.server.start()
        self.address = f"nats://127.0.0.1:{self.server.port}/rows.a?block=20"

    def fill(self, n):
        asyncio.run(self._fill(n))

    async def _fill(self, n):
        import nats

        client = await nats.connect(f"nats://127.0.0.1:{self.server.port}")
        stream = client.jetstream(timeout=60)
        await stream.add_stream(name="ROWS", subjects=["rows.*"])
        for start in range(0, n, 200):
            some = [stream.publish("rows.a", json.dumps(row(i)).encode()) for i in range(start, min(start + 200, n))]
            for one in some:  # in order
                await one
            await stream.publish("rows.other", b"of another subject")
        await client.close()


class Postgres(Redis):
    """A table that rows are added to."""

    def __init__(self, folder):
        self.server = PostgresServer()
        self.server.start()
        self.address = f"postgresql://postgres@127.0.0.1:{self.server.port}/postgres/rows?block=20"

    def fill(self, n):
        import psycopg

        with psycopg.connect(self.server.database) as base:
            base.execute(
                "CREATE TABLE rows (tx xid8 NOT NULL DEFAULT pg_current_xact_id(), "
                "id bigint GENERATED ALWAYS AS IDENTITY, a float8, c text, y text)"
            )
            with base.cursor() as cursor:
                rows = [(row(i)["a"], row(i)["c"], row(i)["y"]) for i in range(n)]
                cursor.executemany("INSERT INTO rows (a, c, y) VALUES (%s, %s, %s)", rows)

    def close(self):
        self.server.remove()


class Mqtt(Redis):
    """A topic whose messages wait for a client that is known to the broker. Rows have an id, by which repetitions are known."""

    def __init__(self, folder):
        pytest.importorskip("paho.mqtt", reason="no client: pip install 'headwater[mqtt]' brings it")
        self.server = mosquitto(folder)
        self.server.start()
        self.address = f"mqtt://127.0.0.1:{self.server.port}/rows/a?client=learner&block=20&id=id"

    def fill(self, n):
        from headwater.streams.brokers.mqtt import MqttSink, MqttSource

        source = MqttSource(read_address(self.address))
        source.open({})  # makes the subscription that messages wait for
        source.close()
        sink = MqttSink(read_address(self.address))
        for start in range(0, n, 100):
            sink.send("", [Outgoing(i, str(i), json.dumps(row(i)).encode()) for i in range(start, min(start + 100, n))])
        sink.close()


class Kafka(Redis):
    """A topic of a broker that keeps it in memory. Killed, it would come back with another topic: its connections are reset instead."""

    def __init__(self, folder):
        pytest.importorskip("confluent_kafka", reason="no client: pip install 'headwater[kafka]' brings it")
        port = free_port()
        self.server = tansu(folder, advertised=port)
        self.server.start()
        self._proxy = Proxy(self.server.port, port)
        self._proxy.mend()
        self.address = f"kafka://127.0.0.1:{port}/rows?block=20"

    def fill(self, n):
        from confluent_kafka import Producer
        from confluent_kafka.admin import AdminClient, NewTopic

        servers = {"bootstrap.servers": f"127.0.0.1:{self._proxy.port}"}
        admin = AdminClient(servers)  # whose promises end with it
        for made in admin.create_topics([NewTopic("rows", 1, 1)]).values():
            made.result(60)
        producer = Producer(servers)
        for i in range(n):
            producer.produce("rows", json.dumps(row(i)).encode(), partition=0)
        assert producer.flush(60) == 0

    def kill(self):
        self._proxy.cut()
        self._proxy.mend()

    def close(self):
        self._proxy.cut()
        super().close()


@pytest.mark.parametrize("kind", [Redis, Nats, Postgres, Mqtt, Kafka])
def test_a_learner_and_its_broker_killed_at_random_moments_learn_each_row_once(kind, tmp_path):
    broker = kind(tmp_path)
    try:
        broker.fill(ROWS)
        killed = follow_through_kills(
            tmp_path / "a.db", broker.address, ROWS, kills=kind.kills, seed=7, kill_broker=broker.kill
        )
        assert killed == kind.kills
        assert_learned_once(tmp_path / "a.db")
    finally:
        broker.close()
