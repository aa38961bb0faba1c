"""NumPy's scalars, as an array gives them one by one, are read as Python's numbers and texts are, by the core itself."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

import headwater as hw
from headwater.encode import values
from headwater.store.learner_file import fingerprint

ROWS = 120
NUMBERS = [kind for kind in values.SCALARS if issubclass(kind, np.number)]


def stream():
    """Rows of small whole numbers and texts, which every type holds, and their labels."""
    drawn = np.random.default_rng(3)
    number = drawn.integers(0, 100, (ROWS, 3))
    rows = [{**{f"c{j}": int(v) for j, v in enumerate(row)}, "t": "ab"[int(row[0] > 50)]} for row in number]
    return rows, number.sum(1).tolist()


def taught(model, rows, labels):
    for x, y in zip(rows, labels, strict=True):
        model.learn_one(x, y)
    return model


def same(a, b):
    return fingerprint(a) == fingerprint(b)


@pytest.mark.parametrize("kind", [*NUMBERS, np.bool_], ids=lambda kind: kind.__name__)
def test_numbers_of_numpy_are_learned_as_pythons_are(kind):
    rows, labels = stream()
    to = (lambda v: v > 50) if kind is np.bool_ else float
    plain = [{**x, "c1": to(x["c1"]), "c2": to(x["c2"])} for x in rows]
    of_numpy = [{**x, "c1": kind(to(x["c1"])), "c2": kind(to(x["c2"]))} for x in rows]
    assert same(
        taught(hw.Regressor(hidden=4, seed=1), plain, labels), taught(hw.Regressor(hidden=4, seed=1), of_numpy, labels)
    )


@pytest.mark.parametrize("kind", NUMBERS, ids=lambda kind: kind.__name__)
def test_labels_of_numpy_are_learned_as_pythons_are(kind):
    rows, labels = stream()
    few = [y % 120 for y in labels]
    assert same(
        taught(hw.Regressor(hidden=4, seed=1), rows, map(float, few)),
        taught(hw.Regressor(hidden=4, seed=1), rows, map(kind, few)),
    )
    classes = [y % 3 for y in labels]
    here, there = (hw.Classifier(hidden=4, seed=1) for _ in "ab")
    taught(here, rows, classes)
    taught(there, rows[:9], classes[:9])
    taught(there, rows[9:], map(kind, classes[9:]))
    assert same(here, there)
    assert here.classes == there.classes


def test_texts_and_names_of_numpy_are_pythons():
    rows, labels = stream()
    there = [{np.str_(name): np.str_(v) if name == "t" else v for name, v in x.items()} for x in rows]
    named = ["odd" if y % 2 else "even" for y in labels]
    here = taught(hw.Classifier(seed=1), rows, named)
    assert same(here, taught(hw.Classifier(seed=1), there, [named[0], *map(np.str_, named[1:])]))


def test_a_gap_and_what_is_too_large_are_what_they_are_in_python():
    rows = [
        {"a": v, "b": w} for v, w in [(1.0, 2.0), (float("nan"), 3.0), (float("inf"), -1.0), (2.0, float("-inf"))] * 10
    ]
    labels = [i % 2 for i in range(40)]
    here, there, narrow = (hw.Classifier(hidden=4, seed=1) for _ in "abc")
    taught(here, rows, labels)
    taught(there, [{name: np.float64(v) for name, v in x.items()} for x in rows], labels)
    taught(narrow, [{name: np.float32(v) for name, v in x.items()} for x in rows], labels)
    assert same(here, there)
    assert same(here, narrow)


def test_a_number_of_numpy_in_a_column_of_texts_is_the_category_of_its_text():
    labels = [i % 2 for i in range(60)]
    rows = [{"a": "x" if i < 20 else 5.0} for i in range(60)]
    here = taught(hw.Classifier(hidden=4, seed=1), rows, labels)
    for kind in NUMBERS:
        mixed = [*rows[:20], *({"a": kind(5)} for _ in range(40))]
        assert same(here, taught(hw.Classifier(hidden=4, seed=1), mixed, labels))


def test_the_core_asks_python_for_none_of_them_and_no_label_takes_the_long_way(monkeypatch):
    asked = []
    own = values.plain
    monkeypatch.setattr(values, "plain", lambda value: asked.append(value) or own(value))
    x = {f"c{i}": kind(1) for i, kind in enumerate(NUMBERS)} | {"flag": np.bool_(True), "text": np.str_("word")}
    model, other = hw.Classifier(layers=[], seed=1), hw.Regressor(layers=[], seed=1)
    for i in range(4):
        model.learn_one(x, i % 2)
        other.learn_one(x, float(i))
    long_way = []
    for one in (model, other):
        monkeypatch.setattr(type(one), "_learn_warned", lambda self, X, y, w: long_way.append(y))
    for kind in NUMBERS:
        model.learn_one(x, kind(1))
        other.learn_one(x, kind(1))
    model.learn_one(x, np.bool_(True))
    model.learn_one(x, 1.0)
    assert asked == long_way == []
    model.learn_one(x | {"c0": Decimal(2)}, np.float64("nan"))
    other.learn_one(x, np.float32("nan"))
    assert len(long_way) == 2
