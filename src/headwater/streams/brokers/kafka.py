"""Kafka: partitions assigned at our own offsets, never by a consumer group. The only file that imports confluent_kafka.

A position is the offset of the last message that was kept. ``auto.offset.reset=error`` makes a log that no longer has the next one
an error, where Kafka's default would jump.

Source: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from headwater.errors import ConfigError, SourceError, did_you_mean
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import BrokerGone, Message, MessageTooLarge, Outgoing, Positions, TrimmedLog
from headwater.streams.brokers.security import Tls, check_encrypted, hide, login, refusal, tls_of

__all__ = ["KafkaSink", "KafkaSource"]

_T = TypeVar("_T")
_TIMEOUT_S = 15.0
_LOOK_S = 30.0  # between two looks for partitions that were added
_LOST = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
_AWAY = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT, KafkaError._RESOLVE)
_TOLD = (KafkaError._SSL, KafkaError._AUTHENTICATION)
_TRY_S = 0.5  # between two looks at what the client reports while it connects
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def _settings(address: Address, heard: _Heard) -> dict[str, Any]:
    tls = tls_of(address)
    check_encrypted(address, encrypted=tls is not None)
    user, password = login(address)
    settings: dict[str, Any] = {"bootstrap.servers": ",".join(address.servers), "log_level": 0, "error_cb": heard.note}
    words = ("" if user is None else "SASL_") + ("PLAINTEXT" if tls is None else "SSL")
    settings["security.protocol"] = words
    if user is not None:
        settings |= {"sasl.mechanism": _mechanism(address), "sasl.username": user}
        settings["sasl.password"] = "" if password is None else password.reveal()
    if tls is not None:
        settings |= _encryption(tls)
    return settings


def _made(address: Address, kind: Callable[[dict[str, Any]], _T], settings: dict[str, Any]) -> _T:
    """Return a client; settings that it can't use are refused in our own words."""
    try:
        return kind(settings)
    except KafkaException as error:
        got = hide(address, error.args[0].str())
        raise refusal(address, got) or ConfigError(
            expected="settings that Kafka's client can use", got=got, at=address.at, help="Check the address."
        ) from error


def _encryption(tls: Tls) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "enable.ssl.certificate.verification": tls.verify,
        "ssl.endpoint.identification.algorithm": "https" if tls.verify else "none",
    }
    if tls.ca:
        settings["ssl.ca.location"] = tls.ca
    if tls.cert:
        settings |= {"ssl.certificate.location": tls.cert, "ssl.key.location": tls.key or tls.cert}
    if tls.key_password is not None:
        settings["ssl.key.password"] = tls.key_password.reveal()
    return settings


def _mechanism(address: Address) -> str:
    name = address.options.get("sasl", "PLAIN")
    if name not in _MECHANISMS:
        known = ", ".join(_MECHANISMS)
        remedy = did_you_mean(name, _MECHANISMS)
        raise ConfigError(expected=f"sasl= one of {known}", got=name, at=address.at, help=remedy)
    return name


class _Heard:
    """What the client reports beside the call that failed: why no broker could be reached."""

    def __init__(self, address: Address) -> None:
        self._address, self.text = address, ""

    def note(self, error: Any) -> None:
        """Keep a report; of several, the one that says more than that nothing answers."""
        if not self.text or error.code() in _TOLD:
            self.text = error.str()

    def refusal(self) -> BrokerGone | None:
        """Return the error where a broker refused us."""
        return refusal(self._address, self.text) if self.text else None


class KafkaSource:
    """A topic of Kafka.

    Parameters
    ----------
    address
        ``kafka://host:9092/topic``; ``group=`` is told how far was read, for those who watch the lag.
    """

    replays = True

    def __init__(self, address: Address) -> None:
        self._address, self._look_at, self._heard = address, 0.0, _Heard(address)
        self._consumer: Consumer | None = None
        self._parts: set[int] = set()

    def open(self, positions: Positions) -> Positions:
        settings = _settings(self._address, self._heard) | {
            "group.id": self._address.options.get("group", "headwater"),
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
        }
        self._consumer = consumer = _made(self._address, Consumer, settings)
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
        self._heard.text = ""  # what was reported before is over
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
        until = time.monotonic() + _TIMEOUT_S
        while True:
            try:
                topic = consumer.list_topics(self._address.topic, timeout=_TRY_S).topics[self._address.topic]
                break
            except KafkaException as error:
                consumer.poll(0)  # delivers what the client has to report
                refused = self._heard.refusal()
                if refused is not None or time.monotonic() > until:
                    raise refused or self._meaning(error.args[0]) from error
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
            return self._heard.refusal() or _gone(self._address, error.str())
        got = hide(self._address, error.str())
        return refusal(self._address, error.str()) or SourceError(
            expected="a topic that can be read", got=got, at=self._address.at, help="Check the address."
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
        self._address, self._heard = address, _Heard(address)
        settings = _settings(address, self._heard) | {"enable.idempotence": True, "linger.ms": 5}
        self._producer = _made(address, Producer, settings)

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        failed: list[Any] = []
        self._heard.text = ""  # of an earlier try

        def told(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error)

        try:
            for message in messages:
                headers: dict[str, str | bytes | None] = {"source": source, "number": str(message.number)}
                key = f"{source}:{message.key}"
                self._producer.produce(self._address.topic, message.value, key=key, headers=headers, on_delivery=told)
            left = self._flush()
        except BufferError as error:
            self._forget()
            raise _gone(self._address, str(error)) from error
        except KafkaException as error:
            self._forget()
            raise _not_taken(self._address, error.args[0]) from error
        if left or failed:
            self._forget()
            why = _not_taken(self._address, failed[0]) if failed else _gone(self._address, f"{left} messages waiting")
            raise self._heard.refusal() or why

    def _forget(self) -> None:
        """Drop what was not delivered: it is sent again from the store, and must not come twice, or late."""
        self._producer.purge()
        self._producer.flush(_TIMEOUT_S)

    def _flush(self) -> int:
        """Wait until the broker has everything, or has refused us; return how many messages are left."""
        until = time.monotonic() + _TIMEOUT_S
        while left := self._producer.flush(_TRY_S):
            if time.monotonic() > until or self._heard.refusal():
                break
        return int(left)

    def close(self) -> None:
        """Let nothing wait; the producer itself finds its broker again."""
        self._forget()


def _not_taken(address: Address, error: Any) -> SourceError:
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
        expected="a Kafka broker that answers",
        got=hide(address, got),
        at=address.at,
        help="Start it, or check the address.",
    )
