"""The estimators inside scikit-learn's pipelines, searches, validation and calibration, and what they do of their own."""

from __future__ import annotations

import datetime as dt
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.datasets import load_diabetes, load_digits, load_iris, make_classification, make_regression
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_predict, cross_val_score, learning_curve
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError
from headwater.interop.sklearn import OnlineClassifier, OnlineRegressor
from headwater.store.learner_file import to_bytes
from support.learners import differences

IRIS = load_iris(return_X_y=True)
DIGITS = load_digits(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def flights(n=400):
    """Rows of texts, numbers, dates and gaps, of which carrier and hour say whether a flight is late."""
    rng = np.random.default_rng(1)
    carrier = rng.choice(["AA", "UA", "DL", None], n)
    hour = rng.integers(5, 23, n).astype(float)
    day = [
        dt.datetime(2024, 1, 1) + dt.timedelta(hours=float(h), days=int(d))
        for h, d in zip(hour, rng.integers(0, 90, n), strict=True)
    ]
    late = (carrier == "UA") | (hour > 18)
    hour[::10] = np.nan
    return pd.DataFrame({"carrier": carrier, "hour": hour, "when": day, "weekend": rng.random(n) < 0.3}), late


def state(estimator):
    return [to_bytes(model) for model in estimator.models_]


# ---- headwater's own evaluation --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "data"),
    [(OnlineClassifier(hidden=(8,), random_state=3), IRIS), (OnlineRegressor(effort="fast", random_state=3), DIABETES)],
    ids=["classifier", "regressor"],
)
def test_an_estimator_that_was_never_fitted_is_evaluated_as_partial_fit_learns(estimator, data):
    session = hw.Session(estimator)
    record = session.run(data)
    assert "models_" not in vars(estimator), "the estimator stays as it is"
    assert differences(session.learner, clone(estimator).partial_fit(*data).models_[0]) == []
    assert hw.evaluate(estimator, data).record.scores == record.scores


def test_classes_and_columns_appear_as_they_come_when_an_estimator_is_evaluated():
    early = [({"colour": "rg"[i % 2]}, "xy"[i % 2]) for i in range(60)]
    late = [({"colour": "rgb"[i % 3], "size": float(i % 7)}, "xyz"[i % 3]) for i in range(240)]
    session = hw.Session(OnlineClassifier(hidden=(8,)))
    assert session.run(early + late).scores["accuracy"] > 0.8
    assert session.learner.classes == ["x", "y", "z"]


def test_estimators_that_were_fitted_or_weigh_classes_are_not_evaluated_as_something_else():
    fitted = OnlineClassifier(hidden=(4,)).fit(*IRIS)
    with pytest.raises(ConfigError, match=r"expected an OnlineClassifier that was never fitted, got a fitted one"):
        hw.evaluate(fitted, IRIS)
    assert hw.evaluate(clone(fitted), IRIS).record.rows == hw.evaluate(fitted.models_[0], IRIS).record.rows == 150
    with pytest.raises(ConfigError, match=r"expected an OnlineClassifier without class_weight, got 'balanced'"):
        hw.evaluate(OnlineClassifier(class_weight="balanced"), IRIS)
    with pytest.raises(ConfigError, match="got the class OnlineClassifier"):
        hw.evaluate(OnlineClassifier, IRIS)


# ---- tools ----------------------------------------------------------------------------------------------------------


def test_cross_validation():
    assert cross_val_score(OnlineClassifier(), *DIGITS, cv=3).mean() > 0.9
    assert cross_val_score(OnlineRegressor(), *DIABETES, cv=5).mean() > 0.3
    proba = cross_val_predict(OnlineClassifier(), *IRIS, method="predict_proba")
    assert proba.shape == (150, 3)
    np.testing.assert_allclose(proba.sum(1), 1, rtol=1e-6)


