"""The expected rewards of a bandit in ONNX are those of the learner."""

import datetime as dt

import numpy as np
import pytest

import headwater as hw
from support.packages.imports import when_used

onnxruntime = when_used("onnxruntime")
RNG = np.random.default_rng(0)
ROWS = [{"p": float(RNG.normal()), "q": i % 7, "c": "xyz"[i % 3]} for i in range(600)]
ASKED = [{"p": 0.3, "q": 2, "c": "x"}, {"p": float("nan"), "q": 40, "c": "never seen"}, {"p": -9.0, "q": 0, "c": "z"}]


def run(path, rows):
    session = onnxruntime.InferenceSession(str(path))
    feed = {"p": [[x["p"]] for x in rows], "q": [[float(x["q"])] for x in rows]}
    found = {name: np.array(values, np.float64) for name, values in feed.items()}
    found["c"] = np.array([[x["c"]] for x in rows], object)
    return session.run(["value"], found)[0]


@pytest.mark.parametrize("settings", [{}, {"rewards": (-2.0, 3.0), "explore": "linucb"}, {"dtype": "float64"}])
def test_the_expected_reward_of_each_action_is_the_bandits(tmp_path, settings):
    model = hw.Bandit(seed=1, **settings)
    for i, x in enumerate(ROWS):
        model.learn(
            x, ["news", "music", "sport"][i % 3], float((i % 3 == 0) == (x["p"] > 0)) + 0.1 * (x["c"] == "y"), 1 / 3
        )
    model.export_onnx(tmp_path / "b.onnx")
    own = np.array([list(model.expected_rewards(x).values()) for x in ASKED])
    assert run(tmp_path / "b.onnx", ASKED) == pytest.approx(own, abs=2e-5)
    assert np.ptp(own) > 0.1


def test_dates_are_seconds_as_in_every_graph(tmp_path):
    model = hw.Bandit(seed=1)
    start = dt.datetime(2024, 1, 1)
    for i in range(300):
        model.learn({"when": start + dt.timedelta(hours=i)}, "ab"[i % 2], float(i % 24 > 11), 0.5)
    model.export_onnx(tmp_path / "b.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "b.onnx"))
    when = start + dt.timedelta(hours=5)
    seconds = (when - dt.datetime(1970, 1, 1)).total_seconds()
    feed = {one.name: np.array([[seconds if one.name == "when" else 0.0]]) for one in session.get_inputs()}
    assert session.run(["value"], feed)[0][0] == pytest.approx(
        list(model.expected_rewards({"when": when}).values()), abs=2e-5
    )
