"""Learners are pickled, by joblib too, and go on to the bit in another process; pickles of another format are refused."""

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ModelFileError
from headwater.nn import core
from support.learners import differences

ROWS = [{"a": float(i % 7), "c": "uv"[i % 2]} for i in range(600)]


def taught(make):
    model = make()
    for i, x in enumerate(ROWS[:300]):
        model.learn_one(x, float(i % 5) if model.task == "regress" else "xyz"[i % 3])
    return model


MODELS = [lambda: hw.Classifier(seed=1), lambda: hw.Regressor((4,), seed=1, diagnosis=False)]


@pytest.mark.parametrize("make", MODELS, ids=["classifier", "regressor"])
@pytest.mark.parametrize("way", [pickle, joblib], ids=["pickle", "joblib"])
def test_a_pickle_goes_on_to_the_bit_in_another_process(make, way, tmp_path):
    model, path = taught(make), tmp_path / "model.pkl"
    with path.open("wb") as file:
        way.dump(model, file)
    code = f"""
import {way.__name__} as way
with open({str(path)!r}, "rb") as file:
    model = way.load(file)
for i, x in enumerate({ROWS[300:]!r}):
    model.learn_one(x, float(i % 5) if model.task == "regress" else "xyz"[i % 3])
model.save({str(tmp_path / "there.hw")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    for i, x in enumerate(ROWS[300:]):
        model.learn_one(x, float(i % 5) if model.task == "regress" else "xyz"[i % 3])
    assert differences(model, hw.load(tmp_path / "there.hw")) == []


def test_workers_of_joblib_evaluate_learners_side_by_side():
    stream = list(zip(ROWS, ["xyz"[i % 3] for i in range(600)], strict=True))
    jobs = (joblib.delayed(hw.evaluate)(hw.Classifier((4,), seed=seed), stream) for seed in range(3))
    found = joblib.Parallel(n_jobs=2)(jobs)
    alone = [hw.evaluate(hw.Classifier((4,), seed=seed), stream) for seed in range(3)]
    for one, other in zip(found, alone, strict=True):  # River sums a class's recalls in the order of a set
        assert one.record.scores == pytest.approx(other.record.scores, rel=1e-12)


@pytest.mark.parametrize("make", [*MODELS, lambda: nn.Network([nn.Dense(1)], inputs=2)])
def test_a_pickle_of_another_version_is_refused_with_a_sentence(make, monkeypatch):
    model = make()
    if not isinstance(model, nn.Network):
        model.learn_one(ROWS[0], 1.0)
    data = pickle.dumps(model)
    monkeypatch.setattr(core, "PICKLED", core.PICKLED + 1)
    with pytest.raises(
        ModelFileError, match=r"expected a pickle of a version of headwater with format 3, got format 2"
    ):
        pickle.loads(data)


def test_a_network_is_pickled_too():
    net = nn.Network([nn.Dense(3, "tanh"), nn.Dense(1)], seed=1, inputs=2)
    X = np.random.default_rng(0).normal(size=(50, 2))
    other = pickle.loads(pickle.dumps(net))
    assert net.fit(X, X[:, 0], epochs=3, batch_size=5) == other.fit(X, X[:, 0], epochs=3, batch_size=5)
    assert net.parameters.tolist() == other.parameters.tolist()
