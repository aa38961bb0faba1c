"""Health checks for load balancers and other tools."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from headwater.errors._version import own_version
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.schemas import to_json
from headwater.serve.monitoring.readiness import problem


class Server(TypedDict):
    """The server's name, version and extensions of the protocol."""

    name: str
    version: str
    extensions: list[str]


class Live(TypedDict):
    """That the process responds."""

    live: bool


class SourceState(TypedDict):
    """A followed source and its state."""

    name: str
    state: str


class Ready(TypedDict):
    """Whether examples can be acknowledged, and the states of what is followed."""

    ready: bool
    source: NotRequired[SourceState]
    sources: NotRequired[list[SourceState]]


async def server(request: Request) -> Response:
    """Return the server's name and version."""
    return json_response({"name": "headwater", "version": own_version(), "extensions": ["binary_tensor_data"]})


async def live(request: Request) -> Response:
    """Report that the process responds."""
    return json_response({"live": True})


async def ready(request: Request) -> Response:
    """Report whether examples can be acknowledged, and whether followed brokers are being learned from."""
    found, followings = problem(request.state), request.state.followings
    about: Ready = {"ready": found is None}
    sources: list[SourceState] = [{"name": one.name, "state": one.status.state} for one in followings]
    if len(sources) == 1:
        about["source"] = sources[0]
    elif sources:
        about["sources"] = sources
    return json_response(about) if found is None else Response(to_json({**found.as_dict(), **about}), 503)


async def ping(request: Request) -> Response:
    """Answer MLflow's health check."""
    return Response(b"\n")


__all__ = ["live", "ping", "ready", "server"]
