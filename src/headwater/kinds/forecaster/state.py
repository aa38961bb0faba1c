"""Read a forecaster's state by name (counts, stored values, least squares and mixture shares)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Linear", "Numbers", "answers_of", "linear_of", "numbers_of"]

LINEAR_SHARE = 4
"""Column of the two moments that determine the share of least squares at each horizon."""
TINY = 1e-300


class Numbers(NamedTuple):
    """Counts and statistics of a series."""

    times: int
    answers: int
    mean: float
    """Mean of the values, exponential after the first thousand."""
    bounded: int
    """Number of clipped values."""
    scale: float
    """The unit of least squares, 0 before they have begun."""


class Linear(NamedTuple):
    """The forecast of one horizon without the nets, as weights of past values and a constant."""

    weights: dict[int, float]
    """Weights by lag, 0 for the newest value. They sum to 1."""
    constant: float
    forecast: float
    """The resulting forecast, clipped."""


def numbers_of(model: Any) -> Numbers:
    """Return the counts and statistics of a trained forecaster."""
    core = model.engine.core
    answers, mean, _, _, _, bounded, scale, _ = core.array("forecast_numbers").tolist()
    return Numbers(int(core.array("forecast_counts")[0]), int(answers), mean, int(bounded), scale)


def answers_of(model: Any) -> NDArray[np.float64]:
    """Return the stored values, newest last, with forecasts in place of missing ones."""
    past, times = np.array(model.engine.core.array("forecast_past")), numbers_of(model).times
    return past[:times] if times < len(past) else np.roll(past, -(times % len(past)))


def linear_of(model: Any, horizon: int) -> Linear:
    """Return the mixture of season and least squares as weights of past values.

    Parameters
    ----------
    model : Forecaster
        A trained forecaster.
    horizon : int
        The horizon.

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
