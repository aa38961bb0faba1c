"""The ASGI application, generated with access rules and ``/openapi.json`` from one table of addresses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request as StarletteRequest
from starlette.responses import Response as StarletteResponse
from starlette.routing import BaseRoute, Route

from headwater.errors import StoreError
from headwater.learner.kind import known_kinds
from headwater.serve import openapi
from headwater.serve.api import asking, events, keys, labels, learning, models, page
from headwater.serve.api.looks import looking
from headwater.serve.api.looks.heatmaps import HeatMap
from headwater.serve.api.maintenance import backups, forgetting, sources
from headwater.serve.api.short.routes import short_addresses
from headwater.serve.background.following import SourceSummary
from headwater.serve.background.history import ColumnImportance
from headwater.serve.endpoint import Endpoint, Front, Request, Response
from headwater.serve.http.address import Address
from headwater.serve.http.costs import AT_HAND, CHANGE, COPY, FORM, LESSON, PUBLISHED, ROWS, SAMPLE
from headwater.serve.http.schemas import Login, decoded, to_json
from headwater.serve.monitoring import metrics
from headwater.serve.protocols import health, inference, label_studio, mlflow
from headwater.serve.state import DRAIN_S, ServerState

_TEXT, _BYTES = "text/plain", "application/octet-stream"
_SCORED, _COLUMNS = ("keep", "coverage"), ("y", "w", "id")
"""What the query says of an Arrow stream."""
_STUDIO = "/models/{model}/label-studio"
_VERSIONED = "/v2/models/{model}/versions/{version}"


async def login(request: Request) -> Response:
    """Exchange a token for a browser cookie."""
    options = decoded(_login.decode, await request.body(), "body")
    access, client = request.state.access, request.client
    cookie = access.login(options.token, request.headers, client, secure=request.by_https)
    return Response(to_json({"ok": True}), headers=[(b"set-cookie", cookie.encode())])


async def logout(request: Request) -> Response:
    """End a browser's session."""
    cookie = request.state.access.logout(request.headers, request.client, secure=request.by_https)
    return Response(to_json({"ok": True}), headers=[(b"set-cookie", cookie.encode())])


async def described(request: Request) -> Response:
    """Describe this API."""
    return Response(await request.state.lookers.run(_document))


_MODEL = (models.ModelSummary,)
_MAPS = (list[HeatMap],)
_OF_A_MODEL: tuple[Address, ...] = (
    Address("POST", "/ask", asking.ask, LESSON, takes="Ask"),
    Address("POST", "/teach", asking.teach, LESSON, "learn", takes="Teach"),
    Address("POST", "/predict", learning.predict, ROWS, "label", takes="PredictRequest", many=True, query=_SCORED),
    Address("POST", "/learn", learning.learn, ROWS, "learn", takes="Example", many=True, query=_COLUMNS),
    Address("POST", "/label", learning.label, ROWS, "learn", takes="DelayedLabel", many=True),
    Address("POST", "/should_label", labels.should_label, ROWS, "learn", takes="Consider"),
    Address("POST", "/labels/next", labels.next_label, AT_HAND, "learn"),
    Address("POST", "/labels/release", labels.release_label, FORM, "learn", takes="Release"),
    Address("GET", "/score", keys.score, PUBLISHED, query=("key",), says=(keys.ModelScore, keys.KeyScore)),
    Address("POST", "/score", keys.score_rows, ROWS, takes="PredictRequest", many=True),
    Address("POST", "/explain", looking.explain, SAMPLE, takes="ExplainRequest"),
)
"""What is asked of the default model at these paths, and of any other behind ``/models/{model}``."""

