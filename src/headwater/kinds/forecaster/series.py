"""The last values of a series and its forecast, as pages and pictures draw them."""

from __future__ import annotations

import math
from typing import Any

from headwater.errors import DataError
from headwater.learner.schema.pictures import Band, Line, Lines, Picture

from .score import SHOWN, ForecastScore
from .state import answers_of

__all__ = ["FAN", "pictures_of", "series_of"]

FAN = (0.9, 0.5)
"""Shares of values that the bands of the fan are to hold, the widest first."""
DRAWN = 200
"""Most values so far that a picture has."""


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


def pictures_of(learner: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return the last values of a series and the forecast with its bands.

    Parameters
    ----------
    learner : Forecaster
        The forecaster, kept from others by the caller.
    score : ForecastScore, optional
        Its score, which adds the forecasts made right before the values.
    x : list of dict, optional
        Features of each of the next times, as many as are to be forecast.
    """
    if x is not None and not isinstance(x, list | tuple):
        raise DataError(
            expected="the columns of the next times",
            got=f"{x!r:.50}",
            at="x of plot",
            help="Give a list of a dict a time.",
        )
    n = learner.horizon if x is None else len(x)
    title = f"the next {n:,} values"
    if learner.engine is None or not n:
        return [Lines(title, "steps from now", "value", ())]
    past = answers_of(learner)[-min(max(3 * n, 2 * learner.season), DRAWN) :].astype(float).tolist()
    steps = list(range(1 - len(past), 1))
    lines = [Line("so far", steps, past, "past")]
    if isinstance(score, ForecastScore) and (before := [guess for _, guess in score.shown()][-len(past) :]):
        lines.append(Line("forecast right before", steps[-len(before) :], before, "pale"))
    ahead = list(range(1, n + 1))
    said = learner.forecast(n, x)
    bands = [(coverage, learner.forecast_interval(n, x, coverage=coverage)) for coverage in FAN]
    return [
        Lines(
            title,
            "steps from now",
            "value",
            (*lines, Line("forecast", ahead, said)),
            tuple(
                Band(f"holds {coverage:.0%}", ahead, [end[0] for end in ends], [end[1] for end in ends])
                for coverage, ends in bands
            ),
        )
    ]
