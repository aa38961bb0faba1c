"""Health checks for load balancers and other tools."""

from __future__ import annotations

from importlib.metadata import version

from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.schemas import to_json


async def server(request: Request) -> Response:
    """Return the server's name and version."""
    return json_response({"name": "headwater", "version": version("headwater"), "extensions": ["binary_tensor_data"]})


async def live(request: Request) -> Response:
    """Report that the process responds."""
    return json_response({"live": True})


async def ready(request: Request) -> Response:
    """Report whether examples can be acknowledged, and whether a followed broker is being learned from."""
    failure, following = request.state.service.failure, request.state.following
    if failure is not None:
        return Response(to_json({"ready": False, **failure.as_dict()}), 503)
    if request.state.ends():
        stopping = {"error": "stopping", "at": "", "help": "Ask another one.", "code": "stopping"}
        return Response(to_json({"ready": False, **stopping}), 503)
    if following is None:
        return json_response({"ready": True})
    about = {"source": {"name": following.name, "state": following.status.state}}
    problem = following.problem()
    if problem is not None:
        return Response(to_json({"ready": False, **problem.as_dict(), **about}), 503)
    return json_response({"ready": True, **about})


async def ping(request: Request) -> Response:
    """Answer MLflow's health check."""
    return Response(b"\n")


__all__ = ["live", "ping", "ready", "server"]
