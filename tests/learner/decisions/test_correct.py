"""Correcting a model that is already there: it starts with the base's answers, improves them, and is never much worse."""

import math
import random

import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError


def numbers(n, seed=1):
    rng = random.Random(seed)
    for _ in range(n):
        x = {"a": rng.gauss(0, 1), "b": rng.choice(["u", "v"])}
        yield x, 10 * x["a"] + (4 if x["b"] == "u" else 0) + rng.gauss(0, 0.5)


@pytest.mark.filterwarnings("ignore::headwater.errors.RefusedRow")
@pytest.mark.parametrize("y", [math.nan, None, [1]])
def test_a_label_that_can_not_be_is_counted_and_changes_nothing(y):
    two = (
        hw.Correct(lambda x: x["a"], hw.Regressor(seed=1)),
        hw.Correct(lambda x: {"u": 0.5, "v": 0.5}, hw.Classifier(seed=1)),
    )
    for i in range(60):
        two[0].learn_one({"a": i % 10}, 2.0 * (i % 10))
        two[1].learn_one({"a": i % 10}, "uv"[i % 2])
    before = [model.share for model in two]
    for model in two:
        model.learn_one({"a": 1}, y)
    assert [model.share for model in two] == before
    assert [model.learner.rejected["target"] for model in two] == [1, 1]


def test_it_begins_with_the_base_and_learns_what_that_misses():
    model, own, other = hw.Correct(lambda x: 10 * x["a"], hw.Regressor(seed=1)), 0.0, 0.0
    first = next(numbers(1))[0]
    assert model.predict_one(first) == 10 * first["a"]
    for i, (x, y) in enumerate(numbers(1_500)):
        if i >= 300:
            own, other = own + (y - model.predict_one(x)) ** 2, other + (y - 10 * x["a"]) ** 2
        model.learn_one(x, y)
    assert own < 0.2 * other
    assert model.share > 0.8


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_can_be_improved_it_is_hardly_worse(seed):
    model, own, other, rng = hw.Correct("score", hw.Regressor(seed=seed)), 0.0, 0.0, random.Random(seed)
    for _ in range(2_500):
        x = {"score": rng.gauss(0, 3), "c": rng.random(), "d": rng.choice("xyz")}
        y = x["score"] + rng.gauss(0, 1)
        own, other = own + (y - model.predict_one(x)) ** 2, other + (y - x["score"]) ** 2
        model.learn_one(x, y)
    assert own < 1.002 * other


def test_a_classifier_improves_the_probabilities_of_the_base_and_is_bounded_where_it_can_not():
    rng, base = random.Random(2), lambda x: {"yes": 0.5 + 0.4 * x["a"], "no": 0.5 - 0.4 * x["a"]}
    known = hw.Correct(base, hw.Classifier(seed=1))
    better = hw.Correct(base, hw.Classifier(seed=1))
    worst, gained, usual = 0.0, 0.0, 0.0
    for i in range(2_000):
        x = {"a": rng.uniform(-1, 1), "b": rng.choice([0, 1])}
        drawn = "yes" if rng.random() < base(x)["yes"] else "no"
        worst += math.log(base(x)[drawn]) - math.log(known.predict_proba_one(x)[drawn])
        known.learn_one(x, drawn)
        ruled = "yes" if x["b"] else "no"
        assert sum(better.predict_proba_one(x).values()) == pytest.approx(1)
        if i >= 500:
            gained += better.predict_one(x) == ruled
            usual += (base(x)["yes"] > 0.5) == (ruled == "yes")
        better.learn_one(x, ruled)
    assert worst < 0.01 + 1e-5 * 2_000 + 1e-9
    assert gained > 0.98 * 1_500 > usual
    assert better.share > 0.9 > 0.3 > known.share


def test_a_session_runs_it_like_any_model():
    record = hw.Session(hw.Correct(lambda x: 10 * x["a"], hw.Regressor(seed=1))).run(list(numbers(600)))
    assert record.scored == 600
    assert record.scores["mae"] < 2


def test_what_can_not_be_is_refused_in_one_sentence():
    with pytest.raises(ConfigError, match="a function of a row"):
        hw.Correct(3, hw.Regressor())
    with pytest.raises(ConfigError, match="a Regressor or a Classifier"):
        hw.Correct("x", hw.Bandit())
    with pytest.raises(DataError, match="a number from the base"):
        hw.Correct("x", hw.Regressor()).predict_one({"y": 1})
    with pytest.raises(DataError, match="the probability of each class"):
        hw.Correct(lambda x: "spam", hw.Classifier()).predict_one({"y": 1})
    with pytest.raises(ConfigError, match="a corrector with a Classifier"):
        hw.Correct("x", hw.Regressor()).predict_proba_one({"x": 1})
