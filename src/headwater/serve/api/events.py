"""Server-sent events for the page, the first with the whole history and later ones with updates."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from functools import partial
from typing import Any

from headwater.kinds.fleet.base import AnyFleet
from headwater.kinds.fleet.looks.scores import key_scores
from headwater.learner.kind import check_can, kind_of
from headwater.learner.schema import Views
from headwater.route.verdict.cells import cell_of, readable
from headwater.serve.api.looks.explaining import parts_as_json
from headwater.serve.api.looks.looking import looked
from headwater.serve.api.models import summary
from headwater.serve.background.history import EVERY_S, experts_of
from headwater.serve.endpoint import Receive, Request, Response, Send, json_response
from headwater.serve.http.access.client import client_key
from headwater.serve.http.errors import Busy
from headwater.serve.http.schemas import label_key, to_json
from headwater.serve.state import ServerState
from headwater.store.service.model import Model, labels_of

MOST_STREAMS, MOST_STREAMS_PER_CLIENT = 100, 20
_HEADERS = [(b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
_CLASSES = 6  # classes named on the page
_MOST = 100  # features whose importance is sent
_PARTS = 4  # columns shown per alarm
_SLOW_S = 10.0  # a page slower than this is disconnected, and reconnects by itself


async def watch(request: Request) -> Response:
    """Send an event per second until the page disconnects or is too slow."""
    state, client = request.state, client_key(request.client)
    model = state.model(request.query("model"))
    for most, open_, whose in (
        (MOST_STREAMS, state.streams.total(), "pages"),
        (MOST_STREAMS_PER_CLIENT, state.streams[client], "pages of one client"),
    ):
        if open_ >= most:
            raise Busy(expected=f"at most {most} {whose}", got="more", at="/events", help="Close some.")
    stream = partial(_counted, state, model, client)
    return Response(b"", kind=b"text/event-stream", headers=_HEADERS, stream=stream, fixed=[])


async def _counted(state: ServerState, model: Model, client: str, receive: Receive, send: Send) -> None:
    state.streams[client] += 1
    try:
        await _stream(state, model, receive, send)
    finally:
        state.streams[client] -= 1
        state.streams += Counter()  # which drops the zeros


async def _stream(state: ServerState, model: Model, receive: Receive, send: Send) -> None:
    gone = asyncio.ensure_future(_left(receive))
    first = True
    try:
        while not gone.done() and not state.ends():
            shown = partial(_event, state, model, past=first)
            event = await state.published.once((model.id, "frame", first), partial(state.lookers.run, shown))
            async with asyncio.timeout(_SLOW_S):
                await send({"type": "http.response.body", "body": event, "more_body": True})
            first = False
            await asyncio.wait([gone], timeout=EVERY_S)
        await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        return
    finally:
        gone.cancel()


def _event(state: ServerState, model: Model, *, past: bool) -> bytes:
    return b"retry: 1000\nid: %d\ndata: %b\n\n" % (model.seq, to_json(frame(state, model, past=past)))


def frame(state: ServerState, model: Model, *, past: bool) -> dict[str, Any]:
    """Return the current view of the page, with ``past`` including the full history."""
    with model.lock:
        recent = list(model.recent)
        labels = labels_of(model.champion.learner, [event for _, event, _ in recent])
        history = model.champion.scores.history()
        experts = [f"{i + 1} · {expert['optimizer']}" for i, expert in enumerate(experts_of(model.champion.learner))]
        classes = model.champion.learner.known_classes
        alarms = list(model.alarms)
        covered, about = coverage_of(model.champion.learner), _about(model)
        views = kind_of(model.champion.learner).views
        keys = _keys(model.champion.learner)
    recorded = state.histories.of(model)
    return {
        **summary(model),
        "about": about,
        "views": views.as_dict(),
        "keys": keys,
        "models": list(state.service.models.by_name),
        "demo": state.demo and model.name == state.default,
        "elsewhere": _elsewhere(state) if state.learns_elsewhere(model) else None,
        "classes": [label_key(label) for label in classes[:_CLASSES]],
        "n_classes": len(classes),
        "given_out": state.measures.given_out[model.id],
        "now": recorded.now,
        "past": recorded.curve.points if past else None,
        "history": history,
        "experts": experts,
        "coverage": covered,
        "importance": recorded.importance(),
        "series": recorded.series,
        "happened": recorded.happened,
        "recent": [_row(views, *item) for item in zip(recent[::-1], labels[::-1], strict=True)],
        "alarms": [_alarm(views, *item) for item in alarms[::-1]],
        "refused": list(state.measures.refused)[::-1],
        "oldest": oldest_of(state, model),
        "guard": _guard(state, model),
        "ready": state.service.failure is None,
        "up_s": time.time() - state.started,
    }


def _guard(state: ServerState, model: Model) -> dict[str, Any] | None:
    """Return what the guard last said of a model, or None while nothing is wrong."""
    watched = None if state.guard is None else state.guard.by_model.get(model.id)
    return None if watched is None else watched.last


def oldest_of(state: ServerState, model: Model) -> dict[str, Any] | None:
    """Return how old the oldest sample within the champion can be, or None where nothing expires."""
    expiry = state.service.expiry
    if expiry.retention is None:
        return None
    with state.service.reading_lock():
        age = expiry.age(model.champion)
    return {"max_age": str(expiry.retention), "age_s": max(time.time() - age.since / 1000, 0.0), "rows": age.rows}


def _about(model: Model) -> dict[str, Any]:
    """Return the noun of a model's kind, the names along its curve, and a label as an example."""
    kind, score = kind_of(model.champion.learner), model.champion.scores
    names = kind.views.curve or tuple(score.scores())
    label = [one.example() for one in kind.answer.fields]
    named = {one.name: value for one, value in zip(kind.answer.fields, label, strict=True)}
    return {
        "noun": kind.noun,
        "one": kind.one,
        "score": next(iter(score.names), ""),
        "curve": names,
        "example": to_json(label[0] if len(label) == 1 else named).decode() if kind.answer.needed else None,
    }


