"""What a forecaster holds, read from its state by name: counts, the answers that are kept, least squares and shares."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Linear", "Numbers", "answers_of", "linear_of", "numbers_of"]

LINEAR_SHARE = 4
"""Where the core keeps, for each horizon, what the share of least squares is made of: two numbers."""
TINY = 1e-300


class Numbers(NamedTuple):
    """Counts and statistics of a series."""

    times: int
    answers: int
    mean: float
    """Of the answers; after the first thousand it fades."""
    bounded: int
    """Answers that were held within ten deviations."""
    scale: float
    """The unit of least squares; 0 before they have begun."""


class Linear(NamedTuple):
    """The forecast of one horizon without what nets add: a weight for each answer of the past, and a constant."""

    weights: dict[int, float]
    """By how many times before the newest the answer came: 0 for the newest. They add up to 1."""
    constant: float
    forecast: float
    """What it comes to, held within bounds."""


def numbers_of(model: Any) -> Numbers:
    """Return the counts and statistics of a forecaster that has learned."""
    core = model.engine.core
    answers, mean, _, _, _, bounded, scale, _ = core.array("forecast_numbers").tolist()
    return Numbers(int(core.array("forecast_counts")[0]), int(answers), mean, int(bounded), scale)


def answers_of(model: Any) -> NDArray[np.float64]:
    """Return the answers that a forecaster keeps, the newest last; where one was missing, what was forecast of it."""
    past, times = np.array(model.engine.core.array("forecast_past")), numbers_of(model).times
    return past[:times] if times < len(past) else np.roll(past, -(times % len(past)))


def linear_of(model: Any, horizon: int) -> Linear:
    """Return what the season and least squares make of each answer of the past, mixed by their share.

    Parameters
    ----------
    model : Forecaster
        One that has learned.
    horizon : int
        Which.

    Returns
    -------
    Linear
        season + a (least squares − season) = constant + Σ weight · answer.
    """
    core, numbers = model.engine.core, numbers_of(model)
    moments = core.array("forecast_errors")[horizon - 1, LINEAR_SHARE : LINEAR_SHARE + 2]
    share = float(np.clip(moments[0] / moments[1], 0, 1)) if moments[1] > TINY else 1.0
    back = -(-horizon // model.season) * model.season - horizon  # from the newest answer to the season's
    season = back if back < numbers.times else 0
    said = float(core.array("forecast_said")[(numbers.times - 1) % (2 * model.horizon), horizon - 1])
    seasonal = float(answers_of(model)[-1 - season])
    forecast = seasonal + share * (said - seasonal)
    weights = {season: 1 - share}
    if not numbers.scale > 0:
        weights[season] += share
        return Linear(weights, 0.0, forecast)
    w = core.array("forecast_weights")[horizon - 1].tolist()
    far, window = 7 * model.season, min(model.horizon, model.season)
    lags = len(w) - window
    places = [*range(1, lags), *(far - h for h in range(1, window + 1))]
    weights[0] = weights.get(0, 0.0) + share
    for place, weight in zip(places, w, strict=False):
        if place < numbers.times:
            weights[place] = weights.get(place, 0.0) + share * weight
            weights[0] -= share * weight
    return Linear(weights, share * numbers.scale * w[-1], forecast)
