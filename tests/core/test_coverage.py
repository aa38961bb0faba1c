"""The ends of coverage in the core move as headwater.plain.outputs.coverage says, and hold what they promise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.learner.monitoring.coverage import LEVELS
from headwater.plain.outputs.coverage import IntervalEnds, SetThreshold

KINDS = ("regress", "classify")


def stream(task: str, n: int, seed: int = 0) -> tuple[list[dict[str, Any]], list[Any]]:
    """Rows whose answers change in the middle."""
    rng = np.random.default_rng(seed)
    rows = [{"a": float(a), "b": "xyz"[c]} for a, c in zip(rng.normal(size=n), rng.integers(3, size=n), strict=True)]
    noise = rng.gumbel(size=n) * np.where(np.arange(n) < n // 2, 1.0, 4.0)
    z = [2 * x["a"] + (x["b"] == "y") + e for x, e in zip(rows, noise, strict=True)]
    return rows, z if task == "regress" else [int(v > 0) + int(v > 2) for v in z]


def learner(task: str, **settings: Any) -> Any:
    """A learner of the task."""
    return (hw.Regressor if task == "regress" else hw.Classifier)(seed=1, dtype="float64", **settings)


def given(model: Any, x: dict[str, Any], coverage: float) -> tuple[float, float, float, Any]:
    """What is predicted of a sample with what width, and the ends that are given out."""
    below, above = model.engine.core.learner.ends(coverage)
    width = np.ones(1)
    p = model.engine.predict([x], widths=width)[0]
    return below, above, float(width[0]), p


@pytest.mark.parametrize("coverage", LEVELS)
def test_intervals_follow_as_the_plain_ones(coverage):
    model, ends = learner("regress"), IntervalEnds(coverage)
    rows, y = stream("regress", 400)
    model.learn_one(rows[0], y[0])
    ends.low, ends.high = np.log(model.engine.core.learner.ends(coverage))
    for x, answer in zip(rows[1:], y[1:], strict=True):
        below, above, width, p = given(model, x, coverage)
        assert (below, above) == pytest.approx((ends.below, ends.above), rel=1e-9)
        ends.follow(answer, p[0], width, below, above)
        model.learn_one(x, answer)


@pytest.mark.parametrize("coverage", LEVELS)
def test_sets_follow_as_the_plain_ones(coverage):
    model, threshold = learner("classify"), SetThreshold(coverage)
    rows, y = stream("classify", 400)
    seen: set[int] = set()
    for x, answer in zip(rows, y, strict=True):
        if answer in seen:  # a class never seen moves nothing
            below, _, _, p = given(model, x, coverage)
            assert below == pytest.approx(threshold.least, rel=1e-9)
            threshold.follow(p[model.classes.index(answer)], below)
        model.learn_one(x, answer)
        seen.add(answer)
    assert model.coverage_[coverage]["unseen"] == 3


@pytest.mark.parametrize("settings", [{}, {"hidden": 8}], ids=["pool", "net"])
@pytest.mark.parametrize("task", KINDS)
def test_late_answers_are_compared_with_what_was_given_out(task, settings):
    model, late = learner(task, **settings), 40
    plain = IntervalEnds(0.9) if task == "regress" else SetThreshold(0.9)
    rows, y = stream(task, 600)
    model.learn_many(rows[:100], y[:100])
    if isinstance(plain, IntervalEnds):
        plain.low, plain.high = np.log(model.engine.core.learner.ends(0.9))
    else:
        least = model.engine.core.learner.ends(0.9)[0]
        plain.odds = float(np.log(least / (1 - least)))
    out = []
    for i in range(100, 600):
        out.append(given(model, rows[i], 0.9))
        if i < 100 + late:
            model.step_many([], [], ask=[rows[i]])
            continue
        j = i - late
        below, above, width, p = out[j - 100]
        if isinstance(plain, IntervalEnds):
            plain.follow(y[j], p[0], width, below, above, late)
        else:
            plain.follow(p[model.classes.index(y[j])], below, late)
        model.step_many([rows[j]], [y[j]], ask=[rows[i]])
    now = model.engine.core.learner.ends(0.9)
    want = (plain.below, plain.above) if isinstance(plain, IntervalEnds) else (plain.least, plain.least)
    assert now == pytest.approx(want, rel=1e-9)


@pytest.mark.parametrize("task", KINDS)
def test_coverage_is_what_was_asked_for_also_behind_a_change(task):
    model, (rows, y) = learner(task), stream(task, 6_000)
    held = []
    for x, answer in zip(rows, y, strict=True):
        if task == "regress":
            low, high = model.predict_interval_one(x, guarantee="long-run")
            held.append(low <= answer <= high)
        else:
            held.append(answer in model.predict_set_one(x))
        model.learn_one(x, answer)
    windows = np.convolve(held[500:], np.ones(500) / 500, "valid")
    assert abs(np.mean(held[500:]) - 0.9) < 0.005
    assert windows.min() > 0.87
    assert windows.max() < 0.94
    about = model.coverage_[0.9]
    assert about["rows"] + about["unseen"] == 6_000
    assert abs(about["covered"] - np.mean(held)) < 0.001


@pytest.mark.parametrize("task", KINDS)
def test_a_saved_learner_goes_on_to_the_bit_while_answers_are_on_their_way(task, tmp_path: Path):
    model, (rows, y) = learner(task), stream(task, 300)
    model.learn_many(rows[:100], y[:100])
    model.step_many([], [], ask=rows[100:160])
    model.save(tmp_path / "model.hw")
    again = hw.load(tmp_path / "model.hw")
    for one in (model, again):
        one.step_many(rows[100:160], y[100:160], ask=rows[160:220])
    assert model.engine.core.digest() == again.engine.core.digest()
    assert model.coverage_ == again.coverage_
    assert model.coverage_[0.9]["rows"] > 150


def test_a_file_of_an_earlier_version_begins_to_follow():
    model, (rows, y) = learner("classify"), stream("classify", 200)
    model.learn_many(rows, y)
    state = {
        name: a
        for name, a in model.engine.core.state().items()
        if name not in ("coverage", "pending_ends", "pending_shown")
    }
    engine = model.new_engine(state)
    assert engine.core.learner.ends(0.9)[0] == pytest.approx(0.1)
    assert engine.core.array("coverage").shape == (7, 9)


def test_blocks_and_rows_count_the_same():
    rows, y = stream("classify", 500)
    one, many = learner("classify"), learner("classify")
    many.learn_many(rows, y)
    for x, answer in zip(rows, y, strict=True):
        one.learn_one(x, answer)
    assert one.coverage_ == many.coverage_


@pytest.mark.parametrize(("coverage", "guarantee"), [(0.0, None), (1.0, "long-run"), (0.9, "always")])
def test_what_can_not_be_asked_for_is_refused(coverage, guarantee):
    model = learner("regress")
    model.learn_one({"a": 1.0}, 2.0)
    with pytest.raises(ConfigError):
        model.predict_interval_one({"a": 1.0}, coverage, guarantee=guarantee)
    if guarantee != "always":
        with pytest.raises(ConfigError):
            learner("classify").predict_set_one({"a": 1.0}, coverage)


def test_before_anything_was_learned_nothing_is_known():
    assert learner("classify").predict_set_one({"a": 1.0}) == set()
    assert learner("regress").coverage_ == {}


def test_workers_move_the_base_by_the_mean_of_what_they_moved():
    base, (rows, y) = learner("classify"), stream("classify", 600)
    base.learn_many(rows[:200], y[:200])
    workers = [hw.Classifier.clone(base, include_attributes=True) for _ in range(2)]
    for i, worker in enumerate(workers):
        worker.learn_many(rows[200 + 200 * i : 400 + 200 * i], y[200 + 200 * i : 400 + 200 * i])
    merged = base.engine.core.merge([worker.engine.core for worker in workers])
    tables = [core.array("coverage") for core in (base.engine.core, *(w.engine.core for w in workers), merged)]
    assert np.allclose(tables[3][:, 0], tables[0][:, 0] + (tables[1][:, 0] + tables[2][:, 0] - 2 * tables[0][:, 0]) / 2)
    assert (tables[3][:, 2] == 597).all()


@pytest.mark.parametrize(("column", "value"), [(0, np.nan), (0, 1e9), (2, -1.0), (8, 1e300)])
def test_a_crafted_state_is_refused(column, value):
    model, (rows, y) = learner("classify"), stream("classify", 50)
    model.learn_many(rows, y)
    state = model.engine.core.state()
    state["coverage"][3, column] = value
    with pytest.raises(ValueError, match="coverage"):
        model.new_engine(state)
