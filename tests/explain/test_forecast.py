"""The parts of a forecast: each answer of the past, the constant and the nets add up to it."""

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.kinds.forecaster.explain import CONSTANT, NETS, explain_forecast
from headwater.kinds.forecaster.state import BANK, answers_of, linear_of, numbers_of, speakers_of
from headwater.store.learner_file import fingerprint

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
        rest = 1 - speakers_of(model, horizon).shares[BANK]
        assert sum(linear.weights.values()) == pytest.approx(rest)
        season = sum(weight for back, weight in linear.weights.items() if (back + horizon) % 5 == 0)
        assert season > 0.6 * rest
        y = answers_of(model)
        made = linear.constant + sum(weight * y[-1 - back] for back, weight in linear.weights.items())
        made += linear.smoothing + (1 - rest) * numbers_of(model).mean
        assert made == pytest.approx(linear.forecast)


def test_each_column_has_a_part_and_only_that_changes_with_it():
    rng, model = np.random.default_rng(3), hw.Forecaster(horizon=12, season=5, seed=1)
    for third in (rng.random(3_000) < 1 / 3).tolist():
        model.learn_one(10 * third + 0.5 * rng.normal(), {"third": float(third)})
    on, off = (model.explain_one({"third": value, "never": 3.0}).contributions for value in (1.0, 0.0))
    assert on["third"] - off["third"] > 5
    assert on["never"] == off["never"] == 0
    assert {name: part for name, part in on.items() if name != "third"} == pytest.approx(
        {name: part for name, part in off.items() if name != "third"}
    )
    assert CONSTANT in on
    assert on[NETS] == pytest.approx(model.explain_one().contributions[NETS])


def test_parts_of_columns_do_not_depend_on_their_order_and_a_name_that_is_taken_has_another():
    rng = np.random.default_rng(0)
    model = hw.Forecaster(horizon=2, season=2, seed=1)
    for _ in range(3_000):
        a, b = (float(v) for v in rng.integers(0, 2, 2))
        model.learn_one(3 * a + 5 * a * b + float(rng.normal()), {"a": a, "b": b, "constant": 1.0})
    x = {"a": 1.0, "b": 1.0, "constant": 1.0}
    why, other = model.explain_one(x, 2), model.explain_one(dict(reversed(x.items())), 2)
    assert why.contributions == pytest.approx(other.contributions)
    assert why.contributions["a"] > why.contributions["b"] > 0.5
    assert "column constant" in why.contributions
    assert why.values["column constant"] == 1.0
    assert abs(why.rest) < 1e-9


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
