"""What people hand over is taken, or refused with a sentence."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

import headwater as hw
from headwater.errors import DataError, RefusedRow

X = np.random.default_rng(0).normal(size=(300, 2))
Y = X[:, 0] > 0
NAMES = ["x0", "x1"]
FRAMES = [
    lambda: pd.DataFrame(X, columns=NAMES),
    lambda: pl.DataFrame(X, schema=NAMES),
    lambda: pl.DataFrame(X, schema=NAMES).lazy(),
    lambda: pa.table({name: X[:, j] for j, name in enumerate(NAMES)}),
]


def learned(X, y, make=hw.Classifier):
    model = make((4,), seed=1)
    model.learn_many(X, y)
    return model


@pytest.mark.parametrize("make", [hw.Classifier, hw.Regressor])
@pytest.mark.parametrize("frame", FRAMES, ids=["pandas", "polars", "lazy", "pyarrow"])
def test_every_frame_teaches_what_its_array_does(frame, make):
    whole = learned(X, Y.astype(float) if make is hw.Regressor else Y, make)
    other = learned(frame(), Y.astype(float) if make is hw.Regressor else Y, make)
    assert np.asarray(other.predict_many(frame())).tolist() == whole.predict_many(X).tolist()


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_array, sp.coo_matrix])
def test_a_sparse_matrix_teaches_what_its_rows_do_without_what_is_not_stored(kind):
    dense = np.where(np.abs(X) > 0.5, X, 0)
    rows = [{f"x{j}": v for j, v in enumerate(row) if v} for row in dense.tolist()]
    assert (
        learned(kind(dense), Y).predict_proba_many(kind(dense)).tolist()
        == learned(rows, Y).predict_proba_many(rows).tolist()
    )


@pytest.mark.parametrize(
    "y",
    [Y[:, None], pd.DataFrame({"late": Y}), pl.DataFrame({"late": Y}), pa.table({"late": Y}), pd.Series(Y)],
    ids=["array", "pandas", "polars", "pyarrow", "series"],
)
def test_answers_in_one_column_are_those_answers(y):
    assert learned(X, y).predict_many(X).tolist() == learned(X, Y).predict_many(X).tolist()


@pytest.mark.parametrize("make", [hw.Classifier, hw.Regressor])
@pytest.mark.parametrize(
    "y", [np.eye(2)[Y.astype(int)], pd.DataFrame({"a": Y, "b": Y}), np.zeros((300, 2, 1))], ids=["one-hot", "two", "3d"]
)
def test_several_answers_a_row_are_refused_and_nothing_is_learned(y, make):
    model = make((4,), seed=1)
    with pytest.raises(DataError, match=r"expected one answer per row, shape \(n,\), got shape \(300, 2") as caught:
        model.learn_many(X, y)
    assert "argmax" in str(caught.value)
    assert model.n_learned == 0


def test_predictions_of_a_frame_are_a_named_column_with_its_index():
    frame = pd.DataFrame(X, columns=NAMES, index=[f"row {i}" for i in range(300)])
    model = learned(frame, pd.Series(Y, name="late"))
    said, p = model.predict_many(frame), model.predict_proba_many(frame)
    assert isinstance(said, pd.Series)
    assert (said.name, list(said.index)) == ("late", list(frame.index))
    assert said.tolist() == model.predict_many(X).tolist()
    assert list(p.columns) == model.classes
    assert p.to_numpy().tolist() == model.predict_proba_many(X).tolist()
    number = learned(pl.DataFrame(X, schema=NAMES), pl.Series("price", X[:, 0]), hw.Regressor)
    assert number.predict_many(pl.DataFrame(X, schema=NAMES)).name == "price"


def test_a_warning_of_a_refused_answer_says_which_it_was():
    with pytest.warns(RefusedRow, match="got 'cheap'"):
        hw.Regressor().learn_many([{"a": 1.0}, {"a": 2.0}], [3.0, "cheap"])
    with pytest.warns(RefusedRow, match=r"got \['u'\]"):
        hw.Classifier().learn_one({"a": 1.0}, ["u"])


@pytest.mark.filterwarnings("default:a row was not learned")
@pytest.mark.parametrize(
    ("x", "y", "w", "reason"),
    [
        ({"a": 1.0}, None, 1.0, "the answer is missing"),
        ({"a": 1.0}, "u", -1.0, "the weight"),
    ],
)
def test_the_first_refused_row_warns_once_with_its_reason(x, y, w, reason, recwarn):
    model = hw.Classifier((4,), seed=1)
    model.learn_one({"a": 1.0}, "u")
    assert not recwarn.list
    for _ in range(3):
        model.learn_one(x, y, w)
    (said,) = recwarn.list
    assert said.category is RefusedRow
    assert reason in str(said.message)
    assert said.filename == __file__, "the warning points at the line that gave the row"


def test_who_looks_for_scikit_learns_words_is_told_where_they_are():
    with pytest.raises(AttributeError, match=r"headwater\.interop\.sklearn\.OnlineClassifier does"):
        hw.Classifier().fit(X, Y)
    with pytest.raises(AttributeError, match=r"headwater\.interop\.sklearn\.OnlineRegressor does"):
        hw.Regressor().predict(X)
    with pytest.raises(AttributeError, match=r"has no attribute 'train'$"):
        hw.Regressor().train  # noqa: B018 - asking is what fails


@pytest.mark.parametrize("make", [hw.Classifier, hw.Regressor])
def test_attributes_of_a_learner_are_looked_up_the_fast_way(make):
    """With ``__getattr__`` on a class, CPython gives up its inline caches: predict_one took 1.4 times as long."""
    assert not [
        cls
        for cls in make.__mro__
        if "__getattr__" in vars(cls) or ("__getattribute__" in vars(cls) and cls is not object)
    ]
    assert not hasattr(make(), "fit")


OTHERS = [  # a kind, a method of other kinds, and what to use instead
    (
        hw.Forecaster,
        "predict_one",
        "Forecaster has no attribute 'predict_one'. Use learn_one and forecast, or hw.evaluate",
    ),
    (hw.Bandit, "learn_one", "Bandit has no attribute 'learn_one'. Use act, learn or learn_many"),
    (lambda: hw.Agent(("l", "r")), "learn_one", "Agent has no attribute 'learn_one'. Use act and learn"),
    (hw.Anomaly, "predict_one", "Anomaly has no attribute 'predict_one'. Use learn_many, score_many or hw.evaluate"),
    (
        hw.Regressor,
        "predict_proba_one",
        "Regressor has no attribute 'predict_proba_one'. Use learn_many, predict_many or hw.evaluate",
    ),
]


@pytest.mark.parametrize(("make", "name", "says"), OTHERS, ids=[name for _, name, _ in OTHERS])
def test_a_method_of_another_kind_is_missing_with_what_to_use_instead(make, name, says):
    model = make()
    with pytest.raises(AttributeError) as error:
        getattr(model, name)
    assert str(error.value) == says
    assert not hasattr(model, name)
    assert name not in dir(model)
