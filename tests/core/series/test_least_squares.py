"""Recursive least squares in the core equal those of ``headwater.plain``, and P stays symmetric and bounded."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import headwater as hw
from headwater.plain.kinds.least_squares import LeastSquares, features

H, SEASON, LAGS = 5, 6, 8
BEGIN = 2 * SEASON - 1


def series(n: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(0)
    return np.asarray(np.sin(np.arange(n)) + 0.3 * rng.normal(size=n) + 0.1 * np.cumsum(rng.normal(size=n)))


def arrays(model: hw.Forecaster) -> Any:
    assert model.engine is not None
    return model.engine.core.array  # type: ignore[attr-defined]


@pytest.mark.parametrize("forgetting", [1.0, 0.99])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_core_equals_plain(forgetting: float, weighted: bool) -> None:
    y = series(300)
    w = np.random.default_rng(1).choice([0.0, 0.3, 1.0, 4.0], 300) if weighted else np.ones(300)
    w[0] = 1.0
    w[:BEGIN] = np.maximum(w[:BEGIN], 0.3)  # they begin after so many values
    model = hw.Forecaster(horizon=H, season=SEASON, lags=LAGS, forgetting=forgetting)
    model.learn_many(y, w=w)
    scale = float(arrays(model)("forecast_numbers")[6])
    fit = LeastSquares.begin(LAGS, SEASON, H, forgetting)
    g, gains = {}, {}
    for t in range(BEGIN, len(y)):
        for h in range(1, H + 1):
            if t - h >= BEGIN:
                fit.learn(h, g[t - h], gains[t - h], (y[t] - y[t - h]) / scale, w[t])
        if t > BEGIN:
            fit.reweigh(g[t - 1], gains[t - 1], w[t])
        g[t] = features(y[: t + 1], LAGS, SEASON, H, scale)
        gains[t] = fit.gain(g[t])
    np.testing.assert_allclose(arrays(model)("forecast_weights"), fit.weights, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(arrays(model)("forecast_inverse"), fit.inverse, rtol=1e-8, atol=1e-10)
    said = y[-1] + scale * fit.weights @ g[len(y) - 1]
    np.testing.assert_allclose(arrays(model)("forecast_said")[(len(y) - 1) % (2 * H)], said, rtol=1e-8)


def test_one_time_ahead_weighted_values_are_fitted_as_by_ridge_regression_with_sample_weights() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="no scikit-learn")
    y, w = series(400), np.random.default_rng(2).exponential(size=400) ** 2
    w[::9] = 0.0
    w[:BEGIN] = 1.0
    model = hw.Forecaster(horizon=1, season=SEASON, lags=LAGS)
    model.learn_many(y, w=w)
    scale = float(arrays(model)("forecast_numbers")[6])
    X = np.array([features(y[: t + 1], LAGS, SEASON, 1, scale) for t in range(BEGIN, len(y) - 1)])
    first = LeastSquares.begin(LAGS, SEASON, 1).weights[0]
    missed = np.diff(y)[BEGIN:] / scale - X @ first
    ridge = linear_model.Ridge(alpha=500.0, fit_intercept=False, solver="cholesky")
    ridge.fit(X, missed, sample_weight=w[BEGIN + 1 :])
    np.testing.assert_allclose(arrays(model)("forecast_weights")[0], first + ridge.coef_, rtol=1e-7, atol=1e-10)
    unweighted = linear_model.Ridge(alpha=500.0, fit_intercept=False).fit(X, missed).coef_
    assert np.abs(unweighted - ridge.coef_).max() > 0.01


def test_a_value_of_weight_three_moves_least_squares_as_three_such_rows_do() -> None:
    fits = [LeastSquares.begin(LAGS, SEASON, 1) for _ in range(2)]
    rng = np.random.default_rng(0)
    for _ in range(30):
        g, y = rng.normal(size=LAGS + 1), float(rng.normal())
        gain = fits[0].gain(g)
        fits[0].learn(1, g, gain, y, 3.0)
        fits[0].reweigh(g, gain, 3.0)
        for _ in range(3):
            fits[1].learn(1, g, fits[1].gain(g), y)
    np.testing.assert_allclose(fits[0].weights, fits[1].weights, rtol=1e-9)
    np.testing.assert_allclose(fits[0].inverse, fits[1].inverse, rtol=1e-9, atol=1e-15)


def test_the_inverse_stays_symmetric_to_the_bit_and_bounded() -> None:
    """Answers that never change direction stir up little: without a bound P would grow as 1/0.95ᵗ."""
    model = hw.Forecaster(horizon=2, season=3, lags=6, forgetting=0.95)
    for t in range(5_000):
        model.learn_one(float(t % 3), w=float(t % 5 != 1) + t % 2)
    inverse = arrays(model)("forecast_inverse")
    assert np.array_equal(inverse, inverse.T)
    assert np.isfinite(inverse).all()
    assert np.trace(inverse) <= 1.1 * 1000 / 500 * len(inverse)
    assert model.forecast() == pytest.approx([(5_000 + h) % 3 for h in range(2)], abs=0.05)


def test_least_squares_begin_anew_where_answers_grow_beyond_their_unit() -> None:
    y = [*(0.001 * series(20)), *(100 * series(200))]
    model = hw.Forecaster(horizon=2, season=SEASON, lags=LAGS)
    model.learn_many(y[:20])
    small = float(arrays(model)("forecast_numbers")[6])
    model.learn_many(y[20:])
    assert arrays(model)("forecast_numbers")[6] > 1000 * small
