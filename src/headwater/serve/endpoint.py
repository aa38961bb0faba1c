"""Endpoints, which check limits and access, call the handler, and turn errors into JSON responses."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from headwater.errors import DataError, HeadwaterError
from headwater.serve.http.access.client import client_key
from headwater.serve.http.costs import Budget, Cost, too_large
from headwater.serve.http.errors import LearnsElsewhere, Paused, TooSlow, status_of
from headwater.serve.http.schemas import LARGE, to_json
from headwater.serve.monitoring.logs import request_id, trace_id
from headwater.serve.state import ServerState
from headwater.store.service.model import Model

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger("headwater.serve")
_HEADERS = {401: (b"www-authenticate", b"Bearer"), 429: (b"retry-after", b"1"), 503: (b"retry-after", b"5")}
_FIELDS = 100
_FIXED = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_PART = 256 << 10
"""Bytes of a response written at once. Further parts wait until these are sent."""


@dataclass(slots=True)
class Response:
    """A response with a body, generated ``pieces``, or an endless ``stream``."""

    body: bytes | memoryview
    status: int = 200
    kind: bytes = b"application/json"
    headers: Sequence[tuple[bytes, bytes]] = ()
    pieces: AsyncGenerator[bytes, None] | None = None
    length: int = 0
    """Bytes of all pieces."""
    stream: Callable[[Receive, Send], Awaitable[None]] | None = None
    fixed: Sequence[tuple[bytes, bytes]] = _FIXED
    """Headers common to all responses except pages."""


@dataclass(slots=True)
class Request:
    """A request with the state of its server."""

    state: ServerState
    scope: Any
    receive: Receive
    headers: dict[bytes, bytes]
    budget: Budget
    path: Mapping[str, str]
    """Path parameters (model, learner)."""
    client: str
    """Address of the client, as given by a trusted proxy if there is one."""
    granted: str = ""
    """Scope of the sender."""

    def model(self) -> Model:
        """Return the model that the path names, or the default one."""
        return self.state.service.models.by_name[self.path.get("model") or self.state.default]

    def learning_model(self) -> Model:
        """Return the model that the path names, or the default one, if it currently accepts examples.

        Raises
        ------
        Paused
            If the model is paused.
        LearnsElsewhere
            If a cluster run learns it.
        """
        state = self.state
        model = state.service.models.by_name[self.path.get("model") or state.default]
        if state.rounds and state.learns_elsewhere(model):
            raise LearnsElsewhere(
                expected="a model that learns here",
                got="one that a cluster run learns",
                at=model.name,
                help=f"Nothing was learned. Add the examples to the input of the run of {state.rounds}.",
            )
        if model.paused:
            raise Paused(
                expected="a model that learns",
                got="a paused one",
                at=model.name,
                help="Nothing was learned. Send it again once the model is resumed.",
            )
        return model

    @property
    def by_https(self) -> bool:
        """Whether the client used https, as given by a trusted proxy."""
        return bool(self.scope.get("scheme") == "https")

    def query(self, name: str, default: str = "") -> str:
        """Return a query parameter.

        Raises
        ------
        DataError
            If there are too many parameters.
        """
        return self.queries().get(name, default)

    def queries(self) -> dict[str, str]:
        """Return all query parameters.

        Raises
        ------
        DataError
            If there are too many parameters.
        """
        words: str = self.scope.get("query_string", b"").decode("latin-1")
        try:
            found = parse_qs(words, keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError as error:
            raise DataError(
                expected=f"a query of at most {_FIELDS} parameters", got="more", at="query", help="Leave some out."
            ) from error
        return {name: values[-1] for name, values in found.items()}

    async def body(self) -> bytes:
        """Return the body within the limits of size and time.

        Raises
        ------
        TooLarge, TooSlow
            If the body exceeds the limits.
        """
        length = self.headers.get(b"content-length", b"")
        if length.isdigit() and int(length) > self.budget.cost.body:
            raise too_large(self.budget.cost.body)
        message = await self.receive()
        if message["type"] == "http.disconnect":
            raise _broken_off()
        body = message.get("body", b"")
        self.budget.charge_body(len(body))
        return await self._rest(body) if message.get("more_body") else bytes(body)

    async def _rest(self, begun: bytes) -> bytes:
        # A timer costs as much as a prediction, so it starts only here. The connection handles a body that never begins.
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
            self.budget.charge_body(len(parts[-1]))
            more = message.get("more_body", False)
        return b"".join(parts)


Handler = Callable[[Request], Awaitable[Response]]


class Endpoint:
    """ASGI application of one address.

    Parameters
    ----------
    state : ServerState
        The server's state.
    handler : callable
        Function from a request to its response.
    cost : Cost
        Limits of one request.
    scope : str, optional
        Required scope of the token, None for public addresses.
    """

    def __init__(self, state: ServerState, handler: Handler, cost: Cost, scope: str | None) -> None:
        self.state, self.handler, self.cost, self.scope = state, handler, cost.within(state.limits), scope
        self.name = handler.__name__

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Handle one request."""
        started, state, client = time.perf_counter(), self.state, scope.get("client")
        host, budget, path = str(client[0]) if client else "", Budget(state, self.cost), scope.get("path_params", {})
        request = Request(state, scope, receive, dict(scope["headers"]), budget, path, host)
        try:
            if self.scope is not None:
                request.granted = state.access.check(self.scope, scope["method"], request.headers, host)
            budget.charge_work(self.cost.work_s)
            response = await self.handler(request)
        except HeadwaterError as error:
            response = self._refused(error)
        except Exception:  # noqa: BLE001 - a bug of the server, which gives the client a reply and the log a trace
            name = request_id(request.headers)
            request.headers[b"x-request-id"] = name.encode()
            _log.exception("an endpoint failed", extra={"fields": {**self._about(request), "request": name}})
            response = error_response(_mistake())
        finally:
            state.bytes_at_work -= budget.received
            state.work_s -= budget.work_s
        if len(response.body) > LARGE:
            response = self._with_room(response, host)
        if response.status >= 400 or b"x-request-id" in request.headers:
            self._name(request, response)
        await self._send(response, request, send)
        state.measures.count(self.name, response.status, time.perf_counter() - started)

    def _name(self, request: Request, response: Response) -> None:
        """Give a response the id of its request, and log a refusal under it."""
        name = request_id(request.headers)
        response.headers = [*response.headers, (b"x-request-id", name.encode())]
        if response.status >= 400:
            _log.info("refused", extra={"fields": {**self._about(request), "request": name, "status": response.status}})

    def _about(self, request: Request) -> dict[str, Any]:
        """Return what a line of the log says of a request, without anything that it contains."""
        about = {"endpoint": self.name, "model": request.path.get("model", self.state.default)}
        return about | ({"trace_id": trace} if (trace := trace_id(request.headers)) else {})

    def _refused(self, error: HeadwaterError) -> Response:
        response = error_response(error)
        self.state.measures.refuse(self.name, response.status, error)
        return response

    def _with_room(self, response: Response, client: str) -> Response:
        """Return a large response, or an error if too many are being sent."""
        try:
            self.state.check_answer(len(response.body), client)
        except HeadwaterError as error:
            return self._refused(error)
        return response

    async def _send(self, response: Response, request: Request, send: Send) -> None:
        headers = [(b"content-type", response.kind), *response.fixed, *response.headers]
        length = len(response.body) if response.pieces is None else response.length
        if response.stream is None:
            headers.append((b"content-length", b"%d" % length))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        if request.scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
        elif response.stream is not None:
            await response.stream(request.receive, send)
        elif length <= LARGE and response.pieces is None:
            await send({"type": "http.response.body", "body": response.body})
        else:
            client = client_key(request.client)
            self.state.answer_bytes[client] += length
            try:
                await _send_parts(response, send)
            finally:
                self.state.answer_bytes[client] -= length
                self.state.answer_bytes += Counter()  # which drops the zeros


