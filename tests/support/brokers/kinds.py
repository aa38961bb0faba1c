"""The five kinds of brokers as tests use them: topics that are filled and read back, servers that go away and come back."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from headwater.streams.brokers import Outgoing, read_address
from support.brokers.proxy import Proxy
from support.brokers.servers import PostgresServer, Server, free_port, mosquitto, nats_server, redis_server, tansu

__all__ = ["BROKERS", "Broker", "Kafka", "Mqtt", "Nats", "Postgres", "Redis"]

PATIENCE_S = 120


class Broker:
    """A server of a test's own.

    Attributes
    ----------
    server
        Its process, or what stands in for it.
    once
        Whether a repeated prediction is not added again; else readers know it by its name.
    keeps
        Whether its messages outlive SIGKILL.
    repeats
        Whether it may bring a message twice, which an ``id=`` then tells.
    counts
        Whether it says how many messages there are that were not read.
    """

    server: Server
    once = True
    keeps = True
    repeats = False
    counts = True

    def address(self, topic: str, **options: Any) -> str:
        """Return the address of a topic."""
        more = "&".join(f"{name}={value}" for name, value in options.items())
        return f"{self.scheme}127.0.0.1:{self.server.port}/{topic}" + (f"?{more}" if more else "")

    @property
    def scheme(self) -> str:
        """What an address begins with."""
        return f"{type(self).__name__.lower()}://"

    def make(self, topic: str) -> None:
        """Make a topic for rows."""

    def reader(self, topic: str, name: str) -> dict[str, str]:
        """Return the options of one of several readers of a topic, each of which is to get all that comes from now on."""
        return {}

    def put(self, topic: str, bodies: Iterable[bytes]) -> None:
        """Add messages to a topic that was made."""
        raise NotImplementedError

    def remake(self, topic: str) -> None:
        """Delete a topic with all that is in it, and make it anew."""
        raise NotImplementedError

    def cut(self, topic: str, kept: int) -> None:
        """Delete all messages of a topic but the last ones."""
        raise NotImplementedError

    def watch(self, topic: str) -> None:
        """Make a topic that predictions go to, before any does."""
        self.make(topic)

    def sent(self, topic: str) -> list[Any]:
        """Return what was sent to such a topic since it was made, in order."""
        raise NotImplementedError

    def stop(self) -> None:
        """Let it go away; what it has, it keeps."""
        self.server.kill()

    def start(self) -> None:
        """Let it come back."""
        self.server.start()

    def kill(self) -> None:
        """End it as SIGKILL does, and start it again."""
        self.server.kill()
        self.server.start()

    def close(self) -> None:
        """End it."""
        self.server.kill()


class Redis(Broker):
    """Streams."""

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("redis", reason="no client: pip install 'headwater[redis]' brings it")
        self.server = redis_server(folder)
        self.server.start()

    def put(self, topic: str, bodies: Iterable[bytes]) -> None:
        with self._client() as base:
            pipe = base.pipeline(transaction=False)
            for body in bodies:
                pipe.xadd(topic, {"value": body})
            pipe.execute()

    def remake(self, topic: str) -> None:
        with self._client() as base:
            base.delete(topic)

    def cut(self, topic: str, kept: int) -> None:
        with self._client() as base:
            base.xtrim(topic, maxlen=kept, approximate=False)

    def sent(self, topic: str) -> list[Any]:
        with self._client() as base:
            return [json.loads(fields[b"value"]) for _, fields in base.xrange(topic)]

    def _client(self) -> Any:
        import redis

        return redis.Redis(port=self.server.port)


class Nats(Broker):
    """Subjects, each with a JetStream stream of its own."""

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("nats", reason="no client: pip install 'headwater[nats]' brings it")
        self.server = nats_server(folder)
        self.server.start()

    def make(self, topic: str) -> None:
        asyncio.run(self._make(topic))

    async def _make(self, topic: str) -> None:
        client = await self._client()
        await client.jetstream(timeout=PATIENCE_S).add_stream(name=topic.upper(), subjects=[topic, f"{topic}.>"])
        await client.close()

    def put(self, topic: str, bodies: Iterable[bytes]) -> None:
        asyncio.run(self._put(topic, list(bodies)))

    async def _put(self, topic: str, bodies: Sequence[bytes]) -> None:
        client = await self._client()
        stream = client.jetstream(timeout=PATIENCE_S)
        for body in bodies:
            await stream.publish(topic, body)
        await client.close()

    def remake(self, topic: str) -> None:
        asyncio.run(self._remake(topic))

    async def _remake(self, topic: str) -> None:
        client = await self._client()
        await client.jetstream(timeout=PATIENCE_S).delete_stream(topic.upper())
        await client.close()
        await self._make(topic)

    def cut(self, topic: str, kept: int) -> None:
        asyncio.run(self._cut(topic, kept))

    async def _cut(self, topic: str, kept: int) -> None:
        client = await self._client()
        await client.jetstream(timeout=PATIENCE_S).purge_stream(topic.upper(), keep=kept)
        await client.close()

    def sent(self, topic: str) -> list[Any]:
        return asyncio.run(self._sent(topic))

    async def _sent(self, topic: str) -> list[Any]:
        client = await self._client()
        stream = client.jetstream(timeout=PATIENCE_S)
        state = (await stream.stream_info(topic.upper())).state
        numbers = range(state.first_seq, state.last_seq + 1) if state.messages else range(0)
        out = [json.loads((await stream.get_msg(topic.upper(), seq)).data or b"null") for seq in numbers]
        await client.close()
        return out

    async def _client(self) -> Any:
        import nats

        return await nats.connect(f"nats://127.0.0.1:{self.server.port}")


class Postgres(Broker):
    """Tables that rows are added to; a body that is no object becomes a row without any value."""

    server: PostgresServer
    scheme = "postgresql://postgres@"
    counts = False

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer()
        self.server.start()

    def address(self, topic: str, **options: Any) -> str:
        return super().address(f"postgres/{topic}", order="tx,n", **options)

    def make(self, topic: str) -> None:
        with self._client() as base:
            base.execute(
                f"CREATE TABLE {topic} (tx xid8 NOT NULL DEFAULT pg_current_xact_id(), "
                "n bigint GENERATED ALWAYS AS IDENTITY, a jsonb, c jsonb, y jsonb, id jsonb)"
            )

    def put(self, topic: str, bodies: Iterable[bytes]) -> None:
        rows = [tuple(_cell(body, name) for name in ("a", "c", "y", "id")) for body in bodies]
        with self._client() as base, base.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {topic} (a, c, y, id) VALUES (%s, %s, %s, %s)", rows)

    def remake(self, topic: str) -> None:
        with self._client() as base:
            base.execute(f"DROP TABLE {topic}")
        self.make(topic)

    def cut(self, topic: str, kept: int) -> None:
        with self._client() as base:
            base.execute(f"DELETE FROM {topic} WHERE n <= (SELECT max(n) FROM {topic}) - %s", (kept,))

    def watch(self, topic: str) -> None:
        """Leave it to the sink, which makes its table."""

    def sent(self, topic: str) -> list[Any]:
        import psycopg

        with self._client() as base:
            try:
                return [body for (body,) in base.execute(f"SELECT body FROM {topic} ORDER BY number").fetchall()]
            except psycopg.errors.UndefinedTable:
                return []

    def _client(self) -> Any:
        import psycopg

        return psycopg.connect(self.server.database, autocommit=True)

    def close(self) -> None:
        self.server.remove()


class Mqtt(Broker):
    """Topics whose messages wait for clients that are known to the broker."""

    once = False
    repeats = True
    counts = False

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("paho.mqtt", reason="no client: pip install 'headwater[mqtt]' brings it")
        self.server = mosquitto(folder)
        self.server.start()
        self._said: dict[str, list[Any]] = {}

    def address(self, topic: str, **options: Any) -> str:
        return super().address(topic, **{"client": "learner"} | options)

    def make(self, topic: str) -> None:
        self._subscribe(topic, "learner")

    def reader(self, topic: str, name: str) -> dict[str, str]:
        self._subscribe(topic, name)
        return {"client": name}

    def _subscribe(self, topic: str, client: str) -> None:
        """Make the subscription that messages wait for."""
        from headwater.streams.brokers.mqtt import MqttSource

        source = MqttSource(read_address(self.address(topic, client=client)))
        source.open({})
        source.close()

    def put(self, topic: str, bodies: Iterable[bytes]) -> None:
        from headwater.streams.brokers.mqtt import MqttSink

        sink, waiting = MqttSink(read_address(self.address(topic))), list(bodies)
        for start in range(0, len(waiting), 100):
            some = enumerate(waiting[start : start + 100], start)
            sink.send("", [Outgoing(i, str(i), body) for i, body in some])
        sink.close()

    def remake(self, topic: str) -> None:
        """Let the broker forget what it keeps for the learner: MQTT has no other log."""
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        forgotten = threading.Event()
        name = f"learner-{zlib.crc32(topic.encode()):08x}"
        client = Client(CallbackAPIVersion.VERSION2, name, clean_session=True)
        client.on_connect = lambda *_: forgotten.set()
        client.connect("127.0.0.1", self.server.port)
        client.loop_start()
        assert forgotten.wait(PATIENCE_S)
        client.disconnect()
        client.loop_stop()

    def watch(self, topic: str) -> None:
        self._said[topic] = []
        self._subscribe(topic, "reader")

    def sent(self, topic: str) -> list[Any]:
        from headwater.streams.brokers.mqtt import MqttSource

        source = MqttSource(read_address(self.address(topic, client="reader")))
        source.open({})
        while some := source.read(100, 0.5):
            self._said[topic] += [json.loads(message.value) for message in some]
            source.committed({"0": some[-1].position})
        source.close()
        return self._said[topic]


class Kafka(Broker):
    """Topics of one partition, of a broker that keeps them in memory; a proxy before it makes it go away and come back."""

    once = keeps = False

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("confluent_kafka", reason="no client: pip install 'headwater[kafka]' brings it")
        port = free_port()
        self.server = tansu(folder, advertised=port)
        self.server.start()
        self._numbers = itertools.count()
        self._proxy = Proxy(self.server.port, port)
        self._proxy.mend()

    def address(self, topic: str, **options: Any) -> str:
        return super().address(topic, **options).replace(str(self.server.port), str(self._proxy.port))

    @property
    def servers(self) -> dict[str, Any]:
        """Where it is, for its clients."""
        return {"bootstrap.servers": f"127.0.0.1:{self._proxy.port}", "log_level": 0}

    def make(self, topic: str, **settings: str) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient(self.servers)  # whose promises end with it
        for made in admin.create_topics([NewTopic(topic, 1, 1, config=settings)]).values():
            made.result(PATIENCE_S)

    def remake(self, topic: str) -> None:
        from confluent_kafka.admin import AdminClient

        admin = AdminClient(self.servers)
        for gone in admin.delete_topics([topic]).values():
            gone.result(PATIENCE_S)
        self.make(topic)

    def put(self, topic: str, bodies: Iterable[bytes]) -> None:
        from confluent_kafka import Producer

        producer = Producer(self.servers)
        for body in bodies:
            producer.produce(topic, body, partition=0)
        assert producer.flush(PATIENCE_S) == 0

    def sent(self, topic: str) -> list[Any]:
        from confluent_kafka import Consumer, TopicPartition

        # Tansu says that a topic ends behind the first message of its last batch, so a message of ours is the end.
        last = b"last %d" % next(self._numbers)
        self.put(topic, [last])
        consumer = Consumer(self.servers | {"group.id": "reader", "enable.auto.commit": False})
        consumer.assign([TopicPartition(topic, 0, 0)])
        values: list[bytes] = []
        while last not in values[-1:]:
            message = consumer.poll(PATIENCE_S)
            assert message is not None
            assert message.error() is None, message.error()
            values.append(message.value())
        consumer.close()
        return [json.loads(value) for value in values if not value.startswith(b"last ")]

    def stop(self) -> None:
        self._proxy.cut()

    def start(self) -> None:
        self._proxy.mend()

    def close(self) -> None:
        self._proxy.cut()
        super().close()


BROKERS = (Redis, Nats, Postgres, Mqtt, Kafka)


def _cell(body: bytes, name: str) -> str | None:
    """Return a value of a JSON object as JSON; None for what has none."""
    try:
        return json.dumps(json.loads(body)[name])
    except (ValueError, TypeError, KeyError):
        return None
