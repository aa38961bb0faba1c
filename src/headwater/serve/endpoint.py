"""Endpoints, which check limits and access, call the handler, and turn errors into JSON responses.

What a request takes is charged to its budget before the work is done.
"""

from __future__ import annotations

import asyncio
import logging
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from headwater.encode.frames import Columns
from headwater.errors import DataError, HeadwaterError
from headwater.serve.http.access.client import client_key
from headwater.serve.http.costs import Cost
from headwater.serve.http.errors import Busy, LearnsElsewhere, Paused, TooLarge, TooSlow, status_of
from headwater.serve.http.limits import too_many
from headwater.serve.http.schemas import LARGE, count_cells, to_json
from headwater.serve.monitoring.logs import request_id, trace_id
from headwater.serve.monitoring.measures import BUCKETS
from headwater.serve.state import ServerState
from headwater.store.service.limits import OverLimit
from headwater.store.service.model import Model
from headwater.store.service.price import Price

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_log = logging.getLogger("headwater.serve")
_HEADERS = {401: (b"www-authenticate", b"Bearer"), 429: (b"retry-after", b"1"), 503: (b"retry-after", b"5")}
_FIELDS = 100
_FIXED = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_PART = 256 << 10
"""Bytes of a response written at once. Further parts wait until these are sent."""
HANDLED_AT_ONCE = 200
"""Maximum rows handled on the event loop. More go to a thread."""
_BODY_S = 3e-8  # processor time per byte of JSON, a quarter of a second for 8 MB


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


class Size(NamedTuple):
    """Size of samples as rows, total values, and values of the widest row."""

    rows: int
    cells: int
    widest: int


def size_of(X: Iterable[Mapping[Any, Any]]) -> Size:
    """Return the size of samples."""
    if isinstance(X, Columns):
        return Size(len(X), len(X) * len(X.columns), len(X.columns) if len(X) else 0)
    rows = cells = widest = 0
    for x in X:
        count = len(x)
        if list in map(type, x.values()):
            count = count_cells(x)
        rows += 1
        cells += count
        widest = count if count > widest else widest
    return Size(rows, cells, widest)


