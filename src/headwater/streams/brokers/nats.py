"""NATS JetStream source and sink, the only file that imports nats.

Streams are read by sequence, so no consumer on the server has to persist. A position is the sequence of the last stored
message. A recreated stream is detected by its creation time. A missing sequence is no loss if it belonged to another
subject. JetStream has no record of deleted messages, so in a stream with several subjects only an upper bound on the lost
messages is known.

Source: https://docs.nats.io/nats-concepts/jetstream/consumers.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from headwater.errors import SourceError
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import (
    BrokerGone,
    Log,
    Message,
    MessageTooLarge,
    Outgoing,
    Positions,
    TrimmedLog,
    lost,
)
from headwater.streams.brokers.security import TlsContext, check_encrypted, hide, login, refusal, tls_of

__all__ = ["NatsSink", "NatsSource"]

_T = TypeVar("_T")
_ONLY = "0"  # a stream has no partitions
_TIMEOUT_S = 10.0
_CLOSE_S = 1.0
_IDLE_S = 300.0  # seconds after which the server deletes an idle consumer
_LOOK_S = 5.0  # seconds between checks of a silent stream


class _Connection:
    """Connection with an event loop in its own thread."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client: Any = None
        self._heard = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="headwater-nats", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether the connection is closed."""
        return self._client is None or not self._client.is_connected

    def connect(self) -> Any:
        """Connect, and return the JetStream context."""
        tls = tls_of(self._address)
        check_encrypted(self._address, encrypted=tls is not None)
        scheme = "nats" if tls is None else "tls"
        servers = [f"{scheme}://{server}" for server in self._address.servers]
        context = None if tls is None else tls.context(self._address.at)
        how = {"error_cb": self._note, "tls": context} | self._login(context)
        self._heard = ""
        self.run(self._connect(servers, context, how))
        return self._client.jetstream(timeout=_TIMEOUT_S)

    async def _connect(self, servers: list[str], context: TlsContext | None, how: dict[str, Any]) -> None:
        self._client = client = Client()
        try:
            await client.connect(servers, allow_reconnect=False, connect_timeout=5, max_reconnect_attempts=1, **how)
            self._check_encrypted(context)
        except BaseException:
            # The client leaves the socket open after a failed handshake, and closing it may block forever.
            with suppress(TimeoutError, NatsError, OSError):
                await asyncio.wait_for(client.close(), _CLOSE_S)
            raise

    def _login(self, context: TlsContext | None) -> dict[str, Any]:
        """Return user and password, the latter as a function called once the connection is encrypted."""
        user, password = login(self._address)

        def revealed() -> str:
            self._check_encrypted(context)
            return "" if password is None else password.reveal()

        return {"user": user, "password": None if password is None else revealed}

    def _check_encrypted(self, context: TlsContext | None) -> None:
        # The client falls back to plain text if the server, or a man in the middle, doesn't offer TLS.
        if context is not None and not context.used:
            raise OSError("the server offers no TLS")

    async def _note(self, error: Exception) -> None:
        """Record errors that the client reports only in its callback."""
        self._heard = str(error) or self._heard

    def run(self, what: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the loop, and translate its errors."""
        try:
            return asyncio.run_coroutine_threadsafe(what, self._loop).result()
        except NotFoundError as error:
            raise _MissingStream(
                expected="a subject of a JetStream stream",
                got="none",
                at=self._address.at,
                help="Create the stream first, and name it in stream= if needed.",
            ) from error
        except APIError as error:
            raise SourceError(
                expected="a stream that can be read", got=str(error), at=self._address.at, help="Check the address."
            ) from error
        except (TimeoutError, NatsError, OSError) as error:
            text = f"{self._heard} {error}".strip() or type(error).__name__
            raise refusal(self._address, text) or BrokerGone(
                expected="a NATS server that responds",
                got=hide(self._address, text),
                at=self._address.at,
                help="Start it, or check the address.",
            ) from error

    def request(self, subject: str, body: bytes) -> bytes:
        """Send a request that the client has no method for."""
        return bytes(self.run(self._client.request(subject, body, timeout=_TIMEOUT_S)).data)

    def close(self) -> None:
        """Close the connection and stop the thread."""
        if self._client is not None and not self._client.is_closed:
            self.run(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class NatsSource:
    """Source of a subject of a JetStream stream.

    Parameters
    ----------
    address
        ``nats://host:4222/subject``, with the stream in ``stream=`` if the subject is ambiguous.
    """

    replays = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: _Connection | None = None
        self._jetstream: Any = None
        self._consumer: Any = None
        self._stream, self._last, self._log = "", 0, Log()
        self._alone = False
        """Whether the stream has only messages of the subject, so that each missing sequence is a lost message."""
        self._held: list[Any] = []
        """Fetched messages after a gap."""
        self._ahead = 0
        """Number of fetched messages not processed yet."""
        self._taken, self._look_at = 0, 0.0
        self._facts: dict[str, Any] = {}
        """Cached facts about the stream since the last fetch."""

    def open(self, positions: Positions) -> Positions:
        self._held, self._ahead, self._taken, self._facts = [], 0, 0, {}
        self._connection = connection = _Connection(self._address)
        self._jetstream = connection.connect()
        info = self._info(positions)
        state, created = info.state, str(info.created)
        self._alone = _only(self._address.topic, info.config)
        if _ONLY in positions:
            self._last = int(positions[_ONLY])
            self._log = Log.read(positions) or Log(created, first=state.last_seq)
            self._check_same(created, state)
        else:
            at_end = self._address.options.get("from") == "end"
            begins = self._address.begins
            first = None if at_end else self._next(state.first_seq) if begins is None else self._first_since(begins)
            self._last = state.last_seq if first is None else first - 1
            self._log = Log(created, first=state.last_seq)
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._last + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_IDLE_S,
            mem_storage=True,
        )
        subscribe = self._jetstream.pull_subscribe(self._address.topic, stream=self._stream, config=config)
        self._consumer = connection.run(subscribe)
        if _ONLY in positions:
            self._check(self._next(self._last + 1) or state.last_seq + 1)
        return {_ONLY: str(self._last)}

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        found, self._held = self._held or self._fetch(most, wait_s), []
        if not found:
            self._look()
        out: list[Message] = []
        for i, message in enumerate(found):
            seq = message.metadata.sequence.stream
            self._ahead = len(found) - i
            try:
                self._check(seq)
            except TrimmedLog:
                if not out:
                    raise
                self._held = found[i:]  # messages before a gap are returned before it is raised
                break
            self._last = seq
            key, sent = (message.headers or {}).get("key"), message.metadata.timestamp.timestamp()
            out.append(Message(_ONLY, str(seq), message.data, key, sent=sent))
            self._log = msgspec.structs.replace(self._log, unread=message.metadata.num_pending, seen=0)
        self._ahead = len(self._held)
        return out

    def marks(self) -> Positions:
        return self._log.write()

    def committed(self, positions: Positions) -> None:
        """Do nothing, since the consumer takes no acknowledgements."""

    def lag(self) -> int | None:
        connection = self._connection
        if connection is None or connection.lost:
            return None
        pending: int | None = connection.run(self._consumer.consumer_info()).num_pending
        return pending

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _fetch(self, most: int, wait_s: float) -> list[Any]:
        connection = self._connection
        if connection is None or connection.lost:
            raise self._gone("a lost connection")
        try:
            found = connection.run(_fetched(self._consumer, most, max(wait_s, 0.01)))
        except BrokerGone:
            raise
        except SourceError as error:  # deleting a stream deletes its consumers; reopening reports the cause
            raise self._gone(error.got) from error
        self._taken += len(found)
        self._facts = {}
        return found

    def _gone(self, got: str) -> BrokerGone:
        return BrokerGone(expected="a NATS server that responds", got=got, at=self._address.at)

    # ---- check that the log is the same and complete -----------------------------------------------------------------

    def _info(self, positions: Positions) -> Any:
        """Return the server's information on the stream."""
        try:
            self._stream = self._address.options.get("stream") or self._asked(
                self._jetstream.find_stream_name_by_subject(self._address.topic)
            )
            return self._asked(self._jetstream.stream_info(self._stream))
        except _MissingStream:
            if _ONLY not in positions:
                raise
            least = (Log.read(positions) or Log()).unread
            raise self._trimmed(f"a deleted stream; {lost(least, None)}", least, None, {}) from None

    def _check_same(self, created: str, state: Any) -> None:
        """Raise TrimmedLog if the stream was recreated, or ends before the position."""
        anew = self._log.id not in ("", created)
        if not anew and self._last <= state.last_seq:
            return
        least = self._log.unread
        what = f"another stream, created on {created[:19]}" if anew else f"a stream that ends at {state.last_seq:,}"
        first = (self._next(state.first_seq) or state.last_seq + 1) - 1 if anew else state.last_seq
        begin = {_ONLY: str(first), **Log(created, first=state.last_seq).write()}
        raise self._trimmed(f"{what}; {lost(least, None)}", least, None, begin)

    def _check(self, next_: int) -> None:
        """Raise TrimmedLog if messages of the subject may be missing between the last one and the next."""
        behind = max(self._last, self._log.seen)
        if next_ <= behind + 1:
            return
        state = self._fact("state", self._state)
        if state.first_seq <= behind + 1 and not state.num_deleted:
            return
        if not self._alone:
            self._facts["sound"] = self._facts.get("sound") or self._sound()
            if self._facts["sound"]:
                return
        trimmed = max(min(state.first_seq, next_) - behind - 1, 0)
        most = trimmed + self._deleted(max(behind, self._log.first, state.first_seq - 1), next_)
        if not most:
            return
        least = most if self._alone else max(self._log.unread - self._pending(), 0)
        what = f"a stream that starts at {state.first_seq:,}" if trimmed else "a stream without some of them"
        others = "" if self._alone else ", of this subject or of others"
        begin = {_ONLY: str(next_ - 1), **msgspec.structs.replace(self._log, seen=0).write()}
        raise self._trimmed(f"{what}; {lost(least, most)}{others}", least, most, begin)

    def _fact(self, name: str, what: Callable[[], _T]) -> _T:
        """Cache a request until the next fetch, as its result holds for all fetched messages."""
        if name not in self._facts:
            self._facts[name] = what()
        found: _T = self._facts[name]
        return found

    def _state(self) -> Any:
        return self._asked(self._jetstream.stream_info(self._stream)).state

    def _sound(self) -> bool:
        """Return whether the last message still exists, so none after it is gone, as limits delete the oldest first."""
        topic = self._address.topic
        if "*" in topic or ">" in topic:
            return False
        try:
            return bool(self._asked(self._jetstream.get_msg(self._stream, self._last)).subject == topic)
        except _MissingStream:  # no such message
            return False

    def _next(self, seq: int) -> int | None:
        """Return the sequence of the subject's first message from ``seq`` on."""
        find = self._jetstream.get_msg(self._stream, max(seq, 1), subject=self._address.topic, next=True)
        try:
            return int(self._asked(find).seq)
        except _MissingStream:
            return None

    def _first_since(self, begins: int) -> int | None:
        """Return the sequence of the subject's first message at or after a time in milliseconds."""
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=dt.datetime.fromtimestamp(begins / 1000, dt.UTC),
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_IDLE_S,
            mem_storage=True,
        )
        consumer = self._asked(self._jetstream.pull_subscribe(self._address.topic, stream=self._stream, config=config))
        pending = self._asked(consumer.consumer_info()).num_pending
        found = self._asked(_fetched(consumer, 1, _TIMEOUT_S)) if pending else []
        self._asked(consumer.unsubscribe())
        return int(found[0].metadata.sequence.stream) if found else None

    def _deleted(self, behind: int, next_: int) -> int:
        """Count the messages deleted between two sequences."""
        if self._alone:
            return max(next_ - behind - 1, 0)
        deleted = self._fact("deleted", self._deletions)
        return sum(behind < seq < next_ for seq in deleted)

    def _deletions(self) -> list[int]:
        if self._connection is None:
            raise self._gone("no connection")
        answer = self._connection.request(f"$JS.API.STREAM.INFO.{self._stream}", b'{"deleted_details": true}')
        return list(msgspec.json.decode(answer).get("state", {}).get("deleted") or ())

    def _pending(self) -> int:
        """Return the number of the subject's messages after the last one."""
        return self._ahead + int(self._asked(self._consumer.consumer_info()).num_pending or 0)

    def _look(self) -> None:
        """Record that a silent stream was checked up to its end."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_S
        end = self._fact("state", self._state).last_seq
        info = self._asked(self._consumer.consumer_info())
        if info.num_pending == 0 and info.delivered.consumer_seq == self._taken:
            self._check(end + 1)
            self._log = msgspec.structs.replace(self._log, unread=0, seen=end if end > self._last else 0)

    def _asked(self, what: Coroutine[Any, Any, _T]) -> _T:
        if self._connection is None:
            what.close()
            raise self._gone("no connection")
        return self._connection.run(what)

    def _trimmed(self, got: str, least: int, most: int | None, begin: Positions) -> TrimmedLog:
        return TrimmedLog(
            expected=f"every message from {self._last + 1:,} on",
            got=got,
            at=self._address.at,
            gone=least,
            most=most,
            go_on=begin,
        )


class NatsSink:
    """Sink to a subject. JetStream drops repetitions by their id, within its window.

    Parameters
    ----------
    address
        ``nats://host:4222/subject``.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: _Connection | None = None
        self._jetstream: Any = None

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        if self._connection is None or self._connection.lost:
            self.close()
            self._connection = _Connection(self._address)
            self._jetstream = self._connection.connect()
        self._connection.run(self._publish(source, messages))

    async def _publish(self, source: str, messages: Sequence[Outgoing]) -> None:
        topic, publish = self._address.topic, self._jetstream.publish
        for message in messages:
            name = f"{source}:{message.key}"
            try:
                await publish(topic, message.value, headers={"Nats-Msg-Id": name, "key": message.key})
            except MaxPayloadError as error:
                raise MessageTooLarge(
                    expected="a message within the server's size limit",
                    got=f"{len(message.value):,} bytes",
                    at=self._address.at,
                    help="Raise its max_payload.",
                ) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _MissingStream(SourceError):
    """Raised if JetStream lacks a stream or a message."""


def _only(topic: str, config: Any) -> bool:
    """Return whether a stream contains only messages of a topic."""
    inside = all(_within(subject.split("."), topic.split(".")) for subject in config.subjects or ())
    return inside and bool(config.subjects) and not config.sources and config.mirror is None


def _within(subject: list[str], pattern: list[str]) -> bool:
    """Return whether a pattern matches all that a subject matches.

    Examples
    --------
    >>> _within(["a", "b"], ["a", "*"]), _within(["a", ">"], ["a", "*"]), _within(["a", "*", "c"], ["a", ">"])
    (True, False, True)
    """
    for i, token in enumerate(pattern):
        if token == ">":
            return len(subject) > i
        if i >= len(subject) or subject[i] == ">" or token not in ("*", subject[i]):
            return False
    return len(subject) == len(pattern)


async def _fetched(consumer: Any, most: int, wait_s: float) -> list[Any]:
    try:
        return list(await consumer.fetch(most, wait_s))
    except TimeoutError:  # NATS' own is one as well
        return []
