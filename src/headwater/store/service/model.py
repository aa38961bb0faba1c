"""A model of a store, with a champion that predicts and challengers that learn from the same stream.

This module ensures consistency. Reading and training a learner alternate in turns, and a turn is a whole number of events. So a
prediction comes from the state after exactly ``seq`` events, and reports ``seq``.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import groupby, repeat
from operator import attrgetter
from types import TracebackType
from typing import Any

import numpy as np

from headwater.errors import ConfigError, DataError, counted
from headwater.learner.expiring import Expiring
from headwater.learner.kind import kind_of
from headwater.learner.schema.labels import probabilities_of, values_of
from headwater.learner.settings.limits import Limits as LearnerLimits
from headwater.route.score import Score
from headwater.store.forget.publishing import Publishing
from headwater.store.journal.events import (
    CHANCE,
    OFFER,
    ROLLED,
    Issued,
    JournalEvent,
    PendingPrediction,
    is_observation,
    observation,
)
from headwater.types import Predictions

from .price import Price, price_of

__all__ = [
    "FALLBACK",
    "TicketLock",
    "Fallback",
    "LearnerState",
    "Model",
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
_TURN_S = 0.002
"""Target seconds of one turn of learning, which is about the longest wait of a reader."""
_FASTEST = 1e-3
"""Least share of its price that learning is taken to cost, so that one turn stays bounded."""
_RECENT = 20
_latest: Callable[[], deque[Any]] = partial(deque, maxlen=_RECENT)


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


class TicketLock:
    """A lock granted in order of request, so that neither readers nor the writer starve.

    Examples
    --------
    >>> lock = TicketLock()
    >>> with lock:
    ...     print("held")
    held
    """

    def __init__(self) -> None:
        self._gate, self._lock = threading.Lock(), threading.Lock()
        _ALL.add(self)

    def renew(self) -> None:
        """Reset the lock in a forked process, where the holding thread doesn't exist."""
        self._gate, self._lock = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._gate:  # a waiter holds the gate, so nobody overtakes it
            self._lock.acquire()

    def take_now(self) -> bool:
        """Take the lock if it is free and nobody waits, and return whether it was taken.

        Release it with ``release``.
        """
        if not self._gate.acquire(blocking=False):
            return False
        try:
            return self._lock.acquire(blocking=False)
        finally:
            self._gate.release()

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._lock.release()