_OWN: tuple[Address, ...] = (
    Address("GET", "/models", models.models, PUBLISHED, says=(list[models.ModelSummary],)),
    Address("POST", "/models", models.create, CHANGE, "admin", takes="NewModel", status=201, says=_MODEL),
    Address("GET", "/models/{model}", looking.model, PUBLISHED, says=(looking.ModelDescription,)),
    Address(
        "GET", "/models/{model}/challengers", models.challengers, PUBLISHED, says=(list[models.ChallengerSummary],)
    ),
    Address(
        "POST",
        "/models/{model}/challengers",
        models.challenge,
        CHANGE,
        "admin",
        takes="NewChallenger",
        status=201,
        says=_MODEL,
    ),
    Address("DELETE", "/models/{model}/challengers/{learner}", models.drop, CHANGE, "admin", says=_MODEL),
    Address("POST", "/models/{model}/challengers/{learner}/promote", models.promote, CHANGE, "admin", says=_MODEL),
    Address("POST", "/models/{model}/pause", models.pause, CHANGE, "admin"),
    Address("POST", "/models/{model}/resume", models.resume, CHANGE, "admin"),
    Address("POST", "/models/{model}/step", models.step, FORM, "admin", takes="StepSize"),
    Address("DELETE", "/models/{model}/rows", forgetting.forget, CHANGE, "admin", takes="Forget"),
    Address("GET", "/forgotten", forgetting.forgotten, PUBLISHED, "admin", says=(forgetting.Ledger,)),
    Address("GET", "/models/{model}/file", looking.download, PUBLISHED, gives=_BYTES, query=("seq",)),
    Address("GET", "/models/{model}/onnx", looking.onnx, PUBLISHED, gives=_BYTES),
    Address("GET", "/models/{model}/weights", looking.weights, PUBLISHED, says=_MAPS),
    Address("GET", "/models/{model}/activations", looking.activations, PUBLISHED, says=_MAPS),
    Address("GET", "/models/{model}/importance", events.importance, PUBLISHED, says=(list[ColumnImportance],)),
    Address("GET", "/sources", sources.sources, PUBLISHED, says=(list[SourceSummary],)),
    Address("POST", "/sources/pause", sources.pause, CHANGE, "admin", takes="SourceName"),
    Address("POST", "/sources/resume", sources.resume, CHANGE, "admin", takes="SourceName"),
    Address("POST", "/snapshot", models.snapshot, CHANGE, "admin"),
    Address("GET", "/backup", backups.backup, COPY, "admin", gives=_BYTES),
    Address("GET", "/health/live", health.live, AT_HAND, None, says=(health.Live,)),
    Address("GET", "/health/ready", health.ready, AT_HAND, None, says=(health.Ready,)),
    Address("GET", "/metrics", metrics.metrics, PUBLISHED, gives=_TEXT),
    Address("GET", "/openapi.json", described, AT_HAND, None, says=(openapi.Document,)),
    Address("POST", "/login", login, FORM, None, takes="Login"),
    Address("POST", "/logout", logout, AT_HAND, None),
    Address("GET", "/v2", health.server, AT_HAND, None, says=(health.Server,)),
    Address("GET", "/v2/health/live", health.live, AT_HAND, None, says=(health.Live,)),
    Address("GET", "/v2/health/ready", health.ready, AT_HAND, None, says=(health.Ready,)),
    Address("GET", "/v2/models/{model}", inference.model_about, PUBLISHED),
    Address("GET", "/v2/models/{model}/ready", inference.model_ready, PUBLISHED),
    Address("POST", "/v2/models/{model}/infer", inference.infer, ROWS, takes="Tensors"),
    Address("POST", "/v2/models/{model}/learn", inference.teach, ROWS, "learn", takes="Tensors"),
    Address("GET", _VERSIONED, inference.model_about, PUBLISHED),
    Address("GET", f"{_VERSIONED}/ready", inference.model_ready, PUBLISHED),
    Address("POST", f"{_VERSIONED}/infer", inference.infer, ROWS, takes="Tensors"),
    Address("POST", "/invocations", mlflow.invocations, ROWS, takes="Invocation", query=("model",)),
    Address("GET", _STUDIO, label_studio.health, AT_HAND),
    Address("GET", f"{_STUDIO}/health", label_studio.health, AT_HAND),
    Address("POST", f"{_STUDIO}/setup", label_studio.setup, FORM, takes="StudioSetup"),
    Address("POST", f"{_STUDIO}/predict", label_studio.predict, ROWS, takes="StudioTasks"),
    Address("POST", f"{_STUDIO}/webhook", label_studio.webhook, ROWS, "learn", takes="StudioEvent", status=201),
    Address("GET", "/ping", health.ping, AT_HAND, None),
    Address("GET", "/health", health.ping, AT_HAND, None),
    Address("GET", "/version", mlflow.mlflow_version, AT_HAND, None, gives=_TEXT),
)


