"""One endpoint: take a request through limits and access to its handler, and any error to one JSON answer."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from headwater.errors import ConfigError, DataError, HeadwaterError, StoreError
from headwater.store.models import NameTaken, UnknownModel
from headwater.store.requests import ConflictingId, ExpiredId, UnknownId

from .access import Forbidden, TooFast, Unauthorized
from .wire import to_json
from .writer import Busy

if TYPE_CHECKING:
    from .hub import Hub

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger("headwater.serve")


class TooLarge(DataError):
    """Report a body beyond the limit."""

    code = "too_large"


class TooSlow(DataError):
    """Report a body that did not come in time."""

    code = "too_slow"


class Paused(HeadwaterError):
    """Report a model that takes no examples for now."""

    code = "paused"


class Missing(DataError):
    """Report something that is not there."""

    code = "missing"


# The first that fits counts, so a subclass stands before its base.
STATUS: tuple[tuple[type[HeadwaterError], int], ...] = (
    (TooLarge, 413),
    (TooSlow, 408),
    (Missing, 404),
    (UnknownId, 404),
    (ExpiredId, 410),
    (ConflictingId, 409),
    (UnknownModel, 404),
    (NameTaken, 409),
    (Unauthorized, 401),
    (Forbidden, 403),
    (TooFast, 429),
    (Busy, 429),
    (Paused, 503),
    (StoreError, 503),
    (DataError, 400),
    (ConfigError, 400),
)
_HEADERS = {401: (b"www-authenticate", b"Bearer"), 429: (b"retry-after", b"1"), 503: (b"retry-after", b"5")}
_FIXED = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


@dataclass(slots=True)
class Answer:
    """A whole answer."""

    body: bytes
    status: int = 200
    kind: bytes = b"application/json"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Call:
    """One request: what it says, and the server it came to."""

    hub: Hub
    scope: Any
    receive: Receive
    headers: dict[bytes, bytes]

    @property
    def path(self) -> dict[str, str]:
        """What the address names: the model, the learner."""
        found: dict[str, str] = self.scope.get("path_params", {})
        return found

    def query(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        words: str = self.scope.get("query_string", b"").decode("latin-1")
        return parse_qs(words, keep_blank_values=True, max_num_fields=100).get(name, [default])[-1]

    async def body(self) -> bytes:
        """Return the body, which is small enough and comes soon enough.

        Raises
        ------
        TooLarge, TooSlow
            If it is not, or does not.
        """
        limit = self.hub.body_limit
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > limit:
            raise _too_large(limit)
        message = await self.receive()
        body = message.get("body", b"")
        if not message.get("more_body"):
            if len(body) > limit:
                raise _too_large(limit)
            return bytes(body)
        return await self._rest([body], limit)

    async def _rest(self, parts: list[bytes], limit: int) -> bytes:
        try:
            async with asyncio.timeout(self.hub.body_s):
                return await self._all(parts, limit)
        except TimeoutError as error:
            raise TooSlow(
                expected=f"a body within {self.hub.body_s:g} s", got="a part of it", at="body", help="Send it faster."
            ) from error

    async def _all(self, parts: list[bytes], limit: int) -> bytes:
        size, more = len(parts[0]), True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise TooSlow(expected="a whole body", got="a part of it", at="body", help="Send it again.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
            more = message.get("more_body", False)
        return b"".join(parts)


Handler = Callable[[Call], Awaitable[Answer]]


class Endpoint:
    """An ASGI application for one address.

    Parameters
    ----------
    hub : Hub
        The server's state.
    handler : callable
        From a call to its answer.
    needs : str, optional
        The scope that a token must have; None for what anyone may see.
    """

    def __init__(self, hub: Hub, handler: Handler, needs: str | None) -> None:
        self.hub, self.handler, self.needs = hub, handler, needs
        self.name = handler.__name__.lstrip("_")

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = time.perf_counter()
        call = Call(self.hub, scope, receive, dict(scope["headers"]))
        try:
            if self.needs is not None:
                client = scope.get("client") or ("", 0)
                self.hub.access.check(self.needs, scope["method"], call.headers, client[0])
            answer = await self.handler(call)
        except HeadwaterError as error:
            answer = problem(error)
            self.hub.measures.refuse(self.name, answer.status, error)
        headers = [(b"content-type", answer.kind), (b"content-length", b"%d" % len(answer.body)), *_FIXED]
        headers += answer.headers
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})
        self.hub.measures.count(self.name, answer.status, time.perf_counter() - started)
        if answer.status >= 400:
            _log.info("refused", extra={"fields": {"endpoint": self.name, "status": answer.status}})


def problem(error: HeadwaterError) -> Answer:
    """Return an error as an answer: its status, and the sentence in parts."""
    status = next((number for kind, number in STATUS if isinstance(error, kind)), 500)
    extra = [_HEADERS[status]] if status in _HEADERS else []
    return Answer(to_json(error.as_dict()), status, headers=extra)


def ok(value: Any, status: int = 200) -> Answer:
    """Return a value as a JSON answer."""
    return Answer(to_json(value), status)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(expected=f"a body of at most {limit} bytes", got="more", at="body", help="Send it in parts.")


__all__ = ["Answer", "Call", "Endpoint", "Handler", "Missing", "Paused", "Receive", "Send", "ok", "problem"]
