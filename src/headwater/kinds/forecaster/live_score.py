"""Scores in service of a forecaster: of its forecasts one time ahead.

MAE and RMSE, next to the last answer ("no-change") and the answer a season before ("season"). Over all answers, and over the last
``WINDOW``. Every answer is scored with the forecast that was made right before it came. A gap in the series is not scored.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.learner.labels import values_of
from headwater.route.curve import MARKS, WINDOW, add_point, detector, mean
from headwater.types import Predictions

__all__ = ["SHOWN", "LiveForecasts"]

SHOWN = 200
"""Times of which the answer and its forecast are kept to be shown."""
NAMES = ("model", "no-change", "season")


class Sums(msgspec.Struct):
    """What is kept: counts and sums over all answers, those of the window, and the last times."""

    n: int = 0
    gaps: int = 0
    """Times without an answer."""
    first: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0, 0.0])
    """Σ|e|: of the model and of the two baselines."""
    second: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0, 0.0])
    """Σe²."""
    window: list[tuple[float, float, float, float]] = []
    """|e| of the three, and e² of the model."""
    season: list[float] = []
    """The answers of the last season; where one was missing, what was known in its place."""
    shown: list[tuple[float | None, float]] = []
    """Answer and forecast of the last times; None for a gap."""
    every: int = 1
    """Answers between two points of the curve; it doubles when the curve is full."""
    curve: list[list[float]] = []
    """Points of the window's scores: n, the model, the two baselines, the squared error."""
    marks: list[int] = []
    """Answers at which the error was found to have risen: drift."""


class LiveForecasts:
    """Score a forecaster in service.

    Parameters
    ----------
    saved : bytes, optional
        What ``to_bytes`` gave, to go on from.
    learner : Forecaster, optional
        Whose season the baseline has.
    season : int
        That of the baseline, where no learner is given.

    Examples
    --------
    >>> scores = LiveForecasts(season=2)
    >>> scores.update([1.0, 5.0, 1.0, 5.0], [1.0, 1.0, 1.0, 4.0], (), ())
    >>> [scores.report()[name]["mae"] for name in ("model", "season", "no-change")]
    [1.25, 1.25, 3.25]
    """

    task = "forecast"

    def __init__(self, saved: bytes = b"", learner: Any = None, *, season: int = 1) -> None:
        season = season if learner is None else learner.season
        self.sums = msgspec.msgpack.decode(saved, type=Sums) if saved else Sums()
        self._window = deque(self.sums.window, maxlen=WINDOW)
        self._season = deque(self.sums.season, maxlen=season)
        self._shown = deque(self.sums.shown, maxlen=SHOWN)
        self._detector = detector()

    @property
    def n(self) -> int:
        """Answers scored so far."""
        return self.sums.n

    def score(self, y: Sequence[Any], forecast: Predictions) -> None:
        """Score rows that were predicted just now."""
        self.update(y, values_of(forecast))

    def update(
        self, y: Sequence[Any], said: Sequence[float], p_y: Sequence[float] = (), p_said: Sequence[float] = ()
    ) -> None:
        """Score answers.

        Parameters
        ----------
        y, said
            Answers and forecasts; NaN for a gap.
        p_y, p_said
            For classes; not used here.
        """
        for answer, guess in zip(y, said, strict=True):
            self._time(answer, guess)

    def _time(self, y: float, said: float) -> None:
        known = abs(y) < 1e150 and abs(said) < 1e150  # else its square would be no number
        last = self._season[-1] if self._season else 0.0
        whole = len(self._season) == self._season.maxlen
        seasonal = self._season[0] if whole else last
        if known:
            self._score(y, (said, last, seasonal))
        elif self.sums.n:
            self.sums.gaps += 1
        if known or self.sums.n:
            self._season.append(y if known else seasonal)
            self._shown.append((y if known else None, said))

    def _score(self, y: float, guesses: tuple[float, float, float]) -> None:
        sums, errors = self.sums, [abs(y - guess) for guess in guesses]
        usual = sums.first[2] / sums.n if sums.n else 0.0
        sums.n += 1
        self._detector.update(errors[0] / (errors[0] + usual) if errors[0] else 0.0)
        if self._detector.drift_detected:
            sums.marks = [*sums.marks[1 - MARKS :], sums.n]
        for i, error in enumerate(errors):
            sums.first[i] += error
            sums.second[i] += error * error
        self._window.append((errors[0], errors[1], errors[2], errors[0] ** 2))
        if sums.n % sums.every == 0:
            point: list[float] = [sums.n, *(round(value or 0.0, 6) for value in self._means())]
            sums.curve, sums.every = add_point(sums.curve, point, sums.every)

    def _means(self) -> list[float | None]:
        rows = list(self._window)
        return [mean([row[i] for row in rows]) for i in range(4)]

    def report(self) -> dict[str, Any]:
        """Return the scores as plain dicts: of the model and each baseline, over all answers and (``window``) over the last.

        Returns
        -------
        dict
            ``n``, ``gaps`` (times without an answer), ``model``, the baselines, and ``window`` with the same.
        """
        sums, n, means = self.sums, self.sums.n, self._means()
        whole: dict[str, Any] = {
            name: {"mae": first / n if n else None, "rmse": math.sqrt(second / n) if n else None}
            for name, first, second in zip(NAMES, sums.first, sums.second, strict=True)
        }
        window: dict[str, Any] = {name: {"mae": value} for name, value in zip(NAMES, means, strict=False)}
        window["model"]["rmse"] = None if means[3] is None else math.sqrt(means[3])
        return {"n": n, "unscored": 0, "gaps": sums.gaps, **whole, "window": {"n": len(self._window), **window}}

    def history(self) -> dict[str, Any]:
        """Return the curve of the window's scores so far, and the answers at which drift was found."""
        return {"every": self.sums.every, "points": self.sums.curve, "drift": self.sums.marks}

    def shown(self) -> list[tuple[float | None, float]]:
        """Return the answers of the last times, None for a gap, with what was forecast right before each."""
        return list(self._shown)

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""
        self.sums.window, self.sums.season, self.sums.shown = list(self._window), list(self._season), list(self._shown)
        return msgspec.msgpack.encode(self.sums)
