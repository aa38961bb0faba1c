"""Whether rows want one model, one that reads the key as a category, or one a key."""

from __future__ import annotations

import random

import pytest

import headwater as hw
from headwater.errors import ConfigError, DataError
from headwater.kinds.fleet.looks.advice import advise, keys_in


def rows(n=2_000, keys=10, own=0.0, shift=0.0, seed=1):
    """Return rows whose labels follow one slope (own = 0) or one a key, with a level a key."""
    rng = random.Random(seed)
    slopes = [1 - 2 * own * (k % 2) for k in range(keys)]
    found, labels = [], []
    for _ in range(n):
        k, a, b = rng.randrange(keys), rng.gauss(0, 1), rng.gauss(0, 1)
        found.append({"machine": f"m{k}", "a": a, "b": b})
        labels.append(slopes[k] * a + b + shift * (k % 2 - 0.5) + rng.gauss(0, 0.1) > 0)
    return found, labels


def make():
    return hw.Classifier(hidden=(8,), seed=1)


@pytest.mark.parametrize(
    ("world", "form"),
    [({}, "pooled"), ({"shift": 3.0}, "category"), ({"own": 1.0}, "fleet")],
    ids=["keys are alike", "keys differ in level", "keys differ in sign"],
)
def test_each_world_gets_the_simplest_form_that_none_is_clearly_better_than(world, form):
    advice = hw.Fleet.advise(make, "machine", *rows(**world))
    assert (advice.form, advice.keys, advice.rows, advice.compared) == (form, 10, 2_000, 1_000)
    assert list(advice.scores) == ["pooled", "category", "fleet"]
    assert advice.metric == "accuracy"


def test_the_figures_are_those_of_learners_that_predict_each_row_before_they_learn_it():
    X, y = rows(own=1.0)
    advice = hw.Fleet.advise(make, "machine", X, y)
    alone = [{"a": x["a"], "b": x["b"]} for x in X]
    for form, learner, given in [
        ("pooled", make(), alone),
        ("category", make(), X),
        ("fleet", hw.Fleet(make, "machine"), X),
    ]:
        predicted = learner.learn_many(given, y).tolist()
        right = [a == b for a, b in zip(predicted[1_000:], y[1_000:], strict=True)]
        assert advice.scores[form] == pytest.approx(sum(right) / 1_000, abs=1e-12)


def test_numbers_are_compared_by_their_absolute_error():
    X, _ = rows(own=1.0)
    numbers = [float(k["a"] * (1 - 2 * (int(k["machine"][1:]) % 2))) for k in X]
    advice = hw.Fleet.advise(lambda: hw.Regressor(hidden=(8,), seed=1), "machine", X, numbers)
    assert (advice.form, advice.metric) == ("fleet", "mae")
    assert advice.scores["fleet"] < advice.scores["pooled"]


def test_keys_with_few_rows_are_no_fleet():
    advice = hw.Fleet.advise(make, "machine", *rows(n=600, keys=300, own=1.0))
    assert "fleet" not in advice.scores
    assert "too few" in advice.reason


def test_a_key_that_is_a_number_is_read_as_a_category_by_one_model():
    X, y = rows(shift=3.0)
    texts = hw.Fleet.advise(make, "machine", [{**x, "machine": x["machine"][1:]} for x in X], y)
    numbers = hw.Fleet.advise(make, "machine", [{**x, "machine": float(x["machine"][1:])} for x in X], y)
    assert numbers.scores == texts.scores


def test_nothing_that_is_given_changes_and_a_trained_template_is_where_all_begin():
    X, y = rows(n=400)
    template = make()
    template.learn_many(X, y)
    before, given = repr(template.describe()), repr(X)
    first = hw.Fleet.advise(template, "machine", X, y)
    assert repr(X) == given
    assert repr(template.describe()) == before
    assert hw.Fleet.advise(template, "machine", X, y) == first


def test_rows_without_a_label_or_a_key_are_no_hindrance():
    X, y = rows(own=1.0)
    gaps = [{**x, "machine": None} if i % 50 == 7 else x for i, x in enumerate(X)]
    unknown = [None if i % 40 == 3 else label for i, label in enumerate(y)]
    advice = hw.Fleet.advise(make, "machine", gaps, unknown)
    assert (advice.form, advice.rows, advice.keys) == ("fleet", 1_950, 10)


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda X, y: hw.Fleet.advise(make, "machine", X[:100], y[:100]), DataError, "at least 200 rows with labels"),
        (lambda X, y: hw.Fleet.advise(make, "machin", X, y), DataError, "rows with a key in machin, got none"),
        (
            lambda X, y: hw.Fleet.advise(hw.Anomaly, "machine", X, y),
            ConfigError,
            "a classifier or a regressor, got a learner of anomaly",
        ),
    ],
)
def test_what_cannot_be_compared_is_said_in_a_sentence(call, error, said):
    with pytest.raises(error, match=said):
        call(*rows())


def test_columns_that_repeat_may_be_keys_and_measurements_may_not():
    X = [{"size": i / 7, "hour": i % 24, "shop": f"s{i % 5}", "id": f"i{i}", "tags": ["a"]} for i in range(1_000)]
    assert keys_in(X) == ["shop", "hour"]
    assert keys_in([]) == []


def test_what_is_printed_and_what_programs_read_say_the_same():
    advice = advise(make, "machine", *rows(own=1.0))
    assert f"→ {advice.scores['fleet']:>9.2%}  one model for each of 10 values of machine" in str(advice)
    assert "accuracy over rows 1,001 to 2,000" in str(advice)
    assert advice.as_dict()["form"] == "fleet"