def test_a_grid_search_finds_the_better_step_and_refits_it():
    grid = {"optimizer": [nn.SGD(1e-6), nn.AdaGrad(0.05)], "hidden": [(), (8,)]}
    search = GridSearchCV(OnlineClassifier(epochs=5), grid, cv=3).fit(*IRIS)
    assert search.best_params_["optimizer"] == nn.AdaGrad(0.05)
    assert search.score(*IRIS) > 0.9
    RandomizedSearchCV(OnlineClassifier(), {"effort": ["fast", "default"]}, n_iter=2, cv=2).fit(*IRIS)


def test_a_pipeline_with_transformers_in_front():
    model = make_pipeline(StandardScaler(), SelectKBest(k=3), OnlineClassifier()).fit(*IRIS)
    assert model.score(*IRIS) > 0.9
    assert model.set_params(onlineclassifier__hidden=(4,)).get_params()["onlineclassifier__hidden"] == (4,)


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
def test_transformers_may_hand_over_data_frames(output):
    X, late = flights()
    columns = ColumnTransformer(
        [
            ("text", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), ["carrier"]),
            ("rest", StandardScaler(), make_column_selector(dtype_include="number")),
        ],
        verbose_feature_names_out=False,
    ).set_output(transform=output)
    model = make_pipeline(columns, OnlineClassifier(epochs=3)).fit(X, late)
    assert model.score(X, late) > 0.85
    if output != "default":
        assert list(model[-1].feature_names_in_) == [*(f"carrier_{c}" for c in ("AA", "DL", "UA", "nan")), "hour"]


def test_a_column_transformer_may_leave_texts_to_the_net():
    X, late = flights()
    columns = ColumnTransformer([("kept", "passthrough", ["carrier", "hour"])])
    model = make_pipeline(columns, OnlineClassifier(epochs=3)).fit(X, late)
    assert model.score(X, late) > 0.85
    assert model[-1].models_[0]._engine.columns["x0"].kind == "category"


def test_calibration_brings_probabilities_nearer_to_frequencies():
    X, y = make_classification(1_000, n_informative=4, flip_y=0.3, random_state=1)
    plain = OnlineClassifier(hidden=(32,), epochs=20)
    for method in ("sigmoid", "isotonic"):
        calibrated = CalibratedClassifierCV(plain, method=method, cv=3).fit(X[:700], y[:700])
        after = brier_score_loss(y[700:], calibrated.predict_proba(X[700:])[:, 1])
        assert after < brier_score_loss(y[700:], clone(plain).fit(X[:700], y[:700]).predict_proba(X[700:])[:, 1])


def test_ensembles_and_inspection():
    members = [("net", OnlineClassifier()), ("line", LogisticRegression(max_iter=500))]
    for model in (
        BaggingClassifier(OnlineClassifier(), n_estimators=3, random_state=0),
        VotingClassifier(members, voting="soft"),
        StackingClassifier(members, cv=2),
    ):
        assert model.fit(*IRIS).score(*IRIS) > 0.9
    fitted = OnlineRegressor(epochs=5).fit(*DIABETES)
    importance = permutation_importance(fitted, *DIABETES, n_repeats=2, random_state=0).importances_mean
    assert importance.argmax() in (2, 8)  # body mass index and s5, as the textbooks have it
    sizes, _, scores = learning_curve(OnlineClassifier(), *DIGITS, cv=2, exploit_incremental_learning=True)
    assert scores.mean(1)[-1] > scores.mean(1)[0] > 0.5
    assert len(sizes) == 5


def test_targets_may_be_transformed():
    model = TransformedTargetRegressor(OnlineRegressor(), func=np.log, inverse_func=np.exp).fit(*DIABETES)
    assert model.score(*DIABETES) > 0.3


def test_processes_may_share_the_work():
    scores = cross_val_score(OnlineClassifier(hidden=(4,)), *IRIS, cv=3, n_jobs=2)
    assert scores.tolist() == cross_val_score(OnlineClassifier(hidden=(4,)), *IRIS, cv=3).tolist()


# ---- fit and partial_fit --------------------------------------------------------------------------------------------


