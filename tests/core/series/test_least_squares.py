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
def test_the_core_equals_plain(forgetting: float) -> None:
    y = series(300)
    model = hw.Forecaster(horizon=H, season=SEASON, lags=LAGS, forgetting=forgetting)
    model.learn_many(y)
    scale = float(arrays(model)("forecast_numbers")[6])
    fit = LeastSquares.begin(LAGS, SEASON, H, forgetting)
    g, gains = {}, {}
    for t in range(BEGIN, len(y)):
        for h in range(1, H + 1):
            if t - h >= BEGIN:
                fit.learn(h, g[t - h], gains[t - h], (y[t] - y[t - h]) / scale)
        g[t] = features(y[: t + 1], LAGS, SEASON, H, scale)
        gains[t] = fit.gain(g[t])
    np.testing.assert_allclose(arrays(model)("forecast_weights"), fit.weights, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(arrays(model)("forecast_inverse"), fit.inverse, rtol=1e-8, atol=1e-10)
    said = y[-1] + scale * fit.weights @ g[len(y) - 1]
    np.testing.assert_allclose(arrays(model)("forecast_said")[(len(y) - 1) % (2 * H)], said, rtol=1e-8)


def test_the_inverse_stays_symmetric_to_the_bit_and_bounded() -> None:
    """Answers that never change direction stir up little: without a bound P would grow as 1/0.95ᵗ."""
    model = hw.Forecaster(horizon=2, season=3, lags=6, forgetting=0.95)
    for t in range(5_000):
        model.learn_one(float(t % 3))
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
