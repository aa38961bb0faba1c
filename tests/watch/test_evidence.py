"""An alarm of the evidence is rare by proof, not by hope, and comes soon where a model is worse."""

from __future__ import annotations

import random

import pytest

import headwater as hw
from headwater.kinds.classifier_regressor.scores.classify import ClassScore
from headwater.route.drift.evidence import BETS, Evidence
from headwater.route.scores.number_score import NumberScore


def rows_to_alarm(draw, rows, most, names=("a",)):
    """Return after how many rows an alarm came, or ``most``."""
    evidence = Evidence(rows)
    for n in range(0, most, 10):
        evidence.update({name: [draw(n + i) for i in range(10)] for name in names})
        if evidence.alarmed:
            return n + 10
    return most


def test_a_model_that_is_no_worse_is_alarmed_no_earlier_than_promised_on_average():
    """Of fair margins, which are the worst that no worse allows; the mean of 100 runs, cut at 20 times the promise."""
    rng = random.Random(7)
    found = [rows_to_alarm(lambda _: rng.choice((-1.0, 0.0, 0.0, 1.0)), 200, 4000) for _ in range(100)]
    assert sum(found) / len(found) >= 200


def test_margins_that_depend_on_what_came_before_keep_the_promise():
    """Runs of 50 rows of one sign, each as likely: no row is independent of those before it."""
    rng = random.Random(3)
    found = []
    for _ in range(100):
        turns = [rng.random() < 0.5 for _ in range(100)]
        found.append(rows_to_alarm(lambda n, turns=turns: (0.5 if turns[n // 50] else -0.5) * (n % 50 == 0), 200, 4000))
    assert sum(found) / len(found) >= 200


@pytest.mark.parametrize(("right", "least", "most"), [(0.6, 400, 1320), (0.4, 80, 260)])
def test_the_guide_says_how_soon_a_worse_model_is_found(right, least, most):
    found = []
    for seed in range(20):
        rng, evidence, n = random.Random(seed), Evidence(100_000), 0
        while not evidence.alarmed:
            margins = [float((rng.random() < right) - (rng.random() < 0.7)) for _ in range(20)]
            evidence.update({"majority": margins, "no-change": [1.0] * 20})
            n += 20
        found.append(n)
    assert least * 0.5 <= min(found) <= max(found) <= most * 1.5


@pytest.mark.parametrize(("worse", "most"), [(0.1, 1500), (0.3, 400), (1.0, 40)])
def test_a_worse_model_is_alarmed_soon_and_long_luck_before_does_not_hide_it(worse, most):
    rng = random.Random(5)
    evidence = Evidence(100_000)
    evidence.update({"a": [1.0] * 20_000})
    assert evidence.value < 100
    n = 0
    while not evidence.alarmed:
        evidence.update({"a": [-1.0 if rng.random() < (1 + worse) / 2 else 1.0]})
        n += 1
    assert n <= most * 3 if worse < 1 else n <= most


def test_the_value_is_the_sum_over_bets_of_what_they_won():
    evidence = Evidence(1000)
    evidence.update({"a": [-1.0, 0.5]})
    wealth = [((1 + share) + 1) * (1 - share * 0.5) for share in BETS]
    assert evidence.value == pytest.approx(sum(wealth) / len(BETS))
    assert evidence.baseline == "a"


def test_margins_say_who_was_right_and_who_was_nearer():
    score = ClassScore()
    score.update(["a", "a", "b", "b"], ["a", "b", "b", "b"], [1.0] * 4)
    assert score.margins(3) == {"no-change": [-1.0, 1.0, 0.0], "majority": [-1.0, 1.0, 1.0]}
    assert score.margins(0) == {"no-change": [], "majority": []}
    numbers = NumberScore()
    numbers.update([1.0, 3.0, 3.0], [1.0, 2.0, 0.0])
    assert numbers.margins(2) == {"no-change": [pytest.approx(1 / 3), -1.0], "mean": [pytest.approx(1 / 3), -0.5]}


def test_a_baseline_says_what_it_would_predict_next():
    score = ClassScore()
    assert score.guess("majority") is None
    score.update(["a", "b", "b"], ["a", "a", "b"], [1.0] * 3)
    assert (score.guess("no-change"), score.guess("majority")) == ("b", "a")  # b arrives with the next row
    numbers = NumberScore()
    assert numbers.guess("mean") is None
    numbers.update([1.0, 3.0], [0.0, 0.0])
    assert (numbers.guess("no-change"), numbers.guess("mean")) == (3.0, 2.0)


def test_a_kind_without_rows_to_compare_has_no_margins():
    score = hw.Bandit().kind.score()
    assert score.margins(10) == {}
    assert score.guess("even draw") is None
