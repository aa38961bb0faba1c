"""Limits of connections before any authentication (number, waiting time, header size).

uvicorn's fast parser has no such limits. It accepts headers of any size, and lets a silent client stay forever. So each connection
has a deadline that moves when a header, a body or a response is complete, and a periodic sweep closes expired connections.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from itertools import chain
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from headwater.errors import DataError, HeadwaterError
from headwater.serve.http.access.client import Network, client_key, is_among
from headwater.serve.http.errors import Busy, HeadTooLarge, TooSlow, status_of
from headwater.serve.http.limits import ServerLimits
from headwater.serve.http.schemas import to_json

_SWEEP_S = 0.5
_PIPELINED = 16  # requests that may wait behind the one at work on a connection
_PROGRESS = 64 << 10  # bytes that a reader of a response must take before its deadline, to get another
_AT_WORK = float("inf")
_log = logging.getLogger("headwater.serve")


class Counted(Protocol):
    """A connection that is counted, of HTTP or of another protocol."""

    served: int
    """Number of complete requests."""
    since: float
    deadline: float
    transport: Any

    @property
    def replaceable(self) -> bool:
        """Whether another may come in its place."""

    def expire(self) -> None:
        """Close the connection once its deadline has passed."""


class Connections:
    """The open connections of one server.

    If there are too many in total or of one client, the connection that has been idle longest is closed, starting with those that
    never sent a complete request. So an idle client can't shut out an active one.

    Parameters
    ----------
    limits : ServerLimits
        The limits.
    proxies : tuple of networks
        Addresses of trusted proxies, which may have any number of connections.
    """

    def __init__(self, limits: ServerLimits, proxies: tuple[Network, ...] = ()) -> None:
        self.limits, self._proxies = limits, proxies
        self.open: dict[Counted, str] = {}
        """The client of each open connection."""
        self.closed: Counter[str] = Counter()
        """Number of closed connections by reason."""
        self._per_client: Counter[str] = Counter()

    def add(self, connection: Counted, host: str) -> bool:
        """Register a connection, evicting another if needed, and return whether there was room."""
        client = "" if is_among(host, self._proxies) else client_key(host)
        full = len(self.open) >= self.limits.connections
        if full or (client and self._per_client[client] >= self.limits.connections_per_client):
            waiting = [one for one, its in self.open.items() if one.replaceable and (full or its == client)]
            if not waiting:
                self.closed["refused"] += 1
                return False
            self.closed["evicted"] += 1
            oldest = min(waiting, key=lambda one: (one.served > 0, one.since))
            self.remove(oldest)
            oldest.transport.abort()
        self.open[connection] = client
        self._per_client[client] += 1
        return True

    def remove(self, connection: Counted) -> None:
        """Unregister a connection."""
        client = self.open.pop(connection, None)
        if client is None:
            return
        self._per_client[client] -= 1
        if not self._per_client[client]:
            del self._per_client[client]

    async def run(self) -> None:
        """Close expired connections until cancelled."""
        while True:
            await asyncio.sleep(_SWEEP_S)
            now = asyncio.get_running_loop().time()
            for connection in [one for one in self.open if one.deadline < now]:
                try:
                    connection.expire()
                except Exception:  # noqa: BLE001 - one connection must not stop the sweeps
                    _log.exception("a connection could not be closed")
                    self.remove(connection)


class Connection(HttpToolsProtocol):
    """uvicorn's connection with limits.

    Parameters
    ----------
    connections : Connections
        All connections of the server.
    **given
        Arguments from uvicorn.
    """

    def __init__(self, connections: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._all, self._limits = connections, connections.limits
        self.served = 0
        """Number of complete requests."""
        self.since = self.deadline = 0.0
        self._unparsed = self._unsent = 0
        self._head_open = self._body_open = False
        self._cycles: deque[RequestResponseCycle] = deque()  # requests without a complete response, current one first
        self._refusal: HeadwaterError | None = None
        self._last: HeadwaterError | None = None  # what is said once the requests before are answered

    @property
    def waits(self) -> bool:
        """Whether no response is in progress."""
        cycle: Any = self.cycle  # None before the first request
        return cycle is None or bool(cycle.response_complete)

    @property
    def replaceable(self) -> bool:
        """Whether no complete request is in progress, so that the connection may be evicted."""
        return self.waits or self._body_open

    def connection_made(self, transport: Any) -> None:
        """Start, if there is room for one more connection."""
        super().connection_made(transport)
        if not self._all.add(self, self.client[0] if self.client else ""):
            self._refuse(Busy(expected="fewer connections", got="one more", at="connection", help="Close some."))
            return
        self._wait(self._limits.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and notify every unfinished request, because uvicorn notifies only the last one."""
        self._all.remove(self)
        for cycle in self._cycles:
            cycle.disconnected = cycle.disconnected or not cycle.response_complete
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse data, limiting input that never completes (an endless header, empty lines)."""
        if self.transport.is_closing() or self._last is not None:
            return
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > self._limits.header_bytes and not self.transport.is_closing():
            self._refuse(self._too_large(f"{self._limits.header_bytes:,} bytes"))

    def send_400_response(self, msg: str) -> None:
        """Reply to an error of the parser, or to one raised while parsing, after complete requests are answered."""
        help_ = "Send HTTP/1.1, and not TLS, which is a proxy's business."
        no_http = DataError(expected="an HTTP request", got="something else", at="request", help=help_, code="invalid")
        if self.waits or self._body_open:
            self._refuse(self._refusal or no_http)
        else:  # such as a body longer than its Content-Length, whose request is answered all the same
            self._last = self._refusal or no_http

    # ---- parser callbacks -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request and set the deadline of its headers."""
        super().on_message_begin()
        self._unparsed, self._head_open = 0, True
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self.since = self.loop.time()
            self.deadline = self.since + self._limits.header_s

    def on_headers_complete(self) -> None:
        """Pass the request to the application.

        The headers are counted once they are whole. Before, what counts is that they don't come to an end.
        """
        self._unparsed, self._head_open, self._body_open = 0, False, True
        if len(self.headers) > self._limits.headers:
            self._stop(self._too_large(f"{self._limits.headers} headers"))
        if len(self.url) + sum(map(len, chain.from_iterable(self.headers))) > self._limits.header_bytes:
            self._stop(self._too_large(f"{self._limits.header_bytes:,} bytes"))
        if len(self.pipeline) >= _PIPELINED:
            self._stop(Busy(expected=f"at most {_PIPELINED} requests ahead", got="more", at="connection", help=""))
        super().on_headers_complete()
        while self._cycles and self._cycles[0].response_complete:
            self._cycles.popleft()
        cycle: Any = self.cycle  # None of a request to speak another protocol
        if cycle is not None and not (self._cycles and self._cycles[-1] is cycle):
            self._cycles.append(cycle)
        self.deadline = (
            self.loop.time() + 2 * self._limits.body_s
        )  # for the whole body, later than its reader's own timeout

    def on_body(self, body: bytes) -> None:
        """Receive a part of a body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Mark the request as complete."""
        self._unparsed, self._body_open = 0, False
        self.served += 1
        super().on_message_complete()
        cycle: Any = self.cycle
        if cycle is None or cycle.response_complete:
            self._wait(self._limits.idle_s)
        else:
            self.deadline = _AT_WORK

    def on_response_complete(self) -> None:
        """Wait a limited time for the next request, or for the rest of an unread body."""
        super().on_response_complete()
        if self._last is not None and self.waits and not self.transport.is_closing():
            self._refuse(self._last)
        elif self.cycle.response_complete and not self.flow.write_paused:
            self.since = self.loop.time()
            self.deadline = self.since + (self._limits.body_s if self._body_open else self._limits.idle_s)

    # ---- a client that does not read ---------------------------------------------------------------------------------

    def pause_writing(self) -> None:
        """Set a deadline for the client to read the response."""
        super().pause_writing()
        self._unsent = self.transport.get_write_buffer_size()
        self._wait(self._limits.send_s)

    def resume_writing(self) -> None:
        """Reset the deadline because the client reads."""
        super().resume_writing()
        if self.waits:
            self._wait(self._limits.idle_s)
        else:
            self.deadline = _AT_WORK

    # ---- ends --------------------------------------------------------------------------------------------------------

    def expire(self) -> None:
        """Close an expired connection, unless a slow reader has made progress."""
        unsent = self.transport.get_write_buffer_size()
        if self.flow.write_paused and unsent <= self._unsent - _PROGRESS:
            self._unsent = unsent
            self._wait(self._limits.send_s)
            return
        slow = self._head_open or self._body_open or self._unparsed > 0
        self._all.closed["slow" if slow or unsent else "idle"] += 1
        if unsent or self._body_open or not slow:
            self._all.remove(self)
            (self.transport.abort if unsent else self.transport.close)()
            return
        expected = f"the headers within {self._limits.header_s:g} s"
        self._refuse(TooSlow(expected=expected, got="a part of them", at="headers", help="Send them faster."))

    def _wait(self, seconds: float) -> None:
        self.since = self.loop.time()
        self.deadline = self.since + seconds

    def _stop(self, error: HeadwaterError) -> None:
        """Leave the parser, after which ``send_400_response`` replies."""
        self._refusal = error
        raise error

    def _refuse(self, error: HeadwaterError) -> None:
        """Reply with an error in the API's format, and close."""
        if self.transport.get_write_buffer_size():  # it counts as open until its client has read what was sent before
            self._unsent = self.transport.get_write_buffer_size()
            self._wait(self._limits.send_s)
        else:
            self._all.remove(self)
        if not self.waits:  # another response is in progress and must not be corrupted
            self.transport.abort()
            return
        body = to_json(error.as_dict())
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(STATUS_LINE[status_of(error)] + head + body)
        self.transport.close()

    @staticmethod
    def _too_large(most: str) -> HeadTooLarge:
        return HeadTooLarge(
            expected=f"a request line and headers of at most {most}", got="more", at="headers", help="Send fewer."
        )


__all__ = ["Connection", "Connections", "Counted"]
