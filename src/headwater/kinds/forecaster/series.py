"""The last values of a series and its forecast, as a page draws them."""

from __future__ import annotations

import math
from typing import Any

from .score import SHOWN, ForecastScore

__all__ = ["FAN", "series_of"]

FAN = (0.9, 0.5)
"""Shares of values that the bands of the fan are to hold, the widest first."""


def series_of(learner: Any, scores: Any, xs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the last values of a forecaster's series and the forecast.

    Parameters
    ----------
    learner : Forecaster
        The forecaster, kept from others by the caller.
    scores : ForecastScore
        Its score, which keeps the last values.
    xs : list of dict
        Features of the next times.
    """
    last = scores.shown() if isinstance(scores, ForecastScore) else []
    n = min(learner.horizon, SHOWN)
    known = xs[:n]
    ahead_of = [*known, *[{}] * (n - len(known))]
    said = learner.forecast(n, ahead_of)
    fan = [_band(learner.forecast_interval(n, ahead_of, coverage=coverage), coverage) for coverage in FAN]
    answers, before = [y for y, _ in last], [guess for _, guess in last]
    ahead = {"y_pred": said, "fan": fan} if last else {"y_pred": [], "fan": []}
    return {"season": learner.season, "answers": answers, "before": before, "known": len(known), **ahead}


def _band(ends: list[tuple[float, float]], coverage: float) -> dict[str, Any]:
    """Return the ends of one band, None where there are too few answers for it."""
    low, high = ([end[i] if math.isfinite(end[i]) else None for end in ends] for i in range(2))
    return {"coverage": coverage, "low": low, "high": high}
