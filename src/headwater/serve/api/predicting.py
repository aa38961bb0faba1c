"""Predict without blocking others, quickly on the event loop or else in parts on a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, repeat
from typing import Any, NamedTuple, TypeVar

from headwater.encode.frames import Columns
from headwater.errors import HeadwaterError
from headwater.learner.kind import kind_of
from headwater.learner.schema.expected_cost import cheapest_of
from headwater.learner.schema.labels import values_of
from headwater.learner.supervised import SupervisedLearner
from headwater.serve.api.keys import check_keys
from headwater.serve.endpoint import Budget, size_of
from headwater.serve.http.errors import TooOld
from headwater.serve.http.schemas import count_cells, finite, prediction_as_json, shares_as_json
from headwater.serve.state import ServerState
from headwater.store.journal.events import Issued
from headwater.store.service.model import FALLBACK, LearnerState, Model

T = TypeVar("T")
_ROWS_AT_ONCE, _CELLS_AT_ONCE = 32, 640
_AT_ONCE_S, _PART_S = 0.0005, 0.002
"""Maximum seconds of processor time on the event loop, and in one part while holding the model's lock."""


class Prediction(NamedTuple):
    """Predictions of a model's learners for one row, and their sequence."""

    by_learner: Issued
    seq: int
    inside: Mapping[str, Any] = {}
    """The requested set or interval."""

    def of(self, name: str) -> tuple[Any, dict[Any, float] | None]:
        """Return a learner's prediction, the fallback's where one answers, or the first one if it was replaced meanwhile."""
        own = self.by_learner
        return own.get(FALLBACK) or own.get(name) or next(iter(own.values()))

    def at_cost(self, learner: Any, name: str, costs: Mapping[str, Any]) -> Prediction:
        """Return the prediction of the class whose mistakes are expected to cost least."""
        said, p = self.by_learner.get(name, (None, None))
        if FALLBACK in self.by_learner or not p:
            return self
        (said,) = cheapest_of(learner, [list(p.values())], list(p), costs)
        return self._replace(by_learner={**self.by_learner, name: (said, p)})


async def apart(state: ServerState, budget: Budget, rows: int, work: Callable[[], T]) -> T:
    """Run work on rows, in a thread if there are many or if their body is large.

    Raises
    ------
    Busy
        If too much is in progress there.
    """
    return work() if budget.is_at_hand(rows) else await state.workers.run(work)


def at_costs(
    champion: LearnerState, predictions: list[Prediction], costs: Sequence[Mapping[str, Any] | None]
) -> list[Prediction]:
    """Return predictions whose class is, for rows with costs, the one whose mistakes are expected to cost least.

    A fallback that answers for the model stays: it has no probabilities.

    Raises
    ------
    ConfigError, DataError
        If the model is no classifier with probabilities, or a cost can't be.
    """
    learner = champion.learner
    one = getattr(learner, "first", learner)  # of a fleet what its members begin as
    return [
        own
        if cost is None
        else own.at_cost(one, champion.name, kind_of(learner).question.read({"costs": cost})["costs"])
        for own, cost in zip(predictions, costs, strict=True)
    ]


async def predict_rows(
    state: ServerState,
    model: Model,
    X: list[dict[str, Any]],
    *,
    budget: Budget,
    shadows: bool,
    coverage: Sequence[float | None] | None = None,
) -> list[Prediction]:
    """Return the prediction of each row.

    Parameters
    ----------
    state : ServerState
        The server's state.
    model : Model
        The model.
    X : list of dict
        The rows.
    budget : Budget
        Remaining budget of the request.
    shadows : bool
        Whether challengers predict too.
    coverage : sequence, optional
        Coverage of the requested set or interval per row, None for neither.

    Raises
    ------
    DataError
        If rows, values or returned probabilities exceed the limits of one request.
    Busy
        If too many such requests are in progress.
    TooOld
        If a cluster run learns the model, and its last round is too old.
    """
    learner = model.champion.learner
    near = budget.is_at_hand(len(X))
    if "keys" in learner.kind.can:
        check = partial(check_keys, model, X)
        check() if near else await state.workers.run(check)
    size = size_of(X) if near else await state.workers.run(partial(size_of, X))
    classes = len(learner.known_classes) or 1
    takes_s = budget.charge_samples(size, model.price, learning=False, answers=classes)
    wanted = coverage if coverage is not None and any(share is not None for share in coverage) else None
    if wanted is None and state.replicas is not None and not (shadows and len(model.learners) > 1):
        found = await _by_replicas(state, model, X)
        if found is not None:
            return found
    if not X:
        return []
    small = size.rows <= _ROWS_AT_ONCE and size.cells <= _CELLS_AT_ONCE
    if small and takes_s <= _AT_ONCE_S:
        # Never wait for a busy model on the event loop, because that would block all other requests.
        now = model.predict_now(X, shadows=shadows, coverage=wanted)
        if now is not None:
            return _as_predictions(*now)
        return await state.waiters.run(lambda: _predict(model, X, shadows=shadows, coverage=wanted))
    return await state.workers.run(lambda: _predict_parts(model, X, shadows=shadows, coverage=wanted))


