"""Contributions of features to one prediction: complete, by name, and nothing for features without influence."""

import json
import math

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError, DataError, TargetError
from headwater.explain import Explanation, explain_one

SETTINGS = [
    {},
    {"effort": "fast"},
    {"hidden": ()},
    {"hidden": (16, 8), "activation": "tanh"},
    {"norm": "layer"},
    {"norm": "batch", "dropout": 0.1},
    {"loss": "binary_cross_entropy"},
    {"loss": "hinge"},
    {"scale": False},
    {"experts": [nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True), nn.Expert()]},
]


def stream(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        x = {"a": rng.normal(), "noise": rng.normal(), "c": "uvw"[rng.integers(3)], "same": 1.0}
        yield x, "yes" if x["a"] + 2 * (x["c"] == "u") > 0.5 else "no"


def classifier(**settings):
    model = hw.Classifier(seed=1, **settings)
    for x, y in stream():
        model.learn_one(x, y)
    return model


@pytest.fixture(scope="module")
def model():
    return classifier()


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_integrated_gradients_are_complete(settings):
    model = classifier(**settings)
    for x, _ in stream(8, seed=2):
        why = model.explain_one(x)
        assert why.prediction == pytest.approx(model.predict_proba_one(x)[why.target], abs=1e-5)
        assert abs(why.rest) <= 1e-3 * max(abs(why.prediction - why.baseline), 1e-6)


def test_with_label_history_the_answers_before_are_among_the_features_and_the_parts_still_add_up():
    model = hw.Regressor(seed=1, label_history=True)
    rng = np.random.default_rng(1)
    y = 100.0
    for _ in range(800):
        y += rng.normal()
        model.learn_one({"a": rng.normal()}, y)
    why = model.explain_one({"a": 1.0})
    assert why.prediction == pytest.approx(model.predict_one({"a": 1.0}), rel=1e-5)
    assert {"a", "last answer", "answer 2 before", "answer 3 before", "mean answer"} == set(why.contributions)
    assert abs(why.rest) <= 1e-3 * abs(why.prediction - why.baseline)
    assert next(iter(why.contributions)) == "last answer"  # a random walk: what it says is where the next one starts


def test_what_cells_add_counts_for_the_features_whose_tests_changed():
    rng = np.random.default_rng(1)
    model = hw.Regressor(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True)], seed=1)
    for _ in range(1500):
        x = {"a": rng.random(), "b": rng.random(), "noise": rng.random()}
        model.learn_one(x, float(0.2 < x["a"] < 0.4))  # no linear expert can learn this
    why = model.explain_one({"a": 0.3, "b": 0.5, "noise": 0.5})
    assert why.prediction > 0.6
    assert abs(why.rest) <= 1e-6
    assert next(iter(why.contributions)) == "a"
    assert why.contributions["a"] > 3 * max(abs(why.contributions[name]) for name in ("b", "noise"))


def test_the_predicted_class_is_explained_unless_another_is_named(model):
    x = {"a": 2.0, "noise": 0.0, "c": "u"}
    assert model.explain_one(x).target == model.predict_one(x) == "yes"
    other = model.explain_one(x, target="no")
    assert other.prediction == pytest.approx(1 - model.explain_one(x).prediction, abs=1e-6)
    for name, part in model.explain_one(x).contributions.items():
        assert other.contributions[name] == pytest.approx(-part, abs=1e-6)


def test_what_decides_ranks_first_and_what_says_nothing_counts_nothing(model):
    why = explain_one(model, {"a": 0.1, "noise": 0.4, "c": "u", "same": 1.0})
    assert next(iter(why.contributions)) == "c"
    assert why.contributions["c"] > 0.1
    assert abs(why.contributions["noise"]) < 0.2 * why.contributions["c"]
    assert why.contributions["same"] == 0


def test_log_odds_tell_features_apart_where_probabilities_are_nearly_one(model):
    x = {"a": 3.0, "noise": 0.1, "c": "u"}
    sure, odds = model.explain_one(x), model.explain_one(x, of="log_odds")
    assert sure.prediction > 0.99
    assert odds.prediction == pytest.approx(np.log(sure.prediction / (1 - sure.prediction)), rel=1e-3)
    assert odds.contributions["c"] > 0.5 > abs(odds.contributions["noise"])
    assert abs(odds.rest) <= 1e-3 * abs(odds.prediction - odds.baseline)


def test_missing_and_unknown_features_contribute_nothing(model):
    why = explain_one(model, {"a": None, "c": "never seen", "new": 3.0, "noise": float("nan")})
    assert set(why.contributions.values()) == {0.0}
    assert why.prediction == why.baseline


