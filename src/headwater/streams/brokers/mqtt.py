"""MQTT source and sink, the only file that imports paho.

The broker keeps a message only until it is acknowledged, and nothing can be read again. A message is therefore acknowledged
once its row is in the store. A broker that misses the acknowledgement sends the message again. With ``id=`` the repetition
is detected and learned once; without it, it is learned again. A position is only a running number, which identifies messages
to consumers of predictions.

The broker stores messages by client id, which is derived from the reader, so two readers of one topic are two clients. At
each connection it reports whether it still has the session. If not, an unknown number of messages may be lost. A retained
message is the last one published before a subscription and is sent with each, so it is counted and not learned.

Source: https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/mqtt-v3.1.1.html, section 4.3 (QoS 1).
"""

from __future__ import annotations

import hashlib
import queue
import threading
import zlib
from collections import deque
from collections.abc import Sequence
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from headwater.streams.brokers.address import Address
from headwater.streams.brokers.protocol import BrokerGone, Log, Message, Outgoing, Positions, TrimmedLog, lost
from headwater.streams.brokers.security import check_encrypted, hide, login, refusal, tls_of

__all__ = ["MqttSink", "MqttSource"]

_ONLY = "0"
_TIMEOUT_S = 15.0
_ID_DIGITS = 13  # hexadecimal, 52 bits, since a client id has at most 23 characters


