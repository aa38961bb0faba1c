"""Kafka: partitions assigned at our own offsets, never by a consumer group. The only file that imports confluent_kafka.

A position is the offset of the last message that was kept. ``auto.offset.reset=error`` makes a log that no longer has the next one
an error, where Kafka's default would jump.

Source: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from headwater.errors import SourceError
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import BrokerGone, Message, MessageTooLarge, Outgoing, Positions, TrimmedLog

__all__ = ["KafkaSink", "KafkaSource"]

_TIMEOUT_S = 15.0
_LOOK_S = 30.0  # between two looks for partitions that were added
_LOST = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
_AWAY = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE)


def _settings(address: Address) -> dict[str, Any]:
    settings: dict[str, Any] = {"bootstrap.servers": ",".join(address.servers), "log_level": 0}
    if address.user is not None:
        settings |= {"sasl.mechanism": address.options.get("sasl", "PLAIN"), "sasl.username": address.user}
        settings |= {"sasl.password": address.password or ""}
    words = ("SASL_" if address.user is not None else "") + ("SSL" if address.tls else "PLAINTEXT")
    return settings | {"security.protocol": words}


class KafkaSource:
    """A topic of Kafka.

    Parameters
    ----------
    address
        ``kafka://host:9092/topic``; ``group=`` is told how far was read, for those who watch the lag.
    """

    replays = True

    def __init__(self, address: Address) -> None:
        self._address, self._look_at = address, 0.0
        self._consumer: Consumer | None = None
        self._parts: set[int] = set()

    def open(self, positions: Positions) -> Positions:
        settings = _settings(self._address) | {
            "group.id": self._address.options.get("group", "headwater"),
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
        }
        self._consumer = consumer = Consumer(settings)
        begun, starts = {}, []
        for part in self._partitions(consumer):
            next_ = self._start(consumer, part, positions)
            begun[str(part)] = str(next_ - 1)
            starts.append(TopicPartition(self._address.topic, part, next_))
            self._parts.add(part)
        consumer.assign(starts)
        self._look_at = time.monotonic() + _LOOK_S
        return begun

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        consumer = self._consumer
        if consumer is None:
            raise _gone(self._address, "no connection")
        first = consumer.poll(wait_s)
        if first is None:
            self._look(consumer)
            return []
        rest = consumer.consume(most - 1, 0) if most > 1 else []
        return [self._message(one) for one in (first, *rest)]

    def committed(self, positions: Positions) -> None:
        if "group" in self._address.options and self._consumer is not None:
            topic = self._address.topic
            offsets = [TopicPartition(topic, int(part), int(at) + 1) for part, at in positions.items()]
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def lag(self) -> int | None:
        """Return the sum over partitions, by the ends that came with the last messages: nobody is asked for it."""
        consumer = self._consumer
        if consumer is None:
            return None
        behind = 0
        for one in consumer.position(consumer.assignment()):
            _, end = consumer.get_watermark_offsets(one, cached=True)
            begun = one.offset >= 0 and end >= 0  # else nothing came of this partition yet
            behind += max(end - one.offset, 0) if begun else 0
        return behind

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _partitions(self, consumer: Any) -> list[int]:
        try:
            topic = consumer.list_topics(self._address.topic, timeout=_TIMEOUT_S).topics[self._address.topic]
        except KafkaException as error:
            raise self._meaning(error.args[0]) from error
        if topic.error is not None:
            raise self._meaning(topic.error)
        return sorted(topic.partitions)

    def _start(self, consumer: Any, part: int, positions: Positions) -> int:
        """Return the offset to read next; what is kept must be there."""
        try:
            where = TopicPartition(self._address.topic, part)
            low, high = consumer.get_watermark_offsets(where, timeout=_TIMEOUT_S)
        except KafkaException as error:
            raise self._meaning(error.args[0]) from error
        if str(part) not in positions:
            return int(high if self._address.options.get("from") == "end" and not positions else low)
        next_ = int(positions[str(part)]) + 1
        if next_ < low:  # one behind the end is refused by the broker when it is read
            raise self._trimmed(f"partition {part} from offset {next_:,} on", f"one that begins at {low:,}")
        return next_

    def _look(self, consumer: Any) -> None:
        """Read partitions that were added to the topic, from their beginning."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_S
        new = [part for part in self._partitions(consumer) if part not in self._parts]
        starts = [self._start(consumer, part, {"": ""}) for part in new]
        where = [TopicPartition(self._address.topic, *pair) for pair in zip(new, starts, strict=True)]
        if where:
            consumer.incremental_assign(where)
            self._parts.update(new)

    def _message(self, message: Any) -> Message:
        if message.error() is not None:
            raise self._meaning(message.error())
        key = message.key()
        text = None if key is None else key.decode("utf-8", "replace")
        return Message(str(message.partition()), str(message.offset()), message.value() or b"", text)

    def _meaning(self, error: Any) -> SourceError:
        if error.code() in _LOST:
            return self._trimmed("every message behind what was learned", error.str())
        if error.retriable() or error.code() in _AWAY:
            return _gone(self._address, error.str())
        return SourceError(
            expected="a topic that can be read", got=error.str(), at=self._address.at, help="Check the address."
        )

    def _trimmed(self, expected: str, got: str) -> TrimmedLog:
        return TrimmedLog(
            expected=expected,
            got=got,
            at=self._address.at,
            help="Restore the topic, or go on without them under another name=.",
        )


class KafkaSink:
    """A topic of Kafka that predictions go to; a repetition after a crash has the same key, for compaction and readers.

    Parameters
    ----------
    address
        ``kafka://host:9092/topic``.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._producer = Producer(_settings(address) | {"enable.idempotence": True, "linger.ms": 5})

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        failed: list[Any] = []

        def told(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error)

        try:
            for message in messages:
                headers: dict[str, str | bytes | None] = {"source": source, "number": str(message.number)}
                key = f"{source}:{message.key}"
                self._producer.produce(self._address.topic, message.value, key=key, headers=headers, on_delivery=told)
            left = self._producer.flush(_TIMEOUT_S)
        except BufferError as error:
            self._forget()
            raise _gone(self._address, str(error)) from error
        except KafkaException as error:
            self._forget()
            raise _refusal(self._address, error.args[0]) from error
        if left or failed:
            self._forget()
            raise _refusal(self._address, failed[0]) if failed else _gone(self._address, f"{left} messages waiting")

    def _forget(self) -> None:
        """Drop what was not delivered: it is sent again from the store, and must not come twice, or late."""
        self._producer.purge()
        self._producer.flush(_TIMEOUT_S)

    def close(self) -> None:
        """Let nothing wait; the producer itself finds its broker again."""
        self._forget()


def _refusal(address: Address, error: Any) -> SourceError:
    """Return what it means that a message was not taken."""
    if error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
        return _gone(address, error.str())
    return MessageTooLarge(
        expected="a message that the topic takes",
        got=error.str(),
        at=address.at,
        help="Raise its max.message.bytes.",
    )


def _gone(address: Address, got: str) -> BrokerGone:
    return BrokerGone(
        expected="a Kafka broker that answers", got=got, at=address.at, help="Start it, or check the address."
    )
