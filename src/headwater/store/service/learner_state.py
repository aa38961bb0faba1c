"""One learner of a model, with functions to learn events, score and predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np

from headwater.learner.expiring import Expiring
from headwater.learner.kind import kind_of
from headwater.learner.schema.labels import probabilities_of, values_of
from headwater.learner.settings.limits import Limits as LearnerLimits
from headwater.route.score import Score
from headwater.store.journal.events import CHANCE, ROLLED, JournalEvent, is_observation
from headwater.types import Predictions

__all__ = [
    "FALLBACK",
    "Fallback",
    "LearnerState",
    "labels_of",
    "learn_events",
    "predict_rows",
    "set_or_interval",
]


_X, _Y, _W, _PREDICTED, _STEP = map(attrgetter, ("x", "y", "w", "predicted", "step"))
_NONE = {None}
FALLBACK = ""
"""The name under which a fallback's prediction is beside those of the learners, which no learner can have."""
UNLIMITED = LearnerLimits(entries=1 << 40, names=1 << 40, classes=1 << 30, fractions=1 << 30, bytes=1 << 60)


@dataclass(slots=True)
class LearnerState:
    """A learner of a model with its metrics, where ``at`` is the last event learned."""

    id: int
    name: str
    champion: bool
    learner: Any
    scores: Score
    at: int
    classes: frozenset[Any] = frozenset()
    """Classes that the learner is known to know, maybe not yet all of them. None of one that forgets some."""

    def __post_init__(self) -> None:
        # Limits are checked before journaling, so every journaled event must be learnable under any limits.
        self.learner.limits = UNLIMITED

    def known_classes(self) -> frozenset[Any]:
        """Return the classes that a classifier has seen, or the actions of a bandit."""
        classes = self.learner.known_classes
        if isinstance(self.learner, Expiring):
            return frozenset(classes)
        if len(self.classes) != len(classes):  # others only ever add some
            self.classes = frozenset(classes)
        return self.classes


@dataclass(frozen=True, slots=True)
class Fallback:
    """A baseline that answers instead of a champion."""

    baseline: str

    def guess(self, scores: Score) -> tuple[Any, None]:
        """Return what the baseline predicts now, without probabilities."""
        return scores.guess(self.baseline), None


def learn_events(state: LearnerState, events: list[JournalEvent]) -> list[Any]:
    """Learn and score events, returning the prediction made before each (None for step size changes)."""
    if set(map(_STEP, events)) != _NONE:
        return _learn_with_steps(state, events)
    learner, X = state.learner, list(map(_X, events))
    if any(map(_PREDICTED, events)) and learner.has_rolling:
        X = [_with_aggregates(event, ROLLED + state.name) for event in events]
    answer = learner.kind.answer
    y = list(map(_Y, events)) if answer.given_out is None else labels_of(learner, events)
    w = None if set(map(_W, events)) == _NONE else [1.0 if e.w is None else e.w for e in events]
    # Where labels are not needed, y are labels used only for metrics.
    forecast: Predictions = learner.step_many(X, y if answer.needed else None, w)
    if answer.given_out is None and any(map(_PREDICTED, events)):
        _score_earlier(state, events, forecast)
    else:
        state.scores.score(y, forecast, X)
    said: Any = forecast.y_pred
    return said if type(said) is list else values_of(forecast)


def _with_aggregates(event: JournalEvent, name: str) -> dict[Any, Any]:
    """Return the row of an event with the aggregates that it was predicted with, if it was predicted before."""
    kept = (event.predicted or {}).get(name)
    return event.x if kept is None else {**event.x, **kept[0]}


def _learn_with_steps(state: LearnerState, events: list[JournalEvent]) -> list[Any]:
    """Learn events among which there are changes of the step size and rows whose labels are still to come."""
    out: list[Any] = []
    for changes, group in groupby(events, lambda event: event.step is not None):
        part = list(group)
        out += [None] * len(part) if changes else learn_events(state, part)
        for event in part:
            if is_observation(event):
                _observe(state.learner, event)
            # without an engine, every row that was learned before the change is forgotten
            if event.step is not None and event.step[0] == state.id and state.learner.engine is not None:
                state.learner.engine.set_step(event.step[1])
    return out


def _observe(learner: Any, event: JournalEvent) -> None:
    """Let a row whose label is still to come count at once."""
    noted = kind_of(learner).noted
    if noted is not None:
        noted(learner, event.x, event.predicted)
    elif learner.has_rolling:
        learner.observe(event.x)


def labels_of(learner: Any, events: Sequence[JournalEvent]) -> list[Any]:
    """Return the labels of events as the learner takes them, joined with the issued prediction where needed."""
    join = learner.kind.answer.given_out
    return list(map(_Y, events)) if join is None else [join(event.predicted, event.y) for event in events]


def _score_earlier(state: LearnerState, events: list[JournalEvent], forecast: Predictions) -> None:
    """Score with the issued predictions where they were made earlier than learning."""
    fresh, labels = values_of(forecast), [event.y for event in events]
    p_y, p_predicted = [0.0] * len(fresh), [0.0] * len(fresh)
    if forecast.proba is not None and not state.learner.kind.answer.compound:
        p_y, p_predicted = probabilities_of(forecast, labels)
    rows = []
    for i, event in enumerate(events):
        if event.predicted is None:
            rows.append((event.y, fresh[i], p_y[i], p_predicted[i]))
        elif state.name in event.predicted:  # a challenger added later issued no prediction to score
            guess, proba = event.predicted[state.name]
            shares = (0.0, 0.0) if proba is None else (proba.get(event.y, 0.0), proba.get(guess, 0.0))
            rows.append((event.y, guess, *shares))
            if CHANCE in event.predicted:
                state.scores.weigh(float(guess == event.y), event.predicted[CHANCE][0])
    for row in rows:
        state.scores.update(*[[value] for value in row])


def set_or_interval(learner: Any, x: Any, coverage: float) -> dict[str, Any]:
    """Return a sample's prediction set, or its interval with long-run guarantee, by output where there are several."""
    asked = {"guarantee": "long-run"} if any(one.name == "guarantee" for one in learner.kind.question.fields) else {}
    said = learner.ask([x], coverage=coverage, **asked).rows()[0]
    inside = {name: said[name] for name in ("set", "low", "high") if name in said}
    if isinstance(inside.get("low"), float):
        inside = {"interval": [end if abs(end) < 1e300 else None for end in inside.values()]}
    return {"coverage": coverage, **inside}


def predict_rows(learner: Any, X: Sequence[Any]) -> list[tuple[Any, dict[Any, float] | None]]:
    """Return the prediction of each sample, with the probabilities of a kind that has them."""
    own = kind_of(learner).predicted
    if own is not None:
        found: list[tuple[Any, dict[Any, float] | None]] = own.value(learner, X)  # one call less than calling it
        return found
    said = learner.predict_batch(X)
    if said.proba is None:
        return [(value, None) for value in values_of(said)]
    shares = [dict(zip(said.classes, row, strict=True)) for row in np.asarray(said.proba).tolist()]
    return list(zip(said.y_pred, shares, strict=True))