def reads_columns(state: ServerState, model: Model, rows: int) -> bool:
    """Return whether columns are predicted as such: many rows, by a learner of this process that takes tables as it takes rows."""
    learner = model.champion.learner
    own = isinstance(learner, SupervisedLearner) and not learner.has_rolling
    return own and rows > _ROWS_AT_ONCE and state.replicas is None and model.fallback is None


async def predict_columns(state: ServerState, model: Model, X: Columns, *, budget: Budget) -> dict[str, list[Any]]:
    """Return what `predict_rows` predicts, as columns of the response.

    Raises
    ------
    DataError, Busy
        As in ``predict_rows``.
    """
    classes = len(model.champion.learner.known_classes) or 1
    budget.charge_samples(size_of(X), model.price, learning=False, answers=classes)
    return await state.workers.run(partial(_columns, model, X))


def _columns(model: Model, X: Columns) -> dict[str, list[Any]]:
    """Predict columns in the parts of `_predict_parts`."""
    parts = [_told(model, X[part]) for part in _parts(model, repeat(len(X.columns), len(X)))]
    out = {name: list(chain.from_iterable(part[name] for part in parts)) for name in ("y_pred", "proba", "seq")}
    return out if any(own is not None for own in out["proba"]) else {name: out[name] for name in ("y_pred", "seq")}


def _told(model: Model, X: Columns) -> dict[str, list[Any]]:
    """Return what a part of the columns is told, one value a row."""
    found = None
    if len(X) > 1:  # a row alone is told in double precision
        with suppress(HeadwaterError):  # raised below, as of rows
            found = model.predict_table(X)
    if found is None or (found[0].proba is not None and not found[0].classes):
        said = _predict(model, list(X), shadows=False, coverage=None)
        rows = [prediction_as_json(*one.of(model.champion.name)) for one in said]
        told = {name: [row.get(name) for row in rows] for name in ("y_pred", "proba")}
        return {**told, "seq": [one.seq for one in said]}
    table, seq = found
    told = {"proba": [None] * len(X), "seq": [seq] * len(X)}
    if table.proba is None:
        return {**told, "y_pred": list(map(finite, values_of(table)))}
    classes = [table.classes[i] for i in table.proba.argmax(axis=1).tolist()]
    return {**told, "y_pred": classes, "proba": shares_as_json(table.classes, table.proba)}


def _parts(model: Model, cells: Iterable[int]) -> Iterator[slice]:
    """Yield parts of rows of so many values each, between which the model is free for others."""
    start, takes, price, i = 0, 0.0, model.price, 0
    for i, count in enumerate(cells, 1):
        takes += price.predicting(1, count)
        if takes >= _PART_S:
            yield slice(start, i)
            start, takes = i, 0.0
    if start < i:
        yield slice(start, i)


async def _by_replicas(state: ServerState, model: Model, X: list[dict[str, Any]]) -> list[Prediction] | None:
    """Return the replicas' predictions for the default model, or None if the server must predict."""
    if state.replicas is None or model.name != state.default:
        return None
    found = await state.replicas.predict(X) if X else None
    if found is not None:
        return [Prediction({model.champion.name: row}, found[1]) for row in found[0]]
    if X and state.learns_elsewhere(model):
        raise TooOld(
            expected=f"a state of the cluster run that is at most {state.replicas.oldest:g} s old",
            got="an older one",
            at=state.rounds,
            help="Start the run again, or allow older states with --oldest.",
        )
    return None


def _predict_parts(
    model: Model, X: list[dict[str, Any]], *, shadows: bool, coverage: Sequence[float | None] | None
) -> list[Prediction]:
    """Predict in parts, releasing the model in between, with the sequence of each row."""
    out: list[Prediction] = []
    for part in _parts(model, map(count_cells, X)):
        wanted = None if coverage is None else coverage[part]
        out += _predict(model, X[part], shadows=shadows, coverage=wanted)
    return out


def _predict(
    model: Model, X: list[dict[str, Any]], *, shadows: bool, coverage: Sequence[float | None] | None
) -> list[Prediction]:
    return _as_predictions(*model.predict(X, shadows=shadows, coverage=coverage))


def _as_predictions(rows: list[Issued], seq: int, inside: dict[int, dict[str, Any]]) -> list[Prediction]:
    if not inside:
        return list(map(Prediction, rows, repeat(seq)))
    return [Prediction(row, seq, inside.get(i, {})) for i, row in enumerate(rows)]


__all__ = ["Prediction", "apart", "at_costs", "predict_columns", "predict_rows", "reads_columns"]
