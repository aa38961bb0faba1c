"""``hw.Anomaly``: rows are scored before they are learned, whatever they hold."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from river import base, checks, datasets, evaluate, metrics

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.store.learner_file import fingerprint


def machine(n: int, seed: int = 1) -> list[dict[str, Any]]:
    """Rows of a machine that runs well: heat follows load."""
    rng = np.random.default_rng(seed)
    load = rng.uniform(0, 100, n)
    heat = 20 + 0.5 * load + rng.normal(size=n)
    return [
        {"load": a, "heat": b, "mode": "eco" if a < 50 else "full"}
        for a, b in zip(load.tolist(), heat.tolist(), strict=True)
    ]


def taught(n: int = 1_500, **settings: Any) -> hw.Anomaly:
    model = hw.Anomaly(**settings)
    model.learn_many(machine(n))
    return model


def test_ordinary_rows_score_evenly_and_unusual_ones_near_one():
    scores = hw.Anomaly().learn_many(machine(12_000))[4_000:]
    shares = [float((scores > edge).mean()) for edge in (0.5, 0.9, 0.99, 0.999)]
    assert shares == pytest.approx([0.5, 0.1, 0.01, 0.001], rel=0.5)
    assert shares[:2] == pytest.approx([0.5, 0.1], abs=0.03)
    model = taught()
    assert model.score_one({"load": 50.0, "heat": 45.0, "mode": "full"}) < 0.9
    assert model.score_one({"load": 50.0, "heat": 400.0, "mode": "full"}) > 0.999
    assert model.score_one({"load": 95.0, "heat": 25.0, "mode": "full"}) > 0.95, "each number is ordinary, both are not"
    assert model.score_one({"load": 50.0, "heat": 45.0, "mode": "broken"}) > 0.99


def test_scores_are_p_values_that_are_never_0_or_1():
    model = hw.Anomaly()
    assert model.score_one({"a": 1.0}) == 0.5
    rows = [{"a": 1.0}] * 50
    scores = model.learn_many(rows)
    assert ((scores > 0.2) & (scores <= 0.5)).all(), "what never differs is no anomaly"
    scores = taught().score_many([{"load": 1e300, "heat": -1e300, "mode": "x"}, *machine(50, seed=2), {}])
    assert 0 < scores.min() < scores.max() < 1


def test_what_was_given_out_is_what_was_said_before_learning_and_blocks_change_nothing():
    rows = machine(700)
    one, many, steps = hw.Anomaly(seed=2), hw.Anomaly(seed=2), hw.Anomaly(seed=2)
    said = []
    for x in rows:
        said.append(one.score_one(x))
        one.learn_one(x)
    np.testing.assert_array_equal(many.learn_many(rows), said)
    parts = [steps.step_many(rows[at : at + 100], y=["any"] * 100).y_pred for at in range(0, 700, 100)]
    np.testing.assert_array_equal(np.concatenate(parts), said)
    assert fingerprint(one) == fingerprint(many) == fingerprint(steps)
    assert one.n_learned == 700


def test_arrays_frames_and_dicts_say_the_same():
    X = np.random.default_rng(0).normal(size=(600, 4))
    X[::7, 2] = np.nan
    frame = pd.DataFrame(X, columns=["x0", "x1", "x2", "x3"])
    found = [hw.Anomaly().learn_many(rows) for rows in (X, frame, frame.to_dict("records"))]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    model = hw.Anomaly()
    model.learn_many(X)
    scores = model.score_many(frame.iloc[5:9])
    assert (scores.name, list(scores.index)) == ("score", [5, 6, 7, 8])
    np.testing.assert_array_equal(scores, model.score_many(X[5:9]))
    assert model.predict_batch(X[:0]).y_pred.shape == (0,)


def test_a_large_array_is_learned_as_its_rows_are():
    X = np.random.default_rng(0).normal(size=(9_000, 2))
    whole, parts = hw.Anomaly(), hw.Anomaly()
    scores = whole.learn_many(X)
    np.testing.assert_array_equal(scores, np.concatenate([parts.learn_many(X[:4_000]), parts.learn_many(X[4_000:])]))


def test_scoring_and_explaining_change_nothing():
    model = taught()
    before = fingerprint(model)
    odd = {"load": math.inf, "new": 3.0, "mode": "new", "when": dt.datetime(2030, 1, 1)}
    for x in ({"load": 3.0}, odd, {}):
        model.score_one(x)
        model.explain_one(x)
        model.is_anomaly_one(x)
    model.score_many([odd] * 3)
    model.step_many([], ask=[odd])
    assert fingerprint(model) == before


def test_new_names_leave_the_scores_of_rows_without_them_as_they_were():
    model = taught()
    probes = machine(50, seed=3)
    before = model.score_many(probes)
    model.learn_many([{"load": 3.0, "speed": 8.0, "mode": "turbo", "when": dt.datetime(2030, 1, 1)}], w=[0])
    np.testing.assert_array_equal(model.score_many(probes), before)
    assert {"speed", "when"} < {feature["name"] for feature in model.describe()["features"]}


def test_what_is_new_is_a_surprise_of_equal_size_before_and_while_it_is_learned():
    for new in (
        {"load": 50.0, "heat": 45.0, "mode": "third"},
        {"load": 50.0, "heat": 45.0, "mode": "eco", "speed": 7.0},
    ):
        model = taught()
        ordinary = model.score_one({"load": 50.0, "heat": 45.0, "mode": "eco"})
        score = model.score_one(new)
        assert score > ordinary + 0.05
        assert model.learn_many([new]) == [score]


def test_gaps_are_no_anomalies():
    model = taught()
    full = {"load": 50.0, "heat": 45.0, "mode": "full"}
    for name in full:
        for gap in (None, math.nan):
            assert model.score_one(full | {name: gap}) == model.score_one({k: v for k, v in full.items() if k != name})
            assert model.score_one(full | {name: gap}) < 0.97


@pytest.mark.parametrize("poison", [math.inf, -math.inf, 1e300, -1e300, "text", b"bytes", object(), True])
def test_poison_is_survived_and_what_was_learned_stays(poison):
    model = taught()
    for name in ("load", "mode", "other"):
        for ordinary in machine(20, seed=4):
            x = ordinary | {name: poison}
            assert 0 < model.score_one(x) < 1
            model.learn_one(x)
    assert np.median(model.score_many(machine(200, seed=5))) < 0.9
    assert model.score_one({"load": 50.0, "heat": 900.0, "mode": "full"}) > 0.98
    model.learn_many(machine(2_000, seed=6))
    assert 0.4 < np.median(model.score_many(machine(200, seed=7))) < 0.6


def test_an_infinite_number_is_the_farthest_there_is():
    model = taught()
    assert model.score_one({"load": math.inf, "heat": 45.0, "mode": "full"}) == model.score_one(
        {"load": 1e30, "heat": 45.0, "mode": "full"}
    )
    model.learn_one({"load": math.inf, "heat": 45.0, "mode": "full"})
    assert model.rejected["huge"] == 1


def test_an_anomaly_is_not_learned_at_once_but_a_new_normal_is():
    model = taught()
    odd = {"load": 50.0, "heat": 900.0, "mode": "full"}
    seen = int(model.engine.core.array("touched")[0])
    model.learn_one(odd)
    assert int(model.engine.core.array("touched")[0]) == seen
    assert model.n_learned == 1_501
    hot = [x | {"heat": x["heat"] + 500} for x in machine(2_000, seed=5)]
    scores = model.learn_many(hot)
    assert scores[0] > 0.999
    assert np.median(scores[-500:]) < 0.7, "it has become how things are"


def test_an_alarm_follows_the_rate_that_is_asked_for():
    model = hw.Anomaly()
    alarms = 0
    for x in machine(5_000):
        alarms += model.is_anomaly_one(x, rate=0.01)
        model.learn_one(x)
    assert 20 < alarms < 90
    for rate in (0.0, 1e-5, 1.0, -1.0, math.nan):
        with pytest.raises(ConfigError, match=r"expected a share from 0\.0005 to 1"):
            model.is_anomaly_one({}, rate=rate)


def test_an_explanation_names_the_column_and_adds_up():
    model = taught()
    why = model.explain_one({"load": 50.0, "heat": 300.0, "mode": "full", "speed": 4.0})
    assert next(iter(why.contributions)) == "heat"
    assert set(why.contributions) == {"load", "heat", "mode", "speed"}
    assert sum(why.contributions.values()) + why.baseline == pytest.approx(why.prediction)
    assert why.contributions["speed"] > 0
    assert str(why).startswith("raw score = ")
    assert next(iter(model.explain_one({"load": 50.0, "mode": "none of these"}).contributions)) == "mode"
    with pytest.raises(DataError, match="expected a detector that has learned"):
        hw.Anomaly().explain_one({"a": 1})


def test_it_is_saved_and_goes_on_to_the_bit(tmp_path):
    model = taught(seed=4, neighbours=50, hidden=3, dtype="float64")
    model.save(tmp_path / "m.hw")
    again = hw.load(tmp_path / "m.hw", hw.Anomaly)
    assert repr(again) == repr(model) == "Anomaly(seed=4, dtype='float64', neighbours=50, hidden=3)"
    assert fingerprint(again) == fingerprint(model)
    np.testing.assert_array_equal(again.learn_many(machine(300, seed=6)), model.learn_many(machine(300, seed=6)))
    assert fingerprint(again) == fingerprint(model)


def test_the_detectors_may_be_copied_and_the_copy_goes_its_own_way():
    model = taught()
    copy = model.clone(include_attributes=True)
    assert fingerprint(copy) == fingerprint(model)
    copy.learn_one({"load": 1.0})
    assert fingerprint(copy) != fingerprint(model)
    assert model.clone().n_learned == 0


def test_weights_of_0_teach_nothing_and_bad_ones_are_refused():
    model = taught()
    before = model.score_many(machine(20, seed=7))
    model.learn_many([{"load": 1.0}] * 3, w=[0, 0, 0])
    np.testing.assert_array_equal(model.score_many(machine(20, seed=7)), before)
    with pytest.warns(Warning, match="a row was not learned"):
        model.learn_many([{"load": 1.0}], w=[-1])
    assert model.rejected["weight"] == 1


def test_a_full_table_keeps_memory_bounded():
    model = hw.Anomaly(max_rows=64)
    scores = model.learn_many([{"id": f"user {i}", "a": float(i % 9), f"n{i % 500}": 1.0} for i in range(3_000)])
    assert np.isfinite(scores).all()
    assert model.describe()["rows"] <= 64


@pytest.mark.parametrize(
    "settings",
    [{"hidden": 0}, {"neighbours": 0}, {"neighbours": 1 << 20}, {"max_rows": 3}, {"dtype": "int8"}, {"seed": -1}],
)
def test_settings_that_can_not_be_are_refused(settings):
    with pytest.raises(ConfigError, match=f"{next(iter(settings))} of Anomaly"):
        hw.Anomaly(**settings)


def test_what_is_no_row_is_refused():
    with pytest.raises(DataError, match="expected a mapping"):
        hw.Anomaly().score_one([1, 2])
    with pytest.raises(DataError, match=r"expected as many rows to score as rows to learn \(2\), got 1"):
        hw.Anomaly().step_many([{}, {}], ask=[{}])


def test_rivers_checks_pass_on_rivers_own_shuttle(monkeypatch):
    pytest.importorskip("sklearn.datasets", reason="River's checks learn data of scikit-learn, which is not installed")
    monkeypatch.setattr(checks, "_yield_datasets", lambda model, scale=1: iter([datasets.Shuttle().take(300 * scale)]))
    model = hw.Anomaly()
    assert isinstance(model, base.AnomalyDetector)
    passed = 0
    for check in checks.yield_checks(model):
        if check.__name__ not in model._unit_test_skips():
            check(model.clone())
            passed += 1
    assert passed > 20


def test_rivers_evaluation_takes_it():
    auc = evaluate.progressive_val_score(datasets.Shuttle().take(2_000), hw.Anomaly(), metrics.ROCAUC())
    assert auc.get() > 0.95
