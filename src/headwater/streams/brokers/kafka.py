"""Kafka source and sink, the only file that imports confluent_kafka.

Partitions are assigned at our own offsets, never by a consumer group. A position is the offset of the last stored message.
``auto.offset.reset=error`` reports a missing offset as an error, where Kafka's default would jump. A topic that was deleted
and recreated has another id, which is checked after each read, so messages of a new topic are never taken for those of the
old one.

Source: https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from headwater.errors import ConfigError, SourceError, counted, did_you_mean
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import (
    LOG,
    BrokerGone,
    Log,
    Message,
    MessageTooLarge,
    Outgoing,
    Positions,
    TrimmedLog,
    lost,
)
from headwater.streams.brokers.security import Tls, check_encrypted, hide, login, refusal, tls_of

__all__ = ["KafkaSink", "KafkaSource"]

_T = TypeVar("_T")
_TIMEOUT_S = 15.0
_PURGE_S = 1.0  # timeout for delivery reports of purged messages
_LOOK_S = 30.0  # seconds between checks for new partitions
_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"  # 16 zero bytes in base64, from brokers before Kafka 2.8
_LOST = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
_AWAY = (
    KafkaError._TRANSPORT,
    KafkaError._FAIL,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TIMED_OUT,
    KafkaError._TIMED_OUT_QUEUE,
    KafkaError._RESOLVE,
    KafkaError._NODE_UPDATE,
    KafkaError._WAIT_COORD,
    -137,  # a broker left while it was asked: _DESTROY_BROKER, which older clients have no name for
)
_TOLD = (KafkaError._SSL, KafkaError._AUTHENTICATION)
_TRY_S = 0.5  # seconds between checks of the client's errors while it connects
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
    """Create a client, and raise ConfigError for settings that it rejects."""
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
    """Collects the client's background errors, which tell why no broker could be reached."""

    def __init__(self, address: Address) -> None:
        self._address, self.text = address, ""

    def note(self, error: Any) -> None:
        """Record an error, preferring specific ones to lost connections."""
        if not self.text or error.code() in _TOLD:
            self.text = error.str()

    def refusal(self) -> BrokerGone | None:
        """Return the error if the broker rejected the connection."""
        return refusal(self._address, self.text) if self.text else None


