"""Health checks for load balancers and other tools."""

from __future__ import annotations

from typing import Any

from headwater.errors._version import own_version
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.schemas import to_json
from headwater.serve.monitoring.readiness import problem


async def server(request: Request) -> Response:
    """Return the server's name and version."""
    return json_response({"name": "headwater", "version": own_version(), "extensions": ["binary_tensor_data"]})


async def live(request: Request) -> Response:
    """Report that the process responds."""
    return json_response({"live": True})


async def ready(request: Request) -> Response:
    """Report whether examples can be acknowledged, and whether a followed broker is being learned from."""
    found, following = problem(request.state), request.state.following
    about: dict[str, Any] = {}
    if following is not None:
        about = {"source": {"name": following.name, "state": following.status.state}}
    if found is not None:
        return Response(to_json({"ready": False, **found.as_dict(), **about}), 503)
    return json_response({"ready": True, **about})


async def ping(request: Request) -> Response:
    """Answer MLflow's health check."""
    return Response(b"\n")


__all__ = ["live", "ping", "ready", "server"]