def test_fit_starts_anew_and_partial_fit_goes_on():
    X, y = IRIS
    once = OnlineClassifier().fit(X, y)
    assert state(clone(once).fit(X[:50], y[:50]).fit(X, y)) == state(once)
    before = state(once)
    assert state(once.partial_fit(X, y)) != before
    assert once.models_[0].n_learned == 300


def test_partial_fit_is_the_learner_itself_row_by_row():
    X, y = IRIS
    estimator, learner = OnlineClassifier(random_state=3), hw.Classifier(seed=3)
    for i in range(0, 150, 37):
        estimator.partial_fit(X[i : i + 37], y[i : i + 37])
        learner.learn_many(X[i : i + 37], y[i : i + 37])
    assert state(estimator) == [to_bytes(learner)]
    assert np.array_equal(estimator.predict_proba(X), learner.predict_proba_many(X))
    X, y = DIABETES
    assert state(OnlineRegressor(random_state=3).partial_fit(X, y)) == [to_bytes(_taught(hw.Regressor(seed=3), X, y))]


def _taught(learner, X, y):
    learner.learn_many(X, y)
    return learner


def test_the_order_of_the_rows_is_no_matter_to_fit_to_the_bit():
    X, y = IRIS
    order = np.random.default_rng(0).permutation(150)
    assert state(OnlineClassifier(epochs=2).fit(X, y)) == state(OnlineClassifier(epochs=2).fit(X[order], y[order]))
    assert state(OnlineRegressor().fit(X, y)) == state(OnlineRegressor().fit(X[order], y[order]))
    frame, late = flights(150)
    shuffled = frame.iloc[order].reset_index(drop=True)
    assert state(OnlineClassifier().fit(frame, late)) == state(OnlineClassifier().fit(shuffled, late[order]))


def test_seed_and_epoch_change_the_order():
    X, y = IRIS
    assert state(OnlineClassifier(random_state=1).fit(X, y)) != state(OnlineClassifier(random_state=2).fit(X, y))
    drawn = [OnlineClassifier(random_state=np.random.RandomState(5)).fit(X, y) for _ in range(2)]
    assert state(drawn[0]) == state(drawn[1])


def test_more_epochs_fit_more_closely():
    X, y = DIABETES
    scores = [OnlineRegressor(hidden=(32,), epochs=epochs).fit(X, y).score(X, y) for epochs in (1, 10, 100)]
    assert scores == sorted(scores)
    with pytest.raises(ValueError, match=r"expected epochs of 1 or more, got 0 — at epochs"):
        OnlineRegressor(epochs=0).fit(X, y)


def test_classes_appear_at_any_time_and_stay_sorted():
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    model = OnlineClassifier()
    for kind in ("virginica", "setosa"):
        model.partial_fit(X[names == kind], names[names == kind])
    assert model.classes_.tolist() == ["setosa", "virginica"]
    order = np.random.default_rng(0).permutation(150)
    model.partial_fit(X[order], names[order])
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert model.predict_proba(X).shape == (150, 3)
    assert model.score(X, names) > 0.8


def test_declared_classes_have_their_columns_before_they_are_seen():
    X, y = IRIS
    model = OnlineClassifier().partial_fit(X[:50], y[:50], classes=[0, 1, 2])
    assert model.predict_proba(X).tolist() == [[1.0, 0.0, 0.0]] * 150
    assert model.decision_function(X).shape == (150, 3)
    with pytest.raises(ValueError, match=r"y has classes \[3\] not in the declared classes \[0, 1, 2\]"):
        model.partial_fit(X[:1], [3])
    with pytest.raises(ValueError, match="expected classes like"):
        OnlineClassifier().partial_fit(X, y).partial_fit(X[:1], ["rose"])


# ---- weights --------------------------------------------------------------------------------------------------------


def test_a_row_of_weight_three_is_that_row_three_times():
    X, y = IRIS
    weights = np.random.default_rng(0).integers(0, 4, 150)
    for make in (OnlineClassifier, OnlineRegressor):
        weighted = make(epochs=2).fit(X, y, sample_weight=weights)
        repeated = make(epochs=2).fit(X.repeat(weights, axis=0), y.repeat(weights))
        assert state(weighted) == state(repeated)