@dataclass
class Model:
    """A named model with its learners (champion first) and their sequence."""

    id: int
    name: str
    task: str
    live: list[LearnerState] = field(default_factory=list)
    """The learners that learn, champion first."""
    learners: list[LearnerState] = field(init=False)
    """The learners that answer, champion first, which are those that learn unless the model is published late."""
    champion: LearnerState = field(init=False)
    """The learner that predicts, the first of ``learners``."""
    paused: bool = False
    at: int = 0
    """The last event learned."""
    seq: int = field(init=False)
    """The last event that the answering learners have learned."""
    late: Publishing | None = None
    """When and how the learners are published, None if at once."""
    lock: TicketLock = field(default_factory=TicketLock)
    recent: deque[tuple[int, JournalEvent, Any]] = field(default_factory=_latest)
    """The last events with their numbers and the champion's predictions."""
    alarms: deque[tuple[int, JournalEvent, float, Mapping[Any, float]]] = field(default_factory=_latest)
    """The last events with an anomaly alarm, with their numbers, scores and column contributions."""
    fallback: Fallback | None = None
    """The baseline that answers instead of the champion, if any. It is given out beside what the learners predict."""
    forgettings: int = 0
    """Times that rows were forgotten since the start."""
    pace: float = 1.0
    """Running mean of the seconds that learning takes for each second of its price, which is rounded up."""
    _priced_until: int = 0
    _held: deque[tuple[int, JournalEvent, Any]] = field(default_factory=_latest)

    def take(self, live: list[LearnerState]) -> None:
        """Replace the learners, champion first, and publish them."""
        self.live = self.learners = live
        self.champion, self.seq = live[0], self.at
        vars(self).pop("price", None)
        if self.late is not None:
            self.publish()

    def reach(self, at: int) -> None:
        """Count the events up to one as learned."""
        self.at = self.seq = at
        vars(self).pop("price", None)

    def publish(self) -> None:
        """Let the learners answer as they are now."""
        if self.late is not None:
            self.learners = list(map(self.late.copied, self.live))
            self.late.begin(self.at)
        self.champion, self.seq = self.learners[0], self.at
        vars(self).pop("price", None)
        self.recent.extend(self._held)
        self._held.clear()

    def publish_if_due(self) -> None:
        """Publish the learners if the model is published late and it is time to."""
        if self.late is not None and self.at > self.seq and self.late.is_due(self.at):
            self.publish()

    @cached_property
    def price(self) -> Price:
        """Cost of rows over all learners of the model, computed anew when the events learned have grown by half."""
        self._priced_until = self.seq + self.seq // 2
        return price_of(state.learner for state in self.learners)

    def predict(
        self, X: Sequence[Any], *, shadows: bool, coverage: Sequence[float | None] | None = None
    ) -> tuple[list[Issued], int, dict[int, dict[str, Any]]]:
        """Return the champion's predictions (with ``shadows`` also the challengers'), and the sequence.

        ``coverage`` requests a prediction set or interval for each row with a share. They are returned by row index.
        """
        with self.lock:
            return self._predict(X, shadows, coverage)

    def predict_now(
        self, X: Sequence[Any], *, shadows: bool, coverage: Sequence[float | None] | None = None
    ) -> tuple[list[Issued], int, dict[int, dict[str, Any]]] | None:
        """Predict as ``predict`` does, or return None if the model is busy and the caller can't wait."""
        if not self.lock.take_now():
            return None
        try:
            return self._predict(X, shadows, coverage)
        finally:
            self.lock.release()

    def predict_table(self, X: Any) -> tuple[Any, int] | None:
        """Return the champion's predictions of a table's rows, and the sequence, or None if a fallback answers for it."""
        with self.lock:
            return None if self.fallback is not None else (self.champion.learner.predict_batch(X), self.seq)

    def predict_kept(self, X: Sequence[Any]) -> tuple[list[Issued], int]:
        """Return predictions of rows that wait for their labels, with the aggregates that the learners read, and the sequence."""
        with self.lock:
            return self._predict(X, True, None, kept=True)[:2]

    @cached_property
    def in_order(self) -> bool:
        """Whether answers by id are learned in the order in which they were asked for."""
        kind = kind_of(self.live[0].learner)
        return kind.answer.in_order and "late" in kind.can

    @cached_property
    def keyed(self) -> bool:
        """Whether each row names its series."""
        return kind_of(self.live[0].learner).question.keyed

    @property
    def observes(self) -> bool:
        """Whether rows whose labels come late count at once: among the rows before others (``rolling``), or as choices made."""
        return any(state.learner.has_rolling or state.learner.kind.noted is not None for state in self.live)

    def observations(self, predictions: Sequence[PendingPrediction]) -> list[JournalEvent]:
        """Return the events of rows that count at once, with the choices where these count."""
        choices = self.live[0].learner.kind.noted is not None
        return [observation(one.x, one.predicted if choices else None) for one in predictions]

    def _read(self, rows: Sequence[Mapping[Any, Any]]) -> tuple[Sequence[Any], list[Issued]]:
        """Return rows as the champion reads them, and the aggregates that each learner reads, those of earlier rows among them."""
        aggregates: list[Issued] = [{} for _ in rows]
        read: Sequence[Any] = rows
        for state in reversed(self.learners):  # the champion comes last
            read = _observed(state, rows, aggregates)
        return read, aggregates

    def _predict(
        self,
        X: Sequence[Any],
        shadows: bool,
        coverage: Sequence[float | None] | None,
        *,
        kept: bool = False,
    ) -> tuple[list[Issued], int, dict[int, dict[str, Any]]]:
        said: list[Issued] = [{} for _ in X]
        aggregates: list[Issued] = [{} for _ in X]
        for state in self.learners if shadows else self.learners[:1]:
            rows = _observed(state, X, aggregates) if kept else X
            for one, row in zip(said, predict_rows(state.learner, rows), strict=True):
                one[state.name] = row
        for one, own in zip(said, aggregates, strict=True):
            one.update(own)
        if self.fallback is not None:
            guess = self.fallback.guess(self.champion.scores)
            for one in said:
                one[FALLBACK] = guess
        inside = {}
        for i, share in enumerate(coverage or ()):
            if share is not None:
                inside[i] = set_or_interval(self.champion.learner, X[i], share)
        return said, self.seq, inside

    def issue(self, rows: Sequence[Mapping[Any, Any]], question: Mapping[str, Any]) -> list[PendingPrediction]:
        """Return what the model says of rows, to be stored until their labels arrive.

        A kind whose answer is a choice that others act on (``Kind.issue``) makes it here. Other kinds predict, and challengers with
        them. Where answers are learned in order, `issue_next` predicts, once it is known what waits.
        """
        learner = self.champion.learner
        kind = kind_of(learner)
        given = kind.question.read(question)
        if self.in_order:
            self._check_published_at_once()
            return [PendingPrediction(dict(x), {}, self.seq) for x in rows]
        if kind.issue is None:
            with self.lock:
                said, seq, _ = self._predict(rows, True, None, kept=True)
            if kind.answer.compound:  # the probability of such a label is not scored
                said = [{name: (value, None) for name, (value, _) in one.items()} for one in said]
            return [PendingPrediction(dict(x), one, seq) for x, one in zip(rows, said, strict=True)]
        with self.lock:
            read, aggregates = self._read(rows)
            issued = [kind.issue(learner, x, **given) for x in read]
            chosen = [_chosen(self.champion.name, *one) | more for one, more in zip(issued, aggregates, strict=True)]
            return [PendingPrediction(dict(x), one, self.seq) for x, one in zip(rows, chosen, strict=True)]

    def issue_next(
        self, waiting: Sequence[Any], rows: Sequence[PendingPrediction], question: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Predict rows of one series that come after those that wait, and return what the champion says of each.

        Parameters
        ----------
        waiting : sequence of dict
            The rows before them that are not learned yet.
        rows : sequence of PendingPrediction
            Receive the predictions of the champion and of the challengers.
        question : mapping
            What is asked beside the rows.

        Raises
        ------
        ConfigError
            If they lie farther ahead than the champion can predict.
        """
        ahead = [*waiting, *(one.x for one in rows)]
        if question.get("horizon") not in (None, len(rows)):
            raise DataError(
                expected=f"{question['horizon']} rows, one for each time ahead",
                got=str(len(rows)),
                at="horizon",
                help="Leave the horizon out.",
            )
        question, found = {**question, "horizon": len(ahead)}, list[dict[str, Any]]()
        with self.lock:
            for state in self.learners:
                far = _farthest(state.learner)
                if len(ahead) > far and state is self.champion:
                    raise _too_far(len(ahead), far, len(waiting), self.name)
                if len(ahead) > far:  # of a challenger that sees less far nothing is scored
                    continue
                told = kind_of(state.learner).ask(state.learner, ahead, **question).rows()[len(waiting) :]
                column = kind_of(state.learner).response[0].name
                for one, row in zip(rows, told, strict=True):
                    one.predicted[state.name] = (row[column], None)
                found = told if state is self.champion else found
            for one in rows:
                one.seq = self.seq
                if self.fallback is not None:
                    one.predicted[FALLBACK] = self.fallback.guess(self.champion.scores)
        return found

    def _check_published_at_once(self) -> None:
        if self.late is not None:
            raise ConfigError(
                expected="a model that answers as it is now",
                got="one that is published now and then",
                at=self.name,
                help="Answers in order follow what was learned last. Open it without publish_every.",
            )

    def learn(self, events: list[JournalEvent], first: int) -> list[Any]:
        """Learn events numbered from ``first`` and return the champion's prediction made before each."""
        out: list[Any] = []
        start = 0
        while start < len(events):
            stop, price_s = (1, 0.0) if len(events) == 1 else self._turn(events, start)
            block = events if len(events) == 1 else events[start:stop]
            with self.lock:
                began = time.perf_counter()
                predictions = list(map(learn_events, self.live, repeat(block)))
                self.at = first + start + len(block) - 1
                for state in self.live:
                    state.at = self.at
                if self.late is None:
                    self.seq = self.at
                else:
                    self.publish_if_due()
                if self.seq > self._priced_until:
                    vars(self).pop("price", None)
                if (alarm := self.champion.learner.kind.alarm) is not None and self.late is None:
                    self._note_alarms(block, first + start, predictions[0], alarm)
                if price_s:
                    share = min((time.perf_counter() - began) / price_s, 1.0)
                    self.pace = max(self.pace + 0.2 * (share - self.pace), _FASTEST)
            out += predictions[0]
            start += len(block)
        name, recent = self.champion.name, self.recent if self.late is None else self._held
        for i in range(max(0, len(events) - _RECENT), len(events)):
            if events[i].step is None:
                earlier = (events[i].predicted or {}).get(name)
                recent.append((first + i, events[i], out[i] if earlier is None else earlier[0]))
        return out

    def _turn(self, events: list[JournalEvent], start: int) -> tuple[int, float]:
        """Return the end index of a turn that takes about ``_TURN_S``, and its price in seconds."""
        (row_s, cell_s), most = self.price.learned, _TURN_S / self.pace
        price_s = row_s + cell_s * len(events[start].x)
        end = len(events) if self.late is None else self.late.end_of(start, len(events), self.at)
        for i in range(start + 1, end):
            more = row_s + cell_s * len(events[i].x)
            if price_s + more > most:
                return i, price_s
            price_s += more
        return end, price_s

    def _note_alarms(self, block: list[JournalEvent], first: int, scores: list[float], alarm: float) -> None:
        """Store the latest alarms of a block with explanations, computed right after the block was learned."""
        found = [i for i, score in enumerate(scores) if score > alarm]
        for i in found[-_RECENT:]:
            why = self.champion.learner.explain_one(block[i].x)
            self.alarms.append((first + i, block[i], scores[i], why if isinstance(why, Mapping) else why.contributions))


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
    fresh, labels, answer = values_of(forecast), [event.y for event in events], state.learner.kind.answer
    p_y, p_predicted = [0.0] * len(fresh), [0.0] * len(fresh)
    if forecast.proba is not None and not answer.compound:
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
        elif answer.in_order:  # its baselines follow the series all the same
            rows.append((event.y, math.nan, 0.0, 0.0))
    if answer.in_order:
        for event, (y, guess, *_) in zip(events, rows, strict=True):
            state.scores.score([y], Predictions([guess]), [event.x])
        return
    for row in rows:
        state.scores.update(*[[value] for value in row])


def _farthest(learner: Any) -> float:
    """Return how many rows ahead a learner can predict."""
    far: float = getattr(getattr(learner, "first", learner), "horizon", math.inf)
    return far


def _too_far(n: int, far: float, waiting: int, name: str) -> ConfigError:
    before = f", with {counted(waiting, 'question')} before it that wait" if waiting else ""
    return ConfigError(
        expected=f"a question that is at most {far} times ahead of what was learned",
        got=f"one that is {n} ahead{before}",
        at=name,
        help="Answer the earlier ones first, a missing answer (null) for one that won't come, or make it with a larger horizon.",
    )


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


def _chosen(name: str, choice: Any, p: dict[Any, float] | None, offer: Any = None) -> Issued:
    """Return a choice as it is stored, with the features of what was on offer where there are any."""
    said: Issued = {name: (choice, p)}
    return said if offer is None else {**said, OFFER: (offer, None)}


def _observed(state: LearnerState, rows: Sequence[Any], aggregates: list[Issued]) -> Sequence[Any]:
    """Return rows as a learner reads them once those before have been observed, and note the aggregates of each."""
    if not state.learner.has_rolling:
        return rows
    read: list[dict[Any, Any]] = state.learner.as_observed(rows)
    for x, own, out in zip(rows, read, aggregates, strict=True):
        if added := state.learner.aggregates_in(x, own):
            out[ROLLED + state.name] = (added, None)
    return read


_ALL: weakref.WeakSet[TicketLock] = weakref.WeakSet()


def _renew_all() -> None:
    for lock in _ALL:
        lock.renew()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_renew_all)
