"""What can be a class: only what files and stores give back, by one rule for classifiers, several outputs, bandits and fleets."""

from __future__ import annotations

import datetime as dt
import enum
import math
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater.errors import DataError, RefusedRow, TargetError


class Colour(str, enum.Enum):  # noqa: UP042 - the older kind, whose str() is another text
    RED = "red"


NO_CLASSES: dict[str, Any] = {
    "a date": dt.date(2026, 1, 1),
    "a date-time": dt.datetime(2026, 1, 1),
    "a date of NumPy's": np.datetime64("2026-01-01"),
    "a time span": dt.timedelta(1),
    "a Decimal": Decimal("2.5"),
    "an object": object(),
    "a UUID": uuid.UUID(int=5),
    "a frozen set": frozenset("a"),
    "a complex number": 1j,
    "a whole number of thousands of digits": 10**5000,
    "a tuple with a date": ("a", dt.date(2026, 1, 1)),
    "a tuple with NaN": ("a", math.nan),
    "a tuple with a list": ("a", [1]),
    "a range": range(3),
}
CLASSES: dict[str, Any] = {
    "a text": "late",
    "a text of an enumeration": Colour.RED,
    "half of a surrogate pair": "\ud800",
    "a number": 7,
    "a number of 128 bits": 2**127,
    "a float": 0.1,
    "infinity": math.inf,
    "a number of NumPy's": np.int8(3),
    "a boolean": True,
    "bytes": b"\x00\xff",
    "a tuple": ("a", 3, None, (b"b", 1.5)),
}


@pytest.mark.parametrize("what", NO_CLASSES)
@pytest.mark.parametrize("block", [False, True])
def test_a_row_whose_class_no_file_gives_back_is_refused_and_counted(what, block, tmp_path):
    model = hw.Classifier(hidden=(4,), seed=1)
    model.learn_many([{"a": 1.0}] * 4, ["p", "q"] * 2)
    before = model.n_learned
    learn, x, y = (
        (model.learn_many, [{"b": 1.0}], [NO_CLASSES[what]])
        if block
        else (model.learn_one, {"b": 1.0}, NO_CLASSES[what])
    )
    with pytest.warns(RefusedRow, match=r"can't be a class \(classes are texts, numbers, booleans, bytes, or tuples"):
        learn(x, y)
    assert (model.classes, model.rejected["target"], before) == (["p", "q"], 1, model.n_learned)
    model.save(tmp_path / "m.hw")
    assert hw.load(tmp_path / "m.hw").rejected["target"] == 1


@pytest.mark.parametrize("what", CLASSES)
def test_a_class_that_a_file_gives_back_is_learned_saved_and_found_again(what, tmp_path):
    model = hw.Classifier(hidden=(4,), seed=1)
    model.learn_many([{"a": 1.0}] * 4, ["other", CLASSES[what]] * 2)
    model.save(tmp_path / "m.hw")
    again = hw.load(tmp_path / "m.hw")
    assert again.classes == model.classes == ["other", CLASSES[what]]
    model.learn_one({"a": 1.0}, CLASSES[what])
    again.learn_one({"a": 1.0}, CLASSES[what])
    assert again.predict_proba_one({"a": 1.0}) == model.predict_proba_one({"a": 1.0})


@pytest.mark.parametrize("what", NO_CLASSES)
def test_an_action_that_no_file_gives_back_is_none(what, tmp_path):
    bandit = hw.Bandit(hidden=4)
    with pytest.raises(DataError, match="actions that are texts, numbers, booleans, bytes, or tuples of these"):
        bandit.act({"a": 1.0}, ["a", NO_CLASSES[what]])
    with pytest.warns(RefusedRow):
        bandit.learn({"a": 1.0}, NO_CLASSES[what], 1.0)
    bandit.learn({"a": 1.0}, "a", 1.0)
    bandit.save(tmp_path / "m.hw")
    assert list(hw.load(tmp_path / "m.hw").taken) == ["a"]


@pytest.mark.parametrize("what", NO_CLASSES)
def test_an_output_of_several_refuses_them_too(what, tmp_path):
    model = hw.MultiOutput()
    model.learn_one({"a": 1.0}, {"label": "x", "price": 2.0})
    with pytest.warns(RefusedRow):
        model.learn_one({"a": 1.0}, {"label": NO_CLASSES[what], "price": 2.0})
    model.save(tmp_path / "m.hw")
    assert hw.load(tmp_path / "m.hw").known_classes == model.known_classes


@pytest.mark.parametrize("what", ["a date", "a date-time"])
def test_a_durable_learner_names_the_class_that_it_can_not_hold(what, tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(hidden=(4,))) as model:
        with pytest.raises(TargetError, match=r"got datetime.date.*Use str\(\) to make it a text") as error:
            model.learn_one({"a": 1.0}, NO_CLASSES[what])
        assert "Nothing was learned" in str(error.value)
        assert (model.seq, model.classes) == (0, [])


def test_a_durable_regressor_says_that_a_date_is_no_number(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Regressor()) as model, pytest.raises(TargetError, match="expected a number"):
        model.learn_one({"a": 1.0}, dt.date(2026, 1, 1))


@pytest.mark.parametrize(
    ("learn", "said"),
    [
        (lambda: hw.Regressor().learn_one({"a": 1.0}, "abc"), "is not a number or is beyond 1e30"),
        (lambda: hw.Forecaster().learn_one(math.inf), "is not a number or is beyond 1e30"),
        (lambda: hw.Classifier().learn_one({"a": 1.0}, [1]), r"missing or can't be a class .*\), got \[1\]"),
    ],
    ids=["regressor", "forecaster", "classifier"],
)
def test_a_learner_says_of_its_own_answers_alone_why_one_is_refused(learn, said):
    with pytest.warns(RefusedRow, match=said) as caught:
        learn()
    assert ("class" in str(caught[0].message)) != ("number or" in said)
