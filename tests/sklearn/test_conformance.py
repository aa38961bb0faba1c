"""scikit-learn's own suite, in full: nothing skipped, no failure expected."""

from __future__ import annotations

import inspect

import pytest
from sklearn.utils.estimator_checks import check_estimator, estimator_checks_generator

import headwater as hw
from headwater import nn
from headwater.interop import sklearn as estimators
from headwater.interop.sklearn import (
    OnlineClassifier,
    OnlineMultiOutputClassifier,
    OnlineMultiOutputRegressor,
    OnlineRegressor,
)
from support.suites import ran

LEAST = {
    "OnlineClassifier": 68,
    "OnlineRegressor": 60,
    "OnlineOutlierDetector": 46,
    "OnlineMultiOutputClassifier": 62,
    "OnlineMultiOutputRegressor": 59,
}


@pytest.mark.parametrize("subject", LEAST)
def test_every_check_passes_and_none_is_skipped(subject):
    said = [check for check in ran("scikit-learn") if check.subject == subject]
    assert [check for check in said if check.status != "passed"] == []
    assert len(said) >= LEAST[subject]


@pytest.mark.parametrize(
    "estimator",
    [
        OnlineClassifier(hidden=(8,), epochs=5, optimizer=nn.AdaGrad(0.1)),
        OnlineClassifier(effort="fast", random_state=7),
        OnlineRegressor(hidden=(8,), epochs=5, loss="mse"),
        OnlineMultiOutputClassifier(chain=False, effort="fast", epochs=2),
        OnlineMultiOutputRegressor(dtype="float64", random_state=7),
    ],
    ids=["a single net", "the fast pool", "a single net for numbers", "outputs each alone", "outputs in float64"],
)
def test_settings_pass_as_the_defaults_do(estimator):
    # the checks of the array API need a switch that is read at import: the run above has it
    check_estimator(estimator, on_skip=None, on_fail="raise")


@pytest.mark.parametrize(
    ("estimator", "learner"),
    [
        (OnlineClassifier, hw.Classifier),
        (OnlineRegressor, hw.Regressor),
        (OnlineMultiOutputClassifier, hw.MultiOutput),
        (OnlineMultiOutputRegressor, hw.MultiOutput),
    ],
)
def test_the_parameters_are_those_of_the_learner(estimator, learner):
    own, its = inspect.signature(estimator).parameters, inspect.signature(learner).parameters
    added = {"epochs", "class_weight", "costs", "random_state"}
    assert set(own) - added == set(its) - {"seed", "privacy", "outputs"}
    assert all(own[name].default == its[name].default for name in set(own) - added)


def test_the_list_of_checks_is_the_whole_one():
    for estimator in (getattr(estimators, name)() for name in estimators.__all__):
        full = list(estimator_checks_generator(estimator, legacy=True))
        assert len(full) == len([check for check in ran("scikit-learn") if check.subject == type(estimator).__name__])