def _keys(learner: Any) -> dict[str, Any] | None:
    """Return the keys of a fleet with the worst and the best scores, or None for another learner."""
    if not isinstance(learner, AnyFleet):
        return None
    found = key_scores(learner)
    for row in (*found["worst"], *found["best"]):
        row["key"] = str(row["key"])
    return {"name": str(learner.key), **found}


def coverage_of(learner: Any) -> dict[str, float] | None:
    """Return the empirical coverage of 90 % sets or intervals, or None without data."""
    if "coverage" not in kind_of(learner).can:
        return None
    covered: dict[str, float] = learner.coverage_.get(0.9, {})
    return covered if covered.get("rows") else None


def _elsewhere(state: ServerState) -> dict[str, Any] | None:
    """Return the age of the state published by a cluster run, and whether it is too old to predict."""
    if state.replicas is None:
        return None
    age = state.replicas.newest_age
    return {"age": age, "too_old": age > state.replicas.oldest}


def _row(views: Views, item: tuple[int, Any, Any], label: Any) -> dict[str, Any]:
    """Return one of the latest rows in the columns of its kind, each value as a reader sees it."""
    seq, event, y_pred = item
    cells = [cell_of(column, y_pred, label) for column in views.latest]
    right = y_pred == label if views.marked and y_pred is not None else None
    return {"seq": seq, "x": readable(event.x), "cells": cells, "right": right}


def _alarm(views: Views, seq: int, event: Any, score: float, parts: Any) -> dict[str, Any]:
    largest = list(parts_as_json(parts).items())[:_PARTS]
    return {
        **_row(views, (seq, event, score), event.y),
        "score": score,
        "parts": [{"name": name, "part": part} for name, part in largest],
    }


async def importance(request: Request) -> Response:
    """Return the importance of each feature so far.

    It is the rise of the loss when its values are permuted (iPFI), or, of kinds without such a loss, how far the outputs move.
    """
    model = request.model()
    check_can(model.champion.learner, "importance", at=model.name)
    if "losses" in kind_of(model.champion.learner).can:
        return json_response(request.state.histories.of(model).importance(most=_MOST))
    return Response((await looked(request.state, model, "importance", most=_MOST)).data)


async def _left(receive: Receive) -> None:
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()


__all__ = ["frame", "importance", "watch"]
