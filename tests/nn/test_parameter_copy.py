"""A copy that is made piece by piece while a learner learns is the learner's state at its end, to the bit."""

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.nn.core import parameter_copy
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.model_file import seal

LEARNERS = {
    "pool": lambda: hw.Classifier(seed=1),
    "regression": lambda: hw.Regressor(seed=1),
    "adam": lambda: hw.Classifier(hidden=(8,), seed=1),
    "linear": lambda: hw.Classifier(layers=[], seed=1, optimizer=nn.SGD(0.1)),
    "cells": lambda: hw.Classifier(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True)], seed=1),
    "shared rows": lambda: hw.Classifier(hidden=(8,), seed=1, max_rows=200),
}


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def rows(rng, n, users, classes):
    X = [{"user": f"u{rng.integers(users)}", "a": float(rng.normal()), "c": "xyz"[rng.integers(3)]} for _ in range(n)]
    return X, [float(k) if classes == 0 else f"class {k}" for k in rng.integers(0, classes or 100, n)]


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("piece", [1, 10_000, 10**9])
def test_a_copy_in_pieces_is_the_state_at_its_end_to_the_bit(name, piece, rng, monkeypatch):
    monkeypatch.setattr(parameter_copy, "_PIECE", piece)
    learner = LEARNERS[name]()
    kinds = 0 if name == "regression" else 3
    learner.learn_many(*rows(rng, 300, 60, kinds))
    copy = LEARNER_FORMAT.copy(learner)
    for turn in range(500):
        more = copy.advance()
        learner.learn_many(*rows(rng, 3, 60 + turn, kinds))
        if not more:
            break
    found, wanted = copy.finish(), LEARNER_FORMAT.pack(learner)
    assert found.header == wanted.header
    assert {key: array.tobytes() for key, array in found.arrays.items()} == {
        key: array.tobytes() for key, array in wanted.arrays.items()
    }
    again = LEARNER_FORMAT.unpack(found, "memory")
    assert seal(LEARNER_FORMAT.pack(again)) == seal(wanted)


@pytest.mark.parametrize("new", ["a class", "many rows", "an expert begins anew"])
def test_what_changes_everything_while_it_is_copied_is_in_the_copy(new, rng, monkeypatch):
    monkeypatch.setattr(parameter_copy, "_PIECE", 10_000)
    learner = hw.Classifier(seed=1)
    learner.learn_many(*rows(rng, 300, 60, 3))
    copy = LEARNER_FORMAT.copy(learner)
    copy.advance()
    if new == "a class":
        learner.learn_many(*rows(rng, 30, 60, 40))
    elif new == "many rows":
        learner.learn_many([{"user": f"new {i}"} for i in range(6000)], ["class 0"] * 6000)
    else:
        core = learner._engine.core
        core.running[:, parameter_copy.REINITIALISED] += 1
        core.parameters[:] = np.float32(0.5)
    found, wanted = copy.finish(), LEARNER_FORMAT.pack(learner)
    assert {key: array.tobytes() for key, array in found.arrays.items()} == {
        key: array.tobytes() for key, array in wanted.arrays.items()
    }


def test_a_copy_of_a_learner_that_has_learned_nothing_is_what_it_learned_meanwhile():
    learner = hw.Classifier(seed=1)
    copy = LEARNER_FORMAT.copy(learner)
    assert not copy.advance()
    learner.learn_one({"a": 1.0}, "x")
    assert seal(copy.finish()) == seal(LEARNER_FORMAT.pack(learner))
