"""The heart of the API: predict, learn, and answers that come later; one, many, or lines of them."""

from __future__ import annotations

import asyncio
from typing import Any

from headwater.errors import DataError
from headwater.store.event import Asked
from headwater.store.requests import Keep, Label, Learn

from .endpoint import Answer, Call, ok, problem
from .wire import Ask, Body, Example, Late, answer, event, said_as_json, to_lines

_ASK, _EXAMPLE, _LATE = Body(Ask), Body(Example), Body(Late)
_LINES = b"application/x-ndjson"
_AT_ONCE = 32  # samples that are predicted on the event loop; more go to a thread


async def predict(call: Call) -> Answer:
    """Predict samples; those with ``keep`` get an id, on disk before the answer, for their answers."""
    rows, shape = await _read(call, _ASK)
    model = call.hub.model(call.path.get("model", ""))
    X = [row.x for row in rows]
    kept = [i for i, row in enumerate(rows) if row.keep]
    if len(X) > _AT_ONCE:
        given, seq = await asyncio.to_thread(model.predict, X, shadows=bool(kept))
    else:
        given, seq = model.predict(X, shadows=bool(kept))
    name = model.champion.name
    out = [{**said_as_json(*said.get(name, next(iter(said.values())))), "seq": seq} for said in given]
    if kept:
        request = Keep(model.id, [Asked(X[i], given[i], seq) for i in kept])
        await call.hub.writer.run([request], len(kept))
        for i, named in zip(kept, request.answers, strict=True):
            out[i]["id"] = named["id"]
    return _written(out, shape)


async def learn(call: Call) -> Answer:
    """Learn examples, all of a request or none; the answer is sent when they are on disk and learned."""
    rows, shape = await _read(call, _EXAMPLE)
    model = call.hub.learning(call.path.get("model", ""))
    request = Learn(model.id, [event(model.task, row) for row in rows])
    if rows:
        outcome = (await call.hub.writer.run([request], len(rows)))[0]
        if outcome is not None:
            raise outcome
    return _written([_plain(one) for one in request.answers], shape)


async def label(call: Call) -> Answer:
    """Learn answers to earlier predictions; in a list or in lines each has its own outcome."""
    rows, shape = await _read(call, _LATE)
    model = call.hub.learning(call.path.get("model", ""))
    requests = [Label(model.id, row.id, answer(model.task, row.y), row.w) for row in rows]
    outcomes = await call.hub.writer.run([*requests], len(rows)) if requests else []
    if shape == "one" and outcomes[0] is not None:
        raise outcomes[0]
    out: list[dict[str, Any]] = []
    for request, outcome in zip(requests, outcomes, strict=True):
        if outcome is None:
            out.append(_plain(request.answers[0]))
        else:
            out.append({"id": request.id, **outcome.as_dict(), "status": problem(outcome).status})
    return _written(out, shape)


async def _read(call: Call, body: Body) -> tuple[list[Any], str]:
    """Return the rows of a body, and its shape: one, list or lines."""
    raw = await call.body()
    if call.headers.get(b"content-type", b"").startswith(_LINES):
        rows, shape = body.lines(raw), "lines"
    else:
        rows, many = body.one_or_many(raw)
        shape = "list" if many else "one"
    if len(rows) > call.hub.most_rows:
        raise DataError(
            expected=f"at most {call.hub.most_rows} rows a request",
            got=str(len(rows)),
            at="body",
            help="Send it in parts.",
        )
    return rows, shape


def _written(rows: list[dict[str, Any]], shape: str) -> Answer:
    if shape == "lines":
        return Answer(to_lines(rows), kind=_LINES)
    return ok(rows[0] if shape == "one" else rows)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    said = row.get("y_pred")
    if isinstance(said, float) and said - said != 0.0:  # JSON has no infinity
        row["y_pred"] = None
    return row


__all__ = ["label", "learn", "predict"]
