"""Whatever a setting, a row or a label is, it is taken or refused in a sentence that says where."""

from __future__ import annotations

import datetime as dt
import decimal
import itertools
import uuid
import warnings

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError, HeadwaterError
from headwater.kinds import KINDS
from headwater.learner.settings.settings import declared

MADE = {type(kind.make({})) for kind in KINDS} | {hw.MultiOutput}
ODD = [
    [], ["a", "b"], {}, {"a": 1}, "x", "", -1, 0, 1.5, float("nan"), float("inf"), None, True, object(), b"x", (), ("a",), (1, 2), 10**30,
    {1, 2}, int, abs,
]  # fmt: skip


@pytest.mark.parametrize("cls", sorted(MADE, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_a_setting_of_another_type_or_range_is_refused_by_its_name(cls):
    for field in declared(cls()):
        for value in ODD:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    repr(cls(**{field.name: value}))
                except HeadwaterError as error:
                    assert " — at " in str(error), (field.name, value)  # noqa: PT017 - most values are taken


VALUES = [
    [], ["a"], {}, {"a": 1.0}, {1: 2}, {"a": object()}, {"a": [1]}, {"a": {}}, {None: 1}, {"a": 10**400}, "x", -1, 1.5, float("nan"),
    float("inf"), None, True, object(), b"x", (), (1, 2), 10**30, np.zeros(3), np.zeros((2, 2)), np.array(["a"]), decimal.Decimal("1.5"),
    uuid.UUID(int=7), dt.date(2020, 1, 1), [{"a": 1.0}], [1, 2],
]  # fmt: skip
ASKED = ("predict_one", "predict_proba_one", "explain_one", "score_one", "decide", "ask", "predict_many", "observe")
TAUGHT = ("learn_one", "learn_many", "step_many")


def given(learner, method, *values):
    """Call a method if the learner has it, whose refusals are sentences."""
    call = getattr(learner, method, None)
    if call is None:
        return
    try:
        call(*values)
    except HeadwaterError as error:
        assert str(error).startswith("expected "), (method, values)  # noqa: PT017 - many values are taken


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("cls", sorted(MADE, key=lambda cls: cls.__name__), ids=lambda cls: cls.__name__)
def test_a_row_or_a_label_that_is_none_is_refused_in_a_sentence_whatever_was_learned_before(cls):
    learner = cls()
    for _ in range(2):
        for method, value in itertools.product(ASKED, VALUES):
            given(learner, method, value)
        for method, x, y in itertools.product(TAUGHT, VALUES, VALUES):
            given(learner, method, x, y)


def test_what_is_no_learner_no_rows_and_no_times_is_refused_where_it_is_given(tmp_path):
    with pytest.raises(ConfigError, match=r"expected a learner, or a model with its task, got \[\] — at learner"):
        hw.open(tmp_path / "a.db", [])
    assert not (tmp_path / "a.db").exists()
    with pytest.raises(DataError, match=r"expected a list of dicts, an array or a data frame, got dict — at X"):
        hw.Session(hw.Classifier()).step({"a": 1.0}, "x")
    series = hw.Forecaster()
    series.learn_many([1.0, 2.0, 3.0])
    with pytest.raises(DataError, match=r"a list with a dict for each time, got -1 — at xs"):
        series.forecast(2, -1)


@pytest.mark.parametrize("label", [np.bool_(True), np.int64(3), np.float32(0.5), np.str_("u")])
def test_a_first_label_of_numpy_is_a_class_of_python(label):
    model = hw.Classifier(hidden=(4,))
    model.learn_one({"a": 1.0}, label)
    assert model.classes == [label]
    assert type(model.classes[0]) is type(label.item())
    assert model.predict_one({"a": 1.0}) == label
