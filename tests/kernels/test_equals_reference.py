"""First proof of four: every row of OPS, LOSSES, RULES and SCHEDULES equals its twin in ``reference.py``.

All through the public ``Network``: ``forward``, ``loss``, ``gradients``, ``update``, ``fit``, ``learn_many``.
"""

from __future__ import annotations

import numpy as np
import pytest

import reference as ref
from headwater import nn
from headwater.kernels._op import BUFFER, LOSSES, OPS, RULES, M
from nets import (
    NUMBERS,
    OUTPUTS,
    TOLERANCE,
    answers,
    arrays_of,
    as_matrix,
    check,
    descent,
    gradient,
    loss_of,
    twin,
    unsettle,
)

OPTIMIZERS = {
    "sgd": nn.SGD(0.05),
    "momentum": nn.Momentum(0.02, momentum=0.8),
    "nesterov": nn.Nesterov(0.02, momentum=0.8),
    "adagrad": nn.AdaGrad(0.05),
    "rmsprop": nn.RMSProp(0.005, rho=0.95),
    "adadelta": nn.Adadelta(rho=0.9, eps=1e-4),
    "adam": nn.Adam(0.01, beta2=0.99),
    "adamw": nn.AdamW(0.01, weight_decay=0.1),
    "amsgrad": nn.AMSGrad(0.01, beta2=0.99),
    "nadam": nn.NAdam(0.01),
    "ftrl": nn.FTRL(0.1, beta=0.5, l1=0.01, l2=0.02),
    "cocob": nn.COCOB(alpha=50.0),
}
SCHEDULES = (
    nn.Constant(0.05),
    nn.InverseScaling(0.1, power=0.6),
    nn.Cosine(0.05, steps=20, floor=0.005),
    nn.Step(0.05, every=7, factor=0.5),
    nn.WarmUp(0.05, steps=15),
)
STACKS = {
    "dense": [nn.Dense(6, "relu"), nn.Dense(5, "tanh"), nn.Dense(2)],
    "one output": [nn.Dense(6, "relu"), nn.Dense(1)],
    "wide": [nn.Dense(37, "relu"), nn.Dense(19, "silu"), nn.Dense(2)],
    "linear": [nn.Dense(2)],
    "no bias": [nn.Dense(6, "tanh", bias=False), nn.Dense(2, bias=False)],
    "layer norm": [nn.Dense(6), nn.LayerNorm(), nn.Activation("tanh"), nn.LayerNorm(affine=False), nn.Dense(2)],
    "batch norm": [nn.Dense(6), nn.BatchNorm(), nn.Activation("tanh"), nn.Dense(4), nn.BatchNorm(0.2), nn.Dense(2)],
    "dropout": [nn.Dense(6, "relu"), nn.Dropout(0.3), nn.Dense(5, "tanh"), nn.Dropout(0.5), nn.Dense(2)],
    "embedding": [nn.Embedding(9, 4), nn.Activation("tanh"), nn.Dense(2)],
}
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def inputs(stack: list[nn.layers.Layer], n: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers with some zeros among them, or two different ids a row for an embedding."""
    if isinstance(stack[0], nn.Embedding):
        return np.stack([rng.integers(0, 4, n), rng.integers(4, 9, n)], axis=1).astype(float)
    X = rng.normal(size=(n, 5))
    X[rng.random(X.shape) < 0.2] = 0
    return X


def test_the_twin_knows_every_row_of_the_tables():
    assert set(ref.ACTIVATIONS) == set(nn.ACTIVATIONS)
    assert set(ref.LOSSES) == set(LOSSES)
    assert {name: states for name, (_, states) in ref.RULES.items()} == {r.name: r.states for r in RULES.values()}
    assert set(ref.SCHEDULES) == {s.__name__ for s in nn.SCHEDULES}
    assert {row.name for row in OPS.values()} - set(ref.ACTIVATIONS) == {
        *("rows", "dense", "embedding", "layer_norm", "batch_norm", "dropout")
    }
    assert set(OPTIMIZERS) == set(RULES)
    assert {type(s) for s in SCHEDULES} == set(nn.SCHEDULES)


@DTYPES
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_an_activation_and_its_slope_equal_the_formula(name, dtype):
    # One input that runs from −6 to 6: what stands behind the activation is its value, what comes back is its slope.
    x = np.linspace(-6, 6, 241)
    layers = [nn.Dense(1, bias=False), nn.Activation(name, 0.3 if name in ("leaky_relu", "elu") else None)]
    net = nn.Network(layers, loss=nn.Loss("mse", 0.5), dtype=dtype, inputs=1)
    net.layers[0].weights[:] = 1
    f, slope = ref.ACTIVATIONS[name]
    x = x.astype(dtype).astype(float)

    check(net.forward(x)[:, 0], f(x, 0.3), TOLERANCE[dtype], "value")
    for value in x[np.abs(np.abs(x) % 1) > 1e-6]:  # off the kinks, which lie at whole numbers
        value = float(np.asarray(value, dtype))
        target = f(np.array(value), 0.3) - 1  # d(½(f − target)²)/dw = (f − target)·f'(x)·x = f'(x)·x
        got = net.gradients([[value]], [target])[net.program.dense + net.program.stride]
        check(got, slope(np.array(value), 0.3) * value, 5 * TOLERANCE[dtype], f"slope at {value}")


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "elu", "selu", "gelu", "silu", "softplus"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_activation_neither_overflows_nor_turns_to_nan_far_out(name, dtype):
    net = nn.Network([nn.Dense(1, bias=False), nn.Activation(name)], dtype=dtype, inputs=1)
    net.layers[0].weights[:] = 1
    far = np.array([-1e30, -1e4, -800.0, 800.0, 1e4, 1e30])

    out = net.forward(far)[:, 0]

    with np.errstate(over="ignore"):
        check(out / np.abs(far).clip(1), ref.ACTIVATIONS[name][0](far, 1.0) / np.abs(far).clip(1), TOLERANCE[dtype])


@DTYPES
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_its_link_and_its_gradient_equal_the_formula(name, dtype):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(40, 5)), answers(name, 40, rng)
    net = unsettle(nn.Network([nn.Dense(OUTPUTS[name])], loss=loss_of(name), dtype=dtype, inputs=5), rng)
    other, target = twin(net), as_matrix(name, y)

    check(net.forward(X), other.forward(X), TOLERANCE[dtype], "prediction")
    check(net.loss(X, y), other.loss(X, target), TOLERANCE[dtype], "loss")
    check(arrays_of(net, net.gradients(X, y)), other.gradients(X, target), TOLERANCE[dtype], "gradient")


@DTYPES
@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_soft_targets_are_probabilities_of_the_classes(name, dtype):
    rng = np.random.default_rng(2)
    X, soft = rng.normal(size=(40, 5)), rng.dirichlet(np.ones(OUTPUTS[name]), 40)
    net = unsettle(nn.Network([nn.Dense(OUTPUTS[name])], loss=name, dtype=dtype, inputs=5), rng)
    other = twin(net)

    check(net.loss(X, soft), other.loss(X, soft), TOLERANCE[dtype], "loss")
    check(arrays_of(net, net.gradients(X, soft)), other.gradients(X, soft), TOLERANCE[dtype], "gradient")


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_stays_finite_and_its_gradient_bounded_far_out(name):
    net = nn.Network([nn.Dense(OUTPUTS[name], bias=False)], loss=name, dtype="float64", inputs=1)
    net.layers[0].weights[:] = [[1.0, -1.0, 2.0][: OUTPUTS[name]]]
    y = [1.0] if OUTPUTS[name] == 3 else [[1.0, 0.0]]
    for x in (-700.0, -29.0, 29.0, 700.0):
        assert np.isfinite(net.forward([[x]])).all()
        assert np.isfinite(net.loss([[x]], y))
        assert np.abs(net.gradients([[x]], y)).max() <= 700 * (1.1e13 if name == "poisson" else 1500)


@DTYPES
@pytest.mark.parametrize("stack", STACKS)
def test_forward_loss_and_gradients_of_a_stack_equal_the_twin(stack, dtype):
    rng = np.random.default_rng(3)
    layers = STACKS[stack]
    X, w = inputs(layers, 23, rng), rng.random(23)
    net = unsettle(nn.Network(layers, dtype=dtype, l1=0.01, l2=0.1, inputs=X.shape[1]), rng)
    y = rng.normal(size=(23, net.outputs))
    other = twin(net)

    check(net.forward(X), other.forward(X), TOLERANCE[dtype], "prediction")
    check(net.loss(X, y, w), other.loss(X, y, w), TOLERANCE[dtype], "loss")
    wanted = [g + q for g, q in zip(other.gradients(X, y, w), other.penalty_gradients(), strict=True)]
    check(arrays_of(net, net.gradients(X, y, w)), wanted, 5 * TOLERANCE[dtype], "gradient")


@DTYPES
@pytest.mark.parametrize("stack", STACKS)
def test_learning_from_a_batch_equals_the_twin(stack, dtype):
    # Dropout draws the same mask from the same state; batch norm uses the batch and moves its running statistics.
    rng = np.random.default_rng(4)
    layers = STACKS[stack]
    X = inputs(layers, 23, rng)
    net = unsettle(nn.Network(layers, dtype=dtype, inputs=X.shape[1]), rng)
    y = rng.normal(size=(23, net.outputs))
    other, same = share_dropout_state(twin(net)), share_dropout_state(twin(net))

    value, g = gradient(net, X, y, learn=True)

    check(value, other.loss(X, y, mode="batch"), TOLERANCE[dtype], "loss")
    check(arrays_of(net, g), same.gradients(X, y, mode="batch"), 5 * TOLERANCE[dtype], "gradient")


def share_dropout_state(other: ref.Net) -> ref.Net:
    """All dropout layers of a net draw from one state, layer after layer."""
    dropouts = [layer for layer in other.layers if isinstance(layer, ref.Dropout)]
    for layer in dropouts[1:]:
        layer.state = dropouts[0].state
    return other


@DTYPES
@pytest.mark.parametrize("path", ["batch", "mini-batch", "row"])
@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_learns_as_its_twin_does(stack, path, dtype):
    rng = np.random.default_rng(5)
    layers = STACKS[stack]
    X = inputs(layers, 40, rng)
    net = nn.Network(layers, optimizer=nn.Momentum(0.003), dtype=dtype, l1=0.001, l2=0.01, seed=3, inputs=X.shape[1])
    y = 0.5 * rng.normal(size=(40, net.outputs))
    other = descent(unsettle(net, rng))
    share_dropout_state(other.net)

    learn(net, other, path, X, y)

    # Momentum, because a bias in front of batch norm has a gradient of pure rounding, which Adam would scale up
    # to a step.
    check(arrays_of(net), [p for p, _ in other.net.parameters()], 5 * TOLERANCE[dtype], stack)
    norms = [layer for layer in other.net.layers if isinstance(layer, ref.BatchNorm)]
    running = [op for op in net.program.prog if op[BUFFER] >= 0]
    assert len(running) == len(norms)
    for op, norm in zip(running, norms, strict=True):
        kept = net.program.buf[op[BUFFER] : op[BUFFER] + 2 * op[M] + 1]
        check(kept, np.r_[norm.mean, norm.var, norm.count], 5 * TOLERANCE[dtype], "running statistics")


@DTYPES
@pytest.mark.parametrize("path", ["batch", "mini-batch", "row"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_steps_as_its_formula_says(rule, path, dtype):
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(60, 5)), 0.5 * rng.normal(size=(60, 2))
    net = nn.Network([nn.Dense(4, "tanh"), nn.Dense(2)], optimizer=OPTIMIZERS[rule], dtype=dtype, inputs=5)
    other = descent(unsettle(net, rng))

    learn(net, other, path, X, y)

    # 60 steps: float64 keeps ten digits; float32 loses more where a rule divides by the root of a small number.
    check(arrays_of(net), [p for p, _ in other.net.parameters()], {"float64": 1e-10, "float32": 2e-3}[dtype], rule)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_steps_rows_of_a_table_with_their_own_counts(rule):
    rng = np.random.default_rng(7)
    layers = STACKS["embedding"]
    X, y = inputs(layers, 60, rng), 0.5 * rng.normal(size=(60, 2))
    net = nn.Network(layers, optimizer=OPTIMIZERS[rule], dtype="float64", inputs=2)
    other = descent(unsettle(net, rng))

    learn(net, other, "row", X, y)

    check(arrays_of(net), [p for p, _ in other.net.parameters()], 1e-10, rule)


@pytest.mark.parametrize("path", ["batch", "row"])
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
def test_every_schedule_sets_the_step_size_of_every_step(schedule, path):
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 2))
    net = nn.Network([nn.Dense(2)], optimizer=nn.SGD(schedule), dtype="float64", inputs=5)
    other = descent(net)

    learn(net, other, path, X, y)

    check(arrays_of(net), [p for p, _ in other.net.parameters()], 1e-12)
    wanted = [other.rate(t) for t in range(1, 200)]
    check(np.array([schedule.at(t) for t in range(1, 200)]), np.array(wanted), 1e-15)


@pytest.mark.parametrize("path", ["batch", "row"])
@pytest.mark.parametrize("options", [{"clip_norm": 0.3}, {"clip_value": 0.05}, {"clip_norm": 0.5, "clip_value": 0.1}])
def test_clipping_then_penalty_then_the_rule_is_the_order_of_a_step(options, path):
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 2))
    layers = [nn.Dense(4, "tanh"), nn.LayerNorm(), nn.Dense(2)]
    net = nn.Network(layers, optimizer=nn.Momentum(0.05), dtype="float64", l1=0.01, l2=0.1, inputs=5, **options)
    other = descent(unsettle(net, rng))

    learn(net, other, path, X, y)

    check(arrays_of(net), [p for p, _ in other.net.parameters()], 1e-11, str(options))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", ["mse", "cross_entropy"])
def test_clipping_and_penalties_reach_one_output_and_every_rule(name, rule):
    # A layer of one output is stepped as one row of its inputs, which is a path of its own.
    rng = np.random.default_rng(10)
    k = 1 if name == "mse" else 3
    X, y = rng.normal(size=(30, 5)), rng.integers(0, k, 30).astype(float) if k > 1 else 0.5 * rng.normal(size=30)
    layers = [nn.Dense(4, "relu"), nn.Dense(k)]
    options = {"l1": 0.002, "l2": 0.02, "clip_value": 0.2, "clip_norm": 0.6}
    net = nn.Network(layers, loss=name, optimizer=OPTIMIZERS[rule], dtype="float64", inputs=5, **options)
    other = descent(unsettle(net, rng))

    learn(net, other, "row", X, y if k == 1 else ref.one_hot(y, k), y)

    check(arrays_of(net), [p for p, _ in other.net.parameters()], 1e-10, rule)


@pytest.mark.parametrize("path", ["batch", "row"])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_learned_as_its_twin_learns_it(name, path):
    rng = np.random.default_rng(11)
    X, y = rng.normal(size=(40, 5)), answers(name, 40, rng)
    layers = [nn.Dense(6, "tanh"), nn.Dense(OUTPUTS[name])]
    net = nn.Network(layers, loss=loss_of(name), optimizer=nn.SGD(0.05), dtype="float64", inputs=5)
    other = descent(unsettle(net, rng))

    shown = learn(net, other, path, X, as_matrix(name, y), y)

    check(arrays_of(net), [p for p, _ in other.net.parameters()], 1e-11, name)
    if path == "row":  # learn_many returns what was predicted before each row was learned
        check(shown[0], shown[1], 1e-11, "predictions")
    assert set(NUMBERS) <= set(LOSSES)


def learn(net, other, path, X, y, given=None):
    """Let the net and its twin learn the same data on one path; returns both sets of predictions of the row path."""
    given = y if given is None else given
    if path == "batch":
        net.fit(X, given, epochs=30)
        for _ in range(30):
            other.batch(X, y)
    elif path == "mini-batch":
        net.fit(X, given, epochs=3, batch_size=7, shuffle=False)
        for _ in range(3):
            for at in range(0, len(X), 7):
                other.batch(X[at : at + 7], y[at : at + 7])
    else:
        shown = net.learn_many(X, given)
        wanted = []
        for x, target in zip(X, y, strict=True):
            wanted.append(other.net.forward(x[None])[0])
            other.row(x, target)
        return shown.reshape(len(X), -1), np.array(wanted)
    return None
