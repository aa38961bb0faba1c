"""What predicting a sample leaves behind is used when it is learned: the bits are those of learning alone, on every level."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headwater as hw

Row = dict[str, Any]


def pool(classes: int) -> Any:
    """The default pool, of numbers where there are no classes."""
    return hw.Classifier(seed=1) if classes else hw.Regressor(seed=1)


def few_names(classes: int) -> Any:
    """One whose names soon share rows, so that a sample may list a row twice."""
    return hw.Classifier(seed=1, max_rows=100) if classes else hw.Regressor(seed=1, max_rows=100)


KINDS = {"pool": pool, "few names": few_names}


def rows(classes: int, n: int = 700) -> list[tuple[Row, Any]]:
    """Numbers, names, gaps, and outliers, in rows that are now wide and now narrow."""
    rng = np.random.default_rng(5)
    out = []
    for i in range(n):
        x: Row = {f"n{j}": float(v) for j, v in enumerate(rng.standard_normal(6) * (1 + 3 * rng.random(6)))}
        x |= {"a": f"name {rng.integers(40)}", "b": f"name {rng.integers(400)}"}
        if i % 7 == 3:
            x["n1"] = float("nan") if i % 2 else 1e7
        if i % 11 == 5:
            del x["n2"]
        if i % 3 == 0:
            x = {name: value for name, value in x.items() if name[0] == "n"}
        z = x["n0"] - 2 * (x.get("a", "") < "name 2") + float(rng.logistic()) / 4
        out.append((x, int(z > 0) + (classes > 2) * int(z > 1) if classes else z))
    return out


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_a_sample_that_was_predicted_is_learned_to_the_same_bits(kind, classes):
    alone, predicted, another = (KINDS[kind](classes) for _ in range(3))
    data = rows(classes)
    for i, (x, y) in enumerate(data):
        alone.learn_one(x, y)
        predicted.predict_one(x)
        predicted.learn_one(x, y)
        another.predict_one(data[i - 1][0])  # what it leaves behind is of another sample
        another.learn_one(x, y)
    digests = [learner.engine.core.digest() for learner in (alone, predicted, another)]
    assert digests == [digests[0]] * 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("classes", [0, 2, 3])
def test_every_level_of_the_processor_learns_mixed_rows_to_the_same_bits(kind, classes, monkeypatch):
    digests = set()
    for level in "134":
        monkeypatch.setenv("HEADWATER_LEVEL", level)
        learner = KINDS[kind](classes)
        for x, y in rows(classes):
            learner.learn_one(x, y)
        digests.add(learner.engine.core.digest())
    assert len(digests) == 1
