"""Why a forecast is what it is: how much each answer of the past moves it away from the mean, and what each column adds.

Season and least squares are linear in the answers of the past, with weights w that add up to 1 and a constant c, so

    ŷ = mean + Σ_i w_i·(y_i − mean) + c + nets + Σ_j column_j

The nets read the columns of the time ahead beside the same answers: ``nets`` is what they add where no column is known. A column's
part is by how much the forecast changes when it becomes known after those before it, and after those behind it, the mean of both.
These parts add up, and they are Shapley's values as long as no three columns act together. Answers further off than ten
deviations are held there, and so is the linear forecast: what that takes away is left over as ``rest``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.errors import ConfigError, DataError
from headwater.explain.explanation import Explanation
from headwater.kinds.forecaster.learner import Forecaster
from headwater.kinds.forecaster.state import answers_of, linear_of, numbers_of
from headwater.learner.base import at_one_moment

__all__ = ["explain_forecast"]

CONSTANT, NETS = "constant", "nets"


@at_one_moment
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
        constant, the nets and each column of ``x``, the largest first.

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

    References
    ----------
    Shapley 1953; Castro, Gómez & Tejada 2009 for orders of the columns in place of all their subsets.
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
    x = {} if x is None else x
    forecast = _forecast(model, x, horizon)
    columns = _columns(model, x, horizon, forecast)
    answers, mean = answers_of(model), numbers_of(model).mean
    weights, constant, linear = linear_of(model, horizon)
    values: dict[Any, Any] = {_name(back): float(answers[-1 - back]) for back in weights}
    parts: dict[Any, float] = {_name(back): weight * (values[_name(back)] - mean) for back, weight in weights.items()}
    parts |= {CONSTANT: constant, NETS: (forecast - linear) - sum(columns.values())}
    named = {name: f"column {name}" if name in parts else name for name in columns}
    parts |= {named[name]: part for name, part in columns.items()}
    values |= {CONSTANT: constant, NETS: parts[NETS]} | {named[name]: x[name] for name in columns}
    ranked = dict(sorted(parts.items(), key=lambda item: -abs(item[1])))
    return Explanation(forecast, mean, ranked, values, method="least_squares", of="answer")


def _name(back: int) -> str:
    return f"{back} before the newest" if back else "the newest answer"


def _forecast(model: Forecaster, x: Mapping[Any, Any], horizon: int) -> float:
    return float(model.forecast(horizon, [*[{}] * (horizon - 1), x])[-1])


def _columns(model: Forecaster, x: Mapping[Any, Any], horizon: int, forecast: float) -> dict[Any, float]:
    """Return what each column adds to the forecast, which is that of all of them."""
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
