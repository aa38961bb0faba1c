"""Read a forecaster's state by name (counts, stored values, least squares and mixture shares)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SPEAKERS",
    "Linear",
    "Numbers",
    "answers_of",
    "are_whole",
    "has_row_weights",
    "linear_of",
    "numbers_of",
    "speakers_of",
]

LINEAR_SHARE = 4
"""Column of the two moments that determine the share of least squares at each horizon."""
PLAIN_SCALE = 5
"""Place of the unit of least squares without season among the bank's numbers."""
BROKEN = 4
"""Place of the number of values that are no whole numbers."""
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
    smoothing: float = 0.0
    """What the bank of exponential smoothing adds to it, from the mean."""


class Speakers(NamedTuple):
    """Members of a pool's second level at one horizon: shares that sum to 1, and forecasts of those that keep theirs."""

    shares: dict[str, float]
    smoothing: float
    plain: float


BANK, LINEAR, PLAIN, SEASON = "smoothing", "least squares and nets", "least squares without season", "season"
SPEAKERS = (BANK, LINEAR, PLAIN, SEASON)


def numbers_of(model: Any) -> Numbers:
    """Return the counts and statistics of a trained forecaster."""
    core = model.engine.core
    answers, mean, _, _, _, bounded, scale, _ = core.array("forecast_numbers").tolist()
    return Numbers(int(core.array("forecast_counts")[0]), int(answers), mean, int(bounded), scale)


def answers_of(model: Any) -> NDArray[np.float64]:
    """Return the stored values, newest last, with forecasts in place of missing ones."""
    core, times = model.engine.core, numbers_of(model).times
    past = np.array(core.array("forecast_past")[: _kept(model)])
    return past[:times] if times < len(past) else np.roll(past, -(times % len(past)))


def _kept(model: Any) -> int:
    """Return how many values are stored. Once one had another weight than 1, as many weights follow them."""
    lags = len(model.engine.core.array("forecast_inverse")) - min(model.horizon, model.season)
    return int(2 * model.horizon + max(7 * model.season, lags) + 1)


def has_row_weights(model: Any) -> bool:
    """Return whether a stored value has another weight than 1."""
    return bool(np.any(model.engine.core.array("forecast_past")[_kept(model) :] != 1))


def speakers_of(model: Any, horizon: int) -> Speakers | None:
    """Return who speaks of a horizon, None for a forecaster of an older version, which has no pool."""
    core, last = model.engine.core, numbers_of(model).times - 1
    if not len(core.array("forecast_bank_numbers")) or last < 0:
        return None
    row, at = last % model.horizon, horizon - 1
    shares = core.array("forecast_pool_shares")[row].reshape(model.horizon, -1)[at].astype(float)
    given = core.array("forecast_pool_given")[row].reshape(model.horizon, -1)[at].tolist()
    return Speakers(dict(zip(SPEAKERS, (shares / shares.sum()).tolist(), strict=True)), given[0], given[1])


def linear_of(model: Any, horizon: int) -> Linear:
    """Return what is linear of a forecast: that of season and least squares, and of the pool's other members if there is one."""
    own, said = _least_squares(model, horizon), speakers_of(model, horizon)
    if said is None:
        return own
    numbers, back = numbers_of(model), -(-horizon // model.season) * model.season - horizon
    season, share = back if back < numbers.times else 0, said.shares
    weights = {place: share[LINEAR] * weight for place, weight in own.weights.items()}
    weights[season] = weights.get(season, 0.0) + share[SEASON]
    plain, constant = _plain(model, horizon)
    for place, weight in plain.items():
        weights[place] = weights.get(place, 0.0) + share[PLAIN] * weight
    smoothing = share[BANK] * (said.smoothing - numbers.mean)
    forecast = share[BANK] * said.smoothing + share[LINEAR] * own.forecast + share[PLAIN] * said.plain
    forecast += share[SEASON] * float(answers_of(model)[-1 - season])
    return Linear(weights, share[LINEAR] * own.constant + share[PLAIN] * constant, forecast, smoothing)


def _plain(model: Any, horizon: int) -> tuple[dict[int, float], float]:
    """Return the weights of least squares without season, and their constant."""
    core, times = model.engine.core, numbers_of(model).times
    scale, weights = float(core.array("forecast_bank_numbers")[PLAIN_SCALE]), {0: 1.0}
    w = core.array("forecast_plain_weights")
    if not scale > 0 or not w.size:
        return weights, 0.0
    *own, constant = w[horizon - 1].tolist()
    for place, weight in enumerate(own, 1):
        if place < times:
            weights[place] = weight
            weights[0] -= weight
    return weights, scale * constant


def _least_squares(model: Any, horizon: int) -> Linear:
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


def are_whole(model: Any) -> bool:
    """Return whether all values so far are whole numbers, as counts are. False for a forecaster without a pool."""
    numbers = model.engine.core.array("forecast_bank_numbers")
    return len(numbers) > 0 and numbers_of(model).answers > 0 and float(numbers[BROKEN]) == 0
