"""Weights of a forecaster's values: how much each is learned from, while time passes and the past is known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, RefusedRow
from headwater.store.learner_file import fingerprint

SEASON = 7
WEIGHTS = [1.0, 0.5, 3.0, 0.0, 1.0, 1.0, 2.0, 0.1]


def value(i: int) -> float:
    return [5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0][i % SEASON] + math.sin(i * i)


def weight(i: int) -> float:
    return WEIGHTS[i % len(WEIGHTS)]


def taught(n: int, w: Any = weight, **settings: Any) -> hw.Forecaster:
    model = hw.Forecaster(**{"horizon": 3, "season": SEASON, "seed": 1, **settings})
    for i in range(n):
        model.learn_one(None if i % 31 == 17 else value(i), {"shop": "ab"[i % 2]}, w(i))
    return model


@pytest.mark.parametrize("settings", [{}, {"season": 1}, {"forgetting": 0.99, "horizon": 1}])
def test_weight_one_keeps_every_bit_and_another_does_not(settings: dict[str, Any]) -> None:
    plain = hw.Forecaster(**{"horizon": 3, "season": SEASON, "seed": 1, **settings})
    for i in range(120):
        plain.learn_one(None if i % 31 == 17 else value(i), {"shop": "ab"[i % 2]})
    assert fingerprint(taught(120, lambda _: 1.0, **settings)) == fingerprint(plain)
    assert fingerprint(taught(120, lambda _: 1, **settings)) == fingerprint(plain)
    assert fingerprint(taught(120, **settings)) != fingerprint(plain)


def test_a_value_of_weight_0_is_known_as_the_past_and_nothing_is_learned_from_it() -> None:
    model = taught(200, lambda _: 1.0)
    core = model.engine.core  # type: ignore[union-attr]
    learned = ("forecast_weights", "forecast_plain_weights", "forecast_errors", "forecast_bank_losses", "forecast_pool_losses",
        "forecast_width_sizes", "forecast_width_visits", "forecast_numbers")  # fmt: skip
    before = {name: np.array(core.array(name)) for name in learned}
    model.learn_one(20.0, {"shop": "a"}, 0.0)
    for name, array in before.items():
        assert np.array_equal(core.array(name), array), name
    assert model.forecast(1) != taught(200, lambda _: 1.0).forecast(1)
    missing = taught(200, lambda _: 1.0)
    missing.learn_one(None, {"shop": "a"})
    assert model.forecast(1) != missing.forecast(1)  # whose past is what was forecast
    assert int(core.array("forecast_counts")[0]) == 201
    assert core.array("forecast_past")[200 % (len(core.array("forecast_past")) // 2)] == pytest.approx(20.0)


def test_time_begins_with_the_first_value_that_is_learned() -> None:
    late = hw.Forecaster(horizon=3, season=SEASON, seed=1)
    late.learn_many([100.0, 200.0, 300.0], w=[0.0, 0.0, 0.0])
    assert late.forecast() == [0.0, 0.0, 0.0]
    late.learn_many([value(i) for i in range(60)])
    plain = hw.Forecaster(horizon=3, season=SEASON, seed=1)
    plain.learn_many([value(i) for i in range(60)])
    assert late.forecast() == plain.forecast()


def test_values_that_are_known_to_be_bad_do_less_harm_with_little_weight() -> None:
    def error(w: float) -> float:
        rng, model, missed = np.random.default_rng(1), hw.Forecaster(horizon=7, season=SEASON, seed=1), []
        clean = [5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0]
        for i in range(900):
            bad = rng.random() < 0.1
            y = clean[i % SEASON] + 0.3 * rng.normal() + 10 * bad * rng.normal()
            model.learn_one(float(y), w=w if bad else 1.0)
            if i > 400:
                missed.append(
                    np.abs(np.array(model.forecast()) - [clean[(i + h) % SEASON] for h in range(1, 8)]).mean()
                )
        return float(np.mean(missed))

    none, little, usual, much = map(error, (0.0, 0.1, 1.0, 10.0))
    assert max(none, little) < 0.6 * usual < 0.6 * much


@pytest.mark.parametrize("w", [-1.0, math.nan, math.inf, 1e16, "2", [1.0]])
def test_a_weight_that_is_none_is_refused_in_a_sentence_counted_and_nothing_is_learned(w: Any) -> None:
    model, twin = taught(60), taught(60)
    with pytest.warns(RefusedRow, match="the weight of the sample is negative, beyond 1e15, or not a number"):
        model.learn_one(9.0, {"shop": "a"}, w)
    twin.learn_one(9.0, {"shop": "a"}, 0.0)
    assert model.rejected["weight"] == 1
    assert model.forecast() == twin.forecast()
    with pytest.raises(ValueError, match="arguments that fit"):
        model.engine.core.learner.learn_next({}, 1.0, -1.0)  # type: ignore[union-attr]


def test_the_heaviest_and_the_lightest_values_leave_numbers_that_a_file_holds(tmp_path: Path) -> None:
    for weights in ([1e15, 5e-324], [1e15], [1e-300], [1.0, 1.0, 1e15, 0.0]):
        model = taught(150, lambda i, weights=weights: weights[i % len(weights)])  # type: ignore[misc]
        model.save(tmp_path / "m.hw")
        assert fingerprint(hw.load(tmp_path / "m.hw")) == fingerprint(model)
        assert np.abs(model.forecast()).max() < 100


def test_a_saved_forecaster_goes_on_with_the_weights_of_its_last_values_to_the_bit(tmp_path: Path) -> None:
    model = taught(100)
    model.save(tmp_path / "m.hw")
    again = hw.load(tmp_path / "m.hw")
    for i in range(100, 130):
        for one in (model, again):
            one.learn_one(value(i), {"shop": "a"}, 1.0)
    assert fingerprint(again) == fingerprint(model)
    assert model.explain_one({"shop": "a"})


def test_a_session_a_store_and_a_fleet_weigh_values_as_the_forecaster_does(tmp_path: Path) -> None:
    y, w = [value(i) for i in range(80)], [weight(i) for i in range(80)]
    plain = hw.Forecaster(horizon=3, season=SEASON, seed=1)
    plain.learn_many(y, w=w)
    session = hw.Session(hw.Forecaster(horizon=3, season=SEASON, seed=1))
    session.step([{}] * 80, y, w)
    assert fingerprint(session.learner) == fingerprint(plain)
    fleet = hw.Fleet(lambda: hw.Forecaster(horizon=3, season=SEASON, seed=1), key="shop")
    fleet.learn_many(
        [{"shop": "ab"[i % 2]} for i in range(160)], [y[i // 2] for i in range(160)], [w[i // 2] for i in range(160)]
    )
    assert fingerprint(fleet["a"]) == fingerprint(fleet["b"]) == fingerprint(plain)
    with hw.open(tmp_path / "a.db", hw.Forecaster(horizon=3, season=SEASON, seed=1)) as store:
        for i in range(40):
            store.learn_one(y[i], w=w[i])
        store.learn_many(y[40:], w=w[40:])
        waiting = [store.predict_with_id()[0] for _ in range(2)]
        store.label(waiting[1], 4.0, 2.5)
        store.label(waiting[0], 5.0, 0.5)
        store.service._shut()  # without a last snapshot, as if killed
    plain.learn_many([5.0, 4.0], w=[0.5, 2.5])
    with hw.open(tmp_path / "a.db") as again:
        assert fingerprint(again.learner) == fingerprint(plain)


def test_related_series_refuse_weights_and_say_what_takes_them() -> None:
    fleet = hw.Forecaster(horizon=3, season=SEASON, key="shop")
    fleet.learn_one({"shop": "a"}, 1.0, 1)
    with pytest.raises(ConfigError, match="whose values take them"):
        fleet.learn_one({"shop": "a"}, 1.0, 2.0)
    assert fleet.learned("a") == 1


def test_a_page_refuses_it_while_weights_of_the_past_are_others_and_a_file_forgets_those_that_are_all_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = hw.Forecaster(horizon=2, season=1, lags=2, seed=1)
    model.learn_many([value(i) for i in range(40)], w=[2.0] * 40)
    model.save(tmp_path / "m.hw")
    assert main(["export", "--web", str(tmp_path / "m.hw"), str(tmp_path / "page.html")]) != 0
    assert "weights other than 1" in capsys.readouterr().err
    plain = hw.Forecaster(horizon=2, season=1, lags=2, seed=1)
    plain.learn_many([value(i) for i in range(60)])
    model.learn_many([value(i) for i in range(40, 60)])
    model.save(tmp_path / "m.hw")
    arrays = [one.engine.core.array("forecast_past") for one in (hw.load(tmp_path / "m.hw"), plain)]  # type: ignore[attr-defined]
    assert np.array_equal(*arrays)
    assert model.lacks("web") is None
