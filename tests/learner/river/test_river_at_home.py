"""headwater's learners inside River's pipelines, evaluation, ensembles, searches and drift detectors."""

from __future__ import annotations

import datetime as dt
import inspect
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from river import (
    bandit,
    compose,
    datasets,
    drift,
    ensemble,
    evaluate,
    feature_extraction,
    imblearn,
    metrics,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    preprocessing,
    stream,
    utils,
)

import headwater as hw
from headwater import nn


def small(**settings):
    return hw.Classifier(hidden=(8,), **settings)


def small_regressor(**settings):
    return hw.Regressor(hidden=(8,), **settings)


def accuracy_on_phishing(model, rows=1_250):
    return evaluate.progressive_val_score(datasets.Phishing().take(rows), model, metrics.Accuracy()).get()


def mae_on_approval(model):
    return evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE()).get()


def words():
    """Texts of which one word says the class, with new words all along."""
    chance = random.Random(1)
    for i in range(600):
        spam = chance.random() < 0.5
        text = " ".join(chance.choice(["the", "a", "of", "to", "in"]) for _ in range(6))
        yield f"{text} {'win' if spam else 'meet'} w{i}", spam


# ---- pipelines ------------------------------------------------------------------------------------------------------


def test_a_learner_is_the_last_step_of_a_pipeline():
    assert accuracy_on_phishing(preprocessing.StandardScaler() | hw.Classifier()) > 0.87
    assert mae_on_approval(preprocessing.StandardScaler() | hw.Regressor()) < 1


def test_a_pipeline_may_encode_select_and_name_features_first():
    numbers = compose.SelectType(float, int) | preprocessing.StandardScaler()
    model = (numbers + (compose.SelectType(str) | preprocessing.OneHotEncoder())) | small()
    chance = random.Random(2)
    right = 0
    for i in range(600):
        x = {"size": chance.gauss(10, 3), "colour": chance.choice(["red", "blue", "green"])}
        y = x["colour"] == "red" or x["size"] > 13
        right += model.predict_one(x) == y and i >= 300
        model.learn_one(x, y)
    assert right > 255


def test_words_of_a_text_become_features_as_they_appear():
    # a count that is always 1 where it is at all says nothing once its mean is taken away
    model = feature_extraction.BagOfWords(lowercase=True) | hw.Classifier(scale=False)
    assert evaluate.progressive_val_score(words(), model, metrics.Accuracy()).get() > 0.95


def test_a_pipeline_learns_and_predicts_blocks():
    X = pd.DataFrame([x for x, _ in datasets.Phishing()])
    y = pd.Series([y for _, y in datasets.Phishing()])
    model = preprocessing.StandardScaler() | small()
    for i in range(0, len(X), 50):
        model.learn_many(X[i : i + 50], y[i : i + 50])
    assert np.mean(np.asarray(model.predict_many(X)) == y) > 0.9
    assert np.asarray(model.predict_proba_many(X)).shape == (len(X), 2)


def test_a_target_may_be_transformed_around_the_regressor():
    model = preprocessing.TargetStandardScaler(regressor=small_regressor())
    assert mae_on_approval(model) < 1
    log = compose.TargetTransformRegressor(small_regressor(), func=np.log, inverse_func=np.exp)
    assert mae_on_approval(log) < 1


# ---- evaluation -----------------------------------------------------------------------------------------------------


def test_progressive_validation_counts_what_was_predicted_before_learning():
    said = evaluate.progressive_val_score(datasets.Phishing(), small(seed=1), metrics.ROCAUC() + metrics.LogLoss())
    model, by_hand = small(seed=1), metrics.LogLoss()
    for x, y in datasets.Phishing():
        if p := model.predict_proba_one(x):  # River counts no prediction before the first class
            by_hand.update(y, p)
        model.learn_one(x, y)
    assert said[1].get() == by_hand.get()
    assert said[0].get() > 0.9


def test_late_labels_by_a_moment_in_the_sample_and_a_delay():
    start = dt.datetime(2024, 1, 1)

    def rides():
        for i, (x, y) in enumerate(datasets.Phishing()):
            yield {**x, "when": start + dt.timedelta(minutes=i)}, y

    def score(delay):
        model = compose.Discard("when") | small()
        return evaluate.progressive_val_score(
            rides(), model, metrics.Accuracy(), moment="when", delay=dt.timedelta(minutes=delay)
        ).get()

    assert score(1) > score(200) > 0.8


