"""Whether the server is there and ready, in the words of the balancers and tools that ask."""

from __future__ import annotations

from importlib.metadata import version

from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.schemas import to_json


async def server(request: Request) -> Response:
    """Say what the server is."""
    return json_response({"name": "headwater", "version": version("headwater"), "extensions": ["binary_tensor_data"]})


async def live(request: Request) -> Response:
    """Say that the process answers."""
    return json_response({"live": True})


async def ready(request: Request) -> Response:
    """Say whether examples can be acknowledged, and whether the model learns from the broker that it follows."""
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
    """Answer MLflow's question whether anyone is here."""
    return Response(b"\n")


__all__ = ["live", "ping", "ready", "server"]
