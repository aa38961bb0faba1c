"""Answers that come late: the mixture learns from what was said when a row was asked, not from what would be said now."""

import numpy as np
import pytest

import headwater as hw
from headwater.nn.core import MIXED
from headwater.nn.inspect import OUTPUT_CAPACITY

PLACES = 2048
"""How many rows may wait for their answers."""
ASKED, OLDEST = 15, 18
"""Places among the sizes: how many rows were ever asked, and how many of them wait no more."""
RNG = np.random.default_rng(3)
X = RNG.normal(size=(600, 4)).astype(np.float32)
Y = ["ab"[int(a > 0)] for a in X[:, 0] + 0.3 * RNG.normal(size=600)]


def given(model):
    """What each expert says of each row that waits (places, experts, classes), how many asked and served, and their keys."""
    core = model._engine.core
    state = core.state()
    room = int(state["sizes"][OUTPUT_CAPACITY])  # behind the experts stands what text adds
    opinions = state["pending"].reshape(PLACES, -1, room)[:, : len(core.experts), : core.outputs]
    return opinions, state["sizes"][[ASKED, OLDEST]], state["pending_key"]


def weights(model):
    return np.array([expert["weight"] for expert in model.experts_])


def late(model, X, y, delay, block=64):
    """Each answer comes right after the row that many rows later was predicted."""
    said = [model.step_many([], [], ask=X[:delay])]
    for i in range(delay, len(y), block):
        j = min(i + block, len(y))
        said.append(model.step_many(X[i - delay : j - delay], y[i - delay : j - delay], ask=X[i:j]))
    return said


def same(a, b):
    mine, yours = a._engine.core.state(), b._engine.core.state()
    return all(np.array_equal(mine[name], yours[name]) for name in ("weights", "running"))


def test_what_experts_say_when_asked_waits_until_the_answer_comes():
    model = hw.Classifier(seed=1)
    model.learn_many(X[:100], Y[:100])
    before = weights(model)
    p = model.predict_proba_many(X[100:101])[0]
    forecast = model.step_many([], [], ask=X[100:101])
    assert np.array_equal(forecast.proba[0], p)
    opinions, log, _ = given(model)
    assert log.tolist() == [1, 0]
    logits = before @ opinions[0]
    assert np.allclose(np.exp(logits) / np.exp(logits).sum(), p, atol=1e-6)
    model.learn_many(X[200:300], Y[200:300])  # others come first
    assert given(model)[1][1] == 0
    model.learn_one(dict(zip(("x0", "x1", "x2", "x3"), X[100].tolist(), strict=True)), Y[100])
    model.learn_one(dict(zip(("x0", "x1", "x2", "x3"), X[101].tolist(), strict=True)), Y[101])
    assert given(model)[1][1] == 1  # nobody waits any more


def test_weights_move_by_what_was_said_and_in_proportion_to_themselves():
    model = hw.Classifier(seed=1)
    model.learn_many(X[:300], Y[:300])
    model.step_many([], [], ask=X[300:301])
    opinions = given(model)[0][0].astype(np.float64)
    model.learn_many(X[301:400], Y[301:400])
    before, moved = weights(model), model._engine.core.running[0, MIXED]
    z = before @ opinions
    p = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    y = model.classes.index(Y[300])
    rate = max(0.01 / (1 + moved / 1000), 0.005)
    wanted = before - np.maximum(np.abs(before), 0.01) * np.clip(rate * (opinions @ p - opinions[:, y]), -0.5, 0.5)
    model.learn_many(X[300:301], Y[300:301])
    assert np.allclose(weights(model), wanted, atol=1e-6)


def test_a_row_that_nobody_was_asked_about_moves_no_weight_while_answers_come_late():
    model = hw.Classifier(seed=1)
    model.learn_many(X[:300], Y[:300])
    before = weights(model)
    model.step_many(X[300:320], Y[300:320], ask=X[400:420])
    assert np.array_equal(weights(model), before)
    model.step_many(X[400:420], Y[400:420], ask=X[500:520])
    assert not np.array_equal(weights(model), before)


