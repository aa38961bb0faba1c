"""The parts of a forecast: each answer of the past, the constant and the nets add up to it."""

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.explain import explain_forecast
from headwater.explain.forecast import CONSTANT, NETS
from headwater.learner.series.state import answers_of, linear_of
from headwater.learner_file import fingerprint

SEASON = [1.0, 4.0, 2.0, 8.0, 5.0]


def taught(n, *, season=5, horizon=12, noise=0.5, gap=0):
    rng = np.random.default_rng(3)
    model = hw.Forecaster(horizon=horizon, season=season, seed=1)
    for i in range(n):
        y = 10 * SEASON[i % 5] + i * 0.01 + noise * rng.normal() + 5.0 * (i % 3 == 0)
        model.learn_one(None if gap and i % gap == 3 else y, {"third": float(i % 3 == 0)})
    return model


@pytest.mark.parametrize("gap", [0, 7])
@pytest.mark.parametrize("season", [1, 5, 60])
@pytest.mark.parametrize("n", [1, 3, 9, 11, 30, 150, 800])
def test_the_parts_add_up_to_the_forecast_at_every_horizon(n, season, gap):
    model = taught(n, season=season, gap=gap)
    before = fingerprint(model)
    for horizon in (1, 2, 5, 6, 12):
        xs = [{}] * (horizon - 1) + [{"third": 1.0}]
        why = model.explain_one({"third": 1.0}, horizon=horizon)
        assert why.prediction == model.forecast(horizon, xs)[-1]
        assert abs(why.rest) < 1e-9 * (1 + abs(why.prediction)) * (1 + len(why.contributions))
    assert fingerprint(model) == before


def test_the_weights_of_past_answers_add_up_to_one_and_those_of_the_season_count_most():
    model = taught(800)
    for horizon in (1, 5, 7):
        linear = linear_of(model, horizon)
        assert sum(linear.weights.values()) == pytest.approx(1)
        season = sum(weight for back, weight in linear.weights.items() if (back + horizon) % 5 == 0)
        assert season > 0.6
        y = answers_of(model)
        made = linear.constant + sum(weight * y[-1 - back] for back, weight in linear.weights.items())
        assert made == pytest.approx(linear.forecast)


def test_what_the_columns_say_is_the_part_of_the_nets():
    model = taught(3_000)
    on, off = (model.explain_one({"third": value}).contributions for value in (1.0, 0.0))
    assert on[NETS] > off[NETS]
    assert {name: part for name, part in on.items() if name != NETS} == {
        name: part for name, part in off.items() if name != NETS
    }
    assert CONSTANT in on


def test_what_is_held_within_bounds_is_left_over():
    model = taught(200, noise=0.0)
    for i in range(40):
        model.learn_one(1e7 * 2.0**i)
    why = model.explain_one(horizon=12)
    assert np.isfinite(why.rest)
    assert why.prediction == model.forecast(12)[-1]


def test_the_explanation_reads_as_a_list():
    text = str(explain_forecast(taught(800), horizon=5))
    assert text.startswith("prediction = ")
    assert "the newest answer" in text
    assert " before the newest = " in text


@pytest.mark.parametrize("horizon", [0, 13, -1])
def test_a_horizon_that_it_has_not_is_refused(horizon):
    with pytest.raises(ConfigError, match="a horizon from 1 to 12"):
        taught(30).explain_one(horizon=horizon)


def test_a_forecaster_that_learned_nothing_is_refused():
    with pytest.raises(DataError, match="a forecaster that has learned"):
        hw.Forecaster().explain_one()
