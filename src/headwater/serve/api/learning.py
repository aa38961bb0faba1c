"""Predict, learn, and label over HTTP, for one object, a list or NDJSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import compress
from operator import attrgetter
from typing import Any

import msgspec

from headwater._core import repeated_name
from headwater.encode.frames import Columns
from headwater.errors import HeadwaterError
from headwater.learner.kind import Kind, check_can, kind_with
from headwater.serve.api.keys import check_keys
from headwater.serve.api.predicting import (
    Prediction,
    apart,
    at_costs,
    predict_columns,
    predict_rows,
    reads_columns,
)
from headwater.serve.background.writer import Command
from headwater.serve.endpoint import HANDLED_AT_ONCE, Request, Response, Size, error_response, size_of
from headwater.serve.http.arrow import ARROW, ArrowOptions, read_arrow, write_arrow, write_columns
from headwater.serve.http.errors import Forbidden
from headwater.serve.http.limits import ServerLimits
from headwater.serve.http.schemas import (
    INVALID,
    LARGE,
    ODD,
    Body,
    DelayedLabel,
    Example,
    PredictRequest,
    decoded,
    odd_labels,
    prediction_as_json,
    to_lines,
)
from headwater.store.journal.events import JournalEvent, PendingPrediction
from headwater.store.journal.requests import LabelRequest, LearnRequest, PendingRequest
from headwater.store.service.model import Model

_PREDICT, _EXAMPLE, _LABEL = Body(PredictRequest), Body(Example), Body(DelayedLabel)
_X, _Y, _W, _ID, _KEEP, _COVERAGE, _COSTS = map(attrgetter, ("x", "y", "w", "id", "keep", "coverage", "costs"))
_OF_ARROW = (_PREDICT, _EXAMPLE)
"""Bodies that an Arrow stream may be as well."""
_NONE = {None}
_LINES = b"application/x-ndjson"
_WRITTEN_AT_ONCE = 500


async def predict(request: Request) -> Response:
    """Predict samples.

    Samples with ``keep`` get an id, durable before the response, under which this model can learn their label later.
    """
    rows, shape, near = await read_rows(request, _PREDICT)
    state, model, n = request.state, request.model(), len(rows)
    if isinstance(rows, Columns):
        if request.granted != "label" and reads_columns(state, model, n):
            columns = await predict_columns(state, model, rows, budget=request.budget)
            return Response(await state.workers.run(partial(write_columns, columns)), kind=ARROW)
        rows = await state.workers.run(lambda: _PREDICT.convert(ArrowOptions().questions(list(rows))))
    champion = model.champion
    kind: Kind = champion.learner.kind
    # C loops, of which a large request takes no more than the decoding of its rows.
    X, wanted = list(map(_X, rows)), list(map(_COVERAGE, rows))
    costs = list(map(_COSTS, rows))
    costed = costs.count(None) < n
    if alone := request.granted == "label":
        _check_alone(
            kind, "coverage" if any(share is not None for share in wanted) else "costs" if costed else "", model
        )
    waits = not alone and "late" in kind.can and kind.issue is None and not kind.answer.in_order
    keeps = waits and not (state.rounds and state.learns_elsewhere(model))
    kept = list(compress(range(n), map(_KEEP, rows))) if keeps else []
    if coverage := set(wanted) != _NONE:
        check_can(champion.learner, "coverage", at="coverage")
    asked = wanted if coverage else None
    predictions = await predict_rows(state, model, X, budget=request.budget, shadows=bool(kept), coverage=asked)
    if kept and model.observes:  # a row that is kept counts for those after it
        issued = await apart(state, request.budget, n, partial(model.issue, [X[i] for i in kept], {}))
        for i, one in zip(kept, issued, strict=True):
            predictions[i] = Prediction(one.predicted, one.seq, predictions[i].inside)
    if costed:
        predictions = await apart(state, request.budget, n, partial(at_costs, champion, predictions, costs))
    ids = await _kept(request, model, X, predictions, kept) if kept else {}
    out = partial(_predicted, predictions, model.champion.name, ids, kind, shape, alone=alone)
    response = out() if near else await state.workers.run(out)
    if state.replicas is not None:
        response.headers = [(b"x-headwater-state-age", b"%.3f" % state.replicas.age)]
    if model.fallback is not None:
        response.headers = [*response.headers, (b"x-headwater-answered-by", model.fallback.baseline.encode())]
    return response


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
    rows, shape, near = await read_rows(request, _EXAMPLE)
    state, model, n = request.state, request.learning_model(), len(rows)
    aside = state.workers.run
    X = list(map(_X, rows))
    size = size_of(X) if near else await aside(partial(size_of, X))
    request.budget.charge_samples(size, model.price, learning=True)
    make = partial(_examples, model, rows, X, shape)
    command = make() if near else await aside(make)
    if rows:
        outcome = (await state.writer.run([command], n))[0]
        if outcome is not None:
            raise outcome
    kind: Kind = model.champion.learner.kind
    shown = None if kind.alarm is None else partial(_scored, kind)
    reply = partial(rows_response, command.answers, shape, shown)
    return reply() if near else await aside(reply)


def _examples(model: Model, rows: list[Example], X: list[dict[str, Any]], shape: str) -> LearnRequest:
    learner, weights = model.live[0].learner, list(map(_W, rows))
    answer = learner.kind.answer
    labels = list(map(_Y, rows))
    if not ODD.isdisjoint(map(type, labels)):
        labels = odd_labels(answer, labels, shape)
    if shape == "arrow" and len(answer.fields) > 1:  # a label of several parts, which JSON lists and Arrow names
        labels = [
            [y[field.name] for field in answer.fields if field.name in y] if isinstance(y, dict) else y for y in labels
        ]
    if set(weights) != _NONE:
        check_can(learner, "weights", at="w")
        weights = [None if w == 1.0 else w for w in weights]
    if "keys" in learner.kind.can:
        check_keys(model, X, learning=True)
    labels = answer.read_all(labels, learner)
    return LearnRequest(model.id, list(map(JournalEvent, X, labels, weights, map(_ID, rows))))


async def label(request: Request) -> Response:
    """Learn the labels of earlier predictions, with a separate outcome for each in a list or NDJSON."""
    rows, shape, _ = await read_rows(request, _LABEL)
    model = request.learning_model()
    check_can(model.champion.learner, "late", at=model.name)
    learner, answer, n = model.live[0].learner, kind_with(model.task).answer, len(rows)
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
        lambda: rows_response(labelled([row.id for row in rows], commands, outcomes), shape),
    )


def labelled(
    ids: Sequence[str], commands: Sequence[Command], outcomes: Sequence[HeadwaterError | None]
) -> list[dict[str, Any]]:
    """Return the outcome of each label, or the error of its rejection, with its id."""
    out: list[dict[str, Any]] = []
    for name, command, outcome in zip(ids, commands, outcomes, strict=True):
        if outcome is None:
            out.append(command.answers[0])
        else:
            out.append({"id": name, **outcome.as_dict(), "status": error_response(outcome).status})
    return out


async def read_rows(request: Request, body: Body) -> tuple[Any, str, bool]:
    """Return the rows of a body (those of an Arrow stream to predict as columns where it can be), its shape, and whether it is small.

    The shape is one, list, lines or arrow. The event loop handles the rows of a small body itself.
    """
    raw, state = await request.body(), request.state
    sent_as, small = request.headers.get(b"content-type", b""), len(raw) <= LARGE
    lines = sent_as.startswith(_LINES)
    if small and not lines and raw.startswith(b"{"):
        with suppress(*INVALID):  # raised below with its place
            row = body.decode_one(raw)
            if repeated_name(raw) is None:
                return [row], "one", True
    if body in _OF_ARROW and sent_as.startswith(ARROW):
        options = decoded(partial(msgspec.convert, type=ArrowOptions, strict=False), request.queries(), "query")
        rows = await state.workers.run(lambda: _read_arrow(raw, body, options, state.limits))
        return rows, "arrow", small and len(rows) <= HANDLED_AT_ONCE
    read = partial(body.read, raw, lines=lines, limits=state.limits, row_limits=state.service.limits)
    rows, many = read() if small else await state.workers.run(read)
    return rows, "lines" if lines else "list" if many else "one", small and len(rows) <= HANDLED_AT_ONCE


def _read_arrow(raw: bytes, body: Body, options: ArrowOptions, limits: ServerLimits) -> Sequence[Any]:
    columns = body is _PREDICT and not options.keep and options.coverage is None
    rows = read_arrow(raw, limits, label="" if body is _PREDICT else options.y, columns=columns)
    if isinstance(rows, Columns):
        return rows
    return body.convert(options.questions(rows) if body is _PREDICT else options.examples(rows))


def _check_alone(kind: Kind, asked: str, model: Model) -> None:
    """Raise Forbidden for what tells more than a class, to a token that is told classes alone.

    Raises
    ------
    Forbidden
        If the model predicts no classes, or ``asked`` names what would show how probable they are: a set, or costs.
    """
    if asked or "classes" not in kind.can:
        raise Forbidden(
            expected="a token of scope read",
            got="label, which is told predicted classes alone",
            at=asked or model.name,
            help="Use another token, or ask for a class.",
        )


def _predicted(
    predictions: list[Prediction],
    name: str,
    ids: dict[int, str],
    kind: Kind,
    shape: str,
    *,
    alone: bool = False,
) -> Response:
    rows = []
    for i, one in enumerate(predictions):
        guess, proba = one.of(name)
        proba = None if alone else proba
        row = prediction_as_json(guess, proba) if kind.alarm is None else kind.alarmed(guess)
        row |= {**one.inside, "seq": one.seq}
        if i in ids:
            row["id"] = ids[i]
        rows.append(row)
    return rows_response(rows, shape)


def _lines_of(rows: list[dict[str, Any]]) -> bytes:
    """Encode many rows as JSON lines in batches, so that other threads can run in between."""
    starts = range(0, len(rows), _WRITTEN_AT_ONCE)
    return b"".join(to_lines(rows[start : start + _WRITTEN_AT_ONCE]) for start in starts)


def rows_response(rows: list[dict[str, Any]], shape: str, shown: Callable[[Any], Any] | None = None) -> Response:
    """Return rows in the shape of the request (one, list, lines or arrow), each as ``shown`` shows it.

    An infinite prediction is null, as JSON writes what it does not have.
    """
    if shown is not None:
        rows = list(map(shown, rows))
    if shape == "arrow":
        return Response(write_arrow(list(map(_without_infinity, rows))), kind=ARROW)
    lines = to_lines(rows) if len(rows) <= _WRITTEN_AT_ONCE else _lines_of(rows)
    if shape == "lines":
        return Response(lines, kind=_LINES)
    if shape == "one":
        return Response(lines[:-1])
    # JSON never contains a raw newline, so lines can become list items by replacing newlines.
    return Response(b"[" + lines[:-1].replace(b"\n", b",") + b"]")


def _scored(kind: Kind, row: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a learned row of an anomaly model, with its score."""
    if "y_pred" not in row:
        return row
    return {**{name: value for name, value in row.items() if name != "y_pred"}, **kind.alarmed(row["y_pred"])}


def _without_infinity(row: dict[str, Any]) -> dict[str, Any]:
    y_pred = row.get("y_pred")
    return {**row, "y_pred": None} if isinstance(y_pred, float) and y_pred - y_pred != 0.0 else row


__all__ = [
    "committed",
    "label",
    "labelled",
    "learn",
    "predict",
    "read_rows",
    "rows_response",
]
