"""Several experts over one table: each learns as it would alone, their mixture follows the better ones, some replay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headwater import nn
from headwater.nn import inspect
from headwater.nn.core import (
    ERROR,
    FADING_LOSS,
    FAILING,
    MIXED,
    OVERFLOW,
    PEARSON,
    PLAIN,
    REINITIALISED,
    STEP_SCALE,
    STEPS,
    UNDONE,
    Core,
    bias,
    blank_state,
    weights,
)
from headwater.nn.expert import Expert
from headwater.plain import LINKS, PlainNetwork
from headwater.plain.inputs.answers import COLUMNS, AnswerHistory, weigh_repetition
from headwater.plain.inputs.input import ANSWER_CLIP, Statistics, standardise
from headwater.plain.mixture import (
    PATIENCE,
    ClassHistory,
    StackedWeights,
    count_failures,
    hedge_update,
    log_link,
    log_link_gradient,
    loss_of_ignorance,
    mix,
    mix_logits,
    stack_logits,
    stack_numbers,
)
from headwater.plain.network.random import Draws
from headwater.plain.outputs.intervals import Scores, count_scale
from support.nets import check, plain_arrays


def experts(loss: str, k: int, replays: int = 0) -> list[Expert]:
    return [
        Expert((nn.Dense(5, "tanh"), nn.Dense(k)), nn.Loss(loss), nn.SGD(0.05), replays=replays),
        Expert((nn.Dense(k),), nn.Loss(loss), nn.AdaGrad(0.1)),
        Expert((nn.Dense(3), nn.LayerNorm(), nn.Activation("relu"), nn.Dense(k)), nn.Loss(loss), nn.Adam(0.01), l2=0.1),
    ]


def unsettle(core: Core, rng: np.random.Generator) -> Core:
    """Move every weight and bias of every expert off its start."""
    for place in core.places():
        for array in (weights(core, place), bias(core, place)):
            array[:] += 0.5 * rng.normal(size=array.shape)
    return core


def fixed(made: list[Expert], n: int, k: int, rng: np.random.Generator, **options: Any) -> Core:
    """A core of n inputs and k outputs, its parameters off their start."""
    return unsettle(Core(made, dtype="float64", seed=3, outputs=k, inputs=n, **options), rng)


def twins(core: Core, inputs: int) -> list[PlainNetwork]:
    """Each expert alone in plain NumPy, with copies of its parameters."""
    found = []
    for e, expert in enumerate(core.experts):
        loss, rule, penalties = expert.loss, expert.optimizer, {"l1": expert.l1, "l2": expert.l2}
        alone = PlainNetwork(expert.layers, loss, rule, inputs=inputs, dtype="float64", **penalties)
        places = [place for place in core.places() if place.expert == e]
        for part, place in zip(alone.parameters, places, strict=True):
            part.weights[:] = weights(core, place)
            part.bias[:] = bias(core, place)
        found.append(alone)
    return found


def parameters_of(core: Core, e: int) -> list[np.ndarray]:
    places = [place for place in core.places() if place.expert == e]
    return [array.copy() for place in places for array in (weights(core, place), bias(core, place))]


# ---- learning side by side ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "k"), [("mse", 2), ("cross_entropy", 3)])
def test_every_expert_learns_as_alone_and_the_mixture_is_hedged_or_stacked(loss, k):
    rng = np.random.default_rng(0)
    X, mass = rng.normal(size=(80, 4)), rng.choice([0.5, 1.0, 3.0], 80)
    y = rng.integers(0, 3, (80, 1)).astype(float) if k == 3 else 0.5 * rng.normal(size=(80, 2))
    core = fixed(experts(loss, k), 4, k, rng)
    alone, mixture, wanted = twins(core, 4), StackedWeights(np.full(3, 1 / 3)), []

    shown = core.learn(X, y.copy(), mass)

    for x, answer, weight in zip(X, y, mass, strict=True):
        z = np.array([twin.logits(x[None])[0] for twin in alone])
        if k == 3:
            wanted.append(mix_logits(mixture.w, z))
            stack_logits(mixture, z, int(answer[0]), weight)
        else:
            wanted.append(mix(mixture.w, z))
            losses = np.array(
                [twin.loss.value(own, answer, twin.loss_number) for twin, own in zip(alone, z, strict=True)]
            )
            mixture.w = hedge_update(mixture.w, losses, weight)
        for twin in alone:
            twin.learn_row(x, answer, weight)
    check(shown, np.array(wanted), 1e-11)
    for e, twin in enumerate(alone):
        check(parameters_of(core, e), plain_arrays(twin), 1e-11, f"expert {e}")
        assert core.running[e, STEPS] == twin.progress.steps == 80
        check(core.running[e, FADING_LOSS], twin.progress.fading_loss, 1e-11)
    check(core.mixture_weights, mixture.w, 1e-11)
    assert core.running[0, MIXED] == mixture.rows
    assert np.ptp(mixture.w) > 0.05


def test_numbers_are_stacked_in_units_of_their_own_deviation():
    rng = np.random.default_rng(5)
    X, mass = rng.normal(size=(80, 4)), rng.choice([0.5, 1.0, 3.0], 80)
    y = 40 + 10 * (X @ [1.0, -1.0, 0.5, 0.0])
    y[60] = 1e7
    core = fixed(experts("mse", 1), 4, 1, rng, targets=True)
    alone, mixture, known, wanted = twins(core, 4), StackedWeights(np.full(3, 1 / 3)), Statistics(), []

    shown = core.learn(X, y[:, None].copy(), mass)

    for x, answer, weight in zip(X, y, mass, strict=True):
        z = np.array([twin.forward(x[None])[0, 0] for twin in alone])
        wanted.append(known.mean + np.sqrt(known.variance) * mix(mixture.w, z))
        target, known = standardise(answer, known, ANSWER_CLIP)
        stack_numbers(mixture, z, target, weight)
        for twin in alone:
            twin.learn_row(x, target, weight)
    check(shown[:, 0], np.array(wanted), 1e-10)
    check(core.answers[0], np.array([known.mean, known.variance, known.count]), 1e-11)
    check(core.mixture_weights, mixture.w, 1e-10)
    check(core.running[0, ERROR], mixture.error, 1e-10)
    for e, twin in enumerate(alone):
        check(parameters_of(core, e), plain_arrays(twin), 1e-10, f"expert {e}")


@pytest.mark.parametrize("factor", [0.0, 5.0])
def test_weights_of_numbers_learn_along_how_far_experts_lie_apart_as_plain_says(factor):
    rng = np.random.default_rng(4)
    pool = [Expert((nn.Dense(5, "tanh"), nn.Dense(1)), nn.Loss("mse"), nn.SGD(0.02 * 2**e)) for e in range(3)]
    core = Core(pool, dtype="float64", seed=3, outputs=1, targets=True, lean=(0.0, 0.0, factor))
    mixture, known = StackedWeights(np.full(3, 1 / 3)), Statistics()
    for i in range(150):
        x, weight = rng.normal(size=4), float(rng.choice([0.5, 1.0, 30.0]))
        y = 40 + 10 * x[0] - 5 * x[1] + (1e7 if i == 90 else 0)
        z = opinions_of(core, x)[:, 0] if i else np.zeros(3)
        learn_one(core, x, y, weight)
        target, known = standardise(y, known, ANSWER_CLIP)
        stack_numbers(mixture, z, target, weight, factor=factor)
        check(core.mixture_weights, mixture.w, 1e-9)
        check([*core.running[:2, ERROR]], [mixture.error, mixture.spread], 1e-9)


def test_an_expert_with_a_log_link_learns_how_many_times_their_mean_answers_are():
    rng = np.random.default_rng(7)
    X, mass = rng.normal(size=(80, 4)), rng.choice([0.5, 1.0, 3.0], 80)
    y = 3 * np.exp(0.5 * X @ [1.0, -1.0, 0.5, 0.0])
    y[40] = -2.0  # counts as nothing
    pool = [
        Expert((nn.Dense(5, "tanh"), nn.Dense(1)), nn.Loss("mse"), nn.SGD(0.05)),
        Expert((nn.Dense(1),), nn.Loss("poisson"), nn.SGD(0.01), log_link=True),
    ]
    core = fixed(pool, 4, 1, rng, targets=True)
    (alone, own), mixture, known = twins(core, 4), StackedWeights(np.full(2, 0.5)), Statistics()
    (linear,), wanted = own.parameters, []

    shown = core.learn(X, y[:, None].copy(), mass)

    for x, answer, weight in zip(X, y, mass, strict=True):
        z = alone.logits(x[None])[0, 0]
        logit = x @ linear.weights[:, 0] + linear.bias[0]
        said = np.array([z, log_link(logit, known.mean / np.sqrt(known.variance) if known.variance else 0.0)])
        wanted.append(known.mean + np.sqrt(known.variance) * mix(mixture.w, said))
        target, known = standardise(answer, known, ANSWER_CLIP)
        stack_numbers(mixture, said, target, weight)
        alone.learn_row(x, target, weight)
        mean = known.mean / np.sqrt(known.variance) if known.variance else 0.0
        step = 0.01 * weight * log_link_gradient(logit, np.array(target), mean)
        linear.weights[:, 0] -= step * x
        linear.bias[:] -= step
    assert core.running[1, UNDONE] == 0
    check(shown[:, 0], np.array(wanted), 1e-10)
    check(core.mixture_weights, mixture.w, 1e-10)
    check(parameters_of(core, 1), [linear.weights, linear.bias], 1e-10)


def test_the_mixture_follows_the_expert_that_predicts_better_and_changes_its_mind():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1200, 3))
    y = np.where(np.arange(1200) < 600, X @ [1.0, -1.0, 0.5], np.sin(3 * X[:, 0]))[:, None]
    made = [
        Expert((nn.Dense(1),), nn.Loss("mse", 4.0), nn.SGD(0.005)),
        Expert((nn.Dense(1, initializer="zeros"),), nn.Loss("mse", 4.0), nn.SGD(1e-9)),
    ]
    core = fixed(made, 3, 1, rng)

    core.learn(X[:600], y[:600], np.ones(600))

    leader = core.mixture_weights.copy()
    assert leader[0] > 0.95
    assert leader.sum() == pytest.approx(1, abs=1e-12)
    assert leader.min() >= 0.003 / 2  # the share that no expert falls below

    weights(core, core.places()[1])[:] = 0  # from now on the second knows that nothing is linear
    bias(core, core.places()[1])[:] = 0
    core.learn(X[600:], y[600:], np.ones(600))

    assert core.mixture_weights[0] < leader[0]


def test_a_row_of_weight_zero_moves_no_share():
    rng = np.random.default_rng(2)
    core = fixed(experts("mse", 2), 4, 2, rng)
    X, y = rng.normal(size=(5, 4)), rng.normal(size=(5, 2))
    before = core.state()
    core.learn(X, y, np.zeros(5))
    assert all(np.array_equal(core.state()[name], before[name]) for name in blank_state())


# ---- replay ---------------------------------------------------------------------------------------------------------

NAMES = "abcd"


def learn_one(core: Core, x: np.ndarray, y: float, w: float = 1.0) -> np.ndarray:
    """Learn a sample of the names a, b, c, d; returns what was predicted before, (k,)."""
    out = np.empty((1, core.outputs))
    core.learner.learn(
        [dict(zip(NAMES, x, strict=True))], 0, 1, np.full(1, float(y)), np.full(1, w), np.ones(1, bool), out, None
    )
    return out[0]


def replay(twin: PlainNetwork, x: np.ndarray, y: float) -> None:
    """A step on a kept sample: neither looked at twice nor counted in the fading loss."""
    _, delta = twin._row_loss(x, y, "row")
    twin._step_row(x, delta)


def test_replay_learns_samples_of_the_ring_again_drawn_from_the_saved_state():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(50, 4)), 0.5 * rng.normal(size=50)
    made = experts("mse", 1, replays=2)[:1]
    core = Core(made, dtype="float64", seed=3, outputs=1, ring=8)
    learn_one(core, X[0], y[0])  # the names are known from here on
    (twin,) = twins(unsettle(core, rng), 4)
    twin.progress.steps, twin.progress.fading_loss = 1, core.running[0, FADING_LOSS]
    twin.row_steps += 1
    draws = Draws(int(core.array("random")[1]))

    ring: list[int] = [0]
    for i in range(1, 50):
        check(learn_one(core, X[i], y[i]), twin.learn_row(X[i], y[i]), 1e-11)
        for _ in range(2):
            j = ring[int(draws.uniform(1)[0] * min(i, 8))]
            replay(twin, X[j], y[j])
        ring = [*ring, i] if len(ring) < 8 else [i if at == i % 8 else old for at, old in enumerate(ring)]
    check(parameters_of(core, 0), plain_arrays(twin), 1e-11)
    assert core.running[0, STEPS] == twin.progress.steps == 50 + 2 * 49
    assert core.array("random")[0] == draws.drawn == 2 * 49


def test_first_replays_are_many_for_500_rows_and_become_fewer_until_the_others_are_more():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(1000, 4)), rng.normal(size=(1000, 1))
    made = [Expert((nn.Dense(1),), optimizer=nn.SGD(0.001), replays=1, first_replays=first) for first in (0, 4)]
    core = Core(made, dtype="float64", seed=3, outputs=1, ring=8)
    for row, answer in zip(X, y, strict=True):
        learn_one(core, row, answer[0])
    after = [
        max(1, 4 if t <= 500 else 4 * 500 // t) for t in range(2, 1001)
    ]  # the first row has nothing to learn again
    assert {1, 2, 3, 4} >= set(after) >= {2, 4}
    assert core.running[:2, STEPS].tolist() == [1000 + 999, 1000 + sum(after)]


# ---- experts that have failed ---------------------------------------------------------------------------------------


def test_an_expert_is_counted_as_failing_by_its_fading_loss_and_begins_anew_in_the_end():
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(700, 4)), rng.integers(0, 3, (700, 1)).astype(float)
    core = fixed(experts("cross_entropy", 3), 4, 3, rng)
    core.learn(X[:20], y[:20], np.ones(20))
    ignorance, failures = loss_of_ignorance("cross_entropy", 3, numbers=False), 0.0
    core.running[1, FAILING] = 0
    core.running[1, FADING_LOSS] = 400.0  # it will need hundreds of rows to forget that
    others = [core.running[e, STEPS] for e in (0, 2)]

    for i in range(20, 700):
        (twin,) = twins(core, 4)[1:2]
        loss = float(twin.gradient(X[i : i + 1], y[i : i + 1], learn=False)[0])
        core.learn(X[i : i + 1], y[i : i + 1], np.ones(1))
        if core.running[1, REINITIALISED]:
            break
        failures = count_failures(failures, loss, core.running[1, FADING_LOSS], ignorance)
        assert core.running[1, FAILING] == failures

    assert failures == PATIENCE - 1
    assert core.running[:, REINITIALISED].tolist() == [0, 1, 0]
    assert core.running[1, [STEPS, FADING_LOSS, FAILING]].tolist() == [0, 0, 0]
    assert core.running[1, STEP_SCALE] == 1
    assert not np.array_equal(parameters_of(core, 1)[0], plain_arrays(twin)[0])
    assert [core.running[e, STEPS] for e in (0, 2)] == [steps + PATIENCE for steps in others]


def test_logits_that_are_not_finite_count_fifty_rows_and_the_expert_predicts_as_one_that_knows_nothing():
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(12, 4)), rng.integers(0, 3, (12, 1)).astype(float)
    core = fixed(experts("cross_entropy", 3), 4, 3, rng)
    weights(core, core.places()[0])[:] = np.nan
    failures = 0.0
    for i in range(9):
        shown = core.learn(X[i : i + 1], y[i : i + 1], np.ones(1))
        failures = count_failures(failures, np.inf, 0.0, 1.0)
        assert core.running[0, FAILING] == failures
        assert core.running[0, OVERFLOW] == i + 1
        assert np.isfinite(shown).all()
    core.learn(X[9:], y[9:], np.ones(3))
    assert core.running[0, REINITIALISED] == 1
    assert all(np.isfinite(array).all() for array in parameters_of(core, 0))


# ---- the label history ----------------------------------------------------------------------------------------------


def opinions_of(core: Core, x: np.ndarray, more: dict | None = None) -> np.ndarray:
    """The logits of every expert on a sample that is not learned, (experts, k)."""
    taken = inspect.entries(core, [{**(more or {}), **dict(zip(NAMES, x, strict=True))}], 1)
    return np.array([inspect.logits(core, e, taken)[0] for e in range(len(core.experts))])


@pytest.mark.parametrize("k", [2, 5])
def test_the_label_history_takes_part_in_the_mixture_as_plain_says(k):
    rng = np.random.default_rng(8)
    core = Core(experts("cross_entropy", k), dtype="float64", seed=3, outputs=k, history=True)
    history, mixture, y = ClassHistory(k), StackedWeights(np.full(4, 0.25)), 0
    mixture.w[:3], mixture.w[3] = core.mixture_weights, core.history_weight
    for i in range(150):
        x = rng.normal(size=4)
        y = y if rng.random() < 0.7 else (y + 1 + int(i % 7 == 0)) % k
        weight = float(rng.choice([0.5, 1.0, 2.0]))
        z = np.array([*(opinions_of(core, x) if i else np.zeros((3, k))), history.opinion()])
        check(learn_one(core, x, y, weight), mix_logits(mixture.w, z), 1e-10)
        stack_logits(mixture, z, y, weight)
        history.record(y)
        check(np.array([*core.mixture_weights, core.history_weight]), mixture.w, 1e-10)


def test_answers_before_are_inputs_and_base_and_a_repetition_takes_part_as_plain_says():
    rng = np.random.default_rng(9)
    core = Core(experts("mse", 1), dtype="float64", seed=3, outputs=1, targets=True, history=True)
    history, known, y = AnswerHistory(), Statistics(), 50.0
    mixture = StackedWeights(np.array([*core.mixture_weights, core.history_weight]))
    for i in range(150):
        x = rng.normal(size=4)
        y += rng.normal() + (300 if i == 90 else 0)
        sd = np.sqrt(known.variance)
        before = {name: value for name, value in zip(COLUMNS, history.inputs(), strict=True) if value == value}
        last = (history.miss - known.mean) / sd if known.variance > 1e-300 else 0.0
        z = np.array([*(opinions_of(core, x, before)[:, 0] if i else np.zeros(3)), np.clip(last, -10, 10)])
        mixed = float(mix(mixture.w, z[:, None])[0])
        shown = history.base() + known.mean + sd * mixed
        if known.variance > 1e-300:
            shown += history.repeats * (history.repetition() - shown)
        check(learn_one(core, x, y), np.array([shown]), 1e-9)
        base = history.base() if i else y
        again = history.repetition() - base
        target, known = standardise(y - base, known, ANSWER_CLIP)
        stack_numbers(mixture, z, target)
        if known.variance > 1e-300 and mixture.error > 0:
            again = (again - known.mean) / np.sqrt(known.variance)
            history.repeats = weigh_repetition(history.repeats, mixed, again, target, mixture.error)
        history.record(y)
        check(np.array([*core.mixture_weights, core.history_weight]), mixture.w, 1e-9)
        check(core.array("label_history"), np.array([history.answers, *history.last, history.fading, history.mean,
              history.spread, history.product, history.miss, history.repeats]), 1e-9)  # fmt: skip


def test_a_late_sample_is_learned_with_the_answers_that_were_known_when_it_was_predicted():
    rng = np.random.default_rng(12)
    core = Core(experts("mse", 1), dtype="float64", seed=3, outputs=1, standard=True, targets=True, history=True)
    X, y = rng.normal(size=(60, 4)), 20 + np.cumsum(rng.normal(size=60))
    samples = [dict(zip(NAMES, x, strict=True)) for x in X]
    core.learner.predict(samples, 0, 5, np.empty((5, 1)), None, True)
    core.learner.learn(samples[:55], 0, 55, y[:55], np.ones(55), np.ones(55, bool), np.empty((55, 1)), samples[5:])
    # row 54 was the last to be learned, and y[48] the last answer when it was predicted
    known = core.statistics
    assert known.seen[:4].tolist() == [49, 48, 47, 49]
    check(known.mean[:3], np.array([y[:49].mean(), y[:48].mean(), y[:47].mean()]), 1e-12)
    assert inspect.answer_history(core).last == y[54:51:-1].tolist()


# ---- answers that come late -----------------------------------------------------------------------------------------


def test_the_mixture_learns_from_what_was_said_when_a_late_sample_was_asked():
    rng = np.random.default_rng(10)
    core = Core(experts("cross_entropy", 3), dtype="float64", seed=3, outputs=3)
    X, y = rng.normal(size=(60, 4)), rng.integers(0, 3, 60)
    mixture, waiting = StackedWeights(np.full(3, 1 / 3)), {}
    learn_one(core, X[0], y[0])
    stack_logits(mixture, np.zeros((3, 3)), int(y[0]))
    for i in range(1, 60):
        out = np.empty((1, 3))
        core.learner.predict([dict(zip(NAMES, X[i], strict=True))], 0, 1, out, None, True)
        waiting[i] = opinions_of(core, X[i])
        check(out[0], mix_logits(mixture.w, waiting[i]), 1e-10)
        if i > 5:
            learn_one(core, X[i - 5], y[i - 5])
            stack_logits(mixture, waiting.pop(i - 5), int(y[i - 5]), late=True)
            check(core.mixture_weights, mixture.w, 1e-10)
    assert core.running[0, MIXED] == mixture.rows


# ---- intervals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PLAIN, PEARSON])
def test_scores_are_kept_as_plain_keeps_them(kind):
    rng = np.random.default_rng(11)
    loss = "poisson" if kind == PEARSON else "mse"
    core = Core(experts(loss, 1)[:1], dtype="float64", seed=3, outputs=1, intervals=kind)
    scores = Scores()
    for i in range(1100):
        x = rng.normal(size=4)
        y = float(rng.poisson(3.0))
        z = opinions_of(core, x)[0] if i else np.zeros(1)
        prediction = float(LINKS[core.experts[0].loss.row.link].value(z)[0])
        check(learn_one(core, x, y), np.array([prediction]), 1e-10)
        scores.record(y, prediction, count_scale(prediction) if kind == PEARSON else 1.0)
    kept = core.array("scores")
    assert kept[0] == 1100
    check(np.roll(kept[1:], -100), np.array(scores.scores), 1e-9)
