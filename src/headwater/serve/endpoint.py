"""An endpoint takes a request through limits and access to its handler, and turns any error into one JSON response."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from headwater.errors import DataError, HeadwaterError
from headwater.serve.http.errors import Busy, TooLarge, TooSlow, status_of
from headwater.serve.http.schemas import LARGE, to_json
from headwater.serve.state import ServerState

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger("headwater.serve")
_HEADERS = {401: (b"www-authenticate", b"Bearer"), 429: (b"retry-after", b"1"), 503: (b"retry-after", b"5")}
_FIELDS = 100
_FIXED = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


@dataclass(slots=True)
class Response:
    """A response, ready to send: a body, or pieces of it that are made while they are sent."""

    body: bytes
    status: int = 200
    kind: bytes = b"application/json"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    pieces: AsyncGenerator[bytes, None] | None = None
    length: int = 0
    """Bytes of all pieces."""


@dataclass(slots=True)
class Request:
    """One request, and the state of the server that it came to."""

    state: ServerState
    scope: Any
    receive: Receive
    headers: dict[bytes, bytes]
    received: int = 0
    """Bytes of its body that came so far."""

    @property
    def path(self) -> dict[str, str]:
        """The names in the path: the model, the learner."""
        found: dict[str, str] = self.scope.get("path_params", {})
        return found

    @property
    def client(self) -> str:
        """The address of the client: behind a trusted proxy, the one that the proxy names."""
        client = self.scope.get("client")
        return str(client[0]) if client else ""

    @property
    def by_https(self) -> bool:
        """Whether the client came by https, as far as a trusted proxy says so."""
        return bool(self.scope.get("scheme") == "https")

    def query(self, name: str, default: str = "") -> str:
        """Return a parameter of the query.

        Raises
        ------
        DataError
            If there are too many of them.
        """
        words: str = self.scope.get("query_string", b"").decode("latin-1")
        try:
            found = parse_qs(words, keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError as error:
            raise DataError(
                expected=f"a query of at most {_FIELDS} parameters", got="more", at="query", help="Leave some out."
            ) from error
        return found.get(name, [default])[-1]

    async def body(self) -> bytes:
        """Return the body, which is small enough and comes soon enough.

        Raises
        ------
        TooLarge, TooSlow
            If it is not, or does not.
        """
        limit = self.state.limits.body_bytes
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise _broken_off()
        body = message.get("body", b"")
        self._count(len(body))
        return await self._rest(body) if message.get("more_body") else bytes(body)

    async def _rest(self, begun: bytes) -> bytes:
        # Only here is there a timer: it costs as much as predicting. A body that never begins, its connection ends.
        seconds = self.state.limits.body_s
        try:
            async with asyncio.timeout(seconds):
                return await self._all([begun])
        except TimeoutError as error:
            raise TooSlow(
                expected=f"a body within {seconds:g} s", got="a part of it", at="body", help="Send it faster."
            ) from error

    async def _all(self, parts: list[bytes]) -> bytes:
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise _broken_off()
            parts.append(message.get("body", b""))
            self._count(len(parts[-1]))
            more = message.get("more_body", False)
        return b"".join(parts)

    def _count(self, size: int) -> None:
        """Count bytes that came, against the limit of one body and that of all bodies at work."""
        limits = self.state.limits
        self.received += size
        self.state.bytes_at_work += size
        if self.received > limits.body_bytes:
            raise _too_large(limits.body_bytes)
        if self.received > LARGE and self.state.bytes_at_work > limits.bytes_at_work:
            raise Busy(
                expected=f"at most {limits.bytes_at_work} bytes of large bodies at work (limit bytes_at_work)",
                got="more",
                at="body",
                help="Try again a little later.",
            )


Handler = Callable[[Request], Awaitable[Response]]


class Endpoint:
    """The ASGI application of one address.

    Parameters
    ----------
    state : ServerState
        The server's state.
    handler : callable
        From a request to its response.
    scope : str, optional
        The scope that a token must have; None for what anyone may see.
    """

    def __init__(self, state: ServerState, handler: Handler, scope: str | None) -> None:
        self.state, self.handler, self.scope = state, handler, scope
        self.name = handler.__name__

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        request = Request(self.state, scope, receive, dict(scope["headers"]))
        try:
            if self.scope is not None:
                self.state.access.check(self.scope, scope["method"], request.headers, request.client)
            response = await self.handler(request)
        except HeadwaterError as error:
            response = error_response(error)
            self.state.measures.refuse(self.name, response.status, error)
        except Exception:  # noqa: BLE001 - a mistake of ours: the client gets an answer, the log the trace
            _log.exception("an endpoint failed", extra={"fields": {"endpoint": self.name}})
            response = error_response(_mistake())
        finally:
            self.state.bytes_at_work -= request.received
        await _send(response, scope["method"], send)
        self.state.measures.count(self.name, response.status, time.perf_counter() - started)
        if response.status >= 400:
            _log.info("refused", extra={"fields": {"endpoint": self.name, "status": response.status}})


async def _send(response: Response, method: str, send: Send) -> None:
    length = len(response.body) if response.pieces is None else response.length
    headers = [(b"content-type", response.kind), (b"content-length", b"%d" % length), *_FIXED, *response.headers]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.pieces is not None:
        async with aclosing(response.pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else response.body})


def error_response(error: HeadwaterError) -> Response:
    """Return an error as a response: its status, and the sentence in parts."""
    status = status_of(error)
    extra = [_HEADERS[status]] if status in _HEADERS else []
    return Response(to_json(error.as_dict()), status, headers=extra)


def json_response(value: Any, status: int = 200) -> Response:
    """Return a value as a JSON response."""
    return Response(to_json(value), status)


def _mistake() -> HeadwaterError:
    return HeadwaterError(
        expected="an answer", got="a mistake of the server", at="server", help="Its log says more; report it."
    )


def _broken_off() -> TooSlow:
    return TooSlow(expected="a whole body", got="a part of it", at="body", help="Send it again.")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(expected=f"a body of at most {limit} bytes", got="more", at="body", help="Send it in parts.")


__all__ = [
    "Endpoint",
    "Handler",
    "Receive",
    "Request",
    "Response",
    "Send",
    "error_response",
    "json_response",
]