def test_a_weight_between_is_a_lighter_step_and_a_huge_one_heavier_steps():
    X, y = IRIS
    assert state(OnlineRegressor().fit(X, y, np.full(150, 0.5))) != state(OnlineRegressor().fit(X, y))
    model = OnlineRegressor().fit(X, y, np.where(y == 0, 1e6, 1.0))
    assert model.models_[0].n_learned == 16 * 50 + 100
    assert np.abs(model.predict(X[:50])).mean() < 0.1


def test_class_weights_move_the_answer():
    X, y = make_classification(600, n_informative=4, weights=[0.9], flip_y=0.1, random_state=2)
    plain = OnlineClassifier(hidden=(8,)).fit(X, y).predict(X).mean()
    balanced = OnlineClassifier(hidden=(8,), class_weight="balanced").fit(X, y).predict(X).mean()
    given = OnlineClassifier(hidden=(8,), class_weight={0: 1, 1: 9}).fit(X, y).predict(X).mean()
    streamed = OnlineClassifier(hidden=(8,), class_weight={0: 1, 1: 9}).partial_fit(X, y).predict(X).mean()
    assert plain < min(balanced, given, streamed)
    with pytest.raises(ValueError, match="expected class_weight as a dict, got 'balanced' — at partial_fit"):
        OnlineClassifier(class_weight="balanced").partial_fit(X, y)


# ---- tables ---------------------------------------------------------------------------------------------------------


def test_texts_dates_and_gaps_need_no_encoder():
    X, late = flights()
    learned = []
    for frame in (X, pl.from_pandas(X), pa.Table.from_pandas(X)):
        model = OnlineClassifier(epochs=3).fit(frame, late)
        assert model.score(frame, late) > 0.85
        assert list(model.feature_names_in_) == ["carrier", "hour", "when", "weekend"]
        learned += state(model)
    assert len(set(learned)) == 1


def test_a_frame_keeps_the_schema_it_was_fitted_on():
    X, late = flights()
    model = OnlineClassifier().fit(X, late)
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X.rename(columns={"carrier": "airline"}))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X.iloc[:, :3])
    numeric = OnlineClassifier().fit(X[["hour"]], late)
    with pytest.raises(ValueError, match="expected columns of numbers, as OnlineClassifier was fitted on"):
        numeric.predict(X[["carrier"]].rename(columns={"carrier": "hour"}))
    with pytest.raises(ValueError, match="0 sample"):
        model.fit(X[:0], late[:0])


def test_an_unknown_category_is_no_error_and_says_nothing():
    X, late = flights()
    model = OnlineClassifier().fit(X, late)
    gone, unknown = X.assign(carrier=None), X.assign(carrier="??")
    assert np.array_equal(model.predict_proba(gone), model.predict_proba(unknown))


def test_a_missing_number_is_nan():
    X, y = IRIS
    gaps = X.copy()
    gaps[::3, 0] = np.nan
    model = OnlineClassifier().fit(gaps, y)
    assert model.score(gaps, y) > 0.85
    with pytest.raises(ValueError, match="infinity"):
        model.predict(np.full((1, 4), np.inf))


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_matrix])
def test_what_a_sparse_matrix_does_not_store_is_absent(kind):
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(200, 30)) * (rng.random((200, 30)) < 0.2)
    y = (dense.sum(1) > 0).astype(int)
    model = OnlineClassifier().partial_fit(kind(dense), y)
    learner = hw.Classifier(scale=False)
    rows = [{f"x{j}": x for j, x in enumerate(row) if x} for row in dense.tolist()]
    learner.learn_many(rows, y)
    assert state(model) == [to_bytes(learner)]
    stored = kind(dense).tocsr()
    stored.data[:3] = 0.0  # a zero that is stored is a zero all the same
    assert np.array_equal(model.predict_proba(stored), model.predict_proba(stored.toarray()))
    assert np.array_equal(model.predict_proba(kind(dense)), learner.predict_proba_many(rows))


