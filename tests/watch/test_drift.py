"""Drift detectors on costs and inputs, and the ranking of what changed."""

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.route import changes as looking
from headwater.route.changes import change_point, changes
from headwater.route.drift import DriftWatch
from headwater.route.session import Session
from headwater.types import ScoredRows


def rows(n, seed=0, shift=0.0, share=0.5):
    rng = np.random.default_rng(seed)
    return [{"a": rng.normal() + shift, "b": rng.normal(), "c": "x" if rng.random() < share else "y"} for _ in range(n)]


def seen(X, p, first=1):
    return ScoredRows(first, X, ["a"] * len(X), ["a"] * len(X), list(p), "classify")


def costs(n, at, seed=0):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.beta(8, 2, at), rng.beta(4, 4, n - at)]).tolist()


@pytest.mark.parametrize(("detector", "late"), [("adwin", 150), ("page_hinkley", 400), ("kswin", 100)])
def test_a_rise_of_the_cost_is_found_soon_and_once(detector, late):
    n, at = (2_000, 1_000) if detector == "kswin" else (8_000, 4_000)
    events = DriftWatch(detector).see(seen(rows(n), costs(n, at)), None)
    assert [event.kind for event in events] == ["drift_detected"]
    assert at < events[0].row <= at + late
    assert "Predictions became dearer" in events[0].text


@pytest.mark.parametrize("detector", ["adwin", "page_hinkley"])
def test_nothing_is_told_of_a_steady_cost_or_one_that_falls(detector):
    steady = np.random.default_rng(3).beta(8, 2, 20_000).tolist()
    assert DriftWatch(detector).see(seen(rows(20_000), steady), None) == []
    assert DriftWatch(detector).see(seen(rows(6_000), costs(6_000, 3_000)[::-1]), None) == []


@pytest.mark.parametrize("detector", ["adwin", "page_hinkley", "kswin"])
def test_an_input_that_shifts_is_named(detector):
    X = rows(3_000) + rows(1_500, seed=1, shift=2.0)
    every = 20 if detector == "kswin" else 2
    events = DriftWatch(detector, on="inputs", every=every).see(seen(X, [0.5] * 4_500), None)
    assert events
    assert events[0].kind == "input_drift_detected"
    assert 3_000 < events[0].row <= 4_500
    assert events[0].text.startswith("The input a changed; most changed: a (mean ")


def test_what_changed_is_ranked_first():
    X = rows(1_000) + rows(1_000, seed=1, share=0.9) + rows(0)
    watch = DriftWatch("page_hinkley")
    (event,) = watch.see(seen(X, [0.95] * 1_000 + [0.05] * 1_000), None)
    assert watch.changes[0].name == "c"
    assert "most changed: c (" in event.text


def test_distances_are_those_of_the_distributions():
    before, now = rows(300), rows(150, seed=9, shift=3.0, share=1.0)
    ranked = changes(before, now)
    distance = {change.name: change.distance for change in ranked}
    assert [change.name for change in ranked] == ["a", "c", "b"]
    assert distance["a"] == pytest.approx(0.866, abs=0.06)  # 2Φ(1.5) − 1
    assert distance["c"] == pytest.approx(0.5, abs=0.06)
    assert distance["b"] < 0.15


def test_the_distance_of_numbers_is_that_of_scipy():
    from scipy.stats import ks_2samp

    a, b = np.random.default_rng(0).normal(size=60), np.random.default_rng(1).normal(0.4, size=40).round(1)
    (change,) = changes([{"v": v} for v in a], [{"v": v} for v in b])
    assert change.distance == pytest.approx(ks_2samp(a, b).statistic)


def test_a_feature_that_goes_missing_has_changed():
    before = [{"a": 1.0, "b": float(i)} for i in range(50)]
    now = [{"b": float(i)} for i in range(50)]
    first = changes(before, now)[0]
    assert (first.name, first.distance) == ("a", 1.0)
    assert changes(before[:10], now) == []


def test_arrays_are_ranked_by_the_names_of_their_columns():
    rng = np.random.default_rng(0)
    old, new = rng.normal(size=(100, 2)), rng.normal([0, 2], size=(100, 2))
    assert changes(old, new)[0].name == "x1"


def test_a_regressor_is_watched_by_its_errors():
    rng = np.random.default_rng(0)
    y = rng.normal(size=4_000)
    y_pred = y + np.concatenate([0.1 * rng.normal(size=2_000), 2 * rng.normal(size=2_000)])
    shown = ScoredRows(1, rows(4_000), y.tolist(), y_pred.tolist(), [float("nan")] * 4_000, "regress")
    events = DriftWatch().see(shown, None)
    assert 2_000 < events[0].row < 2_200


def test_any_detector_of_river_can_be_given():
    from river.drift.binary import HDDMA

    n = 4_000
    wrong = (np.random.default_rng(0).random(n) > np.where(np.arange(n) < 2_000, 0.95, 0.4)).astype(float)
    given = HDDMA()
    events = DriftWatch(given).see(seen(rows(n), (1 - wrong).tolist()), None)
    assert 2_000 < events[0].row < 2_200
    assert given.clone().update(0.0) is None


def test_what_is_no_detector_is_refused():
    with pytest.raises(ConfigError, match="expected one of adwin, page_hinkley, kswin"):
        DriftWatch("magic")
    with pytest.raises(ConfigError, match="expected loss or inputs"):
        DriftWatch(on="weights")


def concept(n, flip_at, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        x = {"a": rng.normal(), "b": rng.normal()}
        yield x, bool(x["a"] + x["b"] > 0) != (i >= flip_at)


@pytest.mark.parametrize("delay", [0, 7])
def test_a_session_puts_events_into_its_records_whatever_the_blocks(delay):
    def run(block):
        told = []
        session = Session(
            hw.Classifier(seed=1), watch=DriftWatch(), on_record=told.append, every=1_000, block=block, delay=delay
        )
        last = session.run(concept(4_000, 2_000))
        return [event for record in told for event in record.events], last

    events, last = run(1_024)
    succeeded = [] if delay else ["model_succeeded"]  # where labels come late no losses are followed
    assert [event.kind for event in events] == ["drift_detected", *succeeded]
    assert 2_000 < events[0].row < 2_300
    assert run(100)[0] == events
    assert last.as_dict()["events"] == []


def test_importing_a_session_loads_no_watch_and_no_river():
    import subprocess
    import sys

    code = "import headwater, headwater.route.session, sys; print('headwater.route.drift.watch' in sys.modules, 'river' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_a_change_is_looked_for_in_the_common_columns_of_wide_rows(monkeypatch):
    """A server looks back beside its requests, and eighty thousand columns took its threads seconds."""
    rng = np.random.default_rng(0)
    rows = [{f"n{i % 90}.{j}": 1.0 for j in range(200)} | {"moved": m} for i, m in enumerate(rng.normal(size=180))]
    for x in rows[100:]:
        x["moved"] += 4.0
    read = []
    series = looking._series
    monkeypatch.setattr(looking, "_series", lambda values: read.append(values) or series(values))
    found = change_point(rows, ["a", "b"] * 90)
    assert (found.columns, len(read)) == (("moved",), 2)  # of 18,001 columns, and the label
    read.clear()
    wide = [{f"n{j}": float(j % 3) for j in range(1_500)} for _ in range(60)]
    change_point(wide, ["a", "b"] * 30)
    assert len(read) == 1_001
