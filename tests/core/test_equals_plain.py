"""First proof of four: every row of activations, losses, rules and schedules equals ``headwater.plain``.

All through the public ``Network``: ``forward``, ``loss``, ``gradients``, ``update``, ``fit``, ``learn_many``.
"""

from __future__ import annotations

import numpy as np
import pytest

from headwater import _core, nn
from headwater.plain import ACTIVATIONS, LINKS, LOSSES, RULES, SCHEDULES
from headwater.plain.layers import BatchNormalisation, DropoutLayer
from support.nets import (
    NUMBERS,
    OUTPUTS,
    TOLERANCE,
    answers,
    arrays_of,
    check,
    check_learned,
    gradient,
    loss_of,
    plain_arrays,
    standing_loss,
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
STEPS = (
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
    "norm behind": [nn.Dense(6, "relu"), nn.Dense(3), nn.LayerNorm(), nn.Activation("softplus")],
}
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def inputs(stack: list[nn.layers.Layer], n: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers with some zeros and gaps among them, or two different ids a row for an embedding."""
    if isinstance(stack[0], nn.Embedding):
        return np.stack([rng.integers(0, 4, n), rng.integers(4, 9, n)], axis=1).astype(float)
    X = rng.normal(size=(n, 5))
    X[rng.random(X.shape) < 0.2] = 0
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


def test_plain_knows_every_row_of_the_core():
    assert list(ACTIVATIONS) == list(_core.ACTIVATIONS) == list(nn.ACTIVATIONS)
    assert list(LOSSES) == list(_core.LOSSES)
    assert list(RULES) == list(_core.RULES)
    assert {row.name: row.states for row in RULES.values()} == {
        name: nn.Network([nn.Dense(1)], optimizer=nn.optimizer(name), inputs=1).core.about["states"] for name in RULES
    }
    assert list(SCHEDULES) == list(_core.SCHEDULES)
    assert len(SCHEDULES) == len(nn.SCHEDULES)
    assert set(OPTIMIZERS) == set(RULES)
    assert {type(s) for s in STEPS} == set(nn.SCHEDULES)


@DTYPES
@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_an_activation_and_its_slope_equal_the_formula(name, dtype):
    # One input that runs from −6 to 6: what stands behind the activation is its value, what comes back is its slope.
    x = np.linspace(-6, 6, 241)
    layers = [nn.Dense(1, bias=False), nn.Activation(name, 0.3 if name in ("leaky_relu", "elu") else None)]
    net = nn.Network(layers, loss=nn.Loss("mse", 0.5), dtype=dtype, inputs=1)
    net.layers[0].weights[:] = 1
    row = ACTIVATIONS[name]
    x = x.astype(dtype).astype(float)

    check(net.forward(x)[:, 0], row.value(x, 0.3), TOLERANCE[dtype], "value")
    for value in x[np.abs(np.abs(x) % 1) > 1e-6]:  # off the kinks, which lie at whole numbers
        at = np.array(float(np.asarray(value, dtype)))
        y = row.value(at, 0.3)
        target = y - 1  # d(½(f − target)²)/dw = (f − target)·f'(x)·x = f'(x)·x
        (got,) = arrays_of(net, net.gradients([[at]], [target]))
        check(got[0, 0], row.derivative(at, y, 0.3) * at, 5 * TOLERANCE[dtype], f"slope at {value}")


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "elu", "selu", "gelu", "silu", "softplus"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_an_activation_neither_overflows_nor_turns_to_nan_far_out(name, dtype):
    net = nn.Network([nn.Dense(1, bias=False), nn.Activation(name)], dtype=dtype, inputs=1)
    net.layers[0].weights[:] = 1
    far = np.array([-1e30, -1e4, -800.0, 800.0, 1e4, 1e30])

    out = net.forward(far)[:, 0]

    with np.errstate(over="ignore"):
        check(out / np.abs(far).clip(1), ACTIVATIONS[name].value(far, 1.0) / np.abs(far).clip(1), TOLERANCE[dtype])


@DTYPES
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_its_link_and_its_gradient_equal_the_formula(name, dtype):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(40, 5)), answers(name, 40, rng)
    net = unsettle(nn.Network([nn.Dense(OUTPUTS[name])], loss=loss_of(name), dtype=dtype, inputs=5), rng)
    other = twin(net)

    check(net.forward(X), other.forward(X), TOLERANCE[dtype], "prediction")
    check(net.loss(X, y), standing_loss(other, X, y), TOLERANCE[dtype], "loss")
    check(arrays_of(net, net.gradients(X, y)), other.gradient(X, y, learn=False)[1], TOLERANCE[dtype], "gradient")


@DTYPES
@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_soft_targets_are_probabilities_of_the_classes(name, dtype):
    rng = np.random.default_rng(2)
    X, soft = rng.normal(size=(40, 5)), rng.dirichlet(np.ones(OUTPUTS[name]), 40)
    net = unsettle(nn.Network([nn.Dense(OUTPUTS[name])], loss=name, dtype=dtype, inputs=5), rng)
    other = twin(net)

    check(net.loss(X, soft), standing_loss(other, X, soft), TOLERANCE[dtype], "loss")
    wanted = other.gradient(X, soft, learn=False)[1]
    check(arrays_of(net, net.gradients(X, soft)), wanted, TOLERANCE[dtype], "gradient")


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_stays_finite_and_its_gradient_bounded_far_out(name):
    net = nn.Network([nn.Dense(OUTPUTS[name], bias=False)], loss=name, dtype="float64", inputs=1)
    net.layers[0].weights[:] = [[1.0, -1.0, 2.0][: OUTPUTS[name]]]
    other = twin(net)
    y = [1.0] if OUTPUTS[name] == 3 else [[1.0, 0.0]]
    for x in (-700.0, -29.0, 29.0, 700.0):
        assert np.isfinite(net.forward([[x]])).all()
        assert np.isfinite(net.loss([[x]], y))
        assert np.abs(net.gradients([[x]], y)).max() <= 700 * (1.1e13 if name == "poisson" else 1500)
        check(net.forward([[x]]), other.forward([[x]]), 1e-12, f"prediction at {x}")
        check(net.loss([[x]], y), standing_loss(other, np.array([[x]]), y), 1e-12, f"loss at {x}")
        check(arrays_of(net, net.gradients([[x]], y)), other.gradient([[x]], y, learn=False)[1], 1e-12, f"at {x}")


@pytest.mark.parametrize("name", LINKS)
def test_every_link_is_the_link_of_a_loss(name):
    assert name in {row.link for row in LOSSES.values()}


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
    check(net.loss(X, y, w), standing_loss(other, X, y, w), TOLERANCE[dtype], "loss")
    given = other.gradient(X, y, w, learn=False)[1]
    wanted = [g + q for g, q in zip(given, other.penalty_gradients(), strict=True)]
    check(arrays_of(net, net.gradients(X, y, w)), wanted, 5 * TOLERANCE[dtype], "gradient")


@DTYPES
@pytest.mark.parametrize("stack", STACKS)
def test_learning_from_a_batch_equals_the_twin(stack, dtype):
    # Dropout draws the same mask from the same key; batch norm uses the batch and moves its running statistics.
    rng = np.random.default_rng(4)
    layers = STACKS[stack]
    X = inputs(layers, 23, rng)
    net = unsettle(nn.Network(layers, dtype=dtype, inputs=X.shape[1]), rng)
    y = rng.normal(size=(23, net.outputs))

    value, g = gradient(net, X, y, learn=True)

    loss, wanted = twin(net).gradient(X, y)
    check(value, loss, TOLERANCE[dtype], "loss")
    check(arrays_of(net, g), wanted, 5 * TOLERANCE[dtype], "gradient")


@DTYPES
@pytest.mark.parametrize("path", ["batch", "mini-batch", "row"])
@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_learns_as_its_twin_does(stack, path, dtype):
    rng = np.random.default_rng(5)
    layers = STACKS[stack]
    X = inputs(layers, 40, rng)
    net = nn.Network(layers, optimizer=nn.Momentum(0.003), dtype=dtype, l1=0.001, l2=0.01, seed=3, inputs=X.shape[1])
    y = 0.5 * rng.normal(size=(40, net.outputs))
    other = twin(unsettle(net, rng))

    learn(net, other, path, X, y)

    # Momentum, because a bias in front of batch norm has a gradient of pure rounding, which Adam would scale up
    # to a step.
    check_learned(net, other, 5 * TOLERANCE[dtype], stack)
    drawn = [layer.draws.drawn for layer in other.layers if isinstance(layer, DropoutLayer)]
    assert {*drawn} == ({int(net.core.array("random")[0])} if "dropout" in stack else set())
    assert any(isinstance(layer, BatchNormalisation) for layer in other.layers) == (stack == "batch norm")


@DTYPES
@pytest.mark.parametrize("path", ["batch", "mini-batch", "row"])
@pytest.mark.parametrize("rule", RULES)
def test_every_rule_steps_as_its_formula_says(rule, path, dtype):
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(60, 5)), 0.5 * rng.normal(size=(60, 2))
    net = nn.Network([nn.Dense(4, "tanh"), nn.Dense(2)], optimizer=OPTIMIZERS[rule], dtype=dtype, inputs=5)
    other = twin(unsettle(net, rng))

    learn(net, other, path, X, y)

    # 60 steps: float64 keeps ten digits; float32 loses more where a rule divides by the root of a small number.
    check_learned(net, other, {"float64": 1e-10, "float32": 2e-3}[dtype], rule)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_steps_rows_of_a_table_with_their_own_counts(rule):
    rng = np.random.default_rng(7)
    layers = STACKS["embedding"]
    X, y = inputs(layers, 60, rng), 0.5 * rng.normal(size=(60, 2))
    net = nn.Network(layers, optimizer=OPTIMIZERS[rule], dtype="float64", inputs=2)
    other = twin(unsettle(net, rng))

    learn(net, other, "row", X, y)

    check_learned(net, other, 1e-10, rule)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_steps_a_row_that_a_sample_names_twice(rule):
    rng = np.random.default_rng(12)
    X, y = rng.integers(0, 4, (60, 3)).astype(float), 0.5 * rng.normal(size=(60, 2))
    net = nn.Network(STACKS["embedding"], optimizer=OPTIMIZERS[rule], dtype="float64", inputs=3, clip_norm=0.5)
    other = twin(unsettle(net, rng))

    learn(net, other, "row", X, y)

    check_learned(net, other, 1e-10, rule)


@pytest.mark.parametrize("path", ["batch", "row"])
@pytest.mark.parametrize("schedule", STEPS, ids=lambda s: type(s).__name__)
def test_every_schedule_sets_the_step_size_of_every_step(schedule, path):
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 2))
    net = nn.Network([nn.Dense(2)], optimizer=nn.SGD(schedule), dtype="float64", inputs=5)
    other = twin(net)

    learn(net, other, path, X, y)

    check_learned(net, other, 1e-12)
    row = list(SCHEDULES.values())[nn.SCHEDULES.index(type(schedule))]
    numbers = [getattr(schedule, name) for name in type(schedule).__dataclass_fields__ if name != "lr"]
    wanted = [row.rate(schedule.lr, t, *numbers) for t in range(1, 200)]
    check(np.array([schedule.at(t) for t in range(1, 200)]), np.array(wanted), 1e-15)


@pytest.mark.parametrize("path", ["batch", "row"])
@pytest.mark.parametrize("options", [{"clip_norm": 0.3}, {"clip_value": 0.05}, {"clip_norm": 0.5, "clip_value": 0.1}])
def test_clipping_then_penalty_then_the_rule_is_the_order_of_a_step(options, path):
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 2))
    layers = [nn.Dense(4, "tanh"), nn.LayerNorm(), nn.Dense(2)]
    net = nn.Network(layers, optimizer=nn.Momentum(0.05), dtype="float64", l1=0.01, l2=0.1, inputs=5, **options)
    other = twin(unsettle(net, rng))

    learn(net, other, path, X, y)

    check_learned(net, other, 1e-11, str(options))


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
    other = twin(unsettle(net, rng))

    learn(net, other, "row", X, y)

    check_learned(net, other, 1e-10, rule)


@pytest.mark.parametrize("path", ["batch", "row"])
@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_learned_as_its_twin_learns_it(name, path):
    rng = np.random.default_rng(11)
    X, y = rng.normal(size=(40, 5)), answers(name, 40, rng)
    layers = [nn.Dense(6, "tanh"), nn.Dense(OUTPUTS[name])]
    net = nn.Network(layers, loss=loss_of(name), optimizer=nn.SGD(0.05), dtype="float64", inputs=5)
    other = twin(unsettle(net, rng))

    shown = learn(net, other, path, X, y)

    check_learned(net, other, 1e-11, name)
    if path == "row":  # learn_many returns what was predicted before each row was learned
        check(shown[0], shown[1], 1e-11, "predictions")
    assert set(NUMBERS) <= set(LOSSES)


@DTYPES
@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in ("cocob", "ftrl")])
def test_steps_that_do_harm_are_taken_back_as_the_twin_takes_them_back(rule, dtype):
    rng = np.random.default_rng(13)
    X = rng.normal(size=(60, 3))
    y = X @ [1.0, -2.0, 0.5]
    y[[20, 45]] = 1e6
    optimizer = type(OPTIMIZERS[rule])(1e4 if rule == "adadelta" else 2.0)
    net = nn.Network([nn.Dense(8, "tanh"), nn.Dense(1)], optimizer=optimizer, dtype=dtype, inputs=3, seed=2)
    other = twin(net)

    net.learn_many(X[:8], y[:8])
    other.learn_many(X[:8], y[:8])

    # Runs of this kind are chaotic: after the first steps the two differ by more than rounding in float32.
    check_learned(net, other, {"float64": 1e-9, "float32": 1e-3}[dtype], rule)
    if dtype == "float64":
        net.learn_many(X[8:], y[8:])
        other.learn_many(X[8:], y[8:])
        assert other.progress.undone > 0
        check_learned(net, other, 1e-6, rule)


def learn(net, other, path, X, y):
    """Let the net and its twin learn the same data on one path; returns both sets of predictions of the row path."""
    if path == "batch":
        net.fit(X, y, epochs=30)
        for _ in range(30):
            other.step(other.gradient(X, y)[1])
    elif path == "mini-batch":
        net.fit(X, y, epochs=3, batch_size=7, shuffle=False)
        for _ in range(3):
            for at in range(0, len(X), 7):
                other.step(other.gradient(X[at : at + 7], y[at : at + 7])[1])
    else:
        shown = net.learn_many(X, y)
        return shown.reshape(len(X), -1), other.learn_many(X, y)
    return None


def test_the_arrays_that_are_compared_are_all_there_are():
    net = nn.Network(STACKS["layer norm"], inputs=5)
    named = sum(array.size for array in arrays_of(net))
    assert named == sum(array.size for array in plain_arrays(twin(net))) == 5 * 6 + 6 + 6 + 6 + 6 * 2 + 2
