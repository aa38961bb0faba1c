"""Threads with one learner take turns: a prediction sees whole rows, and what is learned is what one thread learns."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event

import numpy as np

import headwater as hw


def together(*calls: Callable[[], object]) -> list[object]:
    """Begin all calls at one moment, each in a thread; what they returned, and the first error if there was one."""
    start = Barrier(len(calls))

    def begin(call: Callable[[], object]) -> object:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=120) for future in [pool.submit(begin, call) for call in calls]]


def test_blocks_are_learned_while_others_ask() -> None:
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(4000, 8)), draw.integers(0, 3, 4000)
    model, alone = hw.Classifier(), hw.Classifier()
    model.learn_many(x[:10], y[:10])
    done = Event()

    def learn() -> None:
        for i in range(10, len(x), 190):
            model.learn_many(x[i : i + 190], y[i : i + 190])
        done.set()

    def ask() -> int:
        asked = 0
        while not done.is_set() or not asked:
            assert np.isfinite(np.asarray(model.predict_proba_many(x[:50]))).all()
            asked += 1
        return asked

    together(learn, ask, ask)
    alone.learn_many(x, y)
    np.testing.assert_array_equal(model.predict_proba_many(x[:50]), alone.predict_proba_many(x[:50]))


def test_a_prediction_sees_whole_rows() -> None:
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=(600, 20)), draw.normal(size=600)
    asked = {f"c{i}": float(value) for i, value in enumerate(draw.normal(size=20))}
    samples = [
        ({f"c{i}": float(value) for i, value in enumerate(row)}, float(target))
        for row, target in zip(x, y, strict=True)
    ]
    alone = hw.Regressor(hidden=(64, 32))
    alone.learn_one(*samples[0])
    model = copy.deepcopy(alone)
    between = {alone.predict_one(asked)}
    for sample in samples[1:]:
        alone.learn_one(*sample)
        between.add(alone.predict_one(asked))
    done = Event()

    def learn() -> None:
        for sample in samples[1:]:
            model.learn_one(*sample)
        done.set()

    def ask() -> set[float]:
        seen = set()
        while not done.is_set():
            seen.add(model.predict_one(asked))
        return seen

    _, first, second = together(learn, ask, ask)
    assert first | second <= between  # type: ignore[operator]


def test_learners_of_their_own_give_the_same_bits_side_by_side() -> None:
    def learned(seed: int) -> dict[object, float]:
        model = hw.Classifier(seed=seed)
        draw = random.Random(seed)
        for i in range(300):
            model.learn_one({"a": draw.random(), f"new {i}": 1.0}, draw.randrange(3))
        return model.predict_proba_one({"a": 0.5})

    assert together(*(lambda seed=seed: learned(seed) for seed in range(4))) == [learned(seed) for seed in range(4)]
