"""A forecaster's pool in the core equals ``headwater.plain``, speaks by past errors, and has widths by phase."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import headwater as hw
from headwater._core import APART_VERSION, FIRST_VERSION, LEAN_VERSION, VERSION
from headwater.kinds.forecaster.state import SEASON, speakers_of
from headwater.plain.kinds.smoothing import Bank, Joint, weighed
from headwater.plain.outputs import widths
from headwater.store.learner_file import fingerprint

H = 5


def series(n: int, season: int = 4, seed: int = 0) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    return np.asarray((50 + 0.2 * t) * (1 + 0.3 * np.sin(2 * np.pi * t / season)) + rng.normal(size=n))


def arrays(model: hw.Forecaster) -> Any:
    assert model.engine is not None
    return model.engine.core.array  # type: ignore[attr-defined]


@pytest.mark.parametrize("season", [3, 4])
@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.4, 0.0, 3.0, 1.0]])
def test_the_bank_of_the_core_equals_plain(season: int, sign: float, weights: list[float]) -> None:
    model, bank = hw.Forecaster(horizon=H, season=season), Bank(season, H)
    for t, y in enumerate(sign * series(120, season)):
        model.learn_one(float(y), w=weights[t % len(weights)])
        bank.learn(float(y), weights[t % len(weights)])
        if t % 7 == 6:
            said = [speakers_of(model, h) for h in range(1, H + 1)]
            np.testing.assert_allclose(
                [one.smoothing for one in said if one], bank.forecast(arrays(model)("forecast_width_sizes")), rtol=2e-5
            )
    np.testing.assert_allclose(arrays(model)("forecast_bank_losses"), bank.losses, rtol=2e-4, atol=1e-4)


def test_the_forecast_is_what_the_members_say_by_their_shares_and_they_follow_past_errors() -> None:
    rng = np.random.default_rng(0)
    model = hw.Forecaster(horizon=2, season=6)
    model.learn_many(np.cumsum(rng.normal(size=900)))
    shares = model.speakers_[0]
    assert sum(shares.values()) == pytest.approx(1)
    assert shares[SEASON] < 0.01 < max(shares.values()) - 0.3
    seasonal = hw.Forecaster(horizon=2, season=6)
    seasonal.learn_many(np.tile(rng.normal(size=6) * 100, 150) + rng.normal(size=900))
    assert seasonal.speakers_[0][SEASON] > shares[SEASON]
    assert not hw.Forecaster().speakers_


def test_a_weight_counts_a_value_so_many_times_in_means_and_lines() -> None:
    rng = np.random.default_rng(0)
    x, last = rng.normal(size=9), 5.0
    mean = float(x.mean())
    assert mean + weighed(1 / 10, 4.0) * (last - mean) == pytest.approx(
        np.average([*x, last], weights=[1.0] * 9 + [4.0])
    )
    bank = Bank(2, 1)
    for t, y in enumerate([*x, last]):
        bank.learn(float(y), 4.0 if t == 9 else 1.0)
    slope, mid = bank.lines[0, 1] / (10 * 99 / 12), bank.lines[0, 0]
    fitted = np.polyfit(np.arange(10), [*x, last], 1, w=np.sqrt([1.0] * 9 + [4.0]))
    np.testing.assert_allclose([slope, mid], [fitted[0], np.polyval(fitted, 4.5)])


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("season", [1, 6])
def test_weights_follow_what_members_miss_together_as_plain_has_it(season: int, weighted: bool) -> None:
    rng = np.random.default_rng(season)
    model, alone, joint = hw.Forecaster(1, season), hw.Forecaster(1, season), Joint(4 if season > 1 else 3)
    alone.follow_core(LEAN_VERSION)
    some = [0, 1, 2, 3] if season > 1 else [0, 1, 3]
    swing = 3 if season > 1 else 0
    y = (
        swing * np.sin(np.arange(900) * 2 * np.pi / 6) + np.cumsum(rng.normal(size=900)) + rng.normal(size=900)
    ).tolist()
    for t, answer in enumerate(y):
        said = speakers_of(model, 1) if t else None
        if said is not None:
            shares, ahead = np.array(list(said.shares.values())), model.forecast()[0]
            each = np.array([said.smoothing, 0.0, said.plain, y[t - season] if t >= season else y[t - 1]])
            each[1] = (ahead - shares[some[0]] * each[0] - shares[2] * each[2] - shares[3] * each[3]) / shares[1]
            size = float(arrays(model)("forecast_width_sizes")[0])
            joint.learn(answer - each[some], answer - ahead, size, [1.0, 0.5, 2.0][t % 3] if weighted else 1.0)
        model.learn_one(answer, w=[1.0, 0.5, 2.0][t % 3] if weighted else 1.0)
        alone.learn_one(answer, w=[1.0, 0.5, 2.0][t % 3] if weighted else 1.0)
    products = arrays(model)("forecast_pool_losses")[0, 4:]
    np.testing.assert_allclose(products.reshape(4, 4)[np.ix_(some, some)], joint.products, rtol=2e-3)
    first = np.array(list(alone.speakers_[0].values()))
    weights = np.array(list(model.speakers_[0].values()))
    np.testing.assert_allclose(weights[some], joint.weights(first[some]), atol=2e-3)
    assert np.abs(weights - first).max() > 0.02


def test_what_members_miss_together_makes_forecasts_better_than_their_single_errors() -> None:
    errors = {}
    for version in (LEAN_VERSION, APART_VERSION):
        model, misses = hw.Forecaster(horizon=12, season=24), []
        model.follow_core(version)
        drawn = np.random.default_rng(1)
        noise, walk = drawn.normal(size=6_000), np.cumsum(drawn.normal(size=6_000))
        y = 3 * np.sin(np.arange(6_000) * 2 * np.pi / 24) + 0.1 * walk + noise
        for t, answer in enumerate(y[:-12].tolist()):
            model.learn_one(answer)
            if t > 3_000 and t % 7 == 0:
                misses.append((np.array(model.forecast()) - y[t + 1 : t + 13]) ** 2)
        errors[version] = float(np.mean(misses))
    assert errors[APART_VERSION] < 0.997 * errors[LEAN_VERSION]


@pytest.mark.parametrize("seed", range(4))
def test_a_wrong_season_costs_little(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = np.cumsum(rng.normal(size=1_500)) + rng.normal(size=1_500)

    def error(season: int) -> float:
        model, misses = hw.Forecaster(horizon=6, season=season), []
        for t, answer in enumerate(y[:-6].tolist()):
            model.learn_one(answer)
            if t > 200 and t % 5 == 0:
                misses.append(np.abs(np.array(model.forecast()) - y[t + 1 : t + 7]).mean())
        return float(np.mean(misses))

    assert error(12) < 1.03 * error(1)


def test_intervals_are_narrow_at_the_phases_whose_errors_are_small() -> None:
    rng = np.random.default_rng(1)
    model = hw.Forecaster(horizon=4, season=4, low=0)
    for i in range(2_000):
        model.learn_one(abs(50 + 10 * rng.normal()) if i % 4 == 2 else 0.0)
    width = [high - low for low, high in model.forecast_interval()]
    assert 15 < width[2] < 2 * 1.645 * 10 * 1.15
    assert max(width[0], width[1], width[3]) < 1


def test_errors_are_evened_as_plain_has_it() -> None:
    at = widths.knots(np.array([0.0] * 30 + [1.0, -1.0]), 3.0, 10)
    for e in (-9.0, -0.5, 0.0, 0.001, 2.0, 40.0):
        assert widths.uneven(widths.even(e, at, 3.0), at, 3.0) == pytest.approx(e)
    model = hw.Forecaster(horizon=1, season=2)
    model.learn_many(series(400, 2))
    size = float(arrays(model)("forecast_width_sizes")[0])
    errors, visits = arrays(model)("forecast_width_errors"), arrays(model)("forecast_width_visits")
    for phase, t in ((0, 398), (1, 399)):
        n = int(min(visits[phase], 40))
        expected = widths.knots(errors[phase, :n].astype(float), 1.0, float(visits[phase])) - 0.001 * widths.NORMAL
        np.testing.assert_allclose(arrays(model)("forecast_width_shapes")[t % 3], expected, rtol=1e-5)
    low, high = model.forecast_interval(coverage=0.9)[0]
    levels, y = arrays(model)("forecast_levels")[0], model.forecast()[0]
    shape = widths.knots(errors[0, :40].astype(float), size, float(visits[0]))
    for end, v, side in ((low, levels[2], -1), (high, levels[7], 1)):
        q = 0.05 * math.exp(-v)
        u = side * widths.even(0, np.zeros(10) + widths.NORMAL, 1) + side * _student(q, 399)
        assert end - y == pytest.approx(widths.uneven(u, shape, size), rel=1e-3)


def _student(q: float, n: float) -> float:
    from headwater.plain.outputs.ends import student

    return student(q, n)


def test_ends_of_counts_are_whole_numbers_and_of_others_are_not() -> None:
    rng = np.random.default_rng(0)
    counts, others = hw.Forecaster(horizon=2, season=3, low=0), hw.Forecaster(horizon=2, season=3, low=0)
    for y in rng.poisson(4, 300).tolist():
        counts.learn_one(y)
        others.learn_one(y + 0.5)
    assert all(end == round(end) for ends in counts.forecast_interval() for end in ends)
    assert not all(end == round(end) for ends in others.forecast_interval() for end in ends)


@pytest.mark.parametrize(("horizon", "season"), [(1, 1), (6, 1), (18, 12), (30, 7)])
def test_no_end_is_infinite_after_five_answers(horizon: int, season: int) -> None:
    model = hw.Forecaster(horizon=horizon, season=season)
    model.learn_many(series(5))
    ends = np.array(model.forecast_interval())
    assert np.isfinite(ends).all()
    assert (ends[:, 0] < ends[:, 1]).all()


def test_an_old_forecaster_goes_on_without_a_pool_and_a_new_one_loads_to_the_same_bits(tmp_path: Any) -> None:
    old, new = hw.Forecaster(horizon=3, season=4, seed=1), hw.Forecaster(horizon=3, season=4, seed=1)
    old.follow_core(FIRST_VERSION)
    for model, version in ((old, FIRST_VERSION), (new, VERSION)):
        model.learn_many(series(100))
        model.save(tmp_path / "model.hw")
        again = hw.load(tmp_path / "model.hw")
        assert again.core_version == version
        assert (speakers_of(again, 1) is None) == (version == FIRST_VERSION)
        for y in series(30, seed=1).tolist():
            model.learn_one(y)
            again.learn_one(y)
        assert fingerprint(again) == fingerprint(model)
        assert again.forecast_interval() == model.forecast_interval()
    assert old.forecast() != new.forecast()
    assert old.speakers_ == []
