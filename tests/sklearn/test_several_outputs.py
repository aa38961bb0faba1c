"""The estimators of several outputs: a column of y for each, predicted together, of which later ones read earlier ones."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import headwater as hw
from headwater.interop.sklearn import OnlineClassifier, OnlineMultiOutputClassifier, OnlineMultiOutputRegressor
from headwater.store.learner_file import to_bytes

RNG = np.random.default_rng(0)
X = RNG.normal(size=(1500, 3))
NUMBERS = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] * X[:, 1] + X[:, 2]])
LABELS = np.column_stack(
    [np.where(X[:, 0] > 0, "up", "down"), np.array(["none", "some", "all"])[((X > 0).sum(1) + 1) // 2]]
)
BOTH = pytest.mark.parametrize(
    ("make", "y"),
    [(OnlineMultiOutputRegressor, NUMBERS), (OnlineMultiOutputClassifier, LABELS)],
    ids=["numbers", "classes"],
)


@BOTH
def test_partial_fit_learns_as_the_learner_and_predicts_what_it_predicts(make, y):
    estimator = make(random_state=5).partial_fit(X[:700], y[:700]).partial_fit(X[700:], y[700:])
    task = "regress" if y is NUMBERS else "classify"
    learner = hw.MultiOutput({0: task, 1: task}, seed=5)
    learner.learn_many(X, [dict(enumerate(row)) for row in y.tolist()])
    assert to_bytes(estimator.model_) == to_bytes(learner)
    said = estimator.predict(X[:200])
    assert said.shape == (200, 2)
    assert said.dtype.kind == y.dtype.kind
    assert said.tolist() == [[row[0], row[1]] for row in learner.predict_many(X[:200])]


def test_numbers_of_several_columns_are_learned_and_scored_as_scikit_learn_scores_them():
    model = OnlineMultiOutputRegressor(epochs=3).fit(X[:1000], NUMBERS[:1000])
    said = model.predict(X[1000:])
    assert model.score(X[1000:], NUMBERS[1000:]) == r2_score(NUMBERS[1000:], said)
    assert model.score(X[1000:], NUMBERS[1000:]) > 0.8
    alone = OnlineMultiOutputRegressor(epochs=3, chain=False).fit(X[:1000], NUMBERS[:1000])
    assert np.abs(alone.predict(X[1000:])[:, 0] - said[:, 0]).max() == 0
    assert np.abs(alone.predict(X[1000:])[:, 1] - said[:, 1]).max() > 0.01, "only the second one reads another"


def test_classes_of_several_columns_have_probabilities_as_a_list_of_arrays():
    model = OnlineMultiOutputClassifier(epochs=3).fit(X[:1000], LABELS[:1000])
    theirs = MultiOutputClassifier(OnlineClassifier()).fit(X[:1000], LABELS[:1000])
    assert [own.tolist() for own in model.classes_] == [own.tolist() for own in theirs.classes_]
    proba = model.predict_proba(X[1000:])
    assert [p.shape for p in proba] == [p.shape for p in theirs.predict_proba(X[1000:])] == [(500, 2), (500, 3)]
    assert [p.sum(1) for p in proba] == [pytest.approx(np.ones(500), abs=1e-6)] * 2
    one = model.model_.predict_proba_one({f"x{j}": value for j, value in enumerate(X[1000].tolist())})
    assert [dict(zip(c, p[0], strict=True)) for c, p in zip(model.classes_, proba, strict=True)] == [
        pytest.approx(one[0], abs=1e-6),
        pytest.approx(one[1], abs=1e-6),
    ]
    said = model.predict(X[1000:])
    chosen = zip(model.classes_, proba, strict=True)
    assert said.tolist() == np.column_stack([known[p.argmax(1)] for known, p in chosen]).tolist()
    right = (said == LABELS[1000:]).all(axis=1)
    assert model.score(X[1000:], LABELS[1000:]) == right.mean() > 0.75
    weights = np.arange(500.0)
    assert model.score(X[1000:], LABELS[1000:], weights) == pytest.approx((right * weights).sum() / weights.sum())


def test_a_class_appears_at_any_time_unless_all_were_declared():
    model = OnlineMultiOutputClassifier().partial_fit(X[:50], np.column_stack([["a"] * 50, ["u"] * 50]))
    model.partial_fit(X[:50], np.column_stack([["b", "a"] * 25, ["u"] * 50]))
    assert [own.tolist() for own in model.classes_] == [["a", "b"], ["u"]]
    declared = OnlineMultiOutputClassifier()
    declared.partial_fit(X[:2], [["a", "u"], ["b", "u"]], classes=[["c", "b", "a"], ["u", "v"]])
    assert [own.tolist() for own in declared.classes_] == [["a", "b", "c"], ["u", "v"]]
    first, second = declared.predict_proba(X[:2])
    assert (first[:, 2] == 0).all()
    assert second.tolist() == [[1, 0], [1, 0]]
    with pytest.raises(ValueError, match=r"classes \['d'\] not in the declared classes"):
        declared.partial_fit(X[:1], [["d", "u"]])
    with pytest.raises(ValueError, match="expected the classes of 2 outputs, got 3"):
        OnlineMultiOutputClassifier().partial_fit(X[:1], [["a", "u"]], classes=[["a"], ["u"], ["x"]])


def test_labels_of_whole_numbers_are_classes_and_not_numbers():
    y = np.column_stack([X[:, 0] > 0, (X > 0).sum(1)]).astype(int)
    model = OnlineMultiOutputClassifier().fit(X, y)
    assert model.model_.known_classes == [(0, label) for label in model.model_.members[0].classes] + [
        (1, label) for label in model.model_.members[1].classes
    ]
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) > 0.7


def test_frames_give_columns_of_any_type_and_names_of_outputs():
    frame = pd.DataFrame({"shop": np.where(X[:, 0] > 0, "north", "south"), "size": X[:, 1]})
    frame.loc[::9, "size"] = np.nan
    y = pd.DataFrame({"price": 10.0 * (X[:, 0] > 0) + X[:, 1], "stock": X[:, 1]})
    model = OnlineMultiOutputRegressor().fit(frame, y)
    assert model.outputs_ == ["price", "stock"]
    assert list(model.model_.predict_one({"shop": "north", "size": 0.0})) == ["price", "stock"]
    assert model.model_.predict_one({"shop": "north", "size": 0.0})["price"] == pytest.approx(10, abs=1)
    assert model.score(frame, y) > 0.7


def test_rows_of_no_weight_teach_nothing_and_their_classes_are_unknown():
    weights = (X[:, 0] > 0).astype(float)
    model = OnlineMultiOutputClassifier().fit(X, LABELS, weights)
    again = OnlineMultiOutputClassifier().fit(X[weights > 0], LABELS[weights > 0])
    assert model.classes_[0].tolist() == ["up"]
    assert [p.tolist() for p in model.predict_proba(X[:9])] == [p.tolist() for p in again.predict_proba(X[:9])]


@BOTH
def test_pipelines_searches_clones_and_pickles_take_them(make, y):
    line = make_pipeline(StandardScaler(), make(effort="fast"))
    assert cross_val_score(line, X[:600], y[:600], cv=2).min() > 0.2
    search = GridSearchCV(make(effort="fast"), {"chain": [True, False]}, cv=2).fit(X[:600], y[:600])
    assert set(search.best_params_) == {"chain"}
    model = make(chain=False, max_rows=1 << 12, random_state=3).fit(X[:200], y[:200])
    assert clone(model).get_params() == model.get_params()
    assert "model_" not in vars(clone(model))
    assert (pickle.loads(pickle.dumps(model)).predict(X[:20]) == model.predict(X[:20])).all()
    assert make(**model.get_params()).fit(X[:200], y[:200]).predict(X[:20]).tolist() == model.predict(X[:20]).tolist()


@BOTH
def test_what_can_not_be_taken_is_refused_as_scikit_learn_refuses_it(make, y):
    with pytest.raises(NotFittedError):
        make().predict(X)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        make().fit(sparse.csr_array(X), y)
    with pytest.raises(ValueError, match=r"as many columns as at first, got shape \(1500, 1\)"):
        make().partial_fit(X, y).partial_fit(X, y[:, :1])
    with pytest.raises(ValueError, match="X has 2 features"):
        make().fit(X, y).predict(X[:, :2])


@BOTH
def test_one_column_is_one_output_and_an_array_too(make, y):
    column, flat = make().fit(X, y[:, :1]), make().fit(X, y[:, 0])
    assert column.predict(X[:9]).shape == (9, 1)
    assert flat.predict(X[:9]).tolist() == column.predict(X[:9])[:, 0].tolist()


def test_an_estimator_gives_a_learner_for_sessions():
    learner = OnlineMultiOutputRegressor(chain=False, effort="fast", random_state=4).as_learner()
    assert repr(learner) == repr(hw.MultiOutput(chain=False, effort="fast", seed=4))
    rows = [({"a": float(i % 7)}, {"twice": 2.0 * (i % 7), "odd": bool(i % 2)}) for i in range(200)]
    assert hw.evaluate(OnlineMultiOutputClassifier(), rows).record.scored == 199


def test_a_learner_names_both_estimators_where_it_is_asked_for_fit():
    with pytest.raises(AttributeError, match="OnlineMultiOutputClassifier or OnlineMultiOutputRegressor does"):
        hw.MultiOutput().fit  # noqa: B018 - its absence is what is asked for
