"""The ends of a forecaster's intervals in the core equal those of ``headwater.plain``, and are held against what was given out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater._core import FIRST_VERSION
from headwater.plain.outputs.ends import TAILS, Ends

H = 4
COVERAGES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99, 0.995)


def series(n: int, seed: int = 0) -> list[float]:
    """Noise whose size changes every 150 times, by up to eight."""
    rng = np.random.default_rng(seed)
    size = np.repeat(2.0 ** rng.integers(0, 4, n // 150 + 1), 150)[:n]
    return [float(y) for y in 10 * np.sin(np.arange(n) * 2 * np.pi / 6) + size * rng.standard_t(3, n)]


def arrays(model: hw.Forecaster) -> Any:
    assert model.engine is not None
    return model.engine.core.array  # type: ignore[attr-defined]


def without_pool(season: int = 6, **settings: Any) -> hw.Forecaster:
    """A forecaster as version 0.2 made them: its files go on by these rules."""
    model = hw.Forecaster(horizon=H, season=season, **settings)
    model.follow_core(FIRST_VERSION)
    return model


@pytest.mark.parametrize("weights", [[1.0], [1.0, 0.3, 5.0, 0.0, 1.0]])
def test_the_core_equals_plain_over_a_wild_series_with_gaps(weights: list[float]) -> None:
    """Errors are read from the core, one a time; the levels of all tails, and ends of any coverage, follow from them."""
    model, y = without_pool(lags=6), series(1_500)
    plain = [Ends(h) for h in range(1, H + 1)]
    for t, answer in enumerate(y):
        missing = t % 11 == 7
        before = [] if not t else arrays(model)("forecast_errors")[:, 0].tolist()
        w = weights[t % len(weights)]
        model.learn_one(None if missing else answer, w=w)
        if not t:
            continue
        counts, scores = arrays(model)("forecast_errors")[:, 0], arrays(model)("forecast_scores")
        for h in range(1, H + 1):
            n = int(before[h - 1])
            if h <= t:
                plain[h - 1].learn(float(scores[h - 1, n % 500]) if counts[h - 1] > n else math.nan, w or 1.0)
        if t % 50 == 49:
            levels, said = arrays(model)("forecast_levels"), model.forecast()
            for h in range(1, H + 1):
                np.testing.assert_allclose(levels[h - 1, : 2 * len(TAILS)], plain[h - 1].v.ravel(), atol=1e-9)
            for coverage in COVERAGES:
                ends = model.forecast_interval(coverage=coverage)
                for h in range(H):
                    low, high = min(plain[h].give(coverage)[0], 0.0), max(plain[h].give(coverage)[1], 0.0)
                    np.testing.assert_allclose(ends[h], (said[h] + low, said[h] + high), rtol=1e-9)
    assert np.abs(arrays(model)("forecast_levels")).max() > 0.5


@pytest.mark.parametrize("h", range(1, H + 1))
@pytest.mark.parametrize("season", [0, 1, 3, 6])
def test_a_level_moves_with_the_interval_that_was_given_out_h_times_before(h: int, season: int) -> None:
    """Without columns the forecast of an origin is known to the bit, and so is whether its answer lay beyond an end."""
    model, y = hw.Forecaster(horizon=H, season=season, lags=6) if season else without_pool(lags=6), series(900)
    given: list[list[tuple[float, float]]] = []
    for t, answer in enumerate(y):
        v = arrays(model)("forecast_levels")[h - 1, :10].copy() if t else np.zeros(10)
        model.learn_one(answer)
        if t > 700:
            beyond = np.array([answer < low for low, _ in given[t - h]] + [answer > high for _, high in given[t - h]])
            moved = arrays(model)("forecast_levels")[h - 1, :10] - v
            np.testing.assert_allclose(moved, 0.1 * (beyond - np.tile(TAILS, 2)), atol=1e-9)
        given.append([model.forecast_interval(coverage=1 - 2 * p)[h - 1] for p in TAILS] if t > 690 else [])


def test_intervals_hold_what_was_asked_over_a_wild_series() -> None:
    model, y = hw.Forecaster(horizon=H, season=6), series(6_000, seed=1)
    held: dict[float, list[list[bool]]] = {0.5: [], 0.8: [], 0.9: [], 0.95: []}
    for t, answer in enumerate(y[:-H]):
        model.learn_one(answer)
        if t >= 500:
            for coverage, rows in held.items():
                ends = model.forecast_interval(coverage=coverage)
                rows.append([low <= came <= high for (low, high), came in zip(ends, y[t + 1 :], strict=False)])
    for coverage, rows in held.items():
        np.testing.assert_allclose(np.mean(rows, axis=0), coverage, atol=0.01)


def test_a_wider_coverage_has_a_wider_interval() -> None:
    model = hw.Forecaster(horizon=H, season=6)
    model.learn_many(series(1_000))
    ends = np.array([model.forecast_interval(coverage=c) for c in COVERAGES])
    assert (np.diff(ends[:, :, 0], axis=0) <= 0).all()
    assert (np.diff(ends[:, :, 1], axis=0) >= 0).all()


def test_a_forecaster_saved_before_levels_goes_on_with_the_same_forecasts() -> None:
    model, y = without_pool(), series(800)
    model.learn_many(y[:400], [{"a": float(i % 3)} for i in range(400)])
    state = model.new_engine().state() | model.engine.state()  # type: ignore[union-attr]
    for name in ("levels", "happened", "given", "older"):
        del state[f"forecast_{name}"]
    other = without_pool()
    other._engine = other.new_engine(state)
    for answer in y[400:]:
        assert other.forecast() == model.forecast()
        model.learn_one(answer, {"a": 1.0})
        other.learn_one(answer, {"a": 1.0})
    widths = [np.diff(each.forecast_interval(), axis=1).mean() for each in (model, other)]
    assert 0.5 < widths[0] / widths[1] < 2