@pytest.mark.parametrize("kind", [hw.Classifier, hw.Regressor])
def test_rows_of_categories_alone_are_explained(kind):
    model = kind(seed=1)
    for i in range(300):
        model.learn_one({"state": "xyz"[i % 3], "side": "lr"[i % 2]}, i % 3)
    why = model.explain_one({"state": "y", "side": "l"})
    assert next(iter(why.contributions)) == "state"
    assert abs(why.rest) <= 1e-3 * abs(why.prediction - why.baseline)


def test_lists_mappings_and_times_count_under_their_own_name():
    model = hw.Regressor((), seed=1)
    rng = np.random.default_rng(0)
    for _ in range(400):
        v = rng.normal(size=3)
        model.learn_one({"v": v.tolist(), "in": {"x": v[0]}, "t": "2024-01-01T03:00:00"}, float(v.sum()))
    why = model.explain_one({"v": [1.0, 1.0, 1.0], "in": {"x": 0.0}, "t": "2024-01-01T03:00:00"})
    assert set(why.contributions) == {"v", "in", "t"}
    assert next(iter(why.contributions)) == "v"
    assert abs(why.rest) < 1e-3 * abs(why.prediction - why.baseline)


def test_a_linear_model_is_explained_exactly_by_both_methods():
    model = hw.Regressor((), seed=1, loss="mse", dtype="float64")
    rng = np.random.default_rng(0)
    for _ in range(3000):
        a, b = rng.normal(), rng.normal()
        model.learn_one({"a": a, "b": b}, 3 * a - 2 * b)
    x = {"a": 1.0, "b": 1.0}
    whole, slope = model.explain_one(x), model.explain_one(x, method="gradient_x_input")
    assert whole.contributions == pytest.approx(slope.contributions, abs=1e-9)
    assert whole.contributions["a"] == pytest.approx(3, abs=0.15)
    assert whole.contributions["b"] == pytest.approx(-2, abs=0.15)
    assert whole.baseline == pytest.approx(model.predict_one({"a": None, "b": None}), abs=1e-9)  # a line has no hats


def test_the_gradient_is_that_of_the_prediction():
    model = hw.Classifier((16,), seed=1, dtype="float64", scale=False, activation="tanh")
    rng = np.random.default_rng(0)
    for _ in range(300):
        a, b = rng.normal(), rng.normal()
        model.learn_one({"a": a, "b": b}, bool(a * b > 0))
    h, x = 1e-6, {"a": 0.7, "b": -0.4}
    why = model.explain_one(x, method="gradient_x_input", target=True)
    up = model.predict_proba_one(x | {"a": 0.7 + h})[True] - model.predict_proba_one(x | {"a": 0.7 - h})[True]
    assert why.contributions["a"] == pytest.approx(0.7 * up / (2 * h), rel=1e-5)


def test_explaining_changes_nothing(model):
    from headwater.store.learner_file import to_bytes

    before = to_bytes(model)
    model.explain_one({"a": 1.0, "c": "u", "brand new": "x"})
    assert to_bytes(model) == before


def test_an_explanation_reads_as_text_and_as_json(model):
    why = model.explain_one({"a": 1.0, "noise": 0.1, "c": "u"})
    assert str(why).startswith("p(yes) = ")
    assert "c = u" in str(why)
    assert json.loads(json.dumps(why.as_dict()))["contributions"][0]["name"] in ("a", "c")


def test_what_cannot_be_explained_is_said():
    with pytest.raises(DataError, match="expected a model that has learned"):
        explain_one(hw.Classifier(), {"a": 1.0})
    model = hw.Regressor()
    model.learn_one({"a": 1.0}, 1.0)
    with pytest.raises(ConfigError, match="expected no target"):
        explain_one(model, {"a": 1.0}, target=1)
    with pytest.raises(ConfigError, match="expected proba or log_odds"):
        explain_one(model, {"a": 1.0}, of="money")
    with pytest.raises(ConfigError, match="expected one of integrated_gradients"):
        explain_one(model, {"a": 1.0}, method="magic")
    chooser = hw.Classifier()
    chooser.learn_one({"a": 1.0}, "yes")
    with pytest.raises(TargetError, match="expected one of the classes"):
        explain_one(chooser, {"a": 1.0}, target="no")


def test_a_contribution_that_is_no_number_is_written_without_a_bar() -> None:
    why = Explanation(math.nan, 0.0, {"a": math.inf, "b": math.nan, "c": -2.0}, {}, of="score")
    assert [line.count("█") for line in str(why).splitlines()] == [0, 0, 0, 12]
