"""The learners of one model: a champion that answers, and challengers that learn from the same stream beside it.

The consistency promise lives here: a learner is read and taught in turns, never at once, and a turn is a whole number of events. So
a prediction is made from the state after exactly ``seq`` events, and says so.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from headwater.types import Forecast
from headwater.watch.live import LiveScores

from .event import Event, Given

_TURN_S = 0.002
"""Seconds that one turn of learning should take: a reader waits no longer than about that."""
_RECENT = 20


class Turns:
    """A lock that is given in the order of asking, so that neither readers nor the writer starve."""

    def __init__(self) -> None:
        self._gate, self._lock = threading.Lock(), threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the lock."""
        with self._gate:
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()


@dataclass(slots=True)
class Member:
    """One learner of a model, with its scores; ``at`` is the last event that it has learned."""

    id: int
    name: str
    champion: bool
    learner: Any
    scores: LiveScores
    at: int


@dataclass(slots=True)
class Model:
    """A named model: its learners, the champion first, and the sequence they stand at."""

    id: int
    name: str
    task: str
    members: list[Member]
    paused: bool = False
    seq: int = 0
    turns: Turns = field(default_factory=Turns)
    recent: deque[tuple[int, Event, Any]] = field(default_factory=lambda: deque(maxlen=_RECENT))
    """The last events with their numbers, and what the champion had said."""
    pace: float = 5e-5
    """Seconds that an event took lately."""

    @property
    def champion(self) -> Member:
        """The learner that answers."""
        return self.members[0]

    def predict(self, X: Sequence[Any], *, shadows: bool) -> tuple[list[Given], int]:
        """Return what the champion says of each sample (and every challenger, with ``shadows``), and the sequence it stood at."""
        with self.turns.turn():
            asked = self.members if shadows else self.members[:1]
            said = [(member.name, given(self.task, member.learner, X)) for member in asked]
            seq = self.seq
        return [{name: rows[i] for name, rows in said} for i in range(len(X))], seq

    def learn(self, events: list[Event], first: int) -> list[Any]:
        """Learn events, the first with that number; return what the champion predicted for each before it was learned."""
        out: list[Any] = []
        start = 0
        while start < len(events):
            block = events[start : start + max(16, int(_TURN_S / self.pace))]
            with self.turns.turn():
                began = time.perf_counter()
                heard = [teach(self.task, member, block) for member in self.members]
                self.seq = first + start + len(block) - 1
                for member in self.members:
                    member.at = self.seq
                self.pace += 0.2 * ((time.perf_counter() - began) / len(block) - self.pace)
            out += heard[0]
            start += len(block)
        for i in range(max(0, len(events) - _RECENT), len(events)):
            if events[i].step is not None:
                continue
            given_out = (events[i].given or {}).get(self.champion.name)
            self.recent.append((first + i, events[i], out[i] if given_out is None else given_out[0]))
        return out


def teach(task: str, member: Member, events: list[Event]) -> list[Any]:
    """Let one learner learn events, and score it; return what it said of each before (None of a change of the step)."""
    if all(event.step is None for event in events):
        return said(_taught(task, member, events))
    out: list[Any] = []
    for changes, group in groupby(events, lambda event: event.step is not None):
        part = list(group)
        out += [None] * len(part) if changes else said(_taught(task, member, part))
        for event in part:
            if event.step is not None and event.step[0] == member.id:
                member.learner._engine.set_step(event.step[1])
    return out


def _taught(task: str, member: Member, events: list[Event]) -> Forecast:
    y = [event.y for event in events]
    w = None if all(event.w is None for event in events) else [1.0 if e.w is None else e.w for e in events]
    forecast: Forecast = member.learner.step_many([event.x for event in events], y, w)
    if any(event.given is not None for event in events):
        _score_given(task, member, events, forecast)
    elif task == "classify":
        member.scores.update(y, said(forecast), *_probabilities(forecast, y))
    else:
        member.scores.update(y, said(forecast), (), ())
    return forecast


def _probabilities(forecast: Forecast, y: list[Any]) -> tuple[list[float], list[float]]:
    """Return the probabilities that were given to the answer and to what was predicted."""
    if forecast.proba is None or not forecast.classes:
        return [0.0] * len(y), [0.0] * len(y)
    column = {label: j for j, label in enumerate(forecast.classes)}
    rows: list[list[float]] = forecast.proba.tolist()
    p_y = [row[column[label]] if label in column else 0.0 for row, label in zip(rows, y, strict=True)]
    return p_y, list(map(max, rows))


def _score_given(task: str, member: Member, events: list[Event], forecast: Forecast) -> None:
    """Score with the predictions that were given out, where that was earlier than learning."""
    fresh, labels = said(forecast), [event.y for event in events]
    p_y, p_said = _probabilities(forecast, labels) if task == "classify" else ([0.0] * len(fresh),) * 2
    rows = []
    for i, event in enumerate(events):
        if event.given is None:
            rows.append((event.y, fresh[i], p_y[i], p_said[i]))
        elif member.name in event.given:  # a challenger that was not there then gave no prediction to score
            guess, proba = event.given[member.name]
            proba = proba or {}
            rows.append((event.y, guess, proba.get(event.y, 0.0), proba.get(guess, 0.0)))
    for row in rows:
        member.scores.update(*[[value] for value in row])


def said(forecast: Forecast) -> list[Any]:
    """Return predictions as plain values."""
    values: Any = forecast.y_pred
    return list(values) if isinstance(values, list | tuple) else list(values.tolist())


def given(task: str, learner: Any, X: Sequence[Any]) -> list[tuple[Any, dict[Any, float] | None]]:
    """Return the prediction of each sample, with the probabilities of a classifier."""
    if task == "regress":
        if len(X) == 1:
            return [(float(learner.predict_one(X[0])), None)]
        return [(guess, None) for guess in said(learner.forecast(X))]
    if len(X) == 1:
        rows = [learner.predict_proba_one(X[0])]
    else:
        forecast = learner.forecast(X)
        table = [[]] * len(X) if forecast.proba is None else forecast.proba.tolist()
        rows = [dict(zip(forecast.classes, row, strict=True)) for row in table]
    return [(max(row, key=row.__getitem__) if row else None, row) for row in rows]


__all__ = ["Member", "Model", "Turns", "given", "said", "teach"]
