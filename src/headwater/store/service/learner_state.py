"""One learner of a model, with functions to learn events, score and predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from headwater.learner.kind import kind_with
from headwater.learner.labels import probabilities_of, values_of
from headwater.learner.limits import Limits as LearnerLimits
from headwater.route.score import Score
from headwater.store.journal.events import JournalEvent
from headwater.types import Predictions

__all__ = ["LearnerState", "labels_of", "learn_events", "predict_rows", "scores_of", "set_or_interval"]


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
    _classes: frozenset[Any] = frozenset()

    def __post_init__(self) -> None:
        # Limits are checked before journaling, so every journaled event must be learnable under any limits.
        self.learner.limits = UNLIMITED

    def known_classes(self) -> frozenset[Any]:
        """Return the classes that a classifier has seen, or the actions of a bandit."""
        classes = self.learner.known_classes
        if len(self._classes) != len(classes):  # they are only ever added
            self._classes = frozenset(classes)
        return self._classes


def scores_of(learner: Any, saved: bytes = b"") -> Score:
    """Return the metrics of a learner, continuing from ``saved``."""
    scores: Score = learner.kind.score(learner=learner, saved=saved, history=True)
    return scores


def learn_events(task: str, state: LearnerState, events: list[JournalEvent]) -> list[Any]:
    """Learn and score events, returning the prediction made before each (None for step size changes)."""
    if all(event.step is None for event in events):
        return values_of(_learn_examples(task, state, events))
    out: list[Any] = []
    for changes, group in groupby(events, lambda event: event.step is not None):
        part = list(group)
        out += [None] * len(part) if changes else values_of(_learn_examples(task, state, part))
        for event in part:
            if event.step is not None and event.step[0] == state.id:
                state.learner.engine.set_step(event.step[1])
    return out


def _learn_examples(task: str, state: LearnerState, events: list[JournalEvent]) -> Predictions:
    y = labels_of(state.learner, events)
    w = None if all(event.w is None for event in events) else [1.0 if e.w is None else e.w for e in events]
    answers = state.learner.kind.answer.needed  # otherwise y are labels used only for metrics
    forecast: Predictions = state.learner.step_many([event.x for event in events], y if answers else None, w)
    if state.learner.kind.answer.given_out is None and any(event.predicted is not None for event in events):
        _score_earlier(task, state, events, forecast)
    else:
        state.scores.score(y, forecast, [event.x for event in events])
    return forecast


def labels_of(learner: Any, events: Sequence[JournalEvent]) -> list[Any]:
    """Return the labels of events as the learner takes them, joined with the issued prediction where needed."""
    join = learner.kind.answer.given_out
    return [event.y for event in events] if join is None else [join(event.predicted, event.y) for event in events]


def _score_earlier(task: str, state: LearnerState, events: list[JournalEvent], forecast: Predictions) -> None:
    """Score with the issued predictions where they were made earlier than learning."""
    fresh, labels = values_of(forecast), [event.y for event in events]
    p_y, p_predicted = probabilities_of(forecast, labels) if task == "classify" else ([0.0] * len(fresh),) * 2
    rows = []
    for i, event in enumerate(events):
        if event.predicted is None:
            rows.append((event.y, fresh[i], p_y[i], p_predicted[i]))
        elif state.name in event.predicted:  # a challenger added later issued no prediction to score
            guess, proba = event.predicted[state.name]
            proba = proba or {}
            rows.append((event.y, guess, proba.get(event.y, 0.0), proba.get(guess, 0.0)))
    for row in rows:
        state.scores.update(*[[value] for value in row])


def set_or_interval(learner: Any, x: Any, coverage: float) -> dict[str, Any]:
    """Return a sample's prediction set (in order of class appearance), or its interval with long-run guarantee."""
    if "classes" in kind_with(learner.task).can:
        inside = learner.predict_set_one(x, coverage)
        return {"coverage": coverage, "set": [label for label in learner.known_classes if label in inside]}
    ends = learner.predict_interval_one(x, coverage, guarantee="long-run")
    return {"coverage": coverage, "interval": [end if abs(end) < 1e300 else None for end in ends]}


def predict_rows(task: str, learner: Any, X: Sequence[Any]) -> list[tuple[Any, dict[Any, float] | None]]:
    """Return the prediction of each sample, with probabilities for a classifier."""
    if task == "decide":
        said = learner.predict_batch(X)
        table = [[]] * len(X) if said.proba is None else said.proba.tolist()
        return [
            (guess, dict(zip(said.classes, row, strict=True))) for guess, row in zip(said.y_pred, table, strict=True)
        ]
    if task == "multioutput":
        return [(learner.predict_one(x), learner.predict_proba_one(x)) for x in X]
    if "classes" not in kind_with(task).can:
        if len(X) == 1 and task == "regress":  # faster than a batch of one
            return [(float(learner.predict_one(X[0])), None)]
        return [(guess, None) for guess in values_of(learner.predict_batch(X))]
    if len(X) == 1:
        rows = [learner.predict_proba_one(X[0])]
    else:
        forecast = learner.predict_batch(X)
        table = [[]] * len(X) if forecast.proba is None else forecast.proba.tolist()
        rows = [dict(zip(forecast.classes, row, strict=True)) for row in table]
    return [(max(row, key=row.__getitem__) if row else None, row) for row in rows]
