"""Fleets over HTTP, with rows that include their key, and metrics by key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NotRequired, TypedDict, cast

import msgspec

from headwater.kinds.fleet.keys import unknown_key
from headwater.learner.kind import check_can, kind_of
from headwater.serve.api.looks.looking import looked
from headwater.serve.endpoint import Request, Response, json_response
from headwater.serve.http.schemas import Body, PredictRequest, to_json
from headwater.store.service.challengers import ScoreSummary
from headwater.store.service.model import Model

_ROWS = Body(PredictRequest)
_SCORED_S = 1e-5  # to look up the score of a key, and to take and give back the model for that


class ModelScore(TypedDict):
    """The metrics of a model, and of a fleet the keys with the worst and the best ones."""

    name: str
    seq: int
    scores: ScoreSummary
    keys: NotRequired[int]
    least: NotRequired[int]
    compared: NotRequired[int]
    worst: NotRequired[list[dict[str, Any]]]
    best: NotRequired[list[dict[str, Any]]]


class KeyScore(TypedDict):
    """The metrics of one key of a fleet, each under its name."""

    key: bool | int | float | str


def check_keys(model: Model, X: Sequence[dict[str, Any]], *, learning: bool = False) -> None:
    """Raise DataError for rows of a fleet without a valid key.

    Raises
    ------
    DataError
        Names the row.
    """
    learner = model.champion.learner
    if "keys" in kind_of(learner).can:
        learner.check_keys(X, learning=learning)


async def score(request: Request) -> Response:
    """Return the metrics of a model, for a fleet also by key.

    ``?key=K`` selects one key. Without it the worst and the best keys are listed.
    """
    state, model, key = request.state, request.model(), request.query("key")
    found = await state.published.of(("score", key), model, partial(state.lookers.run, partial(scored, model, key)))
    if "keys" not in kind_of(model.champion.learner).can or key:
        return json_response(found)
    ranked = (await looked(state, model, "keys")).data
    return Response(b"".join((to_json(found)[:-1], b",", ranked[1:])))


async def score_rows(request: Request) -> Response:
    """Return the metrics for the key of each row."""
    model = request.model()
    check_can(model.champion.learner, "keys", at=model.name)
    limits, row_limits = request.state.limits, request.state.service.limits
    body = await request.body()

    def read() -> tuple[list[Any], bool]:
        rows, many = _ROWS.read(body, lines=False, limits=limits, row_limits=row_limits)
        check_keys(model, [row.x for row in rows])
        return [row.x[model.champion.learner.key] for row in rows], many

    keys, many = await request.state.workers.run(read)
    request.budget.charge_rows(len(keys), len(keys))
    request.budget.charge_work(len(keys) * _SCORED_S, at="body")
    scores = await request.state.workers.run(lambda: [_locked_score(model, key) for key in keys])
    return json_response(scores if many else scores[0])


def _locked_score(model: Model, key: Any) -> KeyScore:
    with model.lock:  # for one key at a time: whoever waits for the model gets it in between
        return of_key(model.champion.learner, key)


def scored(model: Model, key: str) -> ModelScore | KeyScore:
    """Return the metrics of a model, or of one key."""
    with model.lock:
        learner = model.champion.learner
        if key:
            check_can(learner, "keys", at=model.name)
            return of_key(learner, _as_key(learner, key))
        looked, seq = model.champion.scores.looked(), model.seq
    return {"name": model.name, "seq": seq, "scores": cast(ScoreSummary, looked.scores())}


def of_key(fleet: Any, key: Any) -> KeyScore:
    """Return the metrics of a key.

    Raises
    ------
    DataError
        If the key is unknown.
    """
    if key not in fleet:
        raise unknown_key(fleet.key, key)
    own = fleet.score(key)
    return cast(KeyScore, {"key": key, **{name: None if value != value else value for name, value in own.items()}})


def _as_key(fleet: Any, text: str) -> Any:
    """Return the key of a query, as text if known, else as a JSON number or boolean."""
    if text in fleet:
        return text
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
    return value if isinstance(value, bool | int | float) else text


__all__ = ["KeyScore", "ModelScore", "check_keys", "score", "score_rows"]