def test_questions_before_their_answers_are_learned_as_river_simulates_them():
    model, asked, right = small(), {}, 0
    for i, x, y in stream.simulate_qa(datasets.Phishing(), moment=None, delay=50):
        if y is None:
            asked[i] = model.predict_one(x)
            continue
        right += asked.pop(i) == y
        model.learn_one(x, y)
    assert right > 1_000


def test_the_stages_of_an_evaluation_can_be_followed():
    steps = list(evaluate.iter_progressive_val_score(datasets.Phishing(), small(), metrics.Accuracy(), step=250))
    assert [step["Step"] for step in steps] == [250, 500, 750, 1000, 1250]
    assert steps[-1]["Accuracy"].get() > 0.85


# ---- ensembles and searches -----------------------------------------------------------------------------------------

CLASSIFIERS = {
    "bagging": lambda m: ensemble.BaggingClassifier(m, n_models=3, seed=1),
    "ADWIN bagging": lambda m: ensemble.ADWINBaggingClassifier(m, n_models=3, seed=1),
    "leveraging bagging": lambda m: ensemble.LeveragingBaggingClassifier(m, n_models=3, seed=1),
    "ADWIN boosting": lambda m: ensemble.ADWINBoostingClassifier(m, n_models=3, seed=1),
    "AdaBoost": lambda m: ensemble.AdaBoostClassifier(m, n_models=3, seed=1),
    "streaming random patches": lambda m: ensemble.SRPClassifier(m, n_models=3, seed=1),
    "voting": lambda m: ensemble.VotingClassifier([m, naive_bayes.GaussianNB()]),
    "stacking": lambda m: ensemble.StackingClassifier([m, naive_bayes.GaussianNB()], small(seed=7)),
    "retraining on drift": lambda m: drift.DriftRetrainingClassifier(m, drift.binary.DDM()),
    "one against the rest": multiclass.OneVsRestClassifier,
    "one against one": multiclass.OneVsOneClassifier,
    "under-sampling": lambda m: imblearn.RandomUnderSampler(m, desired_dist={False: 0.5, True: 0.5}, seed=1),
    "over-sampling": lambda m: imblearn.RandomOverSampler(m, desired_dist={False: 0.5, True: 0.5}, seed=1),
    "hard sampling": lambda m: imblearn.HardSamplingClassifier(m, size=20, p=0.3, seed=1),
    "successive halving": lambda m: model_selection.SuccessiveHalvingClassifier(
        [m, small(seed=2), small(seed=3), small(seed=4)], metrics.Accuracy(), budget=800
    ),
    "a bandit": lambda m: model_selection.BanditClassifier(
        [m, small(optimizer=nn.SGD(1e-6))],
        metrics.Accuracy(),
        bandit.EpsilonGreedy(0.2, decay=0.01, burn_in=30, seed=1),
    ),
}