def test_words_by_their_counts():
    rng = np.random.default_rng(3)
    spam = rng.random(400) < 0.5
    texts = [" ".join([*rng.choice(list("abcdefgh"), 5), "win" if s else "meet", f"n{i}"]) for i, s in enumerate(spam)]
    for words in (CountVectorizer(), TfidfVectorizer()):
        model = make_pipeline(words, OnlineClassifier()).fit(texts[:300], spam[:300])
        assert model.score(texts[300:], spam[300:]) > 0.95


# ---- several outputs ------------------------------------------------------------------------------------------------


def test_answers_of_several_columns_have_a_learner_each():
    X, Y = make_regression(300, 5, n_targets=3, random_state=0)
    model = OnlineRegressor(epochs=5).fit(X, Y)
    assert model.score(X, Y) > 0.9
    assert state(model)[1] != state(model)[0]
    single = OnlineRegressor().partial_fit(X, Y[:, 1])
    assert state(OnlineRegressor().partial_fit(X, Y))[1] == state(single)[0]
    assert MultiOutputRegressor(OnlineRegressor(epochs=5)).fit(X, Y).score(X, Y) > 0.9
    with pytest.raises(ValueError, match="expected y with as many columns as at first"):
        model.partial_fit(X, Y[:, :2])


def test_labels_in_columns_of_0_and_1():
    X, y = IRIS
    Y = np.column_stack([y == 0, y > 0]).astype(int)
    model = OnlineClassifier(epochs=3).fit(X, Y)
    assert model.classes_.tolist() == [0, 1]
    assert model.predict_proba(X).shape == model.decision_function(X).shape == Y.shape
    assert model.score(X, Y) > 0.95
    assert model.partial_fit(X, Y).score(X, Y) > 0.95


def test_classes_in_several_columns():
    X, y = IRIS
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    Y = np.column_stack([names, np.where(X[:, 0] > 6, "long", "short")])
    model = OnlineClassifier(epochs=3).fit(X, Y)
    assert [known.tolist() for known in model.classes_] == [["setosa", "versicolor", "virginica"], ["long", "short"]]
    assert [p.shape for p in model.predict_proba(X)] == [(150, 3), (150, 2)]
    assert (model.predict(X) == Y).mean() > 0.9
    with pytest.raises(AttributeError, match="decision_function"):
        _ = model.decision_function


# ---- what bad input gets --------------------------------------------------------------------------------------------


def test_what_is_not_fitted_says_so():
    for model in (OnlineClassifier(), OnlineRegressor()):
        with pytest.raises(NotFittedError, match="not fitted yet"):
            model.predict(np.eye(3))
    with pytest.raises(AttributeError, match="has no classes_ before it is fitted"):
        _ = OnlineClassifier().classes_


def test_settings_that_cannot_be_are_refused_when_fitted():
    X, y = IRIS
    with pytest.raises(ValueError, match=r"expected .*, got 'no such'"):
        OnlineClassifier(loss="no such").fit(X, y)
    with pytest.raises(ValueError, match=r"expected counts, got -1 — at y"):
        OnlineRegressor(loss="poisson").fit(X, y - 1)
    assert OnlineRegressor(loss="poisson", epochs=3).fit(X, y).predict(X).min() >= 0


def test_the_hinge_loss_has_scores_and_no_probabilities():
    X, y = IRIS
    model = OnlineClassifier(hidden=(8,), loss="hinge", epochs=5).fit(X, y)
    assert model.score(X, y) > 0.9
    assert model.decision_function(X).shape == (150, 3)
    with pytest.raises(AttributeError, match="predict_proba"):
        _ = model.predict_proba


def test_a_fitted_estimator_travels_and_is_kept_in_headwaters_own_file(tmp_path):
    X, y = IRIS
    model = OnlineClassifier().fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(copy.predict_proba(X), model.predict_proba(X))
    assert state(copy.partial_fit(X, y)) == state(model.partial_fit(X, y))
    model.models_[0].save(tmp_path / "m.hw")
    assert hw.load(tmp_path / "m.hw").predict_many(X).tolist() == model.predict(X).tolist()
