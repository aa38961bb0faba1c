"""A forecaster learns a horizon only once it has passed, forecasts without a trace, and takes gaps and poison."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from river import datasets, evaluate, metrics, time_series
from river.checks import yield_checks

import headwater as hw
from headwater.errors import ConfigError, DataError, RefusedRow

H = 6


def series(n: int, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    noise = np.cumsum(rng.normal(size=n)) * 0.05 + rng.normal(size=n) * 0.3
    return [float(y) for y in 20 + 6 * np.sin(2 * np.pi * t / 12) + 2 * (t % 84 < 24) + noise]


def dates(n: int) -> list[dict[str, Any]]:
    return [
        {"when": datetime(2024, 1, 1) + timedelta(hours=2 * i), "shop": "ab"[i % 2], "n": float(i % 5)}
        for i in range(n)
    ]


def learned(n: int = 400, *, x: bool = True, **settings: Any) -> hw.Forecaster:
    model = hw.Forecaster(horizon=H, season=12, **settings)
    model.learn_many(series(n), dates(n) if x else None)
    return model


def digest(model: hw.Forecaster) -> int:
    assert model.engine is not None
    return int(model.engine.core.learner.digest())  # type: ignore[attr-defined]


def test_each_horizon_is_learned_only_once_it_has_passed() -> None:
    """The future is changed from time 300 on: what was forecast before has the same bits, and so has what least squares
    and nets had learned by then; what is forecast after differs."""
    n, changed = 320, 300
    y, other = series(n), series(n)
    for t in range(changed, n):
        other[t] += 5.0 + t
    a, b = hw.Forecaster(horizon=H, season=12), hw.Forecaster(horizon=H, season=12)
    rows = dates(n + H)
    for t in range(n):
        assert (digest(a) == digest(b)) == (t <= changed) if t else True
        if t <= changed:
            assert a.forecast(xs=rows[t : t + H]) == b.forecast(xs=rows[t : t + H])
        a.learn_one(y[t], rows[t])
        b.learn_one(other[t], rows[t])
    assert a.forecast(xs=rows[n:]) != b.forecast(xs=rows[n:])


@pytest.mark.parametrize("h", range(1, H + 1))
def test_an_answer_teaches_horizon_h_with_what_was_known_h_times_before(h: int) -> None:
    """Two forecasters differ in one answer, y_t. Right after it, the weights of horizon h have moved by the gain of time t − h
    times the difference: nothing of the times after t − h stands in it."""
    t = 300
    y = series(t + 1)
    a, b = (hw.Forecaster(horizon=H, season=12) for _ in range(2))
    a.learn_many(y[:t])
    b.learn_many(y[:t])
    core = a.engine.core  # type: ignore[union-attr]
    gain = core.array("forecast_gains")[(t - h) % H].copy()
    scale = core.array("forecast_numbers")[6]
    a.learn_one(y[t])
    b.learn_one(y[t] + 1.0)
    moved = [model.engine.core.array("forecast_weights")[h - 1] for model in (a, b)]  # type: ignore[union-attr]
    np.testing.assert_allclose(moved[1] - moved[0], gain / scale, rtol=1e-9, atol=1e-12)


def test_forecasting_changes_nothing() -> None:
    model = learned()
    before = digest(model)
    for horizon in (1, 2, H):
        model.forecast(horizon)
        model.forecast(horizon, dates(horizon))
        model.forecast_interval(horizon, [{"never seen": "new"}] * horizon)
    assert digest(model) == before
    assert model.forecast() == model.forecast()


def test_rows_one_by_one_and_in_blocks_give_the_same_bits() -> None:
    whole, single = learned(150), hw.Forecaster(horizon=H, season=12)
    said = []
    for y, x in zip(series(150), dates(150), strict=True):
        said.append(single.forecast(1, [x])[0])
        single.learn_one(y, x)
    assert digest(whole) == digest(single)
    again = hw.Forecaster(horizon=H, season=12)
    assert again.learn_many(series(150), dates(150)).tolist() == said


def by_file(model: hw.Forecaster, at: Path) -> Any:
    model.save(at / "m.hw")
    return hw.load(at / "m.hw")


COPIES: dict[str, Callable[[hw.Forecaster, Path], Any]] = {
    "file": by_file,
    "pickle": lambda model, _: pickle.loads(pickle.dumps(model)),
    "copy": lambda model, _: copy.deepcopy(model),
    "clone": lambda model, _: model.clone(include_attributes=True),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("n", [0, 1, 5, 37, 200])
def test_a_copy_goes_on_to_the_bit(how: str, n: int, tmp_path: Path) -> None:
    model = learned(n)
    other = COPIES[how](model, tmp_path)
    y, rows = series(n + 40), dates(n + 40)
    for t in range(n, n + 40):
        assert other.forecast() == model.forecast()
        model.learn_one(y[t], rows[t])
        other.learn_one(y[t], rows[t])
    assert digest(other) == digest(model)
    assert other.n_learned == n + 40


def test_gaps_let_time_go_on_and_teach_nothing() -> None:
    model = learned(200)
    assert model.engine is not None
    core = model.engine.core  # type: ignore[attr-defined]
    names = ("forecast_weights", "forecast_inverse", "forecast_errors", "forecast_scores")
    before = {name: core.array(name).copy() for name in names}
    for _ in range(3 * H):
        model.learn_one(None)
        model.learn_one(math.nan, {"n": 1.0})
    for name in names:
        assert np.array_equal(core.array(name), before[name]), name
    assert model.n_learned == 200
    assert model.rejected.get("target", 0) == 0
    assert all(10 < y < 35 for y in model.forecast())


def test_forecasts_go_on_through_gaps() -> None:
    """Each fifth answer is missing: a season is forecast nearly as well as without gaps."""
    n = 1500
    y = series(n)
    model = hw.Forecaster(horizon=H, season=12)
    misses = []
    for t in range(n - H):
        model.learn_one(None if t % 5 == 2 else y[t])
        if t > 1000:
            misses.append(np.abs(np.array(model.forecast()) - y[t + 1 : t + 1 + H]).mean())
    assert np.mean(misses) < 0.6


@pytest.mark.parametrize("poison", [1e30, -1e30, 1e9, math.inf, -math.inf, 10**400, "text"])
def test_poison_is_bounded(poison: Any) -> None:
    model, clean = learned(600, x=False), learned(600, x=False)
    y = series(900)
    if isinstance(poison, str) or abs(poison) > 1e30:
        with pytest.warns(RefusedRow, match="not learned.*, got "):
            model.learn_one(poison)
    else:
        model.learn_one(poison)
    clean.learn_one(y[600])
    misses: list[list[float]] = [[], []]
    for t in range(601, 900 - H):
        for model_, out in zip((model, clean), misses, strict=True):
            model_.learn_one(y[t])
            said = model_.forecast()
            assert all(map(math.isfinite, said))
            if t > 700:
                out.append(float(np.abs(np.array(said) - y[t + 1 : t + 1 + H]).mean()))
    assert np.mean(misses[0]) < 1.3 * np.mean(misses[1])


def test_a_column_of_the_same_name_as_the_forecasters_own_is_left_to_it() -> None:
    model, other = learned(0), learned(0)
    for y in series(100):
        model.learn_one(y, {"forecast linear": 1e6, "n": 1.0})
        other.learn_one(y, {"n": 1.0})
    assert model.forecast() == other.forecast()


def test_intervals_hold_the_share_that_was_asked() -> None:
    n = 4000
    y = series(n, seed=3)
    model = hw.Forecaster(horizon=H, season=12)
    inside = []
    for t in range(n - H):
        model.learn_one(y[t])
        if t > 1000 and t % 3 == 0:
            ends = np.array(model.forecast_interval(coverage=0.8))
            inside.append((ends[:, 0] <= y[t + 1 : t + 1 + H]) & (y[t + 1 : t + 1 + H] <= ends[:, 1]))
    assert np.abs(np.mean(inside, axis=0) - 0.8).max() < 0.04


def test_after_five_answers_no_end_is_infinite_and_later_ones_are_wider() -> None:
    rng, held, wider = np.random.default_rng(0), [], []
    for _ in range(40):
        model, y = hw.Forecaster(horizon=6, season=1), 100.0
        for i in range(25):
            ends = model.forecast_interval()
            after = y + np.cumsum(rng.normal(size=6))
            if i >= 5:
                assert np.isfinite(ends).all()
                wider.append((ends[5][1] - ends[5][0]) / (ends[0][1] - ends[0][0]))
                held += [low <= then <= high for (low, high), then in zip(ends, after, strict=True)][:1]
            y = float(after[0])
            model.learn_one(y)
    assert np.mean(held) > 0.85
    assert np.median(wider) > 1.5


@pytest.mark.parametrize("series_of", ["rare events", "hardly ever zeros", "counts", "numbers"])
def test_every_forecast_lies_within_its_interval_which_holds_no_fewer_values(series_of: str) -> None:
    rng, season = np.random.default_rng(0), np.tile([0, 0, 1, 1, 3, 5, 0], 30)
    y = {
        "rare events": rng.poisson(0.1, size=210),
        "hardly ever zeros": np.where(np.arange(210) % 60 == 30, 1, 0),
        "counts": rng.poisson(1 + season),
        "numbers": season + rng.exponential(size=210),
    }[series_of].tolist()
    model = hw.Forecaster(horizon=7, season=7)
    whole = all(value == int(value) for value in y)
    for value in y:
        model.learn_one(float(value))
        for coverage in (0.5, 0.9):
            for said, ends in zip(model.forecast(), model.forecast_interval(coverage=coverage), strict=True):
                assert ends[0] <= said <= ends[1]
                assert not whole or all(end == said or end % 1 == 0 or math.isinf(end) for end in ends)


def test_forecasts_and_intervals_lie_within_what_can_be() -> None:
    free, bound = hw.Forecaster(horizon=3, season=4), hw.Forecaster(horizon=3, season=4, low=0, high=8.0)
    rng = np.random.default_rng(0)
    for i in range(300):
        y = max(0.0, 8 * (i % 4 == 0) * rng.random() - 0.5)
        assert all(0 <= one <= 8 for one in bound.forecast())
        free.learn_one(y)
        bound.learn_one(y)
    ends, wide = bound.forecast_interval(), free.forecast_interval()
    assert min(low for low, _ in wide) < 0 == min(low for low, _ in ends)
    assert all(0 <= low <= high <= 8 for low, high in ends)
    assert bound.learn_many([3.0, 1.0]).min() >= 0
    for low, high in ((1, 1), ("a", None), (None, math.nan)):
        with pytest.raises(ConfigError, match="low below high"):
            hw.Forecaster(low=low, high=high)


def test_before_the_first_answer_forecasts_are_zero_and_intervals_infinite() -> None:
    model = hw.Forecaster(horizon=2)
    assert model.forecast() == [0.0, 0.0]
    assert model.forecast_interval() == [(-math.inf, math.inf)] * 2
    model.learn_one(None)
    assert model.forecast() == [0.0, 0.0]
    model.learn_one(7.0)
    assert model.forecast() == [7.0, 7.0]


def test_a_constant_series_is_forecast_as_it_is() -> None:
    model = hw.Forecaster(horizon=3, season=4)
    for _ in range(100):
        model.learn_one(5.5)
    assert model.forecast() == [5.5, 5.5, 5.5]


def test_columns_known_ahead_take_part() -> None:
    rng = np.random.default_rng(0)
    promotion = rng.random(1500) < 0.3
    model = hw.Forecaster(horizon=3, season=7)
    for t in range(1490):
        model.learn_one(10.0 + 8.0 * promotion[t] + rng.normal() * 0.2, {"promotion": bool(promotion[t])})
    off, on = (model.forecast(3, [{"promotion": value}] * 3) for value in (False, True))
    assert all(b - a > 5 for a, b in zip(off, on, strict=True))


def test_river_evaluates_it_and_its_checks_pass() -> None:
    pytest.importorskip("sklearn.datasets", reason="River's checks learn data of scikit-learn, which is not installed")
    model = hw.Forecaster(horizon=12, season=12)
    metric = evaluate.evaluate(datasets.AirlinePassengers(), model, metrics.MAE(), horizon=12)
    assert isinstance(model, time_series.base.Forecaster)
    assert np.mean([m.get() for m in metric.metrics]) < 45
    for check in yield_checks(hw.Forecaster()):
        check(hw.Forecaster())


@pytest.mark.parametrize(
    "settings",
    [
        {"horizon": 0},
        {"horizon": 1025},
        {"season": 0},
        {"season": 1.5},
        {"lags": 1},
        {"forgetting": 0.5},
        {"horizon": True},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(settings))):
        hw.Forecaster(**settings)


def test_horizons_and_rows_that_do_not_fit_are_refused() -> None:
    model = learned(20)
    before = digest(model)
    with pytest.raises(ConfigError, match="at most 6"):
        model.forecast(H + 1)
    with pytest.raises(DataError, match="columns of 6 times"):
        model.forecast(H, dates(2))
    with pytest.raises(DataError, match="mapping"):
        model.learn_one(1.0, 5)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="coverage"):
        model.forecast_interval(coverage=1.5)
    with pytest.raises(DataError, match="3 rows for as many answers"):
        model.learn_many([1.0, 2.0, 3.0], dates(2))
    assert digest(model) == before


def test_a_sample_behind_a_very_wide_one_is_read_whole() -> None:
    model = hw.Forecaster(horizon=1, season=2, lags=2)
    for i in range(60):
        model.learn_one(float(i % 3), {"a": float(i % 3), "b": float(-i)})
    model.learn_one(1.0, {f"wide {j}": 1.0 for j in range(60_000)})
    x = {"a": 2.0, "b": 3.0} | {f"word {j}": "never seen" for j in range(5_000)}
    assert model.forecast(xs=[x]) == copy.deepcopy(model).forecast(xs=[x]) == model.forecast(xs=[{"a": 2.0, "b": 3.0}])


def test_features_in_the_place_of_the_value_are_refused_with_the_right_order() -> None:
    model = hw.Forecaster()
    with pytest.raises(
        DataError, match=r"expected a value, then its features, got a dict — at y\. Call learn_one\(y, x\)\."
    ):
        model.learn_one({"day": 1.0}, 2.0)
    assert model.n_learned == 0