def addresses() -> tuple[Address, ...]:
    """Return all addresses, with those that kinds bring, another author's in this process among them."""
    of_a_model = (*_OF_A_MODEL, *short_addresses(known_kinds()))
    return (*of_a_model, *(replace(one, path=f"/models/{{model}}{one.path}") for one in of_a_model), *_OWN)


ADDRESSES: tuple[Address, ...] = addresses()
"""The addresses of this package and of the kinds that are known when it is imported."""

EVENTS = Address("GET", "/events", events.watch, PUBLISHED, query=("model",), gives="text/event-stream")
"""The event stream of the pages, which is endless and so not listed in ``/openapi.json``."""

_login = msgspec.json.Decoder(Login)


@cache
def _document() -> bytes:
    """Return the document of this API, for which every kind's learner is imported."""
    return to_json(openapi.document(addresses()))


def build(state: ServerState, *, static: Path | None = None) -> Front:
    """Return the ASGI application of a server state.

    Parameters
    ----------
    state : ServerState
        The server's state.
    static : Path, optional
        Folder of the page's files, by default the package's own.
    """
    by_path: dict[str, dict[str, Endpoint]] = {}
    for address in (*addresses(), EVENTS, *page.addresses(static)):
        end = Endpoint(state, address.handler, address.cost, address.scope)
        by_path.setdefault(address.path, {})[address.method] = end
    routes: list[BaseRoute] = [Route(path, _Methods(ends), methods=list(ends)) for path, ends in by_path.items()]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        state.writer.start(asyncio.get_running_loop())
        for following in state.followings:
            following.start()
        running = [asyncio.create_task(task) for task in (state.histories.run(), state.connections.run())]
        if state.guard is not None:
            running.append(asyncio.create_task(state.guard.run()))
        if state.grpc is not None:
            await state.grpc.start(state)
        yield
        if state.grpc is not None:
            await state.grpc.stop(DRAIN_S)
        for task in running:
            task.cancel()
        await asyncio.to_thread(state.stop_following)
        await state.writer.stop()
        await asyncio.to_thread(_close, state)

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _refused})
    app.router.redirect_slashes = False  # a redirect would use the client's unchecked Host header
    hot = {(method, path): end for path, ends in by_path.items() for method, end in ends.items() if "{" not in path}
    return Front(app, hot)


def _close(state: ServerState) -> None:
    try:
        state.histories.save()
    except StoreError as error:  # logged only, because everything learned is in the journal
        logging.getLogger("headwater.serve").warning("the page's history could not be saved", exc_info=error)
    state.service.close()


class _Methods:
    """ASGI application with the endpoints of one path by method."""

    def __init__(self, ends: Mapping[str, Endpoint]) -> None:
        self._ends = {**ends, **({"HEAD": ends["GET"]} if "GET" in ends else {})}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._ends[scope["method"]](scope, receive, send)


async def _refused(request: StarletteRequest, error: Exception) -> StarletteResponse:
    """Return Starlette's errors (unknown address, wrong method) in the API's error format."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    words = {404: "an address of /openapi.json", 405: f"a method of {headers.get('Allow', 'this address')}"}
    got = request.url.path[:200] if status == 404 else request.method
    body = {
        "error": f"expected {words.get(status, 'a request that can be')}, got {got}",
        "at": request.url.path[:200],
        "help": "See /openapi.json.",
        "code": {404: "not_found", 405: "method"}.get(status, "error"),
    }
    return StarletteResponse(to_json(body), status, headers, media_type="application/json")


__all__ = ["ADDRESSES", "Address", "addresses", "build"]
