"""What a page watches: one stream of server-sent events, and slower looks into the learner when the page asks."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from headwater.errors import HeadwaterError
from headwater.explain.one import engine_of, explain_one
from headwater.nn.program import weights as weights_of
from headwater.store.member import Model

from .endpoint import Call, Endpoint, Receive, Send, ok, problem
from .manage import about
from .wire import label_key, to_json
from .writer import Busy

if TYPE_CHECKING:
    from .endpoint import Answer
    from .hub import Hub

EVERY_S = 1.0
MOST_STREAMS = 100
_SLOW_S = 10.0  # a page that takes longer to take an event is let go; it comes back by itself
_CELLS = 64


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
        rate = Rate(model)
        try:
            while not gone.done() and not self.hub.ends():
                event = b"retry: 1000\nid: %d\ndata: %b\n\n" % (model.seq, to_json(frame(self.hub, model, rate)))
                async with asyncio.timeout(_SLOW_S):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
                await asyncio.wait([gone], timeout=EVERY_S)
            await send({"type": "http.response.body", "body": b""})
        except TimeoutError:
            return
        finally:
            gone.cancel()


class Rate:
    """Events a second, between two looks."""

    def __init__(self, model: Model) -> None:
        self._model, self._n, self._at = model, model.champion.scores.sums.n, time.perf_counter()

    def now(self) -> float:
        """Return the rate since the last look."""
        n, at = self._model.champion.scores.sums.n, time.perf_counter()
        if at - self._at < EVERY_S / 2:  # too short to say
            return 0.0
        rate = max(n - self._n, 0) / (at - self._at)
        self._n, self._at = n, at
        return rate


def frame(hub: Hub, model: Model, rate: Rate) -> dict[str, Any]:
    """Return what the page shows now."""
    with model.turns.turn():
        recent = list(model.recent)
        history = model.champion.scores.history()
        experts = [
            {"name": f"{i + 1} · {expert['optimizer']}", "weight": expert["weight"]}
            for i, expert in enumerate(model.champion.learner.experts_)
        ]
    return {
        **about(model),
        "models": list(hub.service.models.by_name),
        "rate": rate.now(),
        "latency": {name: hub.measures.percentiles(name) for name in ("predict", "learn", "label")},
        "history": history,
        "experts": experts,
        "recent": [_row(*item) for item in recent[::-1]],
        "ready": hub.service.failure is None,
        "up_s": time.time() - hub.started,
    }


def _row(seq: int, event: Any, said: Any) -> dict[str, Any]:
    x = {str(name): value for name, value in list(event.x.items())[:8]}
    return {"seq": seq, "x": x, "y": label_key(event.y), "said": None if said is None else label_key(said)}


async def weights(call: Call) -> Answer:
    """Return the weights of each layer as small maps, for the page's heat maps, and what units answer to the last sample."""
    model = call.hub.model(call.path["model"])
    return ok(await asyncio.to_thread(_weights, model))


def _weights(model: Model) -> list[dict[str, Any]]:
    with model.turns.turn():
        learner = model.champion.learner
        if not learner.n_learned:
            return []
        program = engine_of(learner).program
        found = [(place, weights_of(program, place).astype(float)) for place in program.places]
    return [_map(place, w) for place, w in found if w.ndim == 2 and w.size]


def _map(place: Any, w: Any) -> dict[str, Any]:
    shown = _shrunk(_shrunk(w, 0), 1)
    return {
        "name": f"expert {place.expert + 1}, layer {place.layer + 1}",
        "shape": list(w.shape),
        "cells": [[float(f"{value:.4g}") for value in row] for row in shown.tolist()],
    }


def _shrunk(w: Any, axis: int) -> Any:
    """At most so many rows or columns, each the mean of its neighbours."""
    n = w.shape[axis]
    if n <= _CELLS:
        return w
    starts = np.linspace(0, n, _CELLS, endpoint=False).astype(int)
    counts = np.diff([*starts, n])
    return np.add.reduceat(w, starts, axis) / (counts[:, None] if axis == 0 else counts)


async def importance(call: Call) -> Answer:
    """Return how much each feature moved the last predictions, on average."""
    model = call.hub.model(call.path["model"])
    return ok(await asyncio.to_thread(_importance, model))


def _importance(model: Model) -> list[dict[str, Any]]:
    totals: dict[str, float] = {}
    samples = [event.x for _, event, _ in list(model.recent) if event.x]
    for x in samples:
        with model.turns.turn():
            if not model.champion.learner.n_learned:
                return []
            parts = explain_one(model.champion.learner, x).contributions
        for name, part in parts.items():
            totals[str(name)] = totals.get(str(name), 0.0) + abs(part)
    top = sorted(totals.items(), key=lambda item: -item[1])[:12]
    return [{"name": name, "share": value / len(samples)} for name, value in top]


def _raises(error: HeadwaterError) -> Any:
    async def events(call: Call) -> Answer:
        return problem(error)

    return events


async def _left(receive: Receive) -> None:
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()


__all__ = ["EVERY_S", "Feed", "frame", "importance", "weights"]
