"""Prequential scores of a regressor, next to two predictors that hardly learn.

Every row is scored with the prediction that was given out for it, before it was learned. The scores::

    mae    mean of |y − y_pred|
    rmse   √ mean of (y − y_pred)²
    r2     1 − Σ(y − y_pred)² / Σ(y − mean(y))²; below 0 a constant would have done better

and the baselines, which know only answers that had arrived when the row was predicted (0 before the first)::

    no-change   the last answer
    mean        the mean of the answers so far
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from headwater.learner.validation import FARTHEST
from headwater.types import Predictions, Scores

__all__ = ["RegressWatch"]

_NAMES = ("mae", "rmse", "r2")


class _Row(NamedTuple):
    """One scored row: its answer, and what each predictor said."""

    y: float
    y_pred: float
    no_change: float
    mean: float


class _Sums:
    """Σ|e| and Σe² of one predictor."""

    def __init__(self) -> None:
        self.absolute = 0.0
        self.squared = 0.0

    def add(self, error: float) -> None:
        self.absolute += abs(error)
        self.squared += error * error


class RegressWatch:
    """Score a regressor row by row; the size of the blocks can't change a result.

    Parameters
    ----------
    window
        How many of the last rows the window scores are over.
    delay
        How many rows later than its prediction an answer arrives.

    Notes
    -----
    Cost: 1.6 µs a row.

    Examples
    --------
    >>> watch = RegressWatch()
    >>> watch.update([1.0, 2.0, 4.0], [1.0, 1.5, 3.5])
    >>> [round(scores["mae"], 3) for scores in watch.scores().values()]
    [0.333, 1.333, 1.5]
    """

    names = _NAMES
    needs_answers = True

    def __init__(self, *, window: int = 1000, delay: int = 0) -> None:
        self.n = 0
        self.unscored = 0  # as of a classifier: here a prediction there always is
        self._window: deque[_Row] = deque(maxlen=window)
        self._late: deque[float | None] = deque([None] * (delay + 1))
        self._arrived = [0.0, 0.0, 0.0]  # how many answers, their sum, the last one
        self._sums = (_Sums(), _Sums(), _Sums())
        self._origin = 0.0  # the first answer: sums of squares far from 0 would lose their digits
        self._y = [0.0, 0.0]  # Σ(y − origin), Σ(y − origin)²

    @staticmethod
    def problem(answer: Any) -> str:
        """Return why an answer can't be scored, or the empty string."""
        if answer is None or (isinstance(answer, float) and math.isnan(answer)):
            return "answer unknown"
        try:
            number = float(answer) if isinstance(answer, Real) else math.inf
        except OverflowError:  # a whole number beyond every float
            number = math.inf
        return "" if abs(number) <= FARTHEST else "answer is no finite number"

    def score(self, y: Sequence[float], forecast: Predictions, X: Any = ()) -> list[float]:
        """Score some rows that were predicted just now; of numbers no probability is given: NaN for each."""
        said = forecast.y_pred
        self.update(y, said.tolist() if isinstance(said, np.ndarray) else said)
        return [math.nan] * len(y)

    def update(self, y: Sequence[float], y_pred: Iterable[float], proba: Iterable[float] = ()) -> None:
        """Score some rows: their answers, and what was predicted; probabilities are for classes."""
        for answer, said in zip(y, y_pred, strict=True):
            self._score(float(answer), float(said))

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the scores of ``"model"``, ``"no-change"`` and ``"mean"``, over all rows or over the window."""
        n, sums, spread = self.n, self._sums, self._y[1] - self._y[0] ** 2 / max(self.n, 1)
        if window and n:
            n, sums, spread = _summed(list(self._window))
        return {name: _scores(sums[i], n, spread) for i, name in enumerate(("model", "no-change", "mean"))}

    def _score(self, answer: float, said: float) -> None:
        arrived = self._late.popleft()
        self._late.append(answer)
        if arrived is not None:
            self._arrived = [self._arrived[0] + 1, self._arrived[1] + arrived, arrived]
        n, total, last = self._arrived
        row = _Row(answer, said, last, total / n if n else 0.0)
        self._origin = self._origin if self.n else answer
        self.n += 1
        self._y[0] += answer - self._origin
        self._y[1] += (answer - self._origin) ** 2
        for sums, guess in zip(self._sums, row[1:], strict=True):
            sums.add(answer - guess)
        self._window.append(row)


def _scores(sums: _Sums, n: int, spread: float) -> Scores:
    if not n:
        return dict.fromkeys(_NAMES, math.nan)
    r2 = 1 - sums.squared / spread if spread > 0 else math.nan
    return {"mae": sums.absolute / n, "rmse": math.sqrt(sums.squared / n), "r2": r2}


def _summed(rows: list[_Row]) -> tuple[int, tuple[_Sums, _Sums, _Sums], float]:
    """Return the sums of some rows afresh: taking the oldest row out of running sums would let rounding pile up."""
    sums = (_Sums(), _Sums(), _Sums())
    for row in rows:
        for total, guess in zip(sums, row[1:], strict=True):
            total.add(row.y - guess)
    mean = math.fsum(row.y for row in rows) / len(rows)
    return len(rows), sums, math.fsum((row.y - mean) ** 2 for row in rows)
