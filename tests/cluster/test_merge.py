"""Learners are merged by name, and what travels between workers is the difference alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import headwater as hw
from headwater.cluster import merge
from headwater.cluster.delta import apply, difference, size_of
from headwater.cluster.worker import pack, unpack
from headwater.errors import ConfigError


def taught(base: hw.Classifier, rows: list) -> hw.Classifier:
    own = copy.deepcopy(base)
    own.learn_many([x for x, _ in rows], [y for _, y in rows])
    return own


def fresh(rows: list, **settings) -> hw.Classifier:
    return taught(hw.Classifier(seed=3, diagnosis=False, **settings), rows)


BASE = [({"size": float(i % 5)}, "small" if i % 5 < 3 else "large") for i in range(60)]


def test_classes_and_columns_that_one_worker_saw_are_merged_by_name():
    base = fresh(BASE)
    first = taught(base, [({"size": 9.0, "colour": "red"}, "huge")] * 20 + [({"size": 0.0}, "tiny")] * 20)
    second = taught(base, [({"weight": 1.5}, "tiny")] * 20)

    both = merge(base, [first, second])

    assert both.classes == ["small", "large", "huge", "tiny"]
    assert [feature["name"] for feature in both.describe()["features"]] == ["size", "colour", "weight"]
    assert both.n_learned == 60 + 40 + 20
    assert both.predict_one({"size": 9.0, "colour": "red"}) == "huge"
    assert both.predict_one({"weight": 1.5}) == "tiny"


def test_a_class_that_two_workers_number_otherwise_is_one_class():
    base = fresh(BASE)
    first = taught(base, [({"kind": "p"}, "b")] * 30 + [({"kind": "q"}, "c")] * 30)
    second = taught(base, [({"kind": "q"}, "c")] * 30 + [({"kind": "p"}, "b")] * 30)
    assert first.classes != second.classes

    both = merge(base, [first, second])

    assert both.classes == ["small", "large", "b", "c"]
    assert [both.predict_one({"kind": kind}) for kind in "pq"] == ["b", "c"]


def test_merging_is_a_pure_function_and_leaves_base_and_workers_alone():
    base = fresh(BASE)
    workers = [taught(base, BASE[:20]), taught(base, BASE[20:])]
    before = [one.engine.core.digest() for one in (base, *workers)]

    twice = [merge(base, workers).engine.core.digest() for _ in range(2)]

    assert twice[0] == twice[1]
    assert [one.engine.core.digest() for one in (base, *workers)] == before


def test_refused_rows_and_unusable_values_of_all_workers_are_counted():
    base = fresh(BASE)
    base.refused["target"] = 2
    with pytest.warns(hw.errors.RefusedRow):
        first = taught(base, [({"size": 1.0}, None), ({"size": object()}, "small")])
    second = taught(base, [({"size": object()}, "small")])

    both = merge(base, [first, second])

    assert both.rejected["target"] == 3
    assert both.rejected["type"] == 2


def test_two_classes_that_one_number_tells_must_be_the_same_for_all_workers():
    base = fresh([({"size": 1.0}, "a")], loss="binary_cross_entropy")
    workers = [taught(base, [({"size": 2.0}, "b")]), taught(base, [({"size": 2.0}, "c")])]
    with pytest.raises(ConfigError, match="the same two classes"):
        merge(base, workers)


def test_one_worker_of_a_new_learner_is_taken_over():
    new = hw.Classifier(diagnosis=False)
    alone = fresh(BASE)
    assert merge(new, [alone]).engine.core.array("weights").tobytes() == alone.engine.core.array("weights").tobytes()


@pytest.mark.parametrize("rows", [1, 30])
def test_what_a_worker_sends_is_the_difference_and_gives_the_very_bytes_back(rows):
    base = fresh([({"id": f"n{i}", "size": float(i)}, "small" if i % 2 else "large") for i in range(2000)])
    saved = pack(base)
    after = pack(taught(unpack(saved), [({"id": f"n{i}", "new": "x"}, "third") for i in range(rows)]))

    delta = difference(saved.arrays, after.arrays)
    back = apply(saved.arrays, delta)

    assert list(back) == list(after.arrays)
    for name, array in after.arrays.items():
        assert back[name].dtype == array.dtype
        assert back[name].shape == array.shape
        assert back[name].tobytes() == array.tobytes()


def test_a_block_that_touches_few_rows_travels_as_few_bytes():
    base = fresh([({"id": f"n{i}"}, "small" if i % 2 else "large") for i in range(20_000)])
    saved = pack(base)
    after = pack(taught(unpack(saved), [({"id": f"n{i}"}, "small") for i in range(50)]))

    whole = sum(array.nbytes for array in after.arrays.values())
    assert size_of(difference(saved.arrays, after.arrays)) < whole / 20


def test_a_change_of_layout_travels_whole():
    old, new = {"a": np.arange(10.0)}, {"a": np.arange(10, dtype=np.float32), "b": np.arange(3)}
    back = apply(old, difference(old, new))
    assert back["a"].dtype == np.float32
    assert [back[name].tolist() for name in new] == [array.tolist() for array in new.values()]
