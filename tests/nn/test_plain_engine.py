"""A network with engine="plain" learns in NumPy what one in the core learns, from the seed alone."""

from __future__ import annotations

import copy
import pickle
import sys

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError, DataError
from headwater.plain import LOSSES, RULES
from headwater.plain.layers import DenseLayer
from support.nets import OUTPUTS, answers, check, loss_of

ENGINES = ("core", "plain")
LAYERS = {
    "Dense": [nn.Dense(6, "relu"), nn.Dense(2)],
    "one output": [nn.Dense(6, "gelu"), nn.Dense(1)],
    "no bias": [nn.Dense(6, "silu", bias=False), nn.Dense(2, bias=False)],
    "Embedding": [nn.Embedding(9, 4), nn.Activation("tanh"), nn.Dense(2)],
    "Activation": [nn.Dense(6), nn.Activation("leaky_relu", 0.3), nn.Dense(2)],
    "Dropout": [nn.Dense(6, "tanh"), nn.Dropout(0.3), nn.Dense(5, "tanh"), nn.Dropout(0.5), nn.Dense(2)],
    "LayerNorm": [nn.Dense(6), nn.LayerNorm(), nn.Activation("tanh"), nn.LayerNorm(affine=False), nn.Dense(2)],
    "BatchNorm": [nn.Dense(6), nn.BatchNorm(), nn.Activation("tanh"), nn.Dense(2)],
}
"""For each class of layer a stack that it is part of, and some more."""
SCHEDULES = (
    nn.Constant(0.05),
    nn.InverseScaling(0.1, power=0.6),
    nn.Cosine(0.05, steps=20, floor=0.005),
    nn.Step(0.05, every=7, factor=0.5),
    nn.WarmUp(0.05, steps=15),
)
TOLERANCE = 1e-12


def pair(layers: list, **options) -> list[nn.Network]:
    """The same network on each engine."""
    options = {"dtype": "float64", "seed": 4} | options
    return [nn.Network(layers, engine=engine, **options) for engine in ENGINES]


def inputs(layers: list, n: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers with gaps, or two ids a row."""
    if isinstance(layers[0], nn.Embedding):
        return rng.integers(0, 9, (n, 2)).astype(float)
    X = rng.normal(size=(n, 5))
    X[rng.random(X.shape) < 0.1] = np.nan
    return X


def numbers(net: nn.Network) -> list[np.ndarray]:
    """Every layer's numbers."""
    return [array for part in net.layers for array in (part.weights, part.bias) if array is not None]


def by_layer(net: nn.Network, g: np.ndarray) -> list[np.ndarray]:
    """A vector of the flat layout as one array for each of ``numbers``."""
    other = copy.deepcopy(net)
    other.parameters[:] = g
    return numbers(other)


def assert_same(core: nn.Network, plain: nn.Network, X: np.ndarray, y: np.ndarray, w: np.ndarray) -> None:
    """Both say the same of some data, and their numbers are the same."""
    check(numbers(plain), numbers(core), TOLERANCE, "parameters")
    check(plain.forward(X), core.forward(X), TOLERANCE, "forward")
    check(plain.predict(X), core.predict(X), TOLERANCE, "predict")
    check(plain.loss(X, y, w), core.loss(X, y, w), TOLERANCE, "loss")
    given, wanted = by_layer(plain, plain.gradients(X, y, w)), by_layer(core, core.gradients(X, y, w))
    check(given, wanted, TOLERANCE, "gradients")


def learn(net: nn.Network, X: np.ndarray, y: np.ndarray, w: np.ndarray) -> list[np.ndarray]:
    """Learn in every way that there is; returns what was said on the way."""
    shown = [net.learn_many(X, y, w)]
    said = [net.fit(X, y, w, epochs=2).loss, net.fit(X, y, epochs=2, batch_size=7).loss]
    for _ in range(3):
        net.update(net.gradients(X, y, w))
    return [*shown, *map(np.array, said), net.learn_many(X, y)]


def assert_learn_the_same(layers: list, X: np.ndarray, y: np.ndarray, rng: np.random.Generator, **options) -> None:
    core, plain = pair(layers, **options)
    w = rng.choice([0.0, 0.5, 1.0, 2.0], len(X))
    for net in (core, plain):
        net.forward(X)
    assert_same(core, plain, X, y, w)
    check(learn(plain, X, y, w), learn(core, X, y, w), TOLERANCE, "on the way")
    assert_same(core, plain, X, y, w)
    assert not np.array_equal(numbers(plain)[0], numbers(pair(layers, inputs=X.shape[1], **options)[1])[0])


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer_learns_the_same_from_the_seed_alone(name):
    rng = np.random.default_rng(0)
    layers = LAYERS[name]
    X = inputs(layers, 40, rng)
    y = 0.5 * rng.normal(size=(40, layers[-1].units))
    assert_learn_the_same(layers, X, y, rng, optimizer=nn.Momentum(0.003), l1=0.001, l2=0.01)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_learns_the_same_without_a_bias_from_rows_without_gaps(rule, tmp_path):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 5)), 0.5 * rng.normal(size=(40, 2))
    core, plain = pair(LAYERS["no bias"], optimizer=nn.optimizer(rule))
    for net in (core, plain):
        net.learn_many(X, y)
    check(numbers(plain), numbers(core), TOLERANCE, rule)
    core.save(tmp_path / "net.hw")
    assert np.array_equal(hw.load(tmp_path / "net.hw").parameters, core.parameters)


