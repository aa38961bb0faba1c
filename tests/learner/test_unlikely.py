"""Rows and answers that look like those of another data set are told in a warning, once; long learning says how far it is."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

import headwater as hw
from headwater.errors import UnlikelyData
from headwater.learner.base import SETTLED
from headwater.learner.validation import check_labels
from support.learners import differences

ROWS = [{"size": float(i % 7), "colour": "rg"[i % 2]} for i in range(200)]


def taught(make=hw.Classifier, rows=ROWS):
    model = make((4,), seed=1)
    model.learn_many(rows, [float(i % 3) if make is hw.Regressor else "abc"[i % 3] for i in range(len(rows))])
    return model


def loaded(path, make=hw.Classifier):
    taught(make).save(path / "m.hw")
    return hw.load(path / "m.hw")


told = pytest.mark.filterwarnings("always::headwater.errors.UnlikelyData")
STRANGE = [{"Size": 1.0, "Colour": "r"}] * 3
FORMS = [list, pd.DataFrame, pl.DataFrame, lambda rows: np.ones((len(rows), 2))]
ASKS = {"predict_many": hw.Classifier, "predict_proba_many": hw.Classifier, "predict_interval_many": hw.Regressor}


@pytest.mark.parametrize("form", FORMS, ids=["dicts", "pandas", "polars", "array"])
@pytest.mark.parametrize("ask", ASKS)
@told
def test_a_block_none_of_whose_columns_the_model_knows_is_told_once(form, ask, recwarn):
    model = taught(ASKS[ask])
    names = "x0, x1" if form is FORMS[-1] else "Size, Colour"
    for _ in range(2):
        getattr(model, ask)(form(STRANGE))
    assert [str(one.message) for one in recwarn] == [
        f"the model knows none of these columns: {names}. It knows size, colour. They are not used. Warned once"
    ]
    assert recwarn[0].filename == __file__, "the warning points at the line that gave the rows"


@pytest.mark.parametrize("make", [hw.Classifier, hw.Regressor])
def test_learning_a_block_of_other_columns_is_told_and_goes_on(make):
    model = taught(make)
    with pytest.warns(UnlikelyData, match=r"none of these columns: Size, Colour\. .* They are learned as new") as said:
        model.learn_many(STRANGE, [1.0, 2.0, 3.0] if make is hw.Regressor else list("abc"))
    assert said[0].filename == __file__
    assert len(said) == 1
    assert {"size", "colour", "Size", "Colour"} == set(model.engine.columns)


@pytest.mark.parametrize(
    ("make", "act"),
    [
        (hw.Classifier, lambda model, x: model.predict_one(x)),
        (hw.Classifier, lambda model, x: model.predict_proba_one(x)),
        (hw.Classifier, lambda model, x: model.learn_one(x, "a")),
        (hw.Regressor, lambda model, x: model.predict_one(x)),
        (hw.Regressor, lambda model, x: model.predict_interval_one(x)),
        (hw.Regressor, lambda model, x: model.learn_one(x, 1.0)),
    ],
)
@told
def test_the_first_single_row_after_loading_is_looked_at_and_no_later_one(make, act, tmp_path, recwarn):
    model = loaded(tmp_path, make)
    act(model, ROWS[0])
    act(model, STRANGE[0])
    assert not recwarn.list
    model = loaded(tmp_path, make)
    act(model, STRANGE[0])
    act(model, {"SIZE": 1.0})
    (said,) = recwarn.list
    assert "none of these columns: Size, Colour" in str(said.message)
    assert said.filename == __file__


@pytest.mark.filterwarnings("error::headwater.errors.UnlikelyData")
def test_columns_that_may_be_the_models_are_not_told():
    model = taught()
    model.predict_many([{"new": 1.0}, ROWS[0]])  # one row has them
    model.predict_many([{"list": [1.0, 2.0]}])  # columns named list[0], list[1]
    model.predict_many([{}])
    model.learn_many([{"new": 1.0}], ["a"])
    for young in (hw.Classifier((4,)), taught(rows=ROWS[: SETTLED - 3])):
        young.learn_many([{"first": 1.0}] * 2, ["a", "b"])
        young.predict_many([{"other": 1.0}])
    taught().predict_many(ROWS)


@told
def test_answers_that_change_kind_midway_are_told_once(recwarn):
    model = taught()
    model.learn_one(ROWS[0], 3)
    model.learn_many(ROWS[:2], [4, 5])
    (said,) = recwarn.list
    assert "the class 3 is a number, the first one, 'a', is a text" in str(said.message)
    assert said.filename == __file__
    assert model.classes == ["a", "b", "c", 3, 4, 5]
    numbers = hw.Classifier((4,))
    numbers.learn_many(ROWS[:4], [0, True, 2.0, np.int64(3)])  # all of them numbers
    assert len(recwarn) == 1


@told
@pytest.mark.parametrize("one_by_one", [True, False])
def test_hundreds_of_floats_as_classes_are_told_once(one_by_one, recwarn):
    model = hw.Classifier((2,))
    answers = [float(i) for i in range(150)]
    if one_by_one:
        for x, y in zip(ROWS, answers, strict=False):
            model.learn_one(x, y)
    else:
        model.learn_many(ROWS[:150], answers)
    hw.Classifier((2,)).learn_many(ROWS[:150], list(range(150)))  # whole numbers may well be names
    (said,) = recwarn.list
    assert "classes are numbers: 0, 1, 2, 3" in str(said.message)
    assert "This looks like a regression: use hw.Regressor" in str(said.message)
    assert said.filename == __file__
    assert len(model.classes) == 150


@pytest.mark.parametrize("make", [hw.Classifier, hw.Regressor])
@pytest.mark.parametrize("form", [*FORMS[:3], lambda rows: np.array([[x["size"], len(x)] for x in rows])])
def test_learn_many_tells_how_far_it_is_and_learns_the_same(make, form, capsys):
    X = form(ROWS * 30)
    y = [float(i % 7) if make is hw.Regressor else "abcdefg"[i % 7] for i in range(6000)]
    model, other = make((4,), seed=1), make((4,), seed=1)
    said = model.learn_many(X, y, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert other.learn_many(X, y).tolist() == said.tolist()
    assert capsys.readouterr().err == ""
    assert differences(model, other) == []
    score = "mae" if make is hw.Regressor else "accuracy"
    assert [line.split(" rows")[0] for line in lines] == [f"{n},000 of 6,000" for n in range(1, 7)]
    assert all(re.search(rf", {score} [\d.]+ over the last 1,000$", line) for line in lines)
    at_end = [abs(a - b) if make is hw.Regressor else a == b for a, b in zip(y[-1000:], said[-1000:], strict=True)]
    assert float(lines[-1].split()[5]) == pytest.approx(np.mean(at_end), rel=1e-3)


def test_progress_of_no_rows_and_of_many_has_a_line_for_each_twentieth(capsys):
    model = hw.Regressor((2,))
    assert len(model.learn_many([], [], progress=True)) == 0
    assert capsys.readouterr().err == ""
    model.learn_many(np.zeros((40_000, 1)), np.zeros(40_000), progress=True)
    assert len(capsys.readouterr().err.splitlines()) == 20


def test_a_whole_number_with_too_many_digits_for_a_file_is_no_class() -> None:
    longest = 2**1024 - 1
    assert check_labels([1, longest, -longest]).tolist() == [True] * 3
    assert check_labels([1, 2**1024, "a", -(2**1024)]).tolist() == [True, False, True, False]
    assert check_labels([]).tolist() == []