@dataclass(slots=True)
class Budget:
    """What one request has taken, within its cost and the server's limits.

    Parameters
    ----------
    state : ServerState
        The server, whose requests share memory and processor.
    cost : Cost
        Cost of the address, itself within the server's limits.
    received : int
        Bytes of the body.
    rows, cells : int
        Rows and their values.
    work_s : float
        Estimated processor time.
    """

    state: ServerState
    cost: Cost
    received: int = 0
    rows: int = 0
    cells: int = 0
    work_s: float = 0.0

    def is_at_hand(self, rows: int) -> bool:
        """Return whether rows are few, and their body small, so that the event loop handles them itself."""
        return rows <= HANDLED_AT_ONCE and self.received <= LARGE

    def charge_body(self, size: int) -> None:
        """Charge bytes of the body, where those beyond ``LARGE`` share the limit ``bytes_at_work``.

        Raises
        ------
        TooLarge, Busy
            If this body, or all bodies in progress together, are too large.
        """
        state = self.state
        self.received += size
        state.bytes_at_work += size
        if self.received > self.cost.body:
            raise _too_large(self.cost.body)
        if self.received > LARGE:
            self.charge_work(size * _BODY_S)
            if state.bytes_at_work > state.limits.bytes_at_work:
                raise Busy(
                    expected=f"at most {state.limits.bytes_at_work} bytes of large bodies at work (limit bytes_at_work)",
                    got="more",
                    at="body",
                    help="Try again a little later.",
                )

    def charge_rows(self, rows: int, cells: int, *, at: str = "body") -> None:
        """Charge rows and their values.

        Raises
        ------
        DataError
            Beyond a limit, with its name.
        """
        limits = self.state.limits
        self.rows += rows
        self.cells += cells
        if self.rows > limits.rows or self.cells > limits.cells or self.cells > self.cost.cells:
            raise self._too_many(at)

    def _too_many(self, at: str) -> DataError:
        limits = self.state.limits
        if self.rows > limits.rows or self.cells > limits.cells:
            return too_many("rows" if self.rows > limits.rows else "cells", limits, at)
        return OverLimit(
            expected=f"at most {self.cost.cells:,} values in a request to this address",
            got=f"{self.cells:,}",
            at=at,
            help="Send fewer columns.",
        )

    def charge_samples(self, size: Size, price: Price, *, learning: bool, answers: int = 1) -> float:
        """Charge samples to predict or to learn, and return the estimated seconds that they take.

        Parameters
        ----------
        size : Size
            Size of the samples.
        price : Price
            Cost of rows for the model.
        learning : bool
            Whether they are learned.
        answers : int
            Numbers returned per sample, such as class probabilities.

        Raises
        ------
        DataError
            Beyond a limit, with its name.
        """
        state, limits, most = self.state, self.state.limits, self.state.service.limits.row_entries
        self.rows += size.rows
        self.cells += max(size.cells, size.rows * answers)
        if self.rows > limits.rows or self.cells > limits.cells or self.cells > self.cost.cells:
            raise self._too_many("body")
        if size.widest > most:
            got = f"{size.widest:,}"
            raise OverLimit(
                expected=f"at most {most:,} entries a row", got=got, at="body", help="The limit row_entries can be set."
            )
        row_s, cell_s = price.learned if learning else price.read
        work_s, lock_s = size.rows * row_s + size.cells * cell_s, size.widest * cell_s  # rows begin between two holds
        if self.work_s + work_s > limits.work_s or state.work_s + work_s > limits.work_waiting_s:
            raise self._too_long(work_s, "body")
        self.work_s += work_s
        state.work_s += work_s
        if lock_s > self.cost.lock_s:
            self.charge_lock(lock_s, at="body")
        return work_s

    def charge_work(self, seconds: float, *, at: str = "request") -> None:
        """Charge estimated processor time.

        Raises
        ------
        OverLimit
            If this request takes too much.
        Busy
            If all requests in progress together take too much.
        """
        state, limits = self.state, self.state.limits
        if self.work_s + seconds > limits.work_s or state.work_s + seconds > limits.work_waiting_s:
            raise self._too_long(seconds, at)
        self.work_s += seconds
        state.work_s += seconds

    def _too_long(self, seconds: float, at: str) -> HeadwaterError:
        limits = self.state.limits
        if self.work_s + seconds > limits.work_s:
            return OverLimit(
                expected=f"a request of at most {limits.work_s:g} s of processor time (limit work_s)",
                got=f"one of about {self.work_s + seconds:.3g} s",
                at=at,
                help="Send it in parts. Nothing was learned.",
            )
        return Busy(
            expected=f"at most {limits.work_waiting_s:g} s of processor time at work (limit work_waiting_s)",
            got="more",
            at=at,
            help="Try again a little later.",
        )

    def charge_lock(self, seconds: float, *, at: str = "request") -> None:
        """Charge the longest estimated time of holding a model's lock at once.

        Raises
        ------
        OverLimit
            If the time is too long.
        """
        most = self.cost.lock_s
        if seconds > most:
            raise OverLimit(
                expected=f"a row that holds the model for at most {most:g} s (limit lock_s)",
                got=f"one that would hold it for about {seconds:.2g} s",
                at=at,
                help="Send fewer columns, or use a smaller model.",
            )


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
            raise _too_large(self.budget.cost.body)
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
        self._count(response.status, time.perf_counter() - started)

    def _count(self, status: int, seconds: float) -> None:
        measures = self.state.measures
        measures.requests[self.name, status] += 1
        timed = measures.timed[self.name]
        timed.counts[bisect_left(BUCKETS, seconds)] += 1
        timed.total += seconds
        timed.recent.append(seconds)

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


def _too_large(limit: int) -> TooLarge:
    """Return the error for a body that is too large."""
    return TooLarge(expected=f"a body of at most {limit:,} bytes", got="more", at="body", help="Send it in parts.")


def _broken_off() -> TooSlow:
    return TooSlow(expected="a whole body", got="a part of it", at="body", help="Send it again.")


__all__ = [
    "HANDLED_AT_ONCE",
    "Budget",
    "Endpoint",
    "Front",
    "Handler",
    "Receive",
    "Request",
    "Response",
    "Send",
    "Size",
    "error_response",
    "json_response",
    "size_of",
]