def test_every_class_of_layer_has_its_turn():
    elsewhere = {"Conv", "Pool", "Flatten", "Recurrent"}  # tests/nn/test_images.py; a recurrence has no plain engine
    assert {type(layer).__name__ for stack in LAYERS.values() for layer in stack} == set(nn.LAYERS) - elsewhere


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_every_activation_learns_the_same_from_the_seed_alone(name):
    rng = np.random.default_rng(1)
    X, y = 2 * rng.normal(size=(40, 5)), rng.normal(size=(40, 2))
    assert_learn_the_same([nn.Dense(6, name), nn.Dense(5, name), nn.Dense(2)], X, y, rng)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("options", [{}, {"l1": 0.002, "l2": 0.02, "clip_norm": 0.6, "clip_value": 0.2}])
def test_every_rule_learns_the_same_from_the_seed_alone(rule, options):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(40, 5)), 0.5 * rng.normal(size=(40, 2))
    assert_learn_the_same([nn.Dense(6, "tanh"), nn.Dense(2)], X, y, rng, optimizer=nn.optimizer(rule), **options)


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
def test_every_schedule_learns_the_same_from_the_seed_alone(schedule):
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(40, 5)), rng.normal(size=(40, 2))
    assert {type(s) for s in SCHEDULES} == set(nn.SCHEDULES)
    assert_learn_the_same([nn.Dense(2)], X, y, rng, optimizer=nn.SGD(schedule))


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_learns_the_same_from_the_seed_alone(name):
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(40, 5)), answers(name, 40, rng)
    layers = [nn.Dense(6, "tanh"), nn.Dense(OUTPUTS[name])]
    assert_learn_the_same(layers, X, y, rng, loss=loss_of(name), optimizer=nn.SGD(0.05))


@pytest.mark.parametrize("initializer", nn.INITIALIZERS)
def test_every_initializer_draws_the_same_first_weights(initializer):
    first = "lecun" if initializer == "orthogonal" else initializer  # rows come one by one there
    layers = [nn.Dense(6, "tanh", initializer=first), nn.Dense(7, initializer=initializer), nn.Dense(2)]
    core, plain = pair(layers, inputs=5)
    check(numbers(plain), numbers(core), 1e-14)


def test_in_float32_both_learn_the_same_but_for_rounding():
    rng = np.random.default_rng(5)
    X, y = rng.normal(size=(200, 5)), rng.normal(size=200)
    core, plain = pair([nn.Dense(8, "relu"), nn.Dense(1)], dtype="float32", optimizer=nn.SGD(0.02))
    shown = [net.learn_many(X, y) for net in (core, plain)]
    check(shown[1], shown[0], 1e-4)
    for array in (shown[1], plain.parameters, plain.forward(X), plain.gradients(X, y), *numbers(plain)):
        assert array.dtype == np.float32


def test_early_stopping_takes_back_the_same_weights():
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    Xv, yv = rng.normal(size=(100, 4)), rng.normal(size=100)
    layers = [nn.Dense(16, "tanh"), nn.BatchNorm(), nn.Dense(1)]
    core, plain = pair(layers, optimizer=nn.Momentum(0.01))
    histories = [
        net.fit(X, y, epochs=200, batch_size=5, validation=(Xv, yv), early_stopping=2) for net in (core, plain)
    ]
    assert histories[0].stopped_early
    assert histories[0].best_epoch == histories[1].best_epoch
    check(histories[1].loss, histories[0].loss, 1e-10)
    best = histories[1].validation_loss[histories[1].best_epoch - 1]
    assert plain.loss(Xv, yv) == best  # running statistics included
    check(numbers(plain), numbers(core), 1e-10)


