"""Scores in service of learners with answers.

A classifier is scored by accuracy and log-loss, next to the last answer ("no-change") and the most frequent one ("majority"); a
regressor by MAE and RMSE, next to "no-change" and the mean so far ("mean"). Over all rows, and over the last ``WINDOW``. Every row is
scored with the prediction that was given out for it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from headwater.learner.labels import probabilities_of, values_of
from headwater.route.curve import MARKS, WINDOW, add_point, detector, mean
from headwater.types import Predictions

__all__ = ["BINS", "LiveClasses", "LiveNumbers", "Sums"]

BINS = 10
_FLOOR = 1e-15
_MANY = 10_000  # classes beyond which new ones are no longer counted for the majority: memory stays bounded


class Sums(msgspec.Struct):
    """What is kept: counts and sums over all rows, and the rows of the window."""

    n: int = 0
    first: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0, 0.0])
    """Right answers, or Σ|e|: of the model and of the two baselines."""
    second: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0, 0.0])
    """Σ−log p (model only), or Σe²."""
    window: list[tuple[float, float, float, float]] = []
    """Right or |e| of the three, and the loss of the model."""
    bins: list[list[float]] = msgspec.field(default_factory=lambda: [[0, 0.0, 0] for _ in range(BINS)])
    """Calibration: rows, Σ of the probability of what was predicted, right ones; by that probability."""
    last: Any = None
    majority: Any = None
    total: float = 0.0
    counts: list[list[Any]] = []
    every: int = 1
    """Rows between two points of the curve; it doubles when the curve is full."""
    curve: list[list[float]] = []
    """Points of the window's scores: n, the model, the two baselines, the loss."""
    marks: list[int] = []
    """Rows at which the loss was found to have risen: concept drift."""
    unscored: int = 0
    """Rows that were asked before any class was known: scored neither for the model nor for the baselines."""


