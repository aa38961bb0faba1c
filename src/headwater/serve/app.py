"""The application: every address in one table, from which the routes, the access rules and ``/openapi.json`` are made."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from headwater.errors import StoreError

from . import feed, inside, learning, manage, measure, openapi, pages, play, protocols
from .endpoint import Answer, Call, Endpoint, Handler, ok
from .hub import Hub
from .watching import keep, watch
from .wire import Login, decoded, to_json


@dataclass(frozen=True, slots=True)
class Address:
    """One row of the table.

    Parameters
    ----------
    method, path, handler
        What is asked, where, and who answers.
    needs
        The scope of the token; None for what anyone may see.
    takes
        The struct of the body.
    many
        Whether a list, or lines (NDJSON), may come in its place.
    gives
        The type of the answer.
    status
        Its status when all is well.
    query
        Names in the query.
    """

    method: str
    path: str
    handler: Handler
    needs: str | None = "read"
    takes: str = ""
    many: bool = False
    gives: str = "application/json"
    status: int = 200
    query: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The operation's name: of its handler and, where two share it, of its address."""
        where = "_model" if self.path.startswith("/models/{model}/") else ""
        return f"{self.handler.__module__.rpartition('.')[2]}_{self.handler.__name__}{where}"


_TEXT, _BYTES = "text/plain", "application/octet-stream"
_VERSIONED = "/v2/models/{model}/versions/{version}"


async def login(call: Call) -> Answer:
    """Give a browser a cookie for a token."""
    wish = decoded(_login.decode, await call.body(), "body")
    answer = ok({"ok": True})
    answer.headers.append((b"set-cookie", call.hub.access.login(wish.token).encode()))
    return answer


async def described(call: Call) -> Answer:
    """Describe this API."""
    return Answer(_document)


ADDRESSES: tuple[Address, ...] = (
    Address("POST", "/predict", learning.predict, takes="Ask", many=True),
    Address("POST", "/learn", learning.learn, "learn", takes="Example", many=True),
    Address("POST", "/label", learning.label, "learn", takes="Late", many=True),
    Address("GET", "/models", manage.models),
    Address("POST", "/models", manage.create, "admin", takes="Create", status=201),
    Address("GET", "/models/{model}", manage.model),
    Address("POST", "/models/{model}/predict", learning.predict, takes="Ask", many=True),
    Address("POST", "/models/{model}/learn", learning.learn, "learn", takes="Example", many=True),
    Address("POST", "/models/{model}/label", learning.label, "learn", takes="Late", many=True),
    Address("POST", "/models/{model}/challengers", manage.challenge, "admin", takes="Create", status=201),
    Address("DELETE", "/models/{model}/challengers/{learner}", manage.drop, "admin"),
    Address("POST", "/models/{model}/challengers/{learner}/promote", manage.promote, "admin"),
    Address("POST", "/models/{model}/pause", manage.pause, "admin"),
    Address("POST", "/models/{model}/resume", manage.resume, "admin"),
    Address("POST", "/models/{model}/step", manage.step, "admin", takes="Step"),
    Address("GET", "/models/{model}/file", manage.download, gives=_BYTES, query=("seq",)),
    Address("GET", "/models/{model}/onnx", manage.onnx, gives=_BYTES),
    Address("GET", "/models/{model}/weights", inside.weights),
    Address("GET", "/models/{model}/activations", inside.activations),
    Address("GET", "/models/{model}/importance", feed.importance),
    Address("POST", "/play", play.begin, "learn", takes="Play", status=201),
    Address("DELETE", "/play/{play}", play.end, "learn"),
    Address("POST", "/play/{play}/change", play.change, "learn", takes="Play"),
    Address("POST", "/play/{play}/reset", play.reset, "learn"),
    Address("POST", "/play/{play}/run", play.run, "learn", takes="Rows"),
    Address("POST", "/play/{play}/step", play.step, "learn"),
    Address("POST", "/snapshot", manage.snapshot, "admin"),
    Address("GET", "/health/live", protocols.live, None),
    Address("GET", "/health/ready", protocols.ready, None),
    Address("GET", "/metrics", measure.metrics, gives=_TEXT),
    Address("GET", "/openapi.json", described, None),
    Address("POST", "/login", login, None, takes="Login"),
    Address("GET", "/v2", protocols.server, None),
    Address("GET", "/v2/health/live", protocols.live, None),
    Address("GET", "/v2/health/ready", protocols.ready, None),
    Address("GET", "/v2/models/{model}", protocols.model_about),
    Address("GET", "/v2/models/{model}/ready", protocols.model_ready),
    Address("POST", "/v2/models/{model}/infer", protocols.infer, takes="Tensors"),
    Address("POST", "/v2/models/{model}/learn", protocols.teach, "learn", takes="Tensors"),
    Address("GET", _VERSIONED, protocols.model_about),
    Address("GET", f"{_VERSIONED}/ready", protocols.model_ready),
    Address("POST", f"{_VERSIONED}/infer", protocols.infer, takes="Tensors"),
    Address("POST", "/invocations", protocols.invocations, takes="Invocation", query=("model",)),
    Address("GET", "/ping", protocols.ping, None),
    Address("GET", "/health", protocols.ping, None),
    Address("GET", "/version", protocols.mlflow_version, None, gives=_TEXT),
)