def test_a_loss_that_runs_away_leaves_all_as_it_was_before_the_epoch():
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(20, 3)), rng.normal(size=20)
    layers = [nn.Dense(4), nn.BatchNorm(), nn.Dense(1)]
    (_, net), (_, other) = pair(layers, optimizer=nn.Adam(1e200)), pair(layers, optimizer=nn.Adam(1e200))
    for model in (net, other):
        model.learn_many(X[:1], y[:1])
    before = net.plain
    with np.errstate(all="ignore"), pytest.raises(DataError, match="expected a loss that stays finite"):
        net.fit(X, y, epochs=20, batch_size=5, shuffle=False)
    undone, steps = net.plain.progress.undone, net.plain.progress.steps
    assert undone == other.plain.progress.undone + 1
    with np.errstate(all="ignore"):
        for _ in range((steps - 1) // 4):
            other.fit(X, y, batch_size=5, shuffle=False)
    assert np.array_equal(net.parameters, other.parameters)
    assert before.layers[1].count == other.plain.layers[1].count
    assert all(np.array_equal(a, b) for a, b in zip(net.plain.states, other.plain.states, strict=True))


# ---- the flat vector ------------------------------------------------------------------------------------------------


def test_named_views_write_through_to_the_flat_vector_and_to_predictions():
    net = nn.Network([nn.Dense(3), nn.Dense(2)], dtype="float64", inputs=2, engine="plain")
    net.parameters[:] = 0
    net.layers[0].weights[1, 2] = 3.0
    net.layers[1].weights[2, 0] = 2.0
    net.layers[1].bias[1] = 0.5
    assert np.flatnonzero(net.parameters).tolist() == [5, 13, 16]  # W (2, 3), b (3,), W (3, 2), b (2,)
    assert len(net.parameters) == 17
    assert net.forward([[7.0, 1.0]]).tolist() == [[6.0, 0.5]]
    assert [part.name for part in net.layers] == ["Dense", "Dense"]


def test_gradients_have_the_layout_of_the_parameters():
    rng = np.random.default_rng(8)
    X, y = rng.normal(size=(9, 3)), rng.normal(size=(9, 2))
    net = nn.Network(
        [nn.Dense(4, "tanh"), nn.LayerNorm(), nn.Dense(2)], dtype="float64", l2=0.1, inputs=3, engine="plain"
    )
    g, here = net.gradients(X, y), net.parameters.copy()
    for i in range(len(here)):
        sides = []
        for h in (1e-5, -1e-5):
            net.parameters[:] = here
            net.parameters[i] += h
            sides.append(net.loss(X, y))
        assert (sides[0] - sides[1]) / 2e-5 == pytest.approx(g[i], rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_a_copy_goes_on_alike_and_stands_by_itself(again):
    rng = np.random.default_rng(9)
    X, y = rng.normal(size=(30, 4)), rng.normal(size=30)
    layers = [nn.Dense(5), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.4), nn.Dense(1)]
    net = nn.Network(layers, optimizer=nn.Adam(), engine="plain", seed=1)
    net.learn_many(X, y)
    other = again(net)
    before = net.parameters.copy()

    shown = other.learn_many(X, y)

    assert np.array_equal(net.parameters, before)
    assert np.array_equal(net.learn_many(X, y), shown)
    assert np.array_equal(net.parameters, other.parameters)
    other.parameters[:] = 0
    assert all(not array.any() for array in numbers(other))


# ---- what it is for, and what it is not -----------------------------------------------------------------------------


def test_its_layers_can_be_stepped_through():
    net = nn.Network([nn.Dense(3, "tanh"), nn.Dense(1)], dtype="float64", inputs=2, engine="plain")
    first = net.plain.first
    assert isinstance(first, DenseLayer)
    assert np.shares_memory(first.weights, net.parameters)
    net.gradients([[1.0, 2.0]], [0.5])
    assert first.X.tolist() == [[1.0, 2.0]]
    assert np.array_equal(first.weights_gradient, np.outer([1.0, 2.0], first.dY[0]))


def test_its_repr_is_the_constructor_call():
    net = nn.Network([nn.Dense(2)], engine="plain")
    again = eval(repr(net), {**vars(nn), "Network": nn.Network})
    assert again.engine == "plain"
    assert "engine" not in repr(nn.Network([nn.Dense(2)]))


@pytest.mark.parametrize("inputs", [None, 2])
def test_it_is_neither_saved_nor_exported(inputs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as where PyTorch is not installed
    net = nn.Network([nn.Dense(1)], inputs=inputs, engine="plain")
    for path, write in (("a.hw", net.save), ("a.onnx", net.export_onnx)):
        with pytest.raises(ConfigError, match="expected a network with engine='core', got engine='plain'"):
            write(tmp_path / path)
    with pytest.raises(ConfigError, match="The same seed gives the same results"):
        net.to_torch()
    assert list(tmp_path.iterdir()) == []
    nn.Network([nn.Dense(1)], inputs=inputs).save(tmp_path / "b.hw")
    assert hw.load(tmp_path / "b.hw").engine == "core"