@pytest.mark.parametrize("block", [1, 7, 600])
def test_blocks_change_nothing_where_answers_come_late(block):
    y = [Y[i] if i < 200 else "abc"[i % 3] for i in range(600)]  # a class that appears while answers are on their way
    one, other = hw.Classifier(seed=1), hw.Classifier(seed=1)
    first, second = late(one, X, y, 50), late(other, X, y, 50, block)
    assert np.array_equal(np.concatenate([f.y_pred for f in first]), np.concatenate([f.y_pred for f in second]))
    assert same(one, other)


@pytest.mark.parametrize("kind", [hw.Classifier, hw.Regressor])
def test_a_file_keeps_what_was_said(tmp_path, kind):
    y = Y if kind is hw.Classifier else (X[:, 0] * 3 + 1).tolist()
    whole, half = kind(seed=1), kind(seed=1)
    late(whole, X, y, 50)
    late(half, X[:400], y[:400], 50)
    half.save(tmp_path / "m.hw")
    half = hw.load(tmp_path / "m.hw")
    half.step_many(X[350:550], y[350:550], ask=X[400:600])
    assert same(whole, half)


def test_predicting_leaves_no_opinion_behind():
    model = hw.Classifier(seed=1)
    late(model, X[:300], Y[:300], 50)
    before = given(model)
    model.predict_many(X), model.predict_one({"x0": 1.0})
    assert all(np.array_equal(now, then) for now, then in zip(given(model), before, strict=True))


def test_the_oldest_make_room_when_too_many_wait():
    rng = np.random.default_rng(1)
    many = rng.normal(size=(PLACES + 300, 2))
    model = hw.Classifier(seed=1)
    model.learn_many(many[:50], [int(a > 0) for a in many[:50, 0]])
    model.step_many([], [], ask=many)
    assert given(model)[1].tolist() == [PLACES + 300, 300]
    model.learn_many(many[:1], [1])  # its place was taken: it counts as fresh
    model.learn_many(many[-1:], [1])
    assert (given(model)[2] == 0).sum() == 1


def test_late_answers_are_predicted_better_by_what_was_said():
    rng = np.random.default_rng(5)
    n, delay = 6000, 100
    level = np.repeat(rng.normal(size=n // 60), 60)  # what lasts for 60 rows is of no use 100 rows later
    side = rng.normal(size=(n, 3))
    x = np.column_stack([side, rng.normal(size=(n, 5))])
    y = [int(a > 0) for a in side @ [1.0, -1.0, 0.5] + 2 * level + 0.3 * rng.normal(size=n)]
    told, fresh = hw.Classifier(seed=1), hw.Classifier(seed=1)
    losses = {}
    for name, model in (("told", told), ("fresh", fresh)):
        p = [np.full(2, 0.5)] * delay
        for i in range(delay, n):
            if name == "told":
                p.append(model.step_many(x[i - delay : i - delay + 1], [y[i - delay]], ask=x[i : i + 1]).proba[0])
            else:
                p.append(model.predict_proba_many(x[i : i + 1])[0])
                model.learn_many(x[i - delay : i - delay + 1], [y[i - delay]])
        index = model.classes.index
        picked = [q[index(a)] if len(q) == 2 else 0.5 for q, a in zip(p, y, strict=True)]
        losses[name] = float(-np.log(np.maximum(picked[1000:], 1e-9)).mean())
    assert losses["told"] < losses["fresh"] - 0.02, losses


def test_intervals_follow_the_misses_that_were_made_when_asked():
    rng = np.random.default_rng(6)
    n, delay = 4000, 60
    level = np.cumsum(rng.normal(size=n)) * 0.5
    x = rng.normal(size=(n, 2))
    y = (level + x[:, 0]).tolist()
    model, inside = hw.Regressor(seed=1), []
    model.step_many([], [], ask=x[:delay])
    for i in range(delay, n):
        if i > 1500:
            lower, upper = model.predict_interval_many(x[i : i + 1])[0]
            inside.append(lower <= y[i] <= upper)
        model.step_many(x[i - delay : i - delay + 1], y[i - delay : i - delay + 1], ask=x[i : i + 1])
    assert 0.8 < np.mean(inside) < 0.97, np.mean(inside)
