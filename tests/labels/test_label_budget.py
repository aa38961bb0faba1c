"""Labels within a budget: which rows are asked, what share, and scores of the asked rows that stand for all."""

import math
import random

import numpy as np
import pytest

import headwater as hw
from headwater.errors import ConfigError
from headwater.learner.monitoring.label_budget import LabelBudget, uncertainty


@pytest.mark.parametrize(
    ("shares", "u"), [([0.7, 0.1, 0.2], 0.5), ([0.5, 0.5], 1.0), ([1.0], math.inf), ([], math.inf)]
)
def test_uncertainty_is_the_missing_margin_and_infinite_without_two_classes(shares, u):
    assert uncertainty(shares) == pytest.approx(u)


@pytest.mark.parametrize("budget", [0.02, 0.1, 0.5])
def test_the_share_of_rows_asked_tends_to_the_budget_whatever_the_uncertainties(budget):
    drawn = random.Random(3)
    asks = LabelBudget({}, seed=1)
    for i in range(20_000):
        asks.ask(drawn.random() ** (1 + i // 5_000), budget)
    assert asks.seen == 20_000
    assert asks.asked / 20_000 == pytest.approx(budget, rel=0.08)


def test_uncertain_rows_are_asked_far_more_often_and_sure_ones_now_and_then():
    asks, found = LabelBudget({}, seed=2), {0.05: 0, 0.9: 0}
    for i in range(10_000):
        u = 0.9 if i % 10 == 0 else 0.05
        found[u] += asks.ask(u, 0.1)
    assert found[0.9] > 600  # of 1,000
    assert 100 < found[0.05] < 350  # of 9,000


def test_without_two_classes_rows_are_asked_by_chance_alone_after_the_first():
    asks = LabelBudget({})
    first = asks.ask(math.inf, 0.05)
    assert (first, asks.probability) == (True, 1.0)
    assert sum(asks.ask(math.inf, 0.05) for _ in range(2_000)) == pytest.approx(100, rel=0.3)
    assert asks.probability == 0.05


def test_a_budget_of_one_asks_every_row_and_an_impossible_one_is_refused():
    assert all(LabelBudget({}).ask(0.0, 1.0) for _ in range(10))
    for budget in (0.0, 1.5, -1):
        with pytest.raises(ConfigError, match="a share of rows above 0 and at most 1"):
            LabelBudget({}).ask(0.5, budget)


def test_weights_make_the_estimate_unbiased_and_its_error_honest():
    inside, off = 0, []
    for seed in range(200):
        asks, drawn, right = LabelBudget({}, seed=seed), random.Random(seed), 0
        for _ in range(2_000):
            u = drawn.random()
            good = drawn.random() > u / 2  # uncertain rows are wrong more often
            right += good
            if asks.ask(u, 0.1):
                asks.score(good)
        found = asks.estimate()
        off.append(found.value - right / 2_000)
        inside += abs(off[-1]) < 1.96 * found.error
    assert abs(np.mean(off)) < 0.008
    assert inside / 200 > 0.88


def learned(rows, y, budget):
    model = hw.Classifier(seed=1, effort="fast")
    for x, label in zip(rows, y, strict=True):
        right = model.predict_one(x) == label
        if model.should_label(x, budget):
            model.label_budget.score(right)
            model.learn_one(x, label)
    return model


ROWS = [{"a": i % 10, "b": (i * 7) % 13} for i in range(1_500)]
Y = ["low" if x["a"] + x["b"] < 11 else "high" for x in ROWS]


def test_a_classifier_learns_the_asked_rows_and_says_how_many():
    model = learned(ROWS, Y, 0.1)
    assert model.label_budget.seen == 1_500
    assert model.label_budget.asked == model.n_learned
    assert 120 < model.n_learned < 180
    found = model.label_budget.estimate()
    assert found.n == model.n_learned
    assert 0.6 < found.value < 1


def test_the_budget_goes_on_to_the_bit_in_a_saved_and_in_a_copied_model(tmp_path):
    model = learned(ROWS[:700], Y[:700], 0.1)
    model.save(tmp_path / "m.hw")
    back, copy = hw.load(tmp_path / "m.hw"), model.clone(include_attributes=True)
    said = [[one.should_label(x, 0.1) for x in ROWS[700:1_000]] for one in (model, back, copy)]
    assert said[0] == said[1] == said[2]
    assert 10 < sum(said[0]) < 60
    assert back.label_budget.estimate() == model.label_budget.estimate()


@pytest.mark.parametrize("make", [hw.Regressor, hw.Anomaly, hw.Bandit, lambda: hw.Forecaster(horizon=2)])
def test_kinds_without_classes_say_what_to_use_instead(make):
    with pytest.raises(ConfigError, match="asks for labels within a budget: Classifier"):
        make().should_label({"a": 1.0})


def test_asking_does_not_change_what_is_learned():
    plain, asking = hw.Classifier(seed=1), hw.Classifier(seed=1)
    for x, label in zip(ROWS[:200], Y[:200], strict=True):
        asking.should_label(x, 0.2)
        for model in (plain, asking):
            model.learn_one(x, label)
    assert plain.predict_proba_one(ROWS[300]) == asking.predict_proba_one(ROWS[300])