class LiveAnswers:
    """Score a learner in service.

    Parameters
    ----------
    saved : bytes, optional
        What ``to_bytes`` gave, to go on from.

    Examples
    --------
    >>> scores = LiveClasses()
    >>> scores.update(["a", "b", "b"], ["a", "a", "b"], [0.9, 0.2, 0.6], [0.9, 0.8, 0.6])
    >>> scores.report()["model"]["accuracy"]
    0.6666666666666666
    """

    task: ClassVar[str]

    def __init__(self, saved: bytes = b"", learner: Any = None) -> None:
        self.sums = msgspec.msgpack.decode(saved, type=Sums) if saved else Sums()
        self._window = deque(self.sums.window, maxlen=WINDOW)
        self._detector = detector()
        self._counts: dict[Any, int] = dict(self.sums.counts)

    @property
    def n(self) -> int:
        """Rows scored so far."""
        return self.sums.n

    @property
    def names(self) -> tuple[str, str, str]:
        """The model and the two baselines."""
        return ("model", "no-change", "majority" if self.task == "classify" else "mean")

    def score(self, y: Sequence[Any], forecast: Predictions) -> None:
        """Score rows that were predicted just now."""
        self.update(y, values_of(forecast), *probabilities_of(forecast, y))

    def update(self, y: Sequence[Any], said: Sequence[Any], p_y: Sequence[float], p_said: Sequence[float]) -> None:
        """Score rows.

        Parameters
        ----------
        y, said
            Answers and predictions.
        p_y, p_said
            The probabilities that were given to the answer and to the prediction; ignored for a regressor.
        """
        if self.task == "classify":
            for row in zip(y, said, p_y, p_said, strict=True):
                self._class(*row)
        else:
            for answer, guess in zip(y, said, strict=True):
                self._number(answer, guess)

    def _class(self, y: Any, said: Any, p_y: float, p_said: float) -> None:
        if y is None or y != y:
            return
        sums = self.sums
        if said is None:  # asked before any class was known
            sums.unscored += 1
        else:
            self._score_class(y, said, p_y, p_said)
        sums.last, counts = y, self._counts
        if y in counts or len(counts) < _MANY:
            counts[y] = counts.get(y, 0) + 1
            if counts[y] > counts.get(sums.majority, 0):
                sums.majority = y

    def _score_class(self, y: Any, said: Any, p_y: float, p_said: float) -> None:
        sums = self.sums
        right = (float(y == said), float(y == sums.last), float(y == sums.majority))
        loss = -math.log(p_y if p_y > _FLOOR else _FLOOR)
        self._feed(1.0 - p_y)
        self._add(right, right, loss)
        sums.second[0] += loss
        cell = sums.bins[min(int(p_said * BINS), BINS - 1)]
        cell[0], cell[1], cell[2] = cell[0] + 1, cell[1] + p_said, cell[2] + right[0]

    def _number(self, y: float, said: float) -> None:
        sums = self.sums
        if not (abs(y) < 1e150 and abs(said) < 1e150):  # its square would be no number
            return
        guesses = (said, sums.last or 0.0, sums.total / sums.n if sums.n else 0.0)
        errors = [y - guess for guess in guesses]
        usual = sums.first[2] / sums.n if sums.n else 0.0
        self._feed(abs(errors[0]) / (abs(errors[0]) + usual) if errors[0] else 0.0)
        for i, error in enumerate(errors):
            sums.second[i] += error * error
        self._add([abs(error) for error in errors], [abs(error) for error in errors], errors[0] ** 2)
        sums.last = y
        sums.total += y

    def _add(self, first: Sequence[float], row: Sequence[float], loss: float) -> None:
        sums = self.sums
        sums.n += 1
        for i in range(3):
            sums.first[i] += first[i]
        self._window.append((row[0], row[1], row[2], loss))
        if sums.n % sums.every == 0:
            self._point()

    def _point(self) -> None:
        """Add a point to the curve; a full curve loses every second one."""
        sums, rows = self.sums, list(self._window)
        point: list[float] = [sums.n, *(round(mean([row[i] for row in rows]) or 0.0, 6) for i in range(4))]
        sums.curve, sums.every = add_point(sums.curve, point, sums.every)

    def _feed(self, cost: float) -> None:
        """Show the detector what a prediction cost, between 0 and 1."""
        self._detector.update(cost)
        if self._detector.drift_detected:
            self.sums.marks = [*self.sums.marks[1 - MARKS :], self.sums.n + 1]

    def report(self) -> dict[str, Any]:
        """Return the scores as plain dicts: of the model and each baseline, over all rows and (``window``) over the last.

        Returns
        -------
        dict
            ``n``, ``unscored`` (asked before any class was known), ``model``, the baselines, ``window`` with the same, and
            ``calibration``: rows, mean probability and share of right ones by bin.
        """
        sums, n = self.sums, self.sums.n
        rows = list(self._window)
        means = [mean([row[i] for row in rows]) for i in range(4)]
        first = "accuracy" if self.task == "classify" else "mae"
        whole = {name: {first: total / n if n else None} for name, total in zip(self.names, sums.first, strict=True)}
        window: dict[str, Any] = {name: {first: mean} for name, mean in zip(self.names, means, strict=False)}
        if self.task == "classify":
            whole["model"]["log_loss"] = sums.second[0] / n if n else None
            window["model"]["log_loss"] = means[3]
        else:
            for name, square in zip(self.names, sums.second, strict=True):
                whole[name]["rmse"] = math.sqrt(square / n) if n else None
            window["model"]["rmse"] = None if means[3] is None else math.sqrt(means[3])
        cells = [[int(c), p / c if c else None, right / c if c else None] for c, p, right in sums.bins]
        return {"n": n, "unscored": sums.unscored, **whole, "window": {"n": len(rows), **window}, "calibration": cells}

    def history(self) -> dict[str, Any]:
        """Return the curve of the window's scores so far, and the rows at which drift was found."""
        return {"every": self.sums.every, "points": self.sums.curve, "drift": self.sums.marks}

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""
        self.sums.counts = [[label, count] for label, count in self._counts.items()]
        self.sums.window = list(self._window)
        return msgspec.msgpack.encode(self.sums)


class LiveClasses(LiveAnswers):
    """Score a classifier in service."""

    task = "classify"


class LiveNumbers(LiveAnswers):
    """Score a regressor in service."""

    task = "regress"
