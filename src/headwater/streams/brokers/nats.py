"""NATS JetStream: read by stream sequence, so that no consumer of the server's has to outlive us. The only file that imports nats.

A position is the sequence of the last message that was kept.

Source: https://docs.nats.io/nats-concepts/jetstream/consumers.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError

from headwater.errors import SourceError
from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import BrokerGone, Message, MessageTooLarge, Outgoing, Positions, TrimmedLog
from headwater.streams.brokers.security import TlsContext, check_encrypted, hide, login, refusal, tls_of

__all__ = ["NatsSink", "NatsSource"]

_T = TypeVar("_T")
_ONLY = "0"  # a stream has no partitions
_TIMEOUT_S = 10.0
_CLOSE_S = 1.0
_IDLE_S = 300.0  # behind which the server forgets a consumer that nobody asks


class _Connection:
    """A connection with the event loop that its client needs, in a thread of its own."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._client: Any = None
        self._heard = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="headwater-nats", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether the connection has ended."""
        return self._client is None or not self._client.is_connected

    def connect(self) -> Any:
        """Return JetStream's side of a new connection."""
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
            # The client leaves a connection open that got no farther than a greeting; after a failed handshake it waits for ever.
            with suppress(TimeoutError, NatsError, OSError):
                await asyncio.wait_for(client.close(), _CLOSE_S)
            raise

    def _login(self, context: TlsContext | None) -> dict[str, Any]:
        """Return user and password, the latter as a function that is asked once the connection is encrypted."""
        user, password = login(self._address)

        def revealed() -> str:
            self._check_encrypted(context)
            return "" if password is None else password.reveal()

        return {"user": user, "password": None if password is None else revealed}

    def _check_encrypted(self, context: TlsContext | None) -> None:
        # The client goes on in the clear where the server, or who stands between, doesn't ask for encryption.
        if context is not None and not context.used:
            raise OSError("the server offers no TLS")

    async def _note(self, error: Exception) -> None:
        """Keep what the client says in its callback alone; the caller is only told that no server was left."""
        self._heard = str(error) or self._heard

    def run(self, what: Coroutine[Any, Any, _T]) -> _T:
        """Run something in the loop, and say what its failure means."""
        try:
            return asyncio.run_coroutine_threadsafe(what, self._loop).result()
        except NotFoundError as error:
            raise SourceError(
                expected="a subject of a JetStream stream",
                got="none",
                at=self._address.at,
                help="Make the stream first; stream= names it.",
            ) from error
        except APIError as error:
            raise SourceError(
                expected="a stream that can be read", got=str(error), at=self._address.at, help="Check the address."
            ) from error
        except (TimeoutError, NatsError, OSError) as error:
            text = f"{self._heard} {error}".strip() or type(error).__name__
            raise refusal(self._address, text) or BrokerGone(
                expected="a NATS server that answers",
                got=hide(self._address, text),
                at=self._address.at,
                help="Start it, or check the address.",
            ) from error

    def close(self) -> None:
        """Let the connection and the thread go."""
        if self._client is not None and not self._client.is_closed:
            self.run(self._client.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class NatsSource:
    """A subject of a JetStream stream.

    Parameters
    ----------
    address
        ``nats://host:4222/subject``; ``stream=`` names the stream where the subject doesn't tell.
    """

    replays = True

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: _Connection | None = None
        self._jetstream: Any = None
        self._consumer: Any = None
        self._stream, self._last = "", 0

    def open(self, positions: Positions) -> Positions:
        self._connection = connection = _Connection(self._address)
        self._jetstream = connection.connect()
        named = self._address.options.get("stream")
        find = self._jetstream.find_stream_name_by_subject
        self._stream = named or connection.run(find(self._address.topic))
        state = connection.run(self._jetstream.stream_info(self._stream)).state
        if _ONLY in positions:
            self._last = int(positions[_ONLY])
            if self._last > state.last_seq:
                raise self._trimmed(f"a stream that ends at {state.last_seq:,}")
            self._check(state)
        else:
            self._last = state.last_seq if self._address.options.get("from") == "end" else max(state.first_seq - 1, 0)
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._last + 1,
            ack_policy=AckPolicy.NONE,
            inactive_threshold=_IDLE_S,
            mem_storage=True,
        )
        subscribe = self._jetstream.pull_subscribe(self._address.topic, stream=self._stream, config=config)
        self._consumer = connection.run(subscribe)
        return {_ONLY: str(self._last)}

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        connection = self._connection
        if connection is None or connection.lost:
            raise BrokerGone(expected="a NATS server that answers", got="a lost connection", at=self._address.at)
        found = connection.run(_fetched(self._consumer, most, max(wait_s, 0.01)))
        out = []
        for message in found:
            seq = message.metadata.sequence.stream
            if seq > self._last + 1:  # other subjects' messages, or some that are gone
                self._check(connection.run(self._jetstream.stream_info(self._stream)).state)
            self._last = seq
            key = (message.headers or {}).get("key")
            out.append(Message(_ONLY, str(seq), message.data, key))
        return out

    def committed(self, positions: Positions) -> None:
        """Nothing to tell: the consumer takes no acknowledgements."""

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

    def _check(self, state: Any) -> None:
        if state.first_seq > self._last + 1:
            raise self._trimmed(f"a stream that begins at {state.first_seq:,}")

    def _trimmed(self, got: str) -> TrimmedLog:
        return TrimmedLog(
            expected=f"every message from {self._last + 1:,} on",
            got=got,
            at=self._address.at,
            help="Restore the stream, or go on without them under another name=.",
        )


class NatsSink:
    """A subject that predictions go to; JetStream drops repetitions by their id, within its window.

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
                    expected="a message that the server takes",
                    got=f"{len(message.value):,} bytes",
                    at=self._address.at,
                    help="Raise its max_payload.",
                ) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


async def _fetched(consumer: Any, most: int, wait_s: float) -> list[Any]:
    try:
        return list(await consumer.fetch(most, wait_s))
    except TimeoutError:  # NATS' own is one as well
        return []
