"""Followed sources over HTTP: list, pause and resume."""

from __future__ import annotations

from functools import partial

import msgspec

from headwater.errors import did_you_mean
from headwater.serve.background.following import Following
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.errors import NotFound
from headwater.serve.http.schemas import SourceName, decoded, to_json
from headwater.serve.state import ServerState

__all__ = ["pause", "resume", "sources"]

_named = msgspec.json.Decoder(SourceName)


async def sources(request: Request) -> Response:
    """List the followed sources with their positions, lag and counters."""
    state = request.state
    return Response(await state.published.once("sources", lambda: state.lookers.run(partial(_listed, state))))


async def pause(request: Request) -> Response:
    """Stop reading a source after its current commit. Other sources and clients go on."""
    return await _paused(request, True)


async def resume(request: Request) -> Response:
    """Read a paused source on from its position."""
    return await _paused(request, False)


def _listed(state: ServerState) -> bytes:
    return to_json([following.about() for following in state.followings])


async def _paused(request: Request, paused: bool) -> Response:
    following = _find(request.state, decoded(_named.decode, await request.body(), "body").source)
    await request.state.changers.run(partial(following.pause, paused))
    return json_response({"source": following.name, "model": following.model, "paused": paused})


def _find(state: ServerState, name: str) -> Following:
    """Return a followed source by its name.

    Raises
    ------
    NotFound
        If no such source is followed.
    """
    names = [following.name for following in state.followings]
    if name not in names:
        help_ = did_you_mean(name, names) if names else "Start the server with --source ADDRESS."
        raise NotFound(expected="a source that this server follows", got=name[:200], at="source", help=help_)
    return state.followings[names.index(name)]
