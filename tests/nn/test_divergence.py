"""A step that makes things far worse is taken back, counted, answered with a smaller one; nothing turns infinite."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

from headwater import nn
from headwater.errors import DataError
from headwater.nn.core import FADING_LOSS, OVERFLOW, PRODUCT, STEP_SCALE, STEPS, UNDONE
from headwater.plain import LOSSES, RULES
from support.nets import answers

ABSURD = {rule: kind(1e6) for rule, kind in nn.OPTIMIZERS.items() if rule != "cocob"} | {"cocob": nn.COCOB()}


def stream(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 0.5] + 0.1 * rng.normal(size=n)


def moving(net: nn.Network) -> dict[str, np.ndarray]:
    """Copies of weights, states of the rule, running statistics, and how often each row was learned."""
    names = ("weights", *(f"state_{k}" for k in range(net.core.about["states"])), "buffer", "touched")
    return {name: net.core.array(name).copy() for name in names}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES)
def test_an_absurd_step_size_is_undone_and_counted_and_predictions_stay_finite(rule, dtype):
    X, y = stream(400)
    net = nn.Network([nn.Dense(8, "relu"), nn.Dense(1)], optimizer=ABSURD[rule], dtype=dtype, seed=1, inputs=3)

    shown = net.learn_many(X, y)

    assert np.isfinite(shown).all()
    assert np.isfinite(net.forward(X)).all()
    assert np.isfinite(net.parameters).all()
    assert np.isfinite(net.core.running).all()
    if rule not in (
        "cocob",
        "ftrl",
    ):  # COCOB has no step size; FTRL's first step is −g/(β/α + √g²/α), bounded by itself
        assert net.core.running[0, UNDONE] > 0
        assert net.core.running[0, STEP_SCALE] < 1


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_survives_an_absurd_step_size(name):
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(300, 3)), answers(name, 300, rng)
    k = 3 if y.ndim == 1 else 2
    net = nn.Network([nn.Dense(8, "relu"), nn.Dense(k)], loss=name, optimizer=nn.SGD(1e8), seed=1, inputs=3)

    shown = net.learn_many(X, y)

    assert np.isfinite(shown).all()
    assert np.isfinite(net.forward(X)).all()


@pytest.mark.parametrize("rule", [r for r in RULES if r not in ("cocob", "ftrl")])
def test_a_step_that_is_undone_leaves_weights_and_states_as_they_were(rule):
    X, y = stream(1)
    net = nn.Network([nn.Dense(8, "tanh"), nn.Dense(1)], optimizer=ABSURD[rule], dtype="float64", seed=1, inputs=3)
    before = moving(net)

    net.learn_many(X, y + 5)

    assert net.core.running[0, UNDONE] == 1
    for name, array in moving(net).items():
        assert np.array_equal(array, before[name]) or name == "touched", name
    assert net.core.running[0, STEP_SCALE] == 0.5
    assert net.core.running[0, PRODUCT] == 1  # NAdam's running product


def test_the_step_size_creeps_back_after_a_divergence():
    X, y = stream(2_000)
    net = nn.Network([nn.Dense(1)], optimizer=nn.SGD(0.01), dtype="float64", seed=1, inputs=3)
    net.core.running[0, STEP_SCALE] = 0.5

    net.learn_many(X[:100], y[:100])
    assert net.core.running[0, STEP_SCALE] == pytest.approx(0.5 * 1.001**100, rel=1e-12)

    net.learn_many(X, y)
    assert net.core.running[0, STEP_SCALE] == 1
    assert net.core.running[0, UNDONE] == 0


def test_learning_goes_on_after_a_divergence_and_still_finds_the_answer():
    X, y = stream(6_000)
    net = nn.Network([nn.Dense(1)], optimizer=nn.SGD(2.0), dtype="float64", seed=1, inputs=3)

    net.learn_many(X, y)

    assert net.core.running[0, UNDONE] > 0
    assert np.abs(net.layers[0].weights[:, 0] - [1, -2, 0.5]).max() < 0.5


def test_one_freak_among_thousands_of_rows_does_not_wreck_the_net():
    X, y = stream(3_000)
    net = nn.Network([nn.Dense(16, "relu"), nn.Dense(1)], optimizer=nn.SGD(0.02), dtype="float64", seed=1, inputs=3)
    net.learn_many(X, y)
    before = np.mean((net.predict(X) - y) ** 2)

    undone = net.core.running[0, UNDONE]

    net.learn_many([[1.0, 1.0, 1.0]], [1e12])

    assert net.core.running[0, UNDONE] == undone + 1
    assert np.mean((net.predict(X) - y) ** 2) == before


def test_a_row_whose_logits_overflow_is_counted_not_learned_and_predicted_as_no_opinion():
    net = nn.Network([nn.Dense(4, "relu"), nn.Dense(1)], dtype="float32", seed=1, inputs=2)
    net.layers[0].weights[:] = 1e30
    net.layers[1].weights[:] = 1e30
    before = net.parameters.copy()

    shown = net.learn_many([[1e5, 1e5]], [1.0])

    assert shown.tolist() == [0.0]
    assert net.core.running[0, OVERFLOW] == 1
    assert net.core.running[0, STEPS] == 0
    assert np.array_equal(net.parameters, before)


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_an_input_that_is_infinite_teaches_nothing(value):
    net = nn.Network([nn.Dense(4, "relu"), nn.Dense(1)], dtype="float64", seed=1, inputs=2)
    X, y = stream(100)
    net.learn_many(X[:, :2], y)

    shown = net.learn_many([[value, 1.0], [0.5, 0.5]], [1.0, 1.0])

    assert np.isfinite(shown).all()
    assert np.isfinite(net.parameters).all()
    assert np.isfinite(net.forward([[0.5, 0.5]])).all()


def test_a_missing_input_contributes_nothing_on_any_path():
    net = nn.Network([nn.Dense(4, "tanh"), nn.Dense(1)], dtype="float64", seed=1, inputs=2)
    half, zero = [[np.nan, 0.7]], [[0.0, 0.7]]
    assert np.array_equal(net.forward(half), net.forward(zero))
    assert np.array_equal(net.gradients(half, [1.0]), net.gradients(zero, [1.0]))

    shown = net.learn_many(half, [1.0])

    assert np.isfinite(shown).all()
    assert np.isfinite(net.parameters).all()


def test_a_loss_below_zero_is_not_taken_for_an_explosion():
    # Poisson's loss of counts near 1,000 lies near −6,000; four times that is a bar no step could pass.
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(300, 2)), rng.poisson(1_000, 300).astype(float)
    layers = [nn.Dense(1, initializer="zeros")]
    net = nn.Network(layers, loss="poisson", optimizer=nn.Adam(0.01), dtype="float64", inputs=2)
    net.layers[0].bias[:] = np.log(900)

    net.learn_many(X, y)

    assert net.core.running[0, UNDONE] == 0
    assert abs(net.forward(np.zeros((1, 2)))[0, 0] - 1_000) < 30


def test_the_thinned_net_of_dropout_is_not_compared_with_the_whole_one():
    # The whole net may cost more than the thinned one did although the step was good.
    rng = np.random.default_rng(3)
    X = rng.normal(size=(10, 3))
    layers = [nn.Dense(64, "relu"), nn.Dropout(0.8), nn.Dense(1)]
    for seed in range(20):
        net = nn.Network(layers, optimizer=nn.SGD(1e-6), dtype="float64", seed=seed, inputs=3)
        y = 3 * net.forward(X)[:, 0]
        before = net.parameters.copy()
        for x, target in zip(X, y, strict=True):
            net.learn_many(x[None], [target])
        assert net.core.running[0, UNDONE] == 0
        assert not np.array_equal(net.parameters, before)


def test_fit_refuses_a_loss_that_runs_away_and_puts_everything_back():
    X, y = stream(64)
    layers = [nn.Dense(8, "tanh"), nn.BatchNorm(), nn.Dense(1)]
    net = nn.Network(layers, optimizer=nn.Momentum(0.01), dtype="float32", seed=1, inputs=3)
    net.fit(X, y, epochs=3, batch_size=8)
    before = moving(net)
    forward = net.forward(X)
    net.core.learner.set_step(1e30, 1e10)

    with pytest.raises(DataError) as caught:
        net.fit(X, y, epochs=5, batch_size=8)

    assert caught.value.expected == "a loss that stays finite"
    assert caught.value.at == "Network.fit, epoch 1"
    for name, array in moving(net).items():
        assert np.array_equal(array, before[name]), name
    assert net.core.running[0, UNDONE] == 1
    assert np.array_equal(net.forward(X), forward)


@pytest.mark.parametrize("batch_size", [None, 8, 1])
def test_fit_with_an_absurd_step_size_never_leaves_a_net_that_predicts_nan(batch_size):
    X, y = stream(64)
    for rule, optimizer in ABSURD.items():
        net = nn.Network([nn.Dense(8, "relu"), nn.Dense(1)], optimizer=optimizer, dtype="float32", seed=1, inputs=3)
        with contextlib.suppress(DataError):  # a loss that stays finite was expected
            net.fit(X, y, epochs=20, batch_size=batch_size)
        assert np.isfinite(net.parameters).all(), rule
        assert np.isfinite(net.forward(X)).all(), rule


def test_one_freak_loss_cannot_lift_the_fading_mean_out_of_reach():
    X, y = stream(500)
    net = nn.Network([nn.Dense(1)], optimizer=nn.SGD(0.05), dtype="float64", seed=1, inputs=3)
    net.learn_many(X, y)
    mean = net.core.running[0, FADING_LOSS]

    net.learn_many(X[:1], [1e150])

    assert net.core.running[0, FADING_LOSS] <= mean + 0.01 * (15 * mean + 1)
    assert np.isfinite(net.core.running).all()


def test_an_answer_whose_loss_is_infinite_is_counted_and_teaches_nothing():
    net = nn.Network([nn.Dense(1)], dtype="float64", seed=1, inputs=3)
    before = net.parameters.copy()

    net.learn_many([[1.0, 2.0, 3.0]], [1e200])  # its square is beyond float64

    assert net.core.running[0, OVERFLOW] == 1
    assert net.core.running[0, STEPS] == 0
    assert np.array_equal(net.parameters, before)


@pytest.mark.parametrize("lr", [0.1, 1.0, 100.0])
def test_a_step_size_that_is_far_too_large_still_learns(lr):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 10))
    y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2]
    net = nn.Network([nn.Dense(32, "relu"), nn.Dense(1)], optimizer=nn.SGD(lr))

    shown = net.learn_many(X, y)

    assert np.isfinite(shown).all()
    assert np.mean((shown[2000:] - y[2000:]) ** 2) < 0.5 * y.var()