_login = msgspec.json.Decoder(Login)
_document = to_json(openapi.document(ADDRESSES))


def build(hub: Hub, *, static: Path | None = None) -> Front:
    """Return the ASGI application of a hub.

    Parameters
    ----------
    hub : Hub
        Its state.
    static : Path, optional
        Where the page's files are; the package's own without it.
    """
    by_path: dict[str, dict[str, Endpoint]] = {}
    for address in ADDRESSES:
        by_path.setdefault(address.path, {})[address.method] = Endpoint(hub, address.handler, address.needs)
    routes: list[BaseRoute] = [Route(path, _Methods(ends), methods=list(ends)) for path, ends in by_path.items()]
    routes.append(Route("/events", feed.Feed(hub), methods=["GET"]))
    routes += pages.routes(static)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        hub.writer.start(asyncio.get_running_loop())
        looking = asyncio.create_task(watch(hub))
        yield
        looking.cancel()
        await hub.writer.stop()
        await asyncio.to_thread(_close, hub)

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: _refused})
    hot = {(method, path): end for path, ends in by_path.items() for method, end in ends.items() if "{" not in path}
    return Front(app, hot)


def _close(hub: Hub) -> None:
    try:
        keep(hub)
    except StoreError as error:  # told, and no reason not to close: what was learned is in the journal
        logging.getLogger("headwater.serve").warning("what the page saw could not be kept", exc_info=error)
    hub.service.close()


class Front:
    """The application: fixed addresses go straight to their endpoints, which halves what a request costs; others are routed.

    Parameters
    ----------
    app : Starlette
        What routes.
    hot : dict
        Endpoint by method and path.
    """

    def __init__(self, app: Starlette, hot: Mapping[tuple[str, str], Endpoint]) -> None:
        self._app, self._hot = app, hot

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        end = self._hot.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        await (self._app if end is None else end)(scope, receive, send)


class _Methods:
    """The endpoints of one path, by method, as an ASGI application."""

    def __init__(self, ends: Mapping[str, Endpoint]) -> None:
        self._ends = {**ends, **({"HEAD": ends["GET"]} if "GET" in ends else {})}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._ends[scope["method"]](scope, receive, send)


async def _refused(request: Request, error: Exception) -> Response:
    """Say in the house's form what Starlette refuses: an unknown address, a wrong method."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    words = {404: "an address of /openapi.json", 405: f"a method of {headers.get('Allow', 'this address')}"}
    got = request.url.path[:200] if status == 404 else request.method
    body = {
        "error": f"expected {words.get(status, 'a request that can be')}, got {got}",
        "at": request.url.path[:200],
        "help": "See /openapi.json.",
        "code": {404: "missing", 405: "method"}.get(status, "error"),
    }
    return Response(to_json(body), status, headers, media_type="application/json")


__all__ = ["ADDRESSES", "Address", "Front", "build"]
