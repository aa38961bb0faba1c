"""Several experts over one table: each learns as it would alone, their mixture follows the better ones, some replay."""

from __future__ import annotations

import numpy as np
import pytest

import reference as ref
from headwater import nn
from headwater.kernels._op import RUNNING_WIDTH, WEIGHT, T
from headwater.nn.lower import Expert
from headwater.nn.program import Block, Program, bias, weights
from nets import check


def experts(loss: str, k: int, replays: int = 0) -> list[Expert]:
    return [
        Expert((nn.Dense(5, "tanh"), nn.Dense(k)), nn.Loss(loss), nn.SGD(0.05), replays=replays),
        Expert((nn.Dense(k),), nn.Loss(loss), nn.AdaGrad(0.1)),
        Expert((nn.Dense(3), nn.LayerNorm(), nn.Activation("relu"), nn.Dense(k)), nn.Loss(loss), nn.Adam(0.01), l2=0.1),
    ]


def program_of(made: list[Expert], n: int, rng: np.random.Generator, **options) -> Program:
    program = Program(
        made, rows=n + 1, dtype="float64", seed=3, growing=False, standard=False, targets=False, **options
    )
    for place in program.places:
        for array in (weights(program, place), bias(program, place)):
            array[:] += 0.5 * rng.normal(size=array.shape)
    return program


def twins(program: Program) -> list[ref.Descent]:
    found = []
    for e, expert in enumerate(program.experts):
        layers: list[ref.Layer] = []
        places = {place.layer: place for place in program.places if place.expert == e}
        for i, layer in enumerate(expert.layers):
            arrays = [weights(program, places[i]).copy(), bias(program, places[i]).copy()] if i in places else []
            if isinstance(layer, nn.Dense):
                layers += [ref.Dense(*arrays), ref.Activation(layer.activation)]
            else:
                layers.append(ref.LayerNorm(*arrays) if arrays else ref.Activation(layer.name))
        net = ref.Net(layers, expert.loss.name, expert.loss.number, expert.l1, expert.l2)
        lr = expert.optimizer.lr
        found.append(ref.Descent(net, expert.optimizer.rule.name, expert.optimizer.numbers(), lambda t, lr=lr: lr))
    return found


def parameters_of(program: Program, e: int) -> list[np.ndarray]:
    return [
        array.copy()
        for place in program.places
        if place.expert == e
        for array in (weights(program, place), bias(program, place))
    ]


def block(X: np.ndarray) -> Block:
    n, d = X.shape
    return Block(-np.arange(d) - 2, np.arange(0, (n + 1) * d, d), X.ravel().copy(), True, d)


@pytest.mark.parametrize(("loss", "k"), [("mse", 2), ("cross_entropy", 3)])
def test_every_expert_learns_as_alone_and_the_mixture_is_hedged_or_stacked(loss, k):
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(80, 4)), rng.choice([0.5, 1.0, 3.0], 80)
    y = rng.integers(0, 3, (80, 1)).astype(float) if k == 3 else 0.5 * rng.normal(size=(80, 2))
    program = program_of(experts(loss, k), 4, rng)
    alone, w, wanted = twins(program), np.full(3, 1 / 3), []

    shown = program.learn(block(X), y.copy(), weights)

    for t, (x, weight) in enumerate(zip(X, weights, strict=True)):
        answer = ref.one_hot(y[t : t + 1, 0], 3)[0] if k == 3 else y[t]
        z = np.array([twin.net.logits(x[None])[0] for twin in alone])
        if k == 3:
            wanted.append(ref.softmax((w @ z)[None])[0])
            w = ref.stack(w, z, int(y[t, 0]), t, weight)
        else:
            wanted.append(w @ z)
            losses = [
                twin.net.value(own[None], answer[None], twin.net.a)[0] for twin, own in zip(alone, z, strict=True)
            ]
            w = ref.hedge(w, np.array(losses), weight=weight)
        for twin in alone:
            twin.row(x, answer, weight)
    check(shown, np.array(wanted), 1e-11)
    for e, twin in enumerate(alone):
        check(parameters_of(program, e), [p for p, _ in twin.net.parameters()], 1e-11, f"expert {e}")
    check(program.run[WEIGHT::RUNNING_WIDTH], w, 1e-11)
    assert np.ptp(w) > 0.05


def test_the_mixture_follows_the_expert_that_predicts_better_and_changes_its_mind():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1200, 3))
    y = np.where(np.arange(1200) < 600, X @ [1.0, -1.0, 0.5], np.sin(3 * X[:, 0]))[:, None]
    made = [
        Expert((nn.Dense(1),), nn.Loss("mse", 4.0), nn.SGD(0.005)),
        Expert((nn.Dense(1, initializer="zeros"),), nn.Loss("mse", 4.0), nn.SGD(1e-9)),
    ]
    program = program_of(made, 3, rng)
    for array in parameters_of(program, 1):
        array[:] = 0

    program.learn(block(X[:600]), y[:600].copy(), np.ones(600))

    leader = program.run[WEIGHT::RUNNING_WIDTH].copy()
    assert leader[0] > 0.95
    assert leader.sum() == pytest.approx(1, abs=1e-12)
    assert leader.min() >= 0.003 / 2  # the share that no expert falls below


def test_a_row_of_weight_zero_moves_no_share():
    rng = np.random.default_rng(2)
    program = program_of(experts("mse", 2), 4, rng)
    X, y = rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
    before = program.run.copy(), program.p.copy(), program.s.copy()
    program.learn(block(X), y, np.zeros(5))
    assert all(np.array_equal(a, b) for a, b in zip(before, (program.run, program.p, program.s), strict=True))


def test_replay_learns_rows_of_the_ring_again_drawn_from_the_saved_state():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(50, 4)), 0.5 * rng.normal(size=(50, 1))
    program = program_of(experts("mse", 1, replays=2)[:1], 4, rng, ring=8)
    twin, draw = twins(program)[0], ref.Dropout(0.0, [int(program.rng[0])]).draw

    program.learn(block(X), y.copy(), np.ones(50))

    ring: list[int] = []
    for i in range(50):
        twin.row(X[i], y[i])
        for _ in range(2 if ring else 0):
            j = ring[int(draw() * min(i, 8))]
            twin.row(X[j], y[j])
        ring = [*ring, i] if len(ring) < 8 else [i if at == i % 8 else old for at, old in enumerate(ring)]
    check(parameters_of(program, 0), [p for p, _ in twin.net.parameters()], 1e-11)
    assert program.run[T] == 50 + 2 * 49
