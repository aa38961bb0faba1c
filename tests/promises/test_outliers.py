"""Values that can't be of their column say nothing, and a unit that changes is followed."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

import headwater as hw
from headwater import nn

RNG = np.random.default_rng(0)
X = RNG.normal(3, 2, size=(400, 3))
Y = (X[:, 0] > 3).tolist()


def taught(**settings):
    model = hw.Classifier(**settings, seed=1)
    model.learn_many(X, Y)
    return model


@pytest.mark.parametrize("settings", [{}, {"hidden": (8,)}])
def test_an_impossible_value_is_read_as_the_mean(settings):
    model = taught(**settings)
    known = {f"x{j}": float(X[7, j]) for j in range(3)}
    shown = [model.predict_proba_one(known | {"x1": value})[True] for value in (3e6, -3e6, 1e300)]
    assert shown[0] == shown[1] == shown[2]
    near = [model.predict_proba_one(known | {"x1": value})[True] for value in (2.5, 3.5)]
    assert abs(shown[0] - np.mean(near)) < 0.05


def test_one_cell_in_a_hundred_times_a_million_costs_little():
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(4000, 20))
    y = (wide[:, 0] + wide[:, 1] > 0).tolist()
    spoilt = np.where(rng.random(wide.shape) < 0.01, wide * 1e6, wide)
    right = [
        np.mean([a == b for a, b in zip(hw.Classifier(seed=1).learn_many(x, y)[1000:], y[1000:], strict=True)])
        for x in (wide, spoilt)
    ]
    assert right[0] - right[1] < 0.03


def test_a_unit_that_changes_is_followed():
    model = taught()
    scaled = X * [1, 1e6, 1e6] + 0.0
    model.learn_many(scaled, Y)
    x = {f"x{j}": float(scaled[5, j]) for j in range(3)}
    assert model.predict_proba_one(x)[True] != model.predict_proba_one(x | {"x1": float(scaled[6, 1])})[True]


def test_a_block_is_its_rows_with_freaks_too():
    spoilt = np.where(RNG.random(X.shape) < 0.05, X * 1e7, X)
    block, single = taught(), taught()
    said = block.predict_batch(spoilt[:1]).proba.tobytes()
    assert said == single.predict_batch(spoilt[:1]).proba.tobytes()
    step = block.step_many(spoilt, Y)
    for i, row in enumerate(spoilt):
        x = {f"x{j}": float(v) for j, v in enumerate(row)}
        assert single.predict_batch([x]).proba.tobytes() == step.proba[i : i + 1].tobytes()
        single.learn_one(x, Y[i])


def test_numbers_that_are_not_scaled_are_read_as_they_stand():
    model = hw.Regressor(hidden=(), scale=False, optimizer=nn.SGD(0.0001), seed=1)
    model.learn_many(X, X[:, 0])
    assert model.predict_one({"x0": 1e6}) != model.predict_one({"x0": 2e6})


@pytest.mark.parametrize("step", ["day", "month", "year", "millisecond"])
@pytest.mark.parametrize("make", [hw.Regressor, lambda: hw.Regressor(hidden=())], ids=["pool", "linear"])
def test_dates_that_go_on_are_no_outliers_however_many_rows_each_has_and_wrong_dates_are(make, step):
    first = dt.datetime(2023, 12, 31, 23, 59, 50)
    dates = {
        "day": [first + dt.timedelta(days=i // 300) for i in range(3_000)],
        "month": [dt.datetime(2022 + i // 3_600, 1 + i // 300 % 12, 1) for i in range(7_200)],
        "year": [dt.datetime(2016 + i // 300, 7, 1) for i in range(3_000)],
        "millisecond": [first + dt.timedelta(milliseconds=10 * i) for i in range(3_000)],
    }[step]
    rng, model = np.random.default_rng(0), make()

    def learn(when):
        model.learn_one({"when": when, "a": rng.normal()}, rng.normal())

    for when in dates:
        learn(when)
    assert model.rejected.get("far", 0) == 0
    for i, wrong in enumerate([dt.datetime(1970, 1, 1), dt.datetime(9999, 1, 1)], 1):
        learn(wrong)
        assert model.rejected["far"] == i
        learn(dates[-1])
