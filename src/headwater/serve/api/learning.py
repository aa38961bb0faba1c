"""Predict, learn, and label over HTTP, for one object, a list or NDJSON."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from headwater.errors import HeadwaterError
from headwater.learner.kind import check_can, kind_of, kind_with
from headwater.serve.api.keys import check_keys
from headwater.serve.api.predicting import Prediction, apart, predict_rows
from headwater.serve.background.writer import Command
from headwater.serve.endpoint import Request, Response, error_response
from headwater.serve.http.costs import Size, size_of
from headwater.serve.http.schemas import (
    LARGE,
    Body,
    DelayedLabel,
    Example,
    PredictRequest,
    check_answers,
    event,
    prediction_as_json,
    score_as_json,
    to_lines,
)
from headwater.store.journal.events import PendingPrediction
from headwater.store.journal.requests import LabelRequest, LearnRequest, PendingRequest
from headwater.store.service.model import Model

_PREDICT, _EXAMPLE, _LABEL = Body(PredictRequest), Body(Example), Body(DelayedLabel)
_LINES = b"application/x-ndjson"
_WRITTEN_AT_ONCE = 500


async def predict(request: Request) -> Response:
    """Predict samples.

    Samples with ``keep`` get an id, durable before the response, under which this model can learn their label later.
    """
    rows, shape = await read_rows(request, _PREDICT)
    state, model = request.state, request.state.model(request.path.get("model", ""))
    kind, n = kind_of(model.champion.learner), len(rows)
    keeps = "late" in kind.can and kind.issue is None and not state.learns_elsewhere(model)
    X, kept, wanted = await apart(state, request.budget, n, partial(_asked, rows, keeps=keeps))
    if wanted is not None:
        check_can(model.champion.learner, "coverage", at="coverage")
    shadows = bool(kept)
    predictions = await predict_rows(state, model, X, budget=request.budget, shadows=shadows, coverage=wanted)
    ids = await _kept(request, model, X, predictions, kept) if kept else {}
    name = model.champion.name
    out = partial(_predicted, predictions, name, ids, kind_with(model.task).alarm, shape)
    response = await apart(state, request.budget, n, out)
    if state.replicas is not None:
        response.headers.append((b"x-headwater-state-age", b"%.3f" % state.replicas.age))
    return response


def _asked(
    rows: list[PredictRequest], *, keeps: bool
) -> tuple[list[dict[str, Any]], list[int], list[float | None] | None]:
    """Return the samples, the indices to keep, and the requested coverage of each (None if there is none)."""
    wanted = [row.coverage for row in rows]
    kept = [i for i, row in enumerate(rows) if row.keep and keeps]
    return [row.x for row in rows], kept, wanted if any(share is not None for share in wanted) else None


async def _kept(
    request: Request, model: Model, X: list[dict[str, Any]], predictions: list[Prediction], kept: list[int]
) -> dict[int, str]:
    """Store predictions until their labels arrive, and return their durable ids."""
    state = request.state

    def pending() -> PendingRequest:
        found = [PendingPrediction(X[i], predictions[i].by_learner, predictions[i].seq) for i in kept]
        return PendingRequest(model.id, found)

    command = await apart(state, request.budget, len(kept), pending)
    await committed(request, command, len(kept))
    state.measures.given_out[model.id] += len(kept)
    return {i: named["id"] for i, named in zip(kept, command.answers, strict=True)}


async def committed(request: Request, command: Command, events: int) -> None:
    """Commit and learn a request, or raise the error of its rejection."""
    outcome = (await request.state.writer.run([command], events))[0]
    if outcome is not None:
        raise outcome


async def learn(request: Request) -> Response:
    """Learn examples, all of a request or none, replying once they are durable and learned."""
    rows, shape = await read_rows(request, _EXAMPLE)
    state, model, n = request.state, request.state.learning(request.path.get("model", "")), len(rows)
    size = await apart(state, request.budget, n, lambda: size_of(row.x for row in rows))
    request.budget.charge_samples(size, model.price, learning=True)
    command = await apart(state, request.budget, n, partial(_examples, model, rows, shape))
    if rows:
        await committed(request, command, n)
    alarm = kind_with(model.task).alarm
    shown = without_infinity if alarm is None else partial(_scored, alarm)
    return await apart(
        state, request.budget, n, lambda: rows_response(encoded_rows([shown(one) for one in command.answers]), shape)
    )


def _examples(model: Model, rows: list[Example], shape: str) -> LearnRequest:
    check_answers(model.task, rows, shape)
    if any(row.w is not None for row in rows):
        check_can(model.champion.learner, "weights", at="w")
    check_keys(model, [row.x for row in rows], learning=True)
    return LearnRequest(model.id, [event(model.champion.learner, row) for row in rows])


async def label(request: Request) -> Response:
    """Learn the labels of earlier predictions, with a separate outcome for each in a list or NDJSON."""
    rows, shape = await read_rows(request, _LABEL)
    model = request.state.learning(request.path.get("model", ""))
    check_can(model.champion.learner, "late", at=model.name)
    learner, answer, n = model.champion.learner, kind_with(model.task).answer, len(rows)
    request.budget.charge_samples(Size(n, n, 1), model.price, learning=True)  # the samples were charged at prediction

    def requests() -> list[Command]:
        return [LabelRequest(model.id, row.id, answer.read_late(row.y, learner), row.w) for row in rows]

    commands = await apart(request.state, request.budget, n, requests)
    outcomes = await request.state.writer.run(commands, n) if commands else []
    if shape == "one" and outcomes[0] is not None:
        raise outcomes[0]
    return await apart(
        request.state,
        request.budget,
        n,
        lambda: rows_response(encoded_rows(labelled([row.id for row in rows], commands, outcomes)), shape),
    )


def labelled(
    ids: Sequence[str], commands: Sequence[Command], outcomes: Sequence[HeadwaterError | None]
) -> list[dict[str, Any]]:
    """Return the outcome of each label, or the error of its rejection, with its id."""
    out: list[dict[str, Any]] = []
    for name, command, outcome in zip(ids, commands, outcomes, strict=True):
        if outcome is None:
            out.append(without_infinity(command.answers[0]))
        else:
            out.append({"id": name, **outcome.as_dict(), "status": error_response(outcome).status})
    return out


async def read_rows(request: Request, body: Body) -> tuple[list[Any], str]:
    """Return the rows of a body, and its shape (one, list or lines)."""
    raw, state = await request.body(), request.state
    lines = request.headers.get(b"content-type", b"").startswith(_LINES)
    read = partial(body.read, raw, lines=lines, limits=state.limits, row_limits=state.service.limits)
    rows, many = read() if len(raw) <= LARGE else await state.workers.run(read)
    return rows, "lines" if lines else "list" if many else "one"


def _predicted(
    predictions: list[Prediction], name: str, ids: dict[int, str], alarm: float | None, shape: str
) -> Response:
    rows = []
    for i, one in enumerate(predictions):
        said = prediction_as_json(*one.of(name)) if alarm is None else score_as_json(one.of(name)[0], alarm)
        row = {**said, **one.inside, "seq": one.seq}
        if i in ids:
            row["id"] = ids[i]
        rows.append(row)
    return rows_response(encoded_rows(rows), shape)


def encoded_rows(rows: list[dict[str, Any]]) -> bytes:
    """Encode rows as JSON lines in batches, so that other threads can run in between."""
    if len(rows) <= _WRITTEN_AT_ONCE:
        return to_lines(rows)
    starts = range(0, len(rows), _WRITTEN_AT_ONCE)
    return b"".join(to_lines(rows[start : start + _WRITTEN_AT_ONCE]) for start in starts)


def rows_response(lines: bytes, shape: str) -> Response:
    """Return JSON lines in the shape of the request (one, list or lines)."""
    if shape == "lines":
        return Response(lines, kind=_LINES)
    if shape == "one":
        return Response(lines[:-1])
    # JSON never contains a raw newline, so lines can become list items by replacing newlines.
    return Response(b"[" + lines[:-1].replace(b"\n", b",") + b"]")


def _scored(alarm: float, row: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a learned row of an anomaly model, with its score."""
    if "y_pred" not in row:
        return row
    return {**{name: value for name, value in row.items() if name != "y_pred"}, **score_as_json(row["y_pred"], alarm)}


def without_infinity(row: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a learned row with an infinite prediction as null."""
    y_pred = row.get("y_pred")
    if isinstance(y_pred, float) and y_pred - y_pred != 0.0:  # JSON has no infinity
        row["y_pred"] = None
    return row


__all__ = [
    "committed",
    "encoded_rows",
    "label",
    "labelled",
    "learn",
    "predict",
    "read_rows",
    "rows_response",
    "without_infinity",
]
