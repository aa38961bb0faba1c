"""Prequential metrics of one-step-ahead forecasts.

The metrics are MAE, RMSE and R² as for a regressor, and the baselines are the last value ("no-change") and the value a season before
("season"). Every value is scored with the forecast made right before it arrived. A gap in the series is not scored.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from headwater.learner.validation import FARTHEST
from headwater.route.number_score import NumberScore

__all__ = ["SHOWN", "ForecastScore"]

SHOWN = 200
"""Time steps whose value and forecast are kept for display."""


class ForecastScore(NumberScore):
    """Score a forecaster.

    Examples
    --------
    >>> from headwater import Forecaster
    >>> score = ForecastScore(learner=Forecaster(horizon=2, season=2))
    >>> score.update([1.0, 5.0, 1.0, 5.0], [1.0, 1.0, 1.0, 4.0])
    >>> [score.scores()[name]["mae"] for name in ("model", "season", "no-change")]
    [1.25, 1.25, 3.25]
    """

    predictors = ("model", "no-change", "season")
    phrase, unit = "ahead error", "values"

    def _begin(self, delay: int, learner: Any) -> None:
        super()._begin(0, learner)
        self.gaps = 0
        """Time steps without a value."""
        self._season: deque[float] = deque(maxlen=1 if learner is None else learner.season)
        self._shown: deque[tuple[float | None, float]] = deque(maxlen=SHOWN)

    @staticmethod
    def problem(label: Any) -> str:
        """Return why a value can't be scored, or "". A missing one is a gap, after which the series continues."""
        missing = label is None or (isinstance(label, float) and math.isnan(label))
        return "" if missing else NumberScore.problem(label)

    def _one(self, label: float, predicted: float) -> None:
        known = abs(label) <= FARTHEST and abs(predicted) <= FARTHEST
        guesses = self._guesses()
        if known:
            self._add(label, (predicted, *guesses))
        elif self.n:
            self.gaps += 1
        if known or self.n:
            self._season.append(label if known else guesses[1])
            self._shown.append((label if known else None, predicted))

    def _guesses(self) -> tuple[float, float]:
        last = self._season[-1] if self._season else 0.0
        return last, self._season[0] if len(self._season) == self._season.maxlen else last

    def shown(self) -> list[tuple[float | None, float]]:
        """Return the last values (None for a gap), each with the forecast made right before."""
        return list(self._shown)

    def _extra(self) -> dict[str, Any]:
        return {"gaps": self.gaps}

    def _sums(self) -> dict[str, Any]:
        return super()._sums() | {"gaps": self.gaps, "season": list(self._season), "shown": list(self._shown)}

    def _go_on(self, sums: dict[str, Any]) -> None:
        super()._go_on(sums)
        self._go_on_in_series(sums)

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        super()._go_on_from_02(saved)
        self._go_on_in_series(saved)

    def _go_on_in_series(self, saved: dict[str, Any]) -> None:
        self.gaps = saved["gaps"]
        self._season.extend(saved["season"])
        self._shown.extend((answer, predicted) for answer, predicted in saved["shown"])
