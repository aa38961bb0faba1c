"""Everything that a learner can reach by rows that it accepts is saved, loads again, and goes on to the same bits."""

from __future__ import annotations

import math

import numpy as np
import pytest

import headwater as hw
from core.hostile import extremes
from headwater import nn
from headwater.store.learner_file import from_bytes, to_bytes

SEEDS = 8


@pytest.mark.filterwarnings("ignore")  # rows that are refused, and data that is unlikely, are what it is about
@pytest.mark.parametrize("kind", extremes.KINDS)
def test_a_learner_of_extremes_comes_back_as_it_was(kind):
    first = list(extremes.KINDS).index(kind)
    assert [extremes.problem(first + i * len(extremes.KINDS)) for i in range(SEEDS)] == [""] * SEEDS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", [nn.SGD(0.1), nn.FTRL(0.1), nn.COCOB(), nn.Adam(0.01), nn.RMSProp(0.003)])
def test_a_value_that_is_not_scaled_can_not_make_weights_infinite(rule, dtype):
    model = hw.Regressor(hidden=(4,), optimizer=rule, scale=False, dtype=dtype)
    for i in range(40):
        model.learn_one({"a": float(i % 3)}, 1.0)
    for i in range(40):
        model.learn_one({"a": 1e30, "b": -1e30}, 1.0 + i % 2, 1e15)
    assert np.isfinite(model.engine.state()["weights"]).all()
    assert math.isfinite(from_bytes(to_bytes(model), "memory").predict_one({"a": 1.0}))


def test_curves_whose_sums_of_squares_overflowed_move_without_becoming_no_number():
    model = hw.Regressor(seed=1)
    rng = np.random.default_rng(0)
    for i in range(400):
        model.learn_one(
            {name: float(10.0 ** rng.integers(-320, 308)) for name in "abcde"}, float(rng.choice([1e30, -1e30])), 1e15
        )
        if i % 40 == 0:
            from_bytes(to_bytes(model), "memory")
    assert not np.isnan(model.engine.state()["state_0"]).any()


def test_a_forecaster_keeps_a_column_beyond_all_numbers():
    model = hw.Forecaster(horizon=3, season=4, lags=4)
    for i in range(20):
        model.learn_one(float(i % 4), {"a": math.inf if i % 3 else 1e308})
    again = from_bytes(to_bytes(model), "memory")
    assert again.forecast(3, [{"a": math.inf}] * 3) == model.forecast(3, [{"a": math.inf}] * 3)
