"""The last values of a series and its forecast, as a page draws them."""

from __future__ import annotations

import math
from typing import Any

from .score import SHOWN, ForecastScore

__all__ = ["series_of"]


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
    said, ends = learner.forecast(n, ahead_of), learner.forecast_interval(n, ahead_of)
    low, high = ([end[i] if math.isfinite(end[i]) else None for end in ends] for i in range(2))
    answers, before = [y for y, _ in last], [guess for _, guess in last]
    ahead = {"y_pred": said, "low": low, "high": high} if last else {"y_pred": [], "low": [], "high": []}
    return {"season": learner.season, "answers": answers, "before": before, "known": len(known), **ahead}
