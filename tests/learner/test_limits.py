"""Limits: what a sample may ask for is known and refused before anything is allocated or changed."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, LimitError, TargetError
from headwater.learner.settings.limits import Growth, Limits


def learned(kind=hw.Classifier, rows: int = 60, **options):
    model = kind(seed=1, **options)
    for i in range(rows):
        model.learn_one({"size": float(i % 7), "colour": "red"}, "ab"[i % 2] if kind is hw.Classifier else float(i % 3))
    return model


def wide(n: int) -> dict[str, float]:
    return {f"k{i}": 1.0 for i in range(n)}


def digest(model) -> int:
    return model.engine.core.digest()


CASES = [
    ("entries", Limits(entries=10), wide(11), 11, "at most 10 entries in a sample"),
    ("entries", Limits(entries=10), {"list": [[1.0] * 6, [2.0] * 6]}, 12, "at most 10 entries in a sample"),
    ("names", Limits(names=10), wide(11), 11, "at most 10 new names in a sample"),
    ("names", Limits(names=10), {f"k{i}": "text" for i in range(6)}, 12, "at most 10 new names in a sample"),
]


@pytest.mark.parametrize("kind", [hw.Classifier, hw.Regressor])
@pytest.mark.parametrize(("name", "limits", "x", "got", "sentence"), CASES)
def test_a_sample_beyond_a_limit_is_refused_and_changes_nothing(kind, name, limits, x, got, sentence):
    model = learned(kind)
    model.limits = limits
    y = "a" if kind is hw.Classifier else 1.0
    before = digest(model)
    for action in (
        lambda: model.learn_one(x, y),
        lambda: model.learn_many([x], [y]),
        lambda: model.check_limits([x], [y]),
    ):
        with pytest.raises(LimitError, match=sentence) as info:
            action()
        assert (info.value.limit, info.value.number, info.value.code, info.value.at) == (
            name,
            got,
            "limit",
            f"limits.{name}",
        )
        assert digest(model) == before


def test_the_bytes_of_a_sample_are_bounded_before_they_are_taken():
    model = learned()
    model.limits = Limits(bytes=1_000_000)
    before = digest(model)
    with pytest.raises(LimitError, match="at most 1,000,000 bytes by which a sample makes the learner grow"):
        model.learn_one(wide(2_000), "a")
    assert digest(model) == before
    model.learn_one(wide(10), "a")
    assert model.n_learned == 61


def test_a_sample_too_wide_to_learn_is_too_wide_to_predict():
    model = learned()
    model.limits = Limits(entries=10, names=1)
    assert len(model.predict_proba_one(wide(10))) == 2  # predicting adds no names
    with pytest.raises(LimitError, match="entries"):
        model.predict_one(wide(11))


def test_a_frame_and_an_array_have_the_same_limits():
    model = hw.Classifier(seed=1)
    model.learn_many(np.ones((4, 3)), ["a", "b", "a", "b"])
    model.limits = Limits(entries=5)
    with pytest.raises(LimitError, match="at most 5 entries in a sample, got 6"):
        model.learn_many(np.ones((1, 6)), ["a"])
    with pytest.raises(LimitError, match="got 6"):
        model.check_limits(np.ones((1, 6)), ["a"])


def test_more_classes_than_the_limit_are_refused_before_the_first_of_them_is_learned():
    model = learned()
    model.limits = Limits(classes=5)
    before = digest(model)
    rows, labels = [{"size": 1.0}] * 4, ["c", "d", "e", "f"]
    for action in (lambda: model.learn_many(rows, labels), lambda: model.check_limits(rows, labels)):
        with pytest.raises(LimitError, match=r"at most 5 classes, got 6 — at limits\.classes"):
            action()
    assert (digest(model), model.classes) == (before, ["a", "b"])
    model.learn_many(rows[:3], labels[:3])
    with pytest.raises(LimitError):
        model.learn_one({"size": 1.0}, "f")
    assert model.classes == ["a", "b", "c", "d", "e"]


def test_float_answers_sent_to_a_classifier_look_like_a_regression():
    model = hw.Classifier(seed=1)
    answers = [i / 7 for i in range(1, 400)]
    with pytest.raises(TargetError, match=r"looks like a regression: use hw\.Regressor, or raise limits\.fractions"):
        model.learn_many([{"x": y} for y in answers], answers)
    assert model.classes == []
    for y in answers[:101]:
        if y.is_integer() or len([known for known in model.classes if not known.is_integer()]) < 100:
            model.learn_one({"x": y}, y)
    with pytest.raises(TargetError) as info:
        model.learn_many([{"x": 0.1}] * 20, [i + 0.5 for i in range(20)])
    assert info.value.code == "limit_fractions"
    model.limits = Limits(fractions=1000)
    model.learn_many([{"x": y} for y in answers], answers)
    whole = hw.Classifier(seed=1)
    whole.learn_many([{"x": 1.0}] * 300, [float(i) for i in range(300)])
    assert len(whole.classes) == 300  # whole numbers may well be names


def test_measuring_changes_nothing_and_says_what_learning_then_appends():
    model = learned(rows=200)
    rows = [
        {"size": 1.0, "colour": "red"},
        {"size": 1.0, "colour": "blue", "new": 3},
        {"new": 4.0, "more": ["x", "y"], "when": "2026-01-01"},
        {"colour": "blue", "deep": {"a": {"b": 1.5}}},
    ]
    labels = ["a", "c", "a", "c"]
    before, names = digest(model), len(model.engine.core.array("names_value"))
    growth = model.check_limits(rows, labels)
    assert digest(model) == before
    model.learn_many(rows, labels)
    assert growth.names == len(model.engine.core.array("names_value")) - names
    assert (growth.classes, growth.entries) == (1, 10)
    again = model.check_limits(rows, labels)
    assert (again.names, again.rows, again.classes) == (0, 0, 0)


def test_the_estimate_of_bytes_is_near_what_the_state_grows_by():
    model = learned()

    def size() -> int:
        return sum(array.nbytes for array in model.engine.core.state().values())

    before = size()
    growth = model.check_limits([wide(3000)], ["a"])
    model.learn_one(wide(3000), "a")
    for _ in range(40):  # until their spline bases have come
        model.learn_one({f"k{i}": float(_) for i in range(3000)}, "a")
    assert 0.5 < growth.bytes / (size() - before) < 4


def test_before_the_first_answer_a_learner_can_say_what_it_would_grow_by():
    model = hw.Classifier(seed=1)
    assert model.check_limits([{"a": 1.0}, {"b": "x"}], ["p", "q"]) == Growth(1, 3, 2, 18, model.check_limits(
        [{"a": 1.0}, {"b": "x"}], ["p", "q"]).bytes)  # fmt: skip
    assert model.n_learned == 0
    model.limits = Limits(entries=3)
    with pytest.raises(LimitError):
        model.check_limits([wide(4)], ["p"])
    with pytest.raises(LimitError):
        model.learn_one(wide(4), "p")


KINDS = [
    hw.Classifier(),
    hw.Classifier(hidden=(256, 1024, 64), optimizer=hw.nn.Adam()),
    hw.Regressor(hidden=(64, 128)),
    hw.Anomaly(hidden=64),
    hw.Bandit(hidden=128),
    hw.Forecaster(horizon=200, season=500),
    hw.MultiOutput(),
]
ROWS = [{"a": 1.0, "b": "x", "c": [1.0, 2.0]}, {"a": 2.0, "d": {"e": "y"}}]
LABELS = {"classify": ["p", "q"], "decide": [("p", 1.0, 0.5), ("q", 0.0, 0.5)], "multioutput": [{"o": "p"}, {"o": "q"}]}


@pytest.mark.parametrize("model", KINDS, ids=repr)
def test_what_rows_add_is_the_same_by_the_declaration_as_by_what_was_made_of_it(model):
    by_declaration = model.check_limits(ROWS, LABELS.get(model.task, [1.0, 2.0]))
    assert model.engine is None
    assert by_declaration == model.new_engine().growth_of(ROWS, by_declaration.classes)


def test_what_rows_add_to_a_huge_network_is_known_without_making_it():
    model = hw.Classifier(hidden=(4096,) * 8, optimizer=hw.nn.Adam())
    began = time.process_time()
    growth = model.check_limits(ROWS, ["p", "q"])
    assert time.process_time() - began < 1  # making it took 6 s, and 1.4 GB
    assert growth.rows * 4096 * 4 * 3 < growth.bytes < 1e8


def test_other_threads_go_on_while_a_large_network_is_made():
    model, before = hw.Classifier(hidden=(2048, 2048)), sys.getswitchinterval()
    turns, ends = [0], threading.Event()

    def turn():
        while not ends.is_set():
            turns[0] += 1
            time.sleep(0)

    other = threading.Thread(target=turn)
    sys.setswitchinterval(60)  # so that only a call that lets others go on does
    other.start()
    try:
        began = turns[0]
        model.new_engine()
        assert turns[0] > began + 10
    finally:
        sys.setswitchinterval(before)
        ends.set()
        other.join()


def test_limits_hold_for_copies_and_are_no_part_of_a_file(tmp_path):
    model = learned()
    model.limits = Limits(entries=3)
    copy = pickle.loads(pickle.dumps(model))
    with pytest.raises(LimitError):
        copy.learn_one(wide(4), "a")
    model.save(tmp_path / "model.hw")
    loaded = hw.load(tmp_path / "model.hw")
    assert loaded.limits == Limits()
    loaded.learn_one(wide(4), "a")


@pytest.mark.parametrize("value", [0, -1, 2.5, True])
def test_a_limit_is_a_whole_number_above_0(value):
    with pytest.raises(ConfigError, match="a whole number above 0"):
        Limits(names=value)


def test_an_error_of_a_limit_survives_its_way_from_a_worker():
    error = LimitError(limit="names", most=10, got=12)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.limit, again.most) == (str(error), "names", 10)


WIDE = """
import headwater as hw
from headwater.learner.settings.limits import Limits

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

