"""What a page watches: one stream of server-sent events; the first has the past in it, the others what is new."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from headwater.errors import HeadwaterError
from headwater.store.member import Model

from .endpoint import Call, Endpoint, Receive, Send, ok, problem
from .manage import about
from .watching import EVERY_S
from .wire import label_key, to_json
from .writer import Busy

if TYPE_CHECKING:
    from .endpoint import Answer
    from .hub import Hub

MOST_STREAMS = 100
_SLOW_S = 10.0  # a page that takes longer to take an event is let go; it comes back by itself


class Feed:
    """The stream at ``/events``, as an ASGI application.

    Parameters
    ----------
    hub : Hub
        The server's state.
    """

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Send an event a second until the page leaves, or is too slow."""
        call = Call(self.hub, scope, receive, dict(scope["headers"]))
        try:
            self.hub.access.check("read", "GET", call.headers, (scope.get("client") or ("",))[0])
            model = self.hub.model(call.query("model"))
            if self.hub.streams >= MOST_STREAMS:
                raise Busy(expected=f"at most {MOST_STREAMS} pages", got="more", at="/events", help="Close some.")
        except HeadwaterError as error:
            await Endpoint(self.hub, _raises(error), None)(scope, receive, send)
            return
        self.hub.streams += 1
        try:
            await self._stream(model, receive, send)
        finally:
            self.hub.streams -= 1

    async def _stream(self, model: Model, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.ensure_future(_left(receive))
        first = True
        try:
            while not gone.done() and not self.hub.ends():
                event = b"retry: 1000\nid: %d\ndata: %b\n\n" % (model.seq, to_json(frame(self.hub, model, past=first)))
                async with asyncio.timeout(_SLOW_S):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
                first = False
                await asyncio.wait([gone], timeout=EVERY_S)
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return
        finally:
            gone.cancel()


def frame(hub: Hub, model: Model, *, past: bool) -> dict[str, Any]:
    """Return what the page shows now, and with ``past`` what it would show had it watched from the start."""
    with model.turns.turn():
        recent = list(model.recent)
        history = model.champion.scores.history()
        experts = [f"{i + 1} · {expert['optimizer']}" for i, expert in enumerate(model.champion.learner.experts_)]
    watch = hub.watched(model)
    return {
        **about(model),
        "models": list(hub.service.models.by_name),
        "now": watch.now,
        "past": watch.curve.points if past else None,
        "history": history,
        "experts": experts,
        "importance": watch.importance(),
        "recent": [_row(*item) for item in recent[::-1]],
        "refused": list(hub.measures.refused)[::-1],
        "ready": hub.service.failure is None,
        "up_s": time.time() - hub.started,
    }


def _row(seq: int, event: Any, said: Any) -> dict[str, Any]:
    x = {str(name): value for name, value in list(event.x.items())[:8]}
    return {"seq": seq, "x": x, "y": label_key(event.y), "said": None if said is None else label_key(said)}


async def importance(call: Call) -> Answer:
    """Return how much each feature matters so far: by how much the loss rises when its values are exchanged (iPFI)."""
    return ok(call.hub.watched(call.hub.model(call.path["model"])).importance(most=100))


def _raises(error: HeadwaterError) -> Any:
    async def events(call: Call) -> Answer:
        return problem(error)

    return events


async def _left(receive: Receive) -> None:
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()


__all__ = ["Feed", "frame", "importance"]
