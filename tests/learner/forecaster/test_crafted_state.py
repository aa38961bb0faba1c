"""A forecaster's arrays with any bytes in them are refused, or give a learner that forecasts and learns without harm."""

from __future__ import annotations

import numpy as np
import pytest

import headwater as hw

H = 3


def taught() -> hw.Forecaster:
    model = hw.Forecaster(horizon=H, season=4, lags=5)
    rng = np.random.default_rng(0)
    for i in range(60):
        model.learn_one(
            None if i % 9 == 4 else float(i % 4 + rng.normal() * 0.1), {"a": float(i % 3), "b": "xy"[i % 2]}
        )
    return model


SAVED = taught()
ARRAYS = sorted(name for name in SAVED.new_engine().state() if name.startswith("forecast_"))


@pytest.mark.parametrize("name", ARRAYS)
def test_any_bytes_in_an_array_are_refused_or_harmless(name: str) -> None:
    rng = np.random.default_rng(len(name))
    assert SAVED.engine is not None
    taken = 0
    for trial in range(60):
        state = SAVED.engine.state()
        array = state[name]
        if not array.size:
            return
        if trial % 2 and array.dtype.kind == "i":
            array.reshape(-1)[rng.integers(array.size)] = rng.choice([-1, 7, 1 << 20, (1 << 31) - 1])
        elif trial % 2:
            with np.errstate(over="ignore"):  # 1e300 is infinite in float32
                array.reshape(-1)[rng.integers(array.size)] = rng.choice([np.nan, np.inf, -1.0, 1e300, 0.5])
        else:
            where = rng.integers(array.nbytes, size=4)
            array.reshape(-1).view(np.uint8)[where] = rng.integers(256, size=4)
        model = taught()
        try:
            model._engine = model.new_engine(state)
        except ValueError:
            continue
        taken += 1
        for i in range(3 * H):
            assert len(model.forecast(xs=[{"a": 1.0, "b": "z"}] * H)) == H
            model.learn_one(float(i), {"a": 2.0})
        again = hw.Forecaster(horizon=H, season=4, lags=5)
        again._engine = again.new_engine(model.engine.state())  # type: ignore[union-attr]
        assert again.forecast() == model.forecast()
    assert taken or name in (
        "forecast_counts",
        "forecast_column_start",
        "forecast_column_count",
        "forecast_column_slots",
    )


@pytest.mark.parametrize(
    ("name", "place", "value"),
    [
        ("forecast_counts", 0, -1),
        ("forecast_counts", 1, 1 << 40),
        ("forecast_numbers", 7, 1e300),
        ("forecast_numbers", 6, -1.0),
        ("forecast_errors", 0, np.nan),
        ("forecast_column_start", 0, -5),
        ("forecast_column_count", 1, 1 << 40),
        ("forecast_column_slots", 0, 1 << 20),
        ("forecast_column_slots", 0, -(1 << 20)),
        ("forecast_column_slots", 0, -1),
    ],
)
def test_places_that_are_not_there_are_refused(name: str, place: int, value: float) -> None:
    assert SAVED.engine is not None
    state = SAVED.engine.state()
    state[name].reshape(-1)[place] = value
    with pytest.raises(ValueError, match=name.partition("_")[0]):
        taught().new_engine(state)