class Front:
    """Dispatch fixed addresses directly to their endpoints and route the others.

    Parameters
    ----------
    app : ASGI application
        The router. Direct dispatch halves the overhead of a request.
    hot : dict
        Endpoint by method and path.
    """

    def __init__(self, app: Any, hot: Mapping[tuple[str, str], Endpoint]) -> None:
        self._app, self._hot = app, hot

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        end = self._hot.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        await (self._app if end is None else end)(scope, receive, send)


async def _send_parts(response: Response, send: Send) -> None:
    """Send a large response no faster than it is read, to hold it in memory only once."""
    if response.pieces is not None:
        async with aclosing(response.pieces) as pieces:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    view = memoryview(response.body)
    for start in range(0, len(view), _PART):
        more = start + _PART < len(view)
        await send({"type": "http.response.body", "body": view[start : start + _PART], "more_body": more})


def error_response(error: HeadwaterError) -> Response:
    """Return an error as a response with its status."""
    status = status_of(error)
    extra = [_HEADERS[status]] if status in _HEADERS else []
    return Response(to_json(error.as_dict()), status, headers=extra)


def json_response(value: Any, status: int = 200) -> Response:
    """Return a value as a JSON response."""
    return Response(to_json(value), status)


def _mistake() -> HeadwaterError:
    return HeadwaterError(
        expected="a response",
        got="an internal error",
        at="server",
        help="Report it with the trace in the server's log.",
    )


def _broken_off() -> TooSlow:
    return TooSlow(expected="a whole body", got="a part of it", at="body", help="Send it again.")


__all__ = [
    "Endpoint",
    "Front",
    "Handler",
    "Receive",
    "Request",
    "Response",
    "Send",
    "error_response",
    "json_response",
]
