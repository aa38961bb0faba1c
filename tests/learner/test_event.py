"""One sample, learned or asked as a dict: what the core remembers of the last one's names changes nothing that it reads."""

from __future__ import annotations

import copy
import datetime as dt
import math
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import headwater as hw
from headwater.errors import DataError

FIRST = {"price": 2.0, "carrier": "AA", "when": dt.datetime(2024, 5, 1, 7), "seats": 3, "late": True, "7": "x"}
VALUES = {
    "price": st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.just("3.5"), st.just(10**400)),
    "carrier": st.sampled_from(["AA", "UA", "new", None, 5, math.nan]),
    "when": st.sampled_from([dt.datetime(2023, 1, 9), "2024-02-03", "soon", None, dt.date(2020, 2, 29), 5.0]),
    "seats": st.sampled_from([1, 2.5, None, [1, 2], np.float32(3), np.int64(4)]),
    "late": st.sampled_from([True, False, None, np.bool_(True)]),
    "7": st.sampled_from(["x", "y", None, {"a": 1}]),
}
OTHERS = {"more": st.just(1.0), "7 more": st.just("x")}


def taught(scale: bool = True) -> hw.Classifier:
    """A learner that knows the columns of FIRST, each from two rows."""
    model = hw.Classifier(hidden=(4,), scale=scale, seed=0)
    for x in (FIRST, FIRST | {"carrier": "UA"}):
        model.learn_one(x, "a")
        model.learn_one(x, "b")
    return model


def read(model: hw.Classifier, x: object) -> tuple[list[int], list[float]]:
    """Rows and values of the pairs that a learner reads of a sample."""
    rows, values, _ = model._engine.core.learner.pairs([x], 0, 1, False)
    return np.frombuffer(rows, np.int32).tolist(), np.frombuffer(values).tolist()


@settings(max_examples=300, deadline=None)
@given(
    samples=st.lists(st.fixed_dictionaries({}, optional=VALUES | OTHERS), min_size=1, max_size=5),
    random=st.randoms(use_true_random=False),
)
def test_what_is_read_of_a_sample_does_not_depend_on_the_one_before(samples, random) -> None:
    model = taught()
    for x in samples:
        fresh = copy.deepcopy(model)  # it has seen no sample yet
        shuffled = dict(random.sample(list(x.items()), len(x)))
        wanted = read(fresh, x)
        assert read(model, x) == wanted
        assert read(model, x) == wanted, "the same names again"
        assert read(model, shuffled) == wanted, "in any order"
        assert read(model, MappingProxyType(x)) == wanted, "a mapping need not be a dict"
        assert fresh.predict_proba_one(x) == model.predict_proba_one(x)


@settings(max_examples=100, deadline=None)
@given(samples=st.lists(st.fixed_dictionaries({}, optional=VALUES | OTHERS), min_size=1, max_size=8))
def test_learning_does_not_depend_on_what_was_asked_before(samples) -> None:
    one, other = taught(), taught()
    for i, x in enumerate(samples):
        one.learn_one(x, "ab"[i % 2])
        other.predict_one(samples[i - 1])
        other.predict_one(x)
        other.predict_one(FIRST)
        other.learn_one(x, "ab"[i % 2])
    assert one._engine.core.digest() == other._engine.core.digest()
    assert one.rejected == other.rejected


@pytest.mark.parametrize(
    ("x", "known"),
    [
        ({}, {}),
        (FIRST | {"carrier": "new"}, {name: value for name, value in FIRST.items() if name != "carrier"}),
        (FIRST | {"more": 1.0}, FIRST),
        ({"price": [1.0]}, {}),
        ({"price": None}, {}),
    ],
)
def test_what_is_new_or_empty_says_nothing(x, known) -> None:
    model = taught()
    model.predict_one(FIRST)
    assert read(model, x) == read(taught(), known)
    assert model.predict_proba_one(x) == taught().predict_proba_one(known)


@pytest.mark.parametrize("x", [[1], 5])
def test_what_is_no_sample_is_refused(x) -> None:
    model = taught()
    before = model._engine.core.digest()
    for call in (lambda: model.predict_one(x), lambda: model.learn_one(x, "a")):
        with pytest.raises(DataError, match="a mapping of names to values"):
            call()
    assert model._engine.core.digest() == before
    assert read(model, FIRST) == read(taught(), FIRST)


def test_gaps_leave_nothing_behind() -> None:
    model = taught(scale=False)
    price, seats = (model._engine.core.array("slot_row")[model._engine.columns[n].slot] for n in ("price", "seats"))
    assert read(model, {"price": 1.0, "seats": 2.0}) == ([0, price, seats], [1.0, 1.0, 2.0])
    assert read(model, {"price": None, "seats": 3.0}) == ([0, seats], [1.0, 3.0])
    assert read(model, {"price": 4.0, "seats": 5.0}) == ([0, price, seats], [1.0, 4.0, 5.0])
    assert read(model, {"price": math.nan, "seats": 6.0}) == ([0, seats], [1.0, 6.0])
    assert read(model, {"seats": "7", "price": 8}) == ([0, price, seats], [1.0, 8.0, 7.0])
