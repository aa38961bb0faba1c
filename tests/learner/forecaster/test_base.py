"""A forecaster that corrects the forecasts of a base."""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError

WEEK = [5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0]


def last(history, horizon):
    return [history[-1]] * horizon


def errors(model, base, y, horizon, start):
    """Squared errors of a base and of its corrector over all horizons."""
    own = said = 0.0
    for t, value in enumerate(y):
        if t >= start:
            came = y[t : t + horizon]
            own += float(((np.array(base(y[:t], len(came))) - came) ** 2).sum())
            said += float(((np.array(model.forecast(len(came))) - came) ** 2).sum())
        model.learn_one(float(value))
    return own, said


def test_what_a_base_does_not_see_is_learned():
    rng = np.random.default_rng(1)
    y = np.array([WEEK[i % 7] for i in range(700)]) + rng.normal(size=700) / 4
    own, said = errors(hw.Forecaster(3, 7, base=last), last, y, 3, 200)
    assert said < 0.1 * own


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_base_that_knows_all_that_can_be_known_is_left_alone(seed):
    y = np.cumsum(np.random.default_rng(seed).normal(size=1500))
    own, said = errors(hw.Forecaster(4, 7, base=last), last, y, 4, 10)
    assert said <= 1.001 * own


def test_a_steady_error_of_a_base_is_taken_off():
    def high(history, horizon):
        return [y + 5 for y in last(history, horizon)]

    y = np.cumsum(np.random.default_rng(1).normal(size=800))
    model = hw.Forecaster(2, 1, base=high)
    own, said = errors(model, high, y, 2, 200)
    assert said < 0.1 * own
    assert all(0 <= share <= 1 for share in model.share)


def test_it_has_the_answers_of_the_base_until_it_has_compared_some():
    model = hw.Forecaster(2, 7, base=last)
    with pytest.raises(DataError, match="a value before"):
        model.forecast()
    for y in (1.0, None, math.nan, 4.0):
        model.learn_one(y)
    assert model.forecast() == [4.0, 4.0]
    assert model.share == [0.0, 0.0]


def test_columns_that_are_known_ahead_are_read():
    rng = np.random.default_rng(1)
    model, wrong = hw.Forecaster(1, 1, base=lambda history, horizon: [0.0] * horizon), []
    for i in range(1200):
        x = {"open": float(rng.integers(2))}
        y = 10 * x["open"]
        if i > 900:
            wrong.append(abs(model.forecast(1, [x])[0] - y))
        model.learn_one(y, x)
    assert np.mean(wrong) < 2


@pytest.mark.parametrize(
    ("base", "said"),
    [(lambda h, n: [1.0], "got 1, 1 of them finite"), (lambda h, n: [math.nan] * n, "got 3, 0 of them finite")],
)
def test_what_is_no_forecast_is_refused_in_a_sentence(base, said):
    model = hw.Forecaster(3, 7, base=base)
    model.learn_one(1.0)
    with pytest.raises(DataError, match=said):
        model.forecast()
    with pytest.raises(ConfigError, match="a function of the last values"):
        hw.Forecaster(3, 7, base=[1.0])


def test_a_forecaster_without_a_base_is_what_it_was():
    model = hw.Forecaster(3, 7)
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model), model.clone()):
        assert type(other) is hw.Forecaster
        assert repr(other) == repr(model) == "Forecaster(horizon=3, season=7)"
