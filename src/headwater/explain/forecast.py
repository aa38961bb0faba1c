"""Why a forecast is what it is: how much each answer of the past moves it away from the mean, and what the nets add.

Season and least squares are linear in the answers of the past, with weights w that add up to 1 and a constant c, so

    ŷ = mean + Σ_i w_i·(y_i − mean) + c + nets

The nets read the columns of the time ahead beside the same answers; what they add is one part. Answers further off than ten
deviations are held there, and so is the linear forecast: what that takes away is left over as ``rest``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.explain.explanation import Explanation
from headwater.learner.series.forecaster import Forecaster
from headwater.learner.series.state import answers_of, linear_of, numbers_of

__all__ = ["explain_forecast"]

CONSTANT, NETS = "constant", "columns (nets)"


def explain_forecast(model: Forecaster, x: Mapping[Any, Any] | None = None, horizon: int = 1) -> Explanation:
    """Say how much each answer of the past moves a forecast away from the mean of the answers; nothing is changed.

    Parameters
    ----------
    model : Forecaster
        One that has learned something.
    x : dict, optional
        What is known of the time ahead.
    horizon : int
        Which: 1 for the next answer.

    Returns
    -------
    Explanation
        ``prediction``: the forecast. ``baseline``: the mean of the answers. ``contributions``: of each answer, the
        constant and the nets, the largest first.

    Raises
    ------
    ConfigError
        If the forecaster has no such horizon.
    DataError
        When nothing has been learned yet.

    Examples
    --------
    >>> model = Forecaster(horizon=2, season=7)
    >>> for day in range(400):
    ...     model.learn_one([5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0][day % 7])
    >>> why = explain_forecast(model, horizon=2)
    >>> round(why.prediction, 1), why.top(1)[0][0], abs(why.rest) < 1e-6
    (3.0, '5 before the newest = 3', True)
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
            help="Make the forecaster with a larger one.",
        )
    ahead: list[Mapping[Any, Any]] = [{}] * (horizon - 1) + [{} if x is None else x]
    forecast = float(model.forecast(horizon, ahead)[-1])
    answers, mean = answers_of(model), numbers_of(model).mean
    weights, constant, linear = linear_of(model, horizon)
    values: dict[Any, Any] = {_name(back): float(answers[-1 - back]) for back in weights}
    parts: dict[Any, float] = {_name(back): weight * (values[_name(back)] - mean) for back, weight in weights.items()}
    parts |= {CONSTANT: constant, NETS: forecast - linear}
    ranked = dict(sorted(parts.items(), key=lambda item: -abs(item[1])))
    values |= {CONSTANT: constant, NETS: dict(x or {})}
    return Explanation(forecast, mean, ranked, values, method="least_squares", of="answer")


def _name(back: int) -> str:
    return f"{back} before the newest" if back else "the newest answer"
