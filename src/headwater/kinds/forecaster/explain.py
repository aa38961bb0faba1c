"""Explain a forecast by the contributions of past values and of each column.

Season and least squares are linear in the past values, with weights w and a constant c. The bank of exponential smoothing is not, and
its part is one, its share times its distance from the mean. So

    ŷ = mean + Σ_i w_i·(y_i − mean) + c + smoothing + nets + Σ_j column_j

The nets read the same values and the columns of the time ahead. ``nets`` is their contribution without any column. A column's
contribution is the change of the forecast when it is added, averaged over the forward and the reverse order of columns. These
contributions sum to the total, and equal the Shapley values unless three or more columns interact. Values and the linear forecast
are clipped to ten deviations, and the difference remains as ``rest``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError
from headwater.explain.explanation import Explanation
from headwater.explain.sensitivity import sensitivity
from headwater.kinds.forecaster.learner import Forecaster
from headwater.kinds.forecaster.state import BANK, answers_of, linear_of, numbers_of, speakers_of
from headwater.learner.base import at_one_moment

__all__ = ["explain_forecast", "forecast_importance"]

CONSTANT, NETS = "constant", "nets"


@at_one_moment
def explain_forecast(model: Forecaster, x: Mapping[Any, Any] | None = None, horizon: int = 1) -> Explanation:
    """Attribute a forecast's distance from the mean to past values and columns, without changing anything.

    Parameters
    ----------
    model : Forecaster
        A trained forecaster.
    x : dict, optional
        Features of the time ahead.
    horizon : int
        The horizon, 1 for the next value.

    Returns
    -------
    Explanation
        ``prediction`` is the forecast, ``baseline`` the mean of the values, and ``contributions`` are those of each value, the
        constant, the bank of smoothing, the nets and each column of ``x``, largest first.

    Raises
    ------
    ConfigError
        If the forecaster has no such horizon.
    DataError
        If nothing has been learned yet.

    Examples
    --------
    >>> model = Forecaster(horizon=2, season=7)
    >>> for day in range(400):
    ...     model.learn_one([5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0][day % 7])
    >>> why = explain_forecast(model, horizon=2)
    >>> round(why.prediction, 1), why.top(1)[0][0], abs(why.rest) < 1e-6
    (3.0, '5 before the newest = 3', True)

    References
    ----------
    Shapley 1953; Castro, Gómez & Tejada 2009, for sampling orders of the columns.
    """
    if model.engine is None or not model.engine.learned:
        raise DataError(
            expected="a forecaster that has learned",
            got="one that has seen no answer",
            at="Forecaster",
            help="Call learn_one first.",
            code="not_learned",
        )
    if not 1 <= horizon <= model.horizon:
        raise ConfigError(
            expected=f"a horizon from 1 to {model.horizon}",
            got=repr(horizon),
            at="horizon",
            help="Create the forecaster with a larger one.",
        )
    x = {} if x is None else x
    forecast = _forecast(model, x, horizon)
    columns = _columns(model, x, horizon, forecast)
    answers, mean = answers_of(model), numbers_of(model).mean
    weights, constant, linear, smoothing = linear_of(model, horizon)
    values: dict[Any, Any] = {_name(back): float(answers[-1 - back]) for back in weights}
    parts: dict[Any, float] = {_name(back): weight * (values[_name(back)] - mean) for back, weight in weights.items()}
    parts |= {CONSTANT: constant, NETS: (forecast - linear) - sum(columns.values())}
    parts |= {BANK: smoothing} if speakers_of(model, horizon) else {}
    named = {name: f"column {name}" if name in parts else name for name in columns}
    parts |= {named[name]: part for name, part in columns.items()}
    values |= {name: parts[name] for name in (CONSTANT, NETS, BANK) if name in parts} | {
        named[name]: x[name] for name in columns
    }
    ranked = dict(sorted(parts.items(), key=lambda item: -abs(item[1])))
    return Explanation(forecast, mean, ranked, values, method="least_squares", of="answer")


def forecast_importance(model: Forecaster, method: str | None = None) -> dict[Any, float]:
    """Return how much the next forecast moves with each past value and each column, the largest first.

    A past value moves by one deviation of the series, a column as in `headwater.explain.sensitivity`.
    """

    def says(rows: Sequence[Mapping[Any, Any]]) -> NDArray[np.float64]:
        return np.array([[_forecast(model, x, 1)] for x in rows], np.float64)

    columns = sensitivity(model, method, outputs=says)
    deviation = float(np.std(answers_of(model)))
    found = {_name(back): abs(weight) * deviation for back, weight in linear_of(model, 1).weights.items()}
    return dict(sorted((found | columns).items(), key=lambda item: -item[1]))


def _name(back: int) -> str:
    return f"{back} before the newest" if back else "the newest answer"


def _forecast(model: Forecaster, x: Mapping[Any, Any], horizon: int) -> float:
    return float(model.forecast(horizon, [*[{}] * (horizon - 1), x])[-1])


def _columns(model: Forecaster, x: Mapping[Any, Any], horizon: int, forecast: float) -> dict[Any, float]:
    """Return each column's contribution to the given forecast."""
    parts = dict.fromkeys(x, 0.0)
    bare = _forecast(model, {}, horizon)
    for order in (list(x), list(x)[::-1]):
        known, before = {}, bare
        for i, name in enumerate(order):
            known[name] = x[name]
            after = forecast if i == len(order) - 1 else _forecast(model, known, horizon)
            parts[name] += (after - before) / 2
            before = after
    return parts
