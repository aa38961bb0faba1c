"""One address that asks a model of any kind, and one that teaches it.

The body of a question has the rows and the fields of the kind's question, and its reply the columns of the kind's response. The
body of a lesson has rows and labels, or the ids of questions that were kept and the labels that came later.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from headwater.errors import DataError
from headwater.learner.kind import check_can, kind_of
from headwater.learner.validation import not_as_many
from headwater.serve.api.keys import check_keys
from headwater.serve.api.learning import committed, labelled
from headwater.serve.api.predicting import Prediction, at_costs
from headwater.serve.endpoint import Request, Response, json_response, size_of
from headwater.serve.http.limits import too_many
from headwater.serve.http.schemas import Ask, Teach, count_cells, decoded, finite, label_key, to_features
from headwater.serve.state import ServerState
from headwater.store.journal.events import JournalEvent, PendingPrediction
from headwater.store.journal.requests import LabelRequest, LearnRequest, PendingRequest
from headwater.store.service.model import FALLBACK, Model

_PART_S = 0.002
"""Maximum seconds for which the model's lock is held at once."""
_fields, _teach = msgspec.json.Decoder(dict[str, Any]), msgspec.json.Decoder(Teach)


async def ask(request: Request) -> Response:
    """Ask something of rows, or of what comes next, in the words of the model's kind.

    With ``keep`` each row gets an id, durable before the response, under which its label can be taught later.
    """
    state, model = request.state, request.model()
    body = await request.body()
    asked, question = await state.workers.run(partial(_question, body))
    kind = kind_of(model.champion.learner)
    if asked.rows is None and kind.question.needs_rows:
        raise DataError(expected="rows", got="none", at="body $.rows", help="Send a list of objects.", code="invalid")
    rows = None if asked.rows is None else _checked(state, model, asked.rows)
    if asked.keep and rows is None:
        rows = _times(model, question)
    request.budget.charge_samples(size_of(rows or ()), model.price, learning=False)
    if kind.question.ahead:
        request.budget.charge_lock(model.price.predicting(times_ahead(model, rows or [], question), 0), at="body")
    if asked.keep:
        return await _kept(request, model, rows or [], question)
    found, seq = await state.waiters.run(partial(_asked, model, rows, question))
    return json_response({"seq": seq, "rows": found})


def _times(model: Model, question: dict[str, Any]) -> list[dict[str, Any]]:
    """Return as many rows without features as times are asked for, which are kept one by one."""
    horizon = kind_of(model.champion.learner).question.read(question).get("horizon")
    if horizon is None:
        raise DataError(
            expected="rows, or a horizon, of times to keep",
            got="neither",
            at="body $.rows",
            help='Send "rows": [{}] for the next time alone.',
            code="invalid",
        )
    return [{} for _ in range(horizon)]


def times_ahead(model: Model, rows: list[dict[str, Any]], question: dict[str, Any]) -> int:
    """Return how many times are forecast at most, of all series together."""
    learner = model.champion.learner
    keyed, farthest = kind_of(learner).question.keyed, getattr(learner, "horizon", 1)
    times = question.get("horizon") or (0 if keyed else len(rows)) or farthest
    most = min(times, farthest) if isinstance(times, int) else 1
    return most * (len({row[learner.key] for row in rows}) if keyed else 1)


def _question(body: bytes) -> tuple[Ask, dict[str, Any]]:
    """Return what all questions have, and the fields of the kind's own."""
    given = decoded(_fields.decode, body, "body")
    own = {name: given.pop(name) for name in list(given) if name not in Ask.__struct_fields__}
    return decoded(partial(msgspec.convert, type=Ask), given, "body"), own


