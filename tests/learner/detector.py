"""A tiny detector of anomalies, for what every kind of learner without answers has to have."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from headwater.encode import Column
from headwater.encode.frames import is_frame
from headwater.learner.base import Learner
from headwater.learner.guards import as_samples, check_rows
from headwater.learner.kinds import Kind
from headwater.learner.limits import Growth
from headwater.streams import FrameRows
from headwater.types import Forecast, as_mapping

KEPT = 200


def samples(X):
    """Rows as mappings."""
    X = as_samples(X)
    check_rows(X)
    return [as_mapping(x) for x in (FrameRows(X) if is_frame(X) else X)]


def number(value):
    """A value as a number within ±10³⁰; None for what is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    value = float(value) if abs(value) < 1e300 else 1e30 if value > 0 else -1e30 if value < 0 else value
    return min(max(value, -1e30), 1e30) if math.isfinite(value) else None


class Engine:
    """Mean, variance and rows of each column, and the last scores."""

    def __init__(self, state: Mapping[str, Any] | None = None) -> None:
        self.seen: dict[str, list[float]] = {}
        self.last: list[float] = []
        self.learned = 0
        self.rejected: dict[str, int] = {}
        if state is not None:
            names, numbers = json.loads(bytes(state["names"])), state["numbers"].tolist()
            self.seen = dict(zip(names, numbers, strict=True))
            self.last, self.learned = state["last"].tolist(), int(state["learned"][0])

    columns: ClassVar[dict[Any, Column]] = {}

    def knows(self, name):
        return str(name) in self.seen

    def set_limits(self, limits):
        self.limits = limits

    def growth_of(self, X, new_classes=0):
        return Growth(len(X[0]) if len(X) else 0, 0, 0, 0, 0)

    def experts(self):
        return []

    def state(self, without=()):
        return {
            "names": np.frombuffer(json.dumps(list(self.seen)).encode(), np.uint8),
            "numbers": np.array(list(self.seen.values()), np.float64).reshape(-1, 3),
            "last": np.array(self.last, np.float64),
            "learned": np.array([self.learned], np.int64),
        }

    def counts(self):
        return {}

    def resume_counts(self, counts):
        pass

    def begin_copy(self):
        return None

    def parts(self, x):
        found = {}
        for name, value in x.items():
            n, mean, squares = self.seen.get(str(name), (0, 0.0, 0.0))
            value = number(value)
            if value is not None and squares > 0:
                found[name] = min((value - mean) ** 2 / (squares / n), 100.0)
        return found

    def score(self, x):
        parts = self.parts(x)
        raw = sum(parts.values()) / max(len(parts), 1)
        above = sum(other >= raw for other in self.last)
        return raw, (1 - (above + 1) / (len(self.last) + 1) if self.last else 0.5)

    def learn(self, x, raw):
        for name, value in x.items():
            value = number(value)
            if value is not None:
                seen = self.seen.setdefault(str(name), [0, 0.0, 0.0])
                seen[0] += 1
                away = value - seen[1]
                seen[1] += away / seen[0]
                seen[2] += away * (value - seen[1])
        self.last = [*self.last[-KEPT + 1 :], raw]
        self.learned += 1


@dataclass(eq=False, repr=False)
class Detector(Learner):
    """The z-norm, ranked among the last 200."""

    task: ClassVar[str] = "anomaly"

    def new_engine(self, state=None):
        return Engine(state)

    def step_many(self, X, y=None, w=None, ask=None):
        assert y is None, "labels are never shown to a learner"
        X = samples(X)
        with self.lock:
            self._engine = self._engine or self.new_engine()
            scores = []
            for x in X:
                raw, score = self._engine.score(x)
                scores.append(score)
                self._engine.learn(x, raw)
            return Forecast(np.array(scores, np.float64))

    def forecast(self, X):
        return Forecast(np.array([self.score_one(x) for x in samples(X)], np.float64))

    def score_one(self, x):
        return 0.5 if self._engine is None else self._engine.score(x)[1]

    def score_many(self, X):
        return self.forecast(X).y_pred

    def learn_one(self, x):
        self.step_many([x])

    def learn_many(self, X):
        return self.step_many(X).y_pred

    def is_anomaly_one(self, x, rate=0.001):
        return self.score_one(x) > 1 - rate

    def explain_one(self, x):
        parts = {} if self._engine is None else self._engine.parts(x)
        return dict(sorted(parts.items(), key=lambda part: -part[1]))

    def _about(self):
        features = [
            {"name": name, "kind": "number", "values": 0} for name in (self._engine.seen if self._engine else ())
        ]
        return {"features": features, "n_learned": self.n_learned, "parameters": 0}


DETECTOR = Kind("Detector", "anomaly", Detector, "detector of anomalies", frozenset({"scores"}))