model = hw.Classifier(seed=1, max_rows=2000)
model.limits = Limits(entries=1 << 20, names=1 << 20, bytes=1 << 40)
for i in range(1500):
    model.learn_one({"a": i % 7, "b": float(i)}, "xy"[i % 2])
before = resident()
model.learn_one({f"k{i}": 1.0 for i in range(300_000)}, "x")
for i in range(2500):
    model.learn_one({"a": i % 7, "b": float(i)}, "xy"[i % 2])
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux tells it")
def test_memory_follows_the_pairs_kept_and_not_the_widest_sample():
    """300,000 entries are 900,000 pairs of 8 bytes in the ring; when they have left it, hardly more than before is used."""
    found = subprocess.run([sys.executable, "-c", WIDE], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 64e6


BLOCKS = """
import numpy as np
import headwater as hw
from headwater import nn

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

rng = np.random.default_rng(1)
X = rng.standard_normal((100_000, 20), dtype=np.float32)
y = (X[:, 0] > 0).astype(np.float32)
model = hw.Classifier(experts=[nn.Expert(optimizer=nn.SGD(0.03))])
model.learn_many(X, y)
before = resident()
for _ in range(3):
    model.learn_many(X, y)
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="measures memory as Linux tells it")
def test_blocks_of_an_array_cost_no_memory_that_stays():
    """Row 262,144, where the diagnosis measures, cuts a block; read whole, a block takes 16 MB in the core's form."""
    found = subprocess.run([sys.executable, "-c", BLOCKS], capture_output=True, text=True, check=True)
    assert int(found.stdout) < 8e6  # some 0.1 MB; an allocator may keep what was freed


def test_a_large_block_of_an_array_is_learned_as_its_rows_are():
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((20_000, 3)), rng.integers(0, 3, 20_000)
    whole, rows = hw.Classifier(seed=1, effort="fast"), hw.Classifier(seed=1, effort="fast")
    forecast = whole.step_many(X, y)
    parts = [rows.step_many(X[at : at + 500], y[at : at + 500]) for at in range(0, len(X), 500)]
    assert digest(whole) == digest(rows)
    assert list(forecast.y_pred) == [label for part in parts for label in part.y_pred]
    assert (len(forecast.y_pred), forecast.proba.shape) == (20_000, (20_000, 3))