def _checked(state: ServerState, model: Model, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows within the limits, those of a fleet with their keys."""
    if len(rows) > state.limits.rows:
        raise too_many("rows", state.limits, "body")
    X = to_features(rows, "body $.rows")
    check_keys(model, X)
    return X


def _asked(
    model: Model, rows: list[dict[str, Any]] | None, question: dict[str, Any]
) -> tuple[list[dict[str, Any]], int]:
    """Return what the champion says, in parts between which others can use the model, and the sequence of the last."""
    learner, out = model.champion.learner, list[dict[str, Any]]()
    for part in [rows] if rows is None or kind_of(learner).question.ahead else _parts(model, rows):
        with model.lock:
            said, seq, instead = kind_of(learner).ask(learner, part, **question), model.seq, _instead(model)
        out += [as_json(row) for row in said.rows()] if instead is None else [dict(instead) for _ in said.rows()]
    return out, seq if rows is None or rows else model.seq


def _instead(model: Model) -> dict[str, Any] | None:
    """Return what a fallback says of every row, or None while the champion answers."""
    if model.fallback is None:
        return None
    column = kind_of(model.champion.learner).response[0].name
    return {column: _value(model.fallback.guess(model.champion.scores)[0]), "answered_by": model.fallback.baseline}


def _parts(model: Model, rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    start, takes = 0, 0.0
    for i, x in enumerate(rows):
        takes += model.price.predicting(1, count_cells(x))
        if takes >= _PART_S or i + 1 == len(rows):
            yield rows[start : i + 1]
            start, takes = i + 1, 0.0


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a response as JSON values, without columns that it lacks."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, dict):
        return {label_key(name): _value(one) for name, one in value.items() if one is not None}
    return value


async def _kept(request: Request, model: Model, rows: list[dict[str, Any]], question: dict[str, Any]) -> Response:
    """Ask rows whose labels come later, and store what was said under ids."""
    request.learning_model()
    check_can(model.champion.learner, "late", at="keep")
    issued = await request.state.waiters.run(partial(_issued, model, rows, question))
    command = PendingRequest(model.id, issued, question=question)
    if rows:
        await committed(request, command, len(rows))
    request.state.measures.given_out[model.id] += len(rows)
    name, kind = model.champion.name, kind_of(model.champion.learner)
    column = kind.response[0].name
    found = []
    for i, (answer, one) in enumerate(zip(command.answers, command.predictions, strict=True)):
        # no fallback makes choices
        said, p = (kind.issue is None and one.predicted.get(FALLBACK)) or one.predicted[name]
        more = command.said[i] if command.said else {} if p is None else {"proba": p}
        found.append({"id": answer["id"], **as_json({column: said} | more | {column: said})})
    return json_response({"seq": max((one.seq for one in command.predictions), default=model.seq), "rows": found})


def _issued(model: Model, rows: list[dict[str, Any]], question: dict[str, Any]) -> list[PendingPrediction]:
    """Return what is kept of each row, with costs the class that they choose."""
    issued, costs = model.issue(rows, question), question.get("costs")
    if costs is None:
        return issued
    said = at_costs(model.champion, [Prediction(one.predicted, one.seq) for one in issued], [costs] * len(issued))
    return [PendingPrediction(one.x, own.by_learner, one.seq) for one, own in zip(issued, said, strict=True)]


async def teach(request: Request) -> Response:
    """Teach rows with their labels, all or none, or the labels of earlier questions by their ids."""
    state, model = request.state, request.learning_model()
    body = await request.body()
    asked = await state.workers.run(partial(decoded, _teach.decode, body, "body"))
    if asked.asked is not None:
        return await _late(request, model, asked)
    X = _checked(state, model, asked.rows or [])
    request.budget.charge_samples(size_of(X), model.price, learning=True)
    command = await state.workers.run(partial(_lesson, model, X, asked))
    if X:
        await committed(request, command, len(X))
    column = kind_of(model.champion.learner).response[0].name
    rows = [
        as_json({column if name == "y_pred" else name: value for name, value in answer.items()})
        for answer in command.answers
    ]
    return json_response({"seq": model.seq, "rows": rows})


def _lesson(model: Model, X: list[dict[str, Any]], asked: Teach) -> LearnRequest:
    learner, n = model.live[0].learner, len(X)
    answer = kind_of(learner).answer
    if asked.labels is None and answer.needed:
        raise DataError(
            expected="labels, one a row", got="none", at="body $.labels", help="Send a list of them.", code="invalid"
        )
    _check_lengths(n, "rows", labels=asked.labels, weights=asked.weights, ids=asked.ids)
    if asked.weights is not None:
        check_can(learner, "weights", at="weights")
    labels, weights, ids = asked.labels or [None] * n, asked.weights or [None] * n, asked.ids or [None] * n
    check_keys(model, X, learning=True)
    events = [
        JournalEvent(x, answer.read(y, learner), None if w == 1.0 else w, name)
        for x, y, w, name in zip(X, labels, weights, ids, strict=True)
    ]
    return LearnRequest(model.id, events)


def _check_lengths(n: int, of: str, **lists: list[Any] | None) -> None:
    """Raise DataError unless each list that was sent has one value for each row or id."""
    for name, values in lists.items():
        if values is not None and len(values) != n:
            raise not_as_many(values, n, name, at=f"body $.{name}", of=of)


async def _late(request: Request, model: Model, asked: Teach) -> Response:
    """Teach the labels of questions that were kept, each with an outcome of its own."""
    learner, ids, labels = model.live[0].learner, asked.asked or [], asked.labels or []
    check_can(learner, "late", at="asked")
    for name, other in (("rows", asked.rows), ("ids", asked.ids)):
        if other is not None:
            raise DataError(
                expected=f"{name} or asked",
                got="both",
                at=f"body $.{name}",
                help="Teach rows and labels of earlier questions in two requests.",
                code="invalid",
            )
    _check_lengths(len(ids), "ids", labels=labels, weights=asked.weights)
    request.budget.charge_rows(len(ids), len(ids))
    answer = kind_of(learner).answer
    weights = asked.weights or [None] * len(ids)
    commands = [
        LabelRequest(model.id, name, answer.read_late(y, learner), w)
        for name, y, w in zip(ids, labels, weights, strict=True)
    ]
    outcomes = await request.state.writer.run(list(commands), len(ids)) if commands else []
    return json_response({"seq": model.seq, "rows": labelled(ids, commands, outcomes)})


__all__ = ["as_json", "ask", "teach", "times_ahead"]