@pytest.mark.parametrize("wrap", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_a_classifier_learns_inside(wrap):
    assert accuracy_on_phishing(wrap(small(seed=1))) > 0.8


def test_a_copy_in_an_ensemble_shares_nothing_with_the_others():
    model = ensemble.BaggingClassifier(small(), n_models=2, seed=1)
    for x, y in datasets.Phishing().take(200):
        model.learn_one(x, y)
    one, two = model.models
    before = two.predict_proba_one(x)
    one.learn_one(x, y)
    assert two.predict_proba_one(x) == before
    again = two.clone(include_attributes=True)
    again.learn_one(x, not y)
    assert two.predict_proba_one(x) == before


REGRESSORS = {
    "bagging": lambda m: ensemble.BaggingRegressor(m, n_models=3, seed=1),
    "streaming random patches": lambda m: ensemble.SRPRegressor(m, n_models=3, seed=1),
    "weights by error": lambda m: preprocessing.TargetStandardScaler(
        ensemble.EWARegressor([m, small_regressor(seed=2)])
    ),
    "hard sampling": lambda m: imblearn.HardSamplingRegressor(m, size=20, p=0.3, seed=1),
    "the best so far": lambda m: model_selection.GreedyRegressor([m, small_regressor(seed=2)], metrics.MAE()),
    "successive halving": lambda m: model_selection.SuccessiveHalvingRegressor(
        [m, small_regressor(seed=2)], metrics.MAE(), budget=400
    ),
}


@pytest.mark.parametrize("wrap", REGRESSORS.values(), ids=REGRESSORS)
def test_a_regressor_learns_inside(wrap):
    assert mae_on_approval(wrap(small_regressor(seed=1))) < 2


def test_a_grid_of_settings_is_expanded_and_its_best_found():
    grid = {"optimizer": [nn.SGD(1e-6), nn.AdaGrad(0.05)], "seed": [1, 2]}
    models = utils.expand_param_grid(small(), grid)
    assert [(m.optimizer, m.seed) for m in models] == [(o, s) for o in grid["optimizer"] for s in grid["seed"]]
    search = model_selection.SuccessiveHalvingClassifier(models, metrics.Accuracy(), budget=1_000)
    accuracy_on_phishing(search)
    assert search.best_model.optimizer == nn.AdaGrad(0.05)


def test_answers_of_several_columns_by_chains_and_one_model_each():
    chance = random.Random(3)
    rows = [{"a": chance.gauss(0, 1), "b": chance.gauss(0, 1)} for _ in range(400)]
    chain = multioutput.ClassifierChain(small(), order=["up", "both"])
    each = multioutput.PerOutputRegressor(small_regressor())
    right = off = 0
    for i, x in enumerate(rows):
        y = {"up": x["a"] > 0, "both": x["a"] > 0 and x["b"] > 0}
        z = {"sum": x["a"] + x["b"], "difference": x["a"] - x["b"]}
        if i >= 200:
            right += chain.predict_one(x) == y
            off += sum(abs(each.predict_one(x)[k] - z[k]) for k in z)
        chain.learn_one(x, y)
        each.learn_one(x, z)
    assert right > 150
    assert off / 400 < 0.3


# ---- metrics and drift ----------------------------------------------------------------------------------------------


def every(kind):
    """All metrics of that kind that can be made without arguments."""
    for name, metric in sorted(vars(metrics).items()):
        if not isinstance(metric, type) or not issubclass(metric, kind):
            continue
        needed = [p for p in inspect.signature(metric).parameters.values() if p.default is p.empty]
        if not needed and name not in ("ClassificationReport", "ConfusionMatrix"):
            yield name, metric()


def test_river_metrics_take_what_a_classifier_says():
    model = hw.Classifier()
    scores = dict(every(metrics.base.BinaryMetric)) | dict(every(metrics.base.MultiClassMetric))
    for x, y in datasets.Phishing().take(300):
        p = model.predict_proba_one(x)
        for metric in scores.values():
            if p:
                metric.update(y, max(p, key=p.get) if metric.requires_labels else p)
        model.learn_one(x, y)
    assert len(scores) > 20
    assert [name for name, metric in scores.items() if not np.isfinite(metric.get())] == []
    assert scores["Accuracy"].get() > 0.75


def test_river_metrics_take_what_a_regressor_says():
    model = hw.Regressor()
    scores = dict(every(metrics.base.RegressionMetric))
    for x, y in datasets.TrumpApproval().take(300):
        p = model.predict_one(x)
        for metric in scores.values():
            metric.update(y, p)
        model.learn_one(x, y)
    assert len(scores) > 5
    assert [name for name, metric in scores.items() if not np.isfinite(metric.get())] == []


@pytest.mark.parametrize("detector", [drift.ADWIN(), drift.PageHinkley(), drift.binary.DDM(), drift.binary.HDDMA()])
def test_drift_shows_in_the_errors_that_river_watches(detector):
    chance = random.Random(4)
    model = hw.Classifier(hidden=(8,), optimizer=nn.SGD(0.01))
    found = []
    for i in range(2_000):
        x = {"a": chance.gauss(0, 1), "b": chance.gauss(0, 1)}
        y = (x["a"] > 0) == (i < 1_000)
        detector.update(model.predict_one(x) != y)
        if detector.drift_detected:
            found.append(i)
        model.learn_one(x, y)
    assert any(1_000 <= i < 1_400 for i in found)


# ---- clones and what a learner looks like ---------------------------------------------------------------------------

FORMS = {
    "defaults": {},
    "no hidden layer": {"hidden": ()},
    "hidden as a list": {"hidden": [8, 4], "dropout": 0.1},
    "an empty list": {"hidden": []},
    "layers": {"layers": (nn.Dense(4, "tanh"),), "optimizer": nn.Adam(0.01)},
    "no layers": {"layers": ()},
    "experts": {"experts": (nn.Expert(optimizer=nn.SGD(0.1)), nn.Expert((nn.Dense(4, "relu"),), optimizer=nn.Adam()))},
    "norm and seed": {"hidden": (6,), "norm": "layer", "seed": 7, "dtype": "float64"},
    "a loss": {"loss": nn.Loss("hinge")},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_clone_learns_what_its_original_learns(form):
    model = hw.Classifier(**FORMS[form])
    rows = list(datasets.Phishing().take(60))
    for x, y in rows:
        model.learn_one(x, y)
    fresh, copied = model.clone(), model.clone(include_attributes=True)
    assert not model._is_stochastic
    assert fresh.n_learned == 0
    for x, y in rows:
        fresh.learn_one(x, y)
    x = rows[3][0]
    assert fresh.predict_proba_one(x) == copied.predict_proba_one(x) == model.predict_proba_one(x)
    copied.learn_one(*rows[0])
    assert fresh.predict_proba_one(x) == model.predict_proba_one(x)  # nothing is shared
    assert repr(fresh) == repr(model)


@pytest.mark.parametrize("form", FORMS)
def test_a_learner_shows_the_call_that_makes_it(form):
    model = hw.Classifier(**FORMS[form])
    names = {name: getattr(nn, name) for name in nn.__all__}
    again = eval(repr(model), {"Classifier": hw.Classifier, **names})
    assert repr(again) == repr(model)
    assert again.describe() == model.describe()


def test_only_settings_that_differ_are_shown():
    assert repr(hw.Classifier()) == "Classifier()"
    assert repr(hw.Regressor(hidden=(), seed=3)) == "Regressor(hidden=(), seed=3)"
    assert repr(hw.Regressor(l1=0, scale=True, optimizer=nn.SGD(0.1))).startswith("Regressor(optimizer=SGD(")


def test_pipelines_and_searches_clone_a_learner_without_hidden_layers():
    pipeline = preprocessing.StandardScaler() | hw.Classifier(hidden=())
    assert not pipeline._is_stochastic
    assert pipeline.clone()["Classifier"].hidden == ()
    changed = pipeline.clone({"Classifier": {"hidden": (), "seed": 5}})["Classifier"]
    assert (changed.hidden, changed.seed) == ((), 5)
    grid = utils.expand_param_grid(hw.Classifier(hidden=()), {"seed": [1, 2]})
    assert [(model.hidden, model.seed) for model in grid] == [((), 1), ((), 2)]
    assert accuracy_on_phishing(ensemble.BaggingClassifier(hw.Classifier(hidden=()), n_models=2, seed=1), 400) > 0.8


# ---- without River --------------------------------------------------------------------------------------------------

WITHOUT = """
import sys

sys.modules["river"] = None  # not installed
sys.modules["scipy"] = None
import headwater as hw
from headwater.errors import MissingExtra
from headwater.route.drift import DriftWatch

rows = [({"a": float(i % 7)}, "yes" if i % 7 > 3 else "no") for i in range(300)]
for watch in ("adwin", "page_hinkley", "kswin"):
    hw.evaluate(hw.Classifier((8,), seed=1), rows, watch=DriftWatch(watch))
for make in (hw.Classifier, hw.Regressor, hw.Anomaly, hw.Forecaster):
    make().clone(), repr(make())
try:
    hw.Classifier() | hw.Regressor()
except AttributeError as error:
    print(error)
try:
    hw.read("dataset:phishing")
except MissingExtra as error:
    print(error)
"""


def test_all_of_our_own_works_without_river_and_what_needs_it_says_so():
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "Classifier has __or__ where River is installed: pip install 'headwater[river]'",
        "expected the package river, got none — at dataset:phishing. Run: pip install 'headwater[river]'",
    ]


KNOWN = """
import headwater as hw

models = {"Classifier": hw.Classifier(), "Regressor": hw.Regressor(), "AnomalyDetector": hw.Anomaly()}
forecaster, bandit = hw.Forecaster(), hw.Bandit()
from river import base

for name, model in models.items():
    print(name, *(other for other in models if isinstance(model, getattr(base, other))))
print(isinstance(forecaster, base.Estimator), isinstance(bandit, base.Estimator))
from river.time_series.base import Forecaster

print(isinstance(forecaster, Forecaster), isinstance(hw.Regressor(), Forecaster))
"""


def test_river_knows_learners_that_were_made_before_it_was_imported():
    done = subprocess.run([sys.executable, "-c", KNOWN], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "Classifier Classifier",
        "Regressor Regressor",
        "AnomalyDetector AnomalyDetector",
        "True False",
        "True False",
    ]
