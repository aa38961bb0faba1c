"""Samples that hold the very text objects of the sample before are read as samples with equal texts."""

from __future__ import annotations

from typing import Any

import numpy as np

import headwater as hw

VALUES: list[Any] = [
    "red",
    "blue",
    "NA",
    "",
    " red",
    "\ud800x",
    "2024-01-02",
    "7",
    7.0,
    None,
    "a longer text of words",
    True,
]


def rows(n: int) -> list[dict[str, Any]]:
    """Return rows whose values change their kinds, some of texts alone, with columns that come and go."""
    rng, out = np.random.default_rng(1), []
    for i in range(n):
        x = {f"c{j}": VALUES[k] for j, k in enumerate(rng.integers(0, len(VALUES) if i % 3 else 3, 4))}
        if i % 7 == 0:
            x["late"] = VALUES[i % 2]
        out.append(x)
    return out


def copied(x: dict[str, Any]) -> dict[str, Any]:
    """Return an equal sample whose texts of more than one letter are new objects."""
    return {name: (value[:1] + value[1:]) if isinstance(value, str) else value for name, value in x.items()}


def test_texts_that_are_the_same_objects_are_read_like_equal_ones() -> None:
    """Each row is asked twice and learned, once with its own objects and once with copies."""
    one, other = hw.Classifier(seed=1), hw.Classifier(seed=1)
    for i, x in enumerate(rows(400)):
        assert one.predict_proba_one(x) == other.predict_proba_one(copied(x)), i
        assert one.predict_proba_one(x) == other.predict_proba_one(copied(x)), i
        one.learn_one(x, i % 3)
        other.learn_one(copied(x), i % 3)
    assert one.describe() == other.describe()


def test_a_category_that_was_new_when_it_was_asked_is_found_when_it_is_asked_again() -> None:
    """What has no row yet is looked up again, though it is the same object."""
    model = hw.Classifier(seed=1)
    for i in range(60):
        model.learn_one({"size": 1.5, "colour": ["red", "blue"][i % 2]}, i % 2)
    new = {"size": 1.5, "colour": "green"}
    before = model.predict_proba_one(new)
    for _ in range(20):
        model.learn_one(new, 0)
    assert model.predict_proba_one(new)[0] > before[0]