class KafkaSource:
    """Source of a Kafka topic.

    Parameters
    ----------
    address
        ``kafka://host:9092/topic``. Offsets are committed to ``group=``, for monitoring of the lag.
    """

    replays = True

    def __init__(self, address: Address) -> None:
        self._address, self._look_at, self._heard = address, 0.0, _Heard(address)
        self._consumer: Consumer | None = None
        self._admin: AdminClient | None = None
        self._topic = ""
        """Id of the topic, or "" if the broker has none."""
        self._next: dict[int, int] = {}
        """Next offset by partition."""
        self._unread: dict[int, int] = {}
        self._added: dict[str, str] = {}
        """Start positions of partitions added since the last read."""
        self._failed: Any = None

    def partitions(self) -> list[int]:
        """Return the numbers of all the topic's partitions, after connecting for it."""
        self._connect()
        return self._described()[1]

    def open(self, positions: Positions) -> Positions:
        consumer = self._connect()
        known = {part: at for part, at in positions.items() if part != LOG}
        self._topic, parts = self._described()
        self._check_same(Log.read(positions) or Log(), known, parts)
        parts = self._chosen(parts)
        self._next = {part: self._start(part, known) for part in parts}
        self._check_starts()
        consumer.assign([TopicPartition(self._address.topic, *pair) for pair in self._next.items()])
        self._look_at = time.monotonic() + _LOOK_S
        return {str(part): str(next_ - 1) for part, next_ in self._next.items()}

    def _connect(self) -> Consumer:
        settings = _settings(self._address, self._heard)
        own = {
            "group.id": self._address.options.get("group", "headwater"),
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
        }
        self._consumer = _made(self._address, Consumer, settings | own)
        self._admin = _made(self._address, AdminClient, settings)
        self._next, self._unread, self._added, self._failed = {}, {}, {}, None
        return self._consumer

    def _chosen(self, parts: list[int]) -> list[int]:
        """Return the partitions that the address names, all if it names none."""
        chosen = self._address.partitions
        if lacking := sorted(chosen - set(parts)):
            raise SourceError(
                expected=f"one of the partitions {', '.join(map(str, parts))}",
                got=f"partition={lacking[0]}",
                at=self._address.at,
                help="Check the address.",
            )
        return [part for part in parts if not chosen or part in chosen]

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        consumer = self._consumer
        if consumer is None:
            raise _gone(self._address, "no connection")
        if self._failed is not None:
            raise self._meaning(self._failed)
        first = consumer.poll(wait_s)
        if first is None:
            self._look()
            return []
        self._heard.text = ""  # earlier errors no longer apply
        found = [first, *(consumer.consume(most - 1, 0) if most > 1 else [])]
        sound = list(takewhile(lambda one: one.error() is None, found))
        self._failed = found[len(sound)].error() if len(sound) < len(found) else None
        if not sound:
            raise self._meaning(self._failed)
        self._look(at_once=bool(self._topic))
        return [self._message(one) for one in sound]

    def marks(self) -> Positions:
        return self._added | Log(id=self._topic, unread=sum(self._unread.values())).write()

    def committed(self, positions: Positions) -> None:
        self._added = {}
        if "group" in self._address.options and self._consumer is not None:
            topic = self._address.topic
            offsets = [TopicPartition(topic, int(part), int(at) + 1) for part, at in positions.items()]
            self._consumer.commit(offsets=offsets, asynchronous=True)

    def lag(self) -> int | None:
        """Return the lag over all partitions, from the end offsets that came with the last messages."""
        consumer = self._consumer
        if consumer is None:
            return None
        lag = 0
        for one in consumer.position(consumer.assignment()):
            _, end = consumer.get_watermark_offsets(one, cached=True)
            begun = one.offset >= 0 and end >= 0  # else no message of this partition has arrived yet
            lag += max(end - one.offset, 0) if begun else 0
        return lag

    def close(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = self._admin = None

    def _message(self, message: Any) -> Message:
        part, offset = message.partition(), message.offset()
        self._next[part] = offset + 1
        where = TopicPartition(self._address.topic, part)
        _, end = self._asked(lambda consumer: consumer.get_watermark_offsets(where, cached=True))
        self._unread[part] = max(end - offset - 1, 0)
        key = message.key()
        text = None if key is None else key.decode("utf-8", "replace")
        sent = max(message.timestamp()[1], 0) / 1000
        return Message(str(part), str(offset), message.value() or b"", text, sent=sent)

    # ---- check that the log is the same and complete -----------------------------------------------------------------

    def _described(self) -> tuple[str, list[int]]:
        """Return the topic's id, or "" if the broker has none, and its partitions."""
        about = self._listed()
        topic = about.topics[self._address.topic]
        if topic.error is not None:
            raise self._meaning(topic.error)
        if self._admin is None or about.controller_id not in about.brokers:  # without a controller there are no ids
            return "", sorted(topic.partitions)
        return self._identified()

    def _listed(self) -> Any:
        until, try_s = time.monotonic() + _TIMEOUT_S, _TRY_S
        while True:
            consumer = self._consumer
            if consumer is None:
                raise _gone(self._address, "no connection")
            try:
                return consumer.list_topics(self._address.topic, timeout=try_s)
            except KafkaException as error:
                consumer.poll(0)  # delivers the client's errors
                refused = self._heard.refusal()
                if refused is not None or time.monotonic() > until:
                    raise refused or self._meaning(error.args[0]) from error
                try_s *= 2  # a slow broker must be able to reply within one try

    def _identified(self) -> tuple[str, list[int]]:
        name, admin = self._address.topic, self._admin
        if admin is None:
            raise _gone(self._address, "no connection")
        asked = admin.describe_topics(TopicCollection([name]), request_timeout=_TIMEOUT_S)[name]
        about = self._asked(lambda _: asked.result())
        id_ = str(about.topic_id)
        return "" if id_ == _NO_ID else id_, sorted(part.id for part in about.partitions)

    def _start(self, part: int, known: Mapping[str, str]) -> int:
        """Return the next offset to read."""
        if str(part) in known:
            return int(known[str(part)]) + 1
        low, high = self._ends(part)
        if known:  # a partition that was added meanwhile
            return low
        if self._address.begins is not None:
            return self._first_since(part, self._address.begins, high)
        return high if self._address.options.get("from") == "end" else low

    def _first_since(self, part: int, begins: int, end: int) -> int:
        """Return the offset of the first message at or after a time in milliseconds, or the end if there is none."""
        where = [TopicPartition(self._address.topic, part, begins)]
        (found,) = self._asked(lambda consumer: consumer.offsets_for_times(where, timeout=_TIMEOUT_S))
        if found.error is not None:
            raise self._meaning(found.error)
        return end if found.offset < 0 else self._asked(lambda consumer: self._seek(consumer, found, begins, end))

    def _seek(self, consumer: Any, where: Any, begins: int, end: int) -> int:
        """Return the offset of the first message at or after a time, from an offset on that may lie before it.

        Kafka's own brokers name that message. Others name its batch, or the log's beginning if no message is so late.
        """
        next_ = int(where.offset)
        consumer.assign([TopicPartition(where.topic, where.partition, next_)])
        while (message := consumer.poll(_TIMEOUT_S if next_ < end else _TRY_S)) is not None:
            if message.error() is not None:
                raise self._meaning(message.error())
            if message.timestamp()[1] >= begins:
                return int(message.offset())
            next_ = message.offset() + 1
        return next_

    def _ends(self, part: int) -> tuple[int, int]:
        where = TopicPartition(self._address.topic, part)
        low, high = self._asked(lambda consumer: consumer.get_watermark_offsets(where, timeout=_TIMEOUT_S))
        return int(low), int(high)

    def _check_same(self, log: Log, known: Mapping[str, str], parts: list[int]) -> None:
        """Raise TrimmedLog if the topic was recreated or lacks a partition."""
        lacking = [part for part in known if int(part) not in parts]
        anew = bool(log.id and self._topic) and log.id != self._topic
        if not anew and not lacking:
            return
        begin = dict.fromkeys(lacking, "") | {str(part): str(self._ends(part)[0] - 1) for part in parts}
        what = "a recreated topic of that name" if anew else f"a topic without partition {lacking[0]}"
        raise TrimmedLog(
            expected="the topic whose offsets were learned",
            got=f"{what}; {lost(log.unread, None)}",
            at=self._address.at,
            gone=log.unread,
            go_on=begin | Log(id=self._topic).write(),
        )

    def _check_starts(self) -> None:
        """Raise TrimmedLog if partitions start after the next offset to read."""
        lows = {part: self._ends(part)[0] for part in self._next}
        gone = {part: low - self._next[part] for part, low in lows.items() if low > self._next[part]}
        if not gone:
            return
        part, n = next(iter(gone)), sum(gone.values())
        others = "" if len(gone) == 1 else f", and {len(gone) - 1} more partitions alike"
        raise TrimmedLog(
            expected=f"partition {part} from offset {self._next[part]:,} on",
            got=f"one that starts at {lows[part]:,}{others}; {lost(n, n)}",
            at=self._address.at,
            gone=n,
            most=n,
            go_on={str(part): str(lows[part] - 1) for part in gone},
        )

    def _look(self, *, at_once: bool = False) -> None:
        """Check that the topic is the same, and read new partitions from their start."""
        if not at_once and time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_S
        topic, parts = self._identified() if self._topic else self._described()
        if topic != self._topic:
            log, self._topic = Log(id=self._topic, unread=sum(self._unread.values())), topic
            self._check_same(log, {str(part): "" for part in self._next}, parts)
        parts = self._chosen(parts)
        new = {part: self._ends(part)[0] for part in parts if part not in self._next}
        if new and self._consumer is not None:
            self._consumer.incremental_assign([TopicPartition(self._address.topic, *pair) for pair in new.items()])
            self._next |= new
            self._added |= {str(part): str(low - 1) for part, low in new.items()}

    def _asked(self, what: Callable[[Any], Any]) -> Any:
        if self._consumer is None:
            raise _gone(self._address, "no connection")
        try:
            return what(self._consumer)
        except KafkaException as error:
            raise self._meaning(error.args[0]) from error

    def _meaning(self, error: Any) -> SourceError:
        if error.code() in _LOST:
            return self._out_of_range(error.str())
        if error.retriable() or error.code() in _AWAY:
            return self._heard.refusal() or _gone(self._address, error.str())
        got = hide(self._address, error.str())
        return refusal(self._address, error.str()) or SourceError(
            expected="a topic that can be read", got=got, at=self._address.at, help="Check the address."
        )

    def _out_of_range(self, got: str) -> SourceError:
        """Diagnose a missing offset, which was deleted or does not exist yet."""
        try:
            self._look(at_once=True)
            self._check_starts()
            ends = {part: self._ends(part)[1] for part in self._next}
        except SourceError as error:
            return error
        short = {part: end for part, end in ends.items() if end < self._next[part]}
        unread = sum(self._unread.get(part, 0) for part in short)
        return TrimmedLog(
            expected="every message after the learned position",
            got=f"a log that ends earlier ({got}); {lost(unread, None)}",
            at=self._address.at,
            gone=unread,
            go_on={str(part): str(end - 1) for part, end in short.items()},
        )


class KafkaSink:
    """Sink to a Kafka topic. Repeated messages after a crash have the same key, for compaction and consumers.

    Parameters
    ----------
    address
        ``kafka://host:9092/topic``.
    """

    def __init__(self, address: Address) -> None:
        self._address, self._heard = address, _Heard(address)
        self._producer: Producer | None = self._made()  # reports invalid settings immediately

    def _made(self) -> Producer:
        settings = _settings(self._address, self._heard) | {"enable.idempotence": True, "linger.ms": 5}
        return _made(self._address, Producer, settings)

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        producer = self._producer = self._producer or self._made()
        failed: list[Any] = []
        self._heard.text = ""  # from an earlier try

        def note_failure(error: Any, _: Any) -> None:
            if error is not None:
                failed.append(error)

        try:
            for message in messages:
                headers: dict[str, str | bytes | None] = {"source": source, "number": str(message.number)}
                key = f"{source}:{message.key}"
                producer.produce(self._address.topic, message.value, key=key, headers=headers, on_delivery=note_failure)
            left = self._flush(producer)
        except BufferError as error:
            raise _gone(self._address, str(error)) from error
        except KafkaException as error:
            raise _not_taken(self._address, error.args[0]) from error
        if left or failed:
            why = (
                _not_taken(self._address, failed[0])
                if failed
                else _gone(self._address, f"{counted(left, 'message')} waiting")
            )
            raise self._heard.refusal() or why

    def _flush(self, producer: Producer) -> int:
        """Wait until the broker has all messages or rejects the connection, and return the number of messages left."""
        until = time.monotonic() + _TIMEOUT_S
        while left := producer.flush(_TRY_S):
            if time.monotonic() > until or self._heard.refusal():
                break
        return int(left)

    def close(self) -> None:
        """Discard the producer and its undelivered messages, which are sent again from the store."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(_PURGE_S)


def _not_taken(address: Address, error: Any) -> SourceError:
    """Return the error for a message that was not accepted."""
    if error.code() != KafkaError.MSG_SIZE_TOO_LARGE:
        return _gone(address, error.str())
    return MessageTooLarge(
        expected="a message within the topic's size limit",
        got=error.str(),
        at=address.at,
        help="Raise its max.message.bytes.",
    )


def _gone(address: Address, got: str) -> BrokerGone:
    return BrokerGone(
        expected="a Kafka broker that responds",
        got=hide(address, got),
        at=address.at,
        help="Start it, or check the address.",
    )
