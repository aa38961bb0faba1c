"""The plain net: its gradient is the slope of its loss on every path, and a row is learned with care."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from headwater import nn
from headwater.errors import ConfigError
from headwater.plain import LOSSES, RULES, PlainNetwork
from headwater.plain.layers import BatchNormalisation
from headwater.plain.network.random import WEIGHTS, derive_key, draw
from headwater.plain.optimizers.guard import within
from support.slopes import TOLERANCE, H, check

STACKS = {
    "dense": [nn.Dense(5, "silu"), nn.Dense(4, "tanh")],
    "no bias": [nn.Dense(5, "gelu", bias=False)],
    "layer norm": [nn.Dense(5), nn.LayerNorm(), nn.Activation("elu", 0.7), nn.LayerNorm(affine=False)],
    "batch norm": [nn.Dense(5), nn.BatchNorm(), nn.Activation("softplus"), nn.Dense(4), nn.BatchNorm()],
    "dropout": [nn.Dense(5, "tanh"), nn.Dropout(0.4), nn.Dense(4, "sigmoid"), nn.Dropout(0.2)],
    "embedding": [nn.Embedding(7, 5), nn.Activation("selu"), nn.Dense(4, "tanh")],
}
OPTIMIZERS = {rule: nn.optimizer(rule) for rule in RULES}


def outputs(loss: str) -> int:
    return 3 if LOSSES[loss].classes else 2


def answers(loss: str, n: int, rng: np.random.Generator) -> np.ndarray:
    if LOSSES[loss].classes:
        return rng.integers(0, 3, n).astype(float)
    if loss == "binary_cross_entropy":
        return rng.integers(0, 2, (n, 2)).astype(float)
    return rng.poisson(2.0, (n, 2)).astype(float) if loss == "poisson" else rng.normal(size=(n, 2))


def inputs(stack: str, n: int, rng: np.random.Generator) -> np.ndarray:
    if stack == "embedding":
        return np.stack([rng.integers(0, 3, n), rng.integers(3, 7, n)], axis=1).astype(float)
    return rng.normal(size=(n, 3))


def net_of(
    layers: list, *, loss: str = "mse", optimizer=None, inputs: int = 3, seed: int = 1, **options
) -> PlainNetwork:
    options = {"dtype": "float64"} | options
    return PlainNetwork(layers, nn.Loss(loss), optimizer or nn.SGD(1e-3), inputs=inputs, seed=seed, **options)


def arrays_of(net: PlainNetwork) -> list[np.ndarray]:
    return [array for part in net.parameters for array in (part.weights, part.bias) if array is not None]


def unsettle(net: PlainNetwork, rng: np.random.Generator) -> PlainNetwork:
    """Move every number off its neat start, biases off 0 and gains off 1, and off 0, where |w| has no slope."""
    for array in arrays_of(net):
        array += 0.3 * rng.normal(size=array.shape)
        array[np.abs(array) < 0.001] = 0.001
    return net


def assert_is_slope(net: PlainNetwork, loss, gradients: list[np.ndarray], rng: np.random.Generator) -> None:
    """The gradient along a random direction equals the central difference of loss(net) along it."""
    direction = [rng.normal(size=g.shape) for g in gradients]
    said = sum(float((g * d).sum()) for g, d in zip(gradients, direction, strict=True))
    sides = []
    for h in (H, -H):
        moved = copy.deepcopy(net)
        for array, d in zip(arrays_of(moved), direction, strict=True):
            array += h * d
        sides.append(loss(moved))
    slope = (sides[0] - sides[1]) / (2 * H)
    assert abs(slope - said) <= 10 * TOLERANCE * max(1.0, abs(slope)), f"measured {slope}, computed {said}"
    assert abs(said) > 1e-12


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_gradient_is_the_slope_of_the_loss_on_every_path(loss, stack):
    rng = np.random.default_rng([list(LOSSES).index(loss), list(STACKS).index(stack)])
    X, y, w = inputs(stack, 8, rng), answers(loss, 8, rng), 0.5 + rng.random(8)
    net = unsettle(
        net_of([*STACKS[stack], nn.Dense(outputs(loss))], loss=loss, inputs=X.shape[1], l1=0.02, l2=0.1), rng
    )

    for learn in (False, True):  # as it stands; as it learns from a batch, with the same draws each time
        value, gradients = copy.deepcopy(net).gradient(X, y, w, learn=learn)
        assert_is_slope(net, lambda n, learn=learn: n.gradient(X, y, w, learn=learn)[0], gradients, rng)
        assert value == copy.deepcopy(net).gradient(X, y, w, learn=learn)[0]
    assert_is_slope(net, lambda n: n.penalty(), net.penalty_gradients(), rng)

    # Row by row: what a step of plain descent takes from the parameters is lr times the slope of that row's loss.
    free = copy.deepcopy(net)
    free.l1 = free.l2 = 0.0
    learned = copy.deepcopy(free)
    learned.learn_row(X[0], y[0])
    taken = [(a - b) / 1e-3 for a, b in zip(arrays_of(free), arrays_of(learned), strict=True)]

    def row_loss(moved: PlainNetwork) -> float:
        for layer, after in zip(moved.layers, learned.layers, strict=True):
            if isinstance(layer, BatchNormalisation):  # the row moves the statistics, which are constants from then on
                layer.mean, layer.variance = after.mean, after.variance
        mode = "batch" if stack == "dropout" else "predict"
        return moved.gradient(X[:1], y[:1], learn=mode == "batch")[0]

    assert_is_slope(free, row_loss, taken, rng)


def test_weights_of_samples_make_a_weighted_mean():
    rng = np.random.default_rng(0)
    X, y, w = rng.normal(size=(6, 3)), rng.normal(size=(6, 2)), np.array([0, 1, 2, 0.5, 0, 3.0])
    net = net_of([nn.Dense(4, "tanh"), nn.Dense(2)])
    alone = [net.gradient(X[i : i + 1], y[i : i + 1]) for i in range(6)]
    value, gradients = net.gradient(X, y, w)
    check(value, np.average([one for one, _ in alone], weights=w), 1e-14)
    for k, g in enumerate(gradients):
        check(g, np.average([one[k] for _, one in alone], axis=0, weights=w), 1e-14)
    assert all((g == 0).all() for g in net.gradient(X, y, np.zeros(6))[1])


def test_the_first_weights_are_drawn_from_the_seed_alone_and_biases_start_at_zero():
    net = net_of([nn.Dense(4, "relu"), nn.LayerNorm(), nn.Dense(2, "identity", initializer="orthogonal")], seed=7)
    first, norm, last = net.parameters
    assert [part.name for part in net.parameters] == ["Dense", "LayerNorm", "Dense"]
    assert np.array_equal(first.weights, draw("he", derive_key(7, WEIGHTS, 0), 3, 4))
    assert np.array_equal(last.weights, draw("orthogonal", derive_key(7, WEIGHTS, 3), 4, 2))
    assert not first.bias.any()
    assert norm.weights.tolist() == [1] * 4
    assert not np.array_equal(first.weights, net_of([nn.Dense(4, "relu")], seed=8).parameters[0].weights)


def test_writing_into_the_parameters_changes_the_net():
    net = net_of([nn.Dense(1, "sigmoid")], inputs=2)
    net.parameters[0].weights[:] = [[2.0], [-1.0]]
    net.parameters[0].bias[:] = 0.5
    check(net.forward([[1.0, 3.0]]), [[1 / (1 + np.exp(0.5))]], 1e-15)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("options", [{}, {"l1": 0.01, "l2": 0.1, "clip_norm": 0.5, "clip_value": 0.2}])
def test_learning_a_row_is_learning_a_batch_of_one(rule, options):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(30, 3)), 0.5 * rng.normal(size=(30, 2))
    rows = unsettle(net_of([nn.Dense(5, "tanh"), nn.Dense(2)], optimizer=OPTIMIZERS[rule], **options), rng)
    batches = copy.deepcopy(rows)
    for x, target in zip(X, y, strict=True):
        shown = rows.learn_row(x, target)
        check(shown, batches.forward(x[None])[0], 1e-12)
        batches.step(batches.gradient(x[None], target[None])[1])
    assert rows.progress.undone == 0
    for a, b in zip(arrays_of(rows), arrays_of(batches), strict=True):
        check(a, b, 1e-12, rule)


def test_clipping_comes_first_and_then_the_penalty():
    net = net_of([nn.Dense(1)], optimizer=nn.SGD(1.0), inputs=2, l2=0.5, clip_norm=5.0, clip_value=3.5)
    net.parameters[0].weights[:] = [[2.0], [-2.0]]
    net.step([np.array([[6.0], [8.0]]), np.array([0.0])])  # by norm to (3, 4), by value to (3, 3.5), then ½·w is added
    check(net.parameters[0].weights, [[2 - 3 - 1], [-2 - 3.5 + 1]], 1e-14)
    assert net.parameters[0].bias.tolist() == [0]


def test_a_step_without_the_penalty_leaves_it_out():
    net = net_of([nn.Dense(1)], optimizer=nn.SGD(1.0), inputs=1, l2=0.5)
    net.parameters[0].weights[:] = 2.0
    net.step([np.array([[0.0]]), np.array([0.0])], penalise=False)
    assert net.parameters[0].weights.tolist() == [[2.0]]


@pytest.mark.parametrize("rule", RULES)
def test_rows_of_the_first_layer_that_a_sample_does_not_touch_stand_still_and_have_their_own_clock(rule):
    rng = np.random.default_rng(2)
    net = net_of([nn.Embedding(6, 4), nn.Dense(2)], optimizer=OPTIMIZERS[rule], inputs=1, l2=0.01)
    for i in rng.integers(0, 6, 40):
        net.learn_row([float(i)], rng.normal(size=2))
    before = net.parameters[0].weights.copy(), net.states[0].copy(), net.row_steps.copy()
    for i in rng.integers(0, 3, 20):
        net.learn_row([float(i)], rng.normal(size=2))
    assert np.array_equal(net.parameters[0].weights[3:], before[0][3:])
    assert np.array_equal(net.states[0][:, 3:], before[1][:, 3:])
    assert np.array_equal(net.row_steps[3:], before[2][3:])
    assert not np.array_equal(net.parameters[0].weights[:3], before[0][:3])
    assert net.row_steps.sum() == net.progress.steps == 60


@pytest.mark.parametrize("rule", ["adam", "amsgrad"])
def test_a_row_first_touched_late_takes_the_first_step_of_its_own_clock(rule):
    net, rng = net_of([nn.Embedding(6, 4), nn.Dense(2)], optimizer=OPTIMIZERS[rule], inputs=1), np.random.default_rng(3)
    for i in rng.integers(0, 5, 300):
        net.learn_row([float(i)], rng.normal(size=2))
    before, scale = net.parameters[0].weights[5].copy(), net.progress.step_scale
    net.learn_row([5.0], [1.0, -1.0])
    check(np.abs(net.parameters[0].weights[5] - before), np.full(4, 0.001 * scale), 1e-7)


def test_missing_and_infinite_inputs_contribute_nothing_on_any_path():
    net = unsettle(net_of([nn.Dense(4, "tanh"), nn.Dense(1)], optimizer=nn.Adam()), np.random.default_rng(4))
    gap, zero = [[np.nan, 0.7, np.inf]], [[0.0, 0.7, 0.0]]
    assert np.array_equal(net.forward(gap), net.forward(zero))
    for a, b in zip(net.gradient(gap, [1.0])[1], net.gradient(zero, [1.0])[1], strict=True):
        assert np.array_equal(a, b)
    before = net.parameters[0].weights.copy()
    net.learn_row(gap[0], 1.0)
    assert np.array_equal(net.parameters[0].weights[[0, 2]], before[[0, 2]])
    assert not np.array_equal(net.parameters[0].weights[1], before[1])


def test_a_weight_of_zero_teaches_nothing():
    net = net_of([nn.Dense(4), nn.BatchNorm(), nn.Dropout(0.5), nn.Dense(1)])
    before = copy.deepcopy(net)
    shown = net.learn_row([1.0, 2.0, 3.0], 5.0, w=0.0)
    assert np.array_equal(shown, before.forward([[1.0, 2.0, 3.0]])[0])
    assert net.progress == before.progress
    assert all(np.array_equal(a, b) for a, b in zip(arrays_of(net), arrays_of(before), strict=True))
    assert net.layers[1].count == 0


def test_a_weight_scales_the_gradient_of_its_row():
    def step(w: float) -> np.ndarray:
        net = net_of([nn.Dense(3, "tanh"), nn.Dense(1)])
        before = net.parameters[0].weights.copy()
        net.learn_row([1.0, -2.0, 0.5], 0.7, w)
        return net.parameters[0].weights - before

    check(step(3.0) / 3, step(1.0), 1e-15)


# ---- the guard ------------------------------------------------------------------------------------------------------

ABSURD = {rule: type(optimizer)(1e6) for rule, optimizer in OPTIMIZERS.items() if rule not in ("cocob", "ftrl")}


def stream(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=n)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", ABSURD)
def test_an_absurd_step_size_is_undone_and_counted_and_predictions_stay_finite(rule, dtype):
    X, y = stream(200)
    net = net_of([nn.Dense(8, "relu"), nn.Dense(1)], optimizer=ABSURD[rule], dtype=dtype)
    shown = net.learn_many(X, y)
    assert shown.shape == (200, 1)
    assert shown.dtype == dtype
    assert np.isfinite(shown).all()
    assert all(np.isfinite(array).all() for array in arrays_of(net))
    assert net.progress.undone > 0
    assert net.progress.step_scale < 1


@pytest.mark.parametrize("rule", ABSURD)
def test_a_step_that_is_undone_leaves_weights_and_states_as_they_were(rule):
    net = net_of([nn.Dense(8, "tanh"), nn.Dense(1)], optimizer=ABSURD[rule])
    before = copy.deepcopy(net)
    X, y = stream(1)
    net.learn_row(X[0], y[0] + 5)
    assert net.progress.undone == net.progress.steps == 1
    assert net.progress.step_scale == 0.5
    assert net.progress.product == 1
    for a, b in zip([*arrays_of(net), *net.states], [*arrays_of(before), *before.states], strict=True):
        assert np.array_equal(a, b)


def test_the_step_size_grows_back():
    X, y = stream(100)
    net = net_of([nn.Dense(1)], optimizer=nn.SGD(0.01))
    net.progress.step_scale = 0.5
    net.learn_many(X, y)
    assert net.progress.step_scale == pytest.approx(0.5 * 1.001**100, rel=1e-12)


def test_one_outlier_among_many_rows_does_not_wreck_the_net_nor_the_fading_mean():
    X, y = stream(1000)
    net = net_of([nn.Dense(8, "relu"), nn.Dense(1)], optimizer=nn.SGD(0.02))
    net.learn_many(X, y)
    before, mean, undone = [array.copy() for array in arrays_of(net)], net.progress.fading_loss, net.progress.undone
    net.learn_row([1.0, 1.0, 1.0], 1e12)
    assert net.progress.undone == undone + 1
    assert all(np.array_equal(a, b) for a, b in zip(arrays_of(net), before, strict=True))
    assert net.progress.fading_loss <= mean + 0.01 * (3 * mean + 1)


def test_a_row_whose_logits_or_loss_are_not_finite_is_counted_and_not_learned():
    net = net_of([nn.Dense(4, "relu"), nn.Dense(1)], dtype="float32")
    for part in net.parameters:
        part.weights[:] = 1e30
    assert net.learn_row([1e5, 1e5, 1.0], 1.0).tolist() == [0.0]
    assert net.progress.overflow == 1
    net = net_of([nn.Dense(1)])
    net.learn_row([1.0, 2.0, 3.0], 1e200)  # its square is beyond float64
    assert net.progress.overflow == 1
    assert net.progress.steps == 0


def test_the_thinned_net_of_dropout_is_not_compared_with_the_whole_one():
    X = stream(10)[0]
    for seed in range(20):
        net = net_of([nn.Dense(64, "relu"), nn.Dropout(0.8), nn.Dense(1)], optimizer=nn.SGD(1e-6), seed=seed)
        y = 3 * net.forward(X)
        before = net.parameters[0].weights.copy()
        net.learn_many(X, y)
        assert net.progress.undone == 0
        assert not np.array_equal(net.parameters[0].weights, before)


def test_a_loss_below_zero_is_not_taken_for_an_explosion():
    assert within(-6000.0, -5990.0, times=1.0)
    assert not within(-5000.0, -5990.0, times=1.0)
    rng = np.random.default_rng(6)
    net = net_of([nn.Dense(1)], loss="poisson", optimizer=nn.Adam(0.01), inputs=2)
    net.parameters[0].weights[:], net.parameters[0].bias[:] = 0, np.log(900)
    net.learn_many(rng.normal(size=(300, 2)), rng.poisson(1_000, 300).astype(float))
    assert net.progress.undone == 0
    assert abs(net.forward(np.zeros((1, 2)))[0, 0] - 1_000) < 30


@pytest.mark.parametrize("rule", ["adagrad", "rmsprop", "adam"])
def test_an_epsilon_of_zero_gives_no_division_of_zero_by_zero(rule):
    net = net_of([nn.Dense(1)], optimizer=type(OPTIMIZERS[rule])(0.01, eps=0.0))
    net.learn_many(np.tile([0.0, 1.0, 2.0], (50, 1)), np.ones(50))
    assert all(np.isfinite(array).all() for array in arrays_of(net))


def test_a_schedule_counts_steps_across_both_paths():
    net = net_of([nn.Dense(1)], optimizer=nn.SGD(nn.Step(0.5, every=2, factor=0.1)), inputs=1)
    net.learn_row([0.0], 0.0)
    for lr in (0.5, 0.05, 0.05, 0.005):
        before = net.parameters[0].bias.copy()
        net.step([np.zeros((1, 1)), np.ones(1)])
        check(before - net.parameters[0].bias, [lr], 1e-14)


def test_layers_that_are_none_are_refused():
    with pytest.raises(ConfigError, match=r"expected a layer of headwater\.nn, got 'dense'"):
        net_of(["dense"])
    with pytest.raises(ConfigError, match="expected Dense, Embedding or Conv as first layer, got Dropout"):
        net_of([nn.Dropout(0.5), nn.Dense(1)])