class _Connection:
    """Connected client, which receives messages in a thread."""

    def __init__(self, address: Address, name: str, *, clean: bool) -> None:
        self.messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.lost, self.resumed, self._address = False, False, address
        self._heard, self._refused, self._logged = threading.Event(), "", ""
        self.client = client = Client(
            CallbackAPIVersion.VERSION2, name, clean_session=clean, manual_ack=True, reconnect_on_failure=False
        )
        self._secure(client)
        client.on_connect, client.on_disconnect, client.on_log = self._on_connect, self._on_disconnect, self._on_log
        client.on_message = lambda _client, _data, message: self.messages.put(message)
        client.on_subscribe = lambda *_: self._heard.set()
        try:
            client.connect(address.host, address.port, keepalive=30)
        except OSError as error:
            raise self.gone(str(error)) from error
        client.loop_start()
        self._wait()

    def _secure(self, client: Client) -> None:
        tls = tls_of(self._address)
        check_encrypted(self._address, encrypted=tls is not None)
        user, password = login(self._address)
        client.username_pw_set(user, None if password is None else password.reveal())
        if tls is not None:
            client.tls_set_context(tls.context(self._address.at))

    def subscribe(self, topic: str) -> None:
        """Subscribe at QoS 1, which repeats messages until they are acknowledged."""
        self._heard.clear()
        self.client.subscribe(topic, qos=1)
        self._wait()

    def gone(self, got: str) -> BrokerGone:
        """Return the error for a broker that is unavailable or rejected the connection."""
        return refusal(self._address, f"{got} {self._logged}") or BrokerGone(
            expected="an MQTT broker that responds",
            got=hide(self._address, got),
            at=self._address.at,
            help="Start it, or check the address.",
        )

    def close(self) -> None:
        """Close the connection."""
        self.client.disconnect()
        self.client.loop_stop()

    def _wait(self) -> None:
        heard = self._heard.wait(_TIMEOUT_S)
        if self._refused:
            self.close()
            raise self.gone(self._refused)
        if not heard or self.lost:
            self.close()
            raise self.gone("no response")

    def _on_connect(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        self._refused = str(reason) if reason.is_failure else ""
        self.resumed = bool(flags.session_present)
        self._heard.set()

    def _on_log(self, _client: Any, _data: Any, _level: int, text: str) -> None:
        """Record TLS alerts, which the client reports only in its log."""
        if "SSL" in text:
            self._logged = text

    def _on_disconnect(self, *_: Any) -> None:
        self.lost = True
        self._heard.set()
        self.messages.put(None)


class MqttSource:
    """Source of a topic, or a filter of topics, of an MQTT broker.

    Parameters
    ----------
    address
        ``mqtt://host:1883/topic/filter/+``, with an optional client id in ``client=``.
    """

    replays = False

    def __init__(self, address: Address, reader: str = "") -> None:
        self._address, self._reader = address, reader
        self._connection: _Connection | None = None
        self._number, self._log = 0, Log()
        self._unacknowledged: deque[tuple[int, int, int]] = deque()

    def open(self, positions: Positions) -> Positions:
        self._number, known = int(positions.get(_ONLY, 0)), Log.read(positions)
        self._unacknowledged.clear()
        client = self._client(known, new=_ONLY not in positions)
        self._log = Log(client)
        self._connection = _Connection(self._address, client, clean=False)
        if known is not None and known.id == client and (known.lost or not self._connection.resumed):
            self.close()
            raise self._forgotten(client)
        self._connection.subscribe(self._address.topic)
        return {_ONLY: str(self._number)}

    def marks(self) -> Positions:
        return self._log.write()

    def _client(self, known: Log | None, *, new: bool) -> str:
        """Return the client id of this reader."""
        topic, named = self._address.topic, self._address.options.get("client")
        old = f"{named or 'headwater'}-{zlib.crc32(topic.encode()):08x}"
        # Messages may wait under the id that version 0.2 used.
        if named is not None or not self._reader or not (new or known):
            return old
        if known is not None and known.id:
            return known.id
        digest = hashlib.sha256(f"{self._reader}\0{self._address.name}\0{topic}".encode()).hexdigest()
        return f"headwater-{digest[:_ID_DIGITS]}"

    def _forgotten(self, client: str) -> TrimmedLog:
        return TrimmedLog(
            expected=f"a broker with the session of the client {client}",
            got=f"no session; {lost(0, None)}",
            at=self._address.at,
            help="Enable its persistence, and continue with --accept-gap, in Python accept_gap=True. The store records it.",
            go_on={_ONLY: str(self._number), **Log(client).write()},
            keep=Log(client, lost=True).write(),
        )

    def read(self, most: int, wait_s: float) -> Sequence[Message]:
        connection = self._connection
        if connection is None:
            raise BrokerGone(expected="an MQTT broker that responds", got="no connection", at=self._address.at)
        out: list[Message] = []
        while len(out) < most:
            try:
                message = connection.messages.get(timeout=0 if out else max(wait_s, 0.001))
            except queue.Empty:
                break
            if message is None:
                connection.messages.put(None)
                if out:
                    break
                raise connection.gone("a lost connection")
            self._number += 1
            self._unacknowledged.append((self._number, message.mid, message.qos))
            passed = "a retained message" if message.retain else ""
            out.append(Message(_ONLY, str(self._number), message.payload, message.topic, passed))
        return out

    def committed(self, positions: Positions) -> None:
        until, connection = int(positions[_ONLY]), self._connection
        while connection is not None and self._unacknowledged and self._unacknowledged[0][0] <= until:
            _, mid, qos = self._unacknowledged.popleft()
            connection.client.ack(mid, qos)

    def lag(self) -> int | None:
        """Return None, since MQTT doesn't report the messages waiting in the broker."""
        return None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class MqttSink:
    """Sink to an MQTT topic. MQTT has no keys, so repetitions after a crash are identified by their position.

    Parameters
    ----------
    address
        ``mqtt://host:1883/topic``.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._connection: _Connection | None = None

    def send(self, source: str, messages: Sequence[Outgoing]) -> None:
        if self._connection is None or self._connection.lost:
            self.close()
            self._connection = _Connection(self._address, "", clean=True)
        connection = self._connection
        sent = [connection.client.publish(self._address.topic, message.value, qos=1) for message in messages]
        for one in sent:
            if one.rc == MQTTErrorCode.MQTT_ERR_SUCCESS and not connection.lost:
                one.wait_for_publish(_TIMEOUT_S)
            if one.rc != MQTTErrorCode.MQTT_ERR_SUCCESS or not one.is_published():
                raise connection.gone("a message that was not accepted")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
