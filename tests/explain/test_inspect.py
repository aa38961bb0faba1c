"""`nn.inspect`, which computes in NumPy, agrees with the core, and its deltas with finite differences."""

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.learner.sampling.measure import best_hidden
from headwater.nn import inspect
from headwater.nn.layers import ACTIVATIONS
from headwater.plain import LOSSES

STACKS = [
    *([nn.Dense(5, name)] for name in ACTIVATIONS),
    [nn.Dense(6), nn.LayerNorm(), nn.Activation("tanh"), nn.Dense(4, "sigmoid")],
    [nn.Dense(6), nn.LayerNorm(affine=False), nn.Activation("relu")],
    [nn.Dense(6), nn.BatchNorm(), nn.Activation("silu"), nn.Dropout(0.2)],
    [nn.Dense(6, bias=False), nn.Activation("tanh"), nn.Dense(5, "elu", bias=False)],
]


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    X = []
    for i in range(n):
        x = {"a": rng.normal(), "b": 5 + 3 * rng.normal(), "c": "uvw"[rng.integers(3)]}
        X.append({name: value for name, value in x.items() if i % 7 or name != "b"})
    y = ["yes" if x["a"] + (x["c"] == "u") > rng.normal() else "no" for x in X]
    return X, y


def learned(stack, **settings):
    model = hw.Classifier(layers=stack, dtype="float64", seed=3, **settings)
    X, y = rows(200)
    model.learn_many(X, y)
    return model


@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_the_second_look_gives_the_predictions_of_the_core(stack):
    model = learned(stack)
    X, _ = rows(30, seed=1)
    X += [{}, {"a": float("nan")}, {"a": float("inf"), "b": 1e40}, {"c": "never seen"}, {"new": 1.0}]
    core = model._engine.core
    taken = inspect.entries(core, model._engine.rows(X), len(X))
    out = inspect.link(core, 0, inspect.logits(core, 0, taken))
    np.testing.assert_allclose(out, model.predict_proba_many(X), rtol=1e-9, atol=1e-12)


READ = {
    **{str(stack): ({"layers": stack}, rows(40, seed=1)[0]) for stack in STACKS},
    **{effort: ({"effort": effort}, rows(40, seed=1)[0]) for effort in ("fast", "default", "accurate")},
    "recurrent": ({"by": "c", "layers": [nn.Recurrent(6), nn.Dense(5, "relu")]}, rows(40, seed=1)[0]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", READ)
def test_the_last_hidden_layer_of_the_core_is_that_of_the_second_look(name, dtype):
    settings, X = READ[name]
    model = hw.Classifier(**settings, dtype=dtype, seed=3)
    model.learn_many(*rows(300))
    core, read = model._engine.core, model._engine.rows(X)
    e = best_hidden(core)
    if e is None:
        assert name == "fast"
        return
    taken = inspect.entries(core, read, len(X))
    values = inspect.forward(core, e, inspect.read(core, e, taken), taken.carried)
    found = np.frombuffer(core.learner.hidden(read, 0, len(X), e)).reshape(len(X), -1)
    tolerance = 1e-9 if dtype == "float64" else 1e-4
    np.testing.assert_allclose(found, values[-2], rtol=tolerance, atol=tolerance)
    with pytest.raises(ValueError, match="argument"):
        core.learner.hidden(read, 0, len(X), 99)


@pytest.mark.parametrize("effort", ["fast", "default", "accurate"])
def test_the_second_look_gives_the_mixture_of_a_pool_over_splines(effort):
    model = hw.Classifier(effort=effort, dtype="float64", seed=3)
    X, y = rows(1000)
    model.learn_many(X, y)
    core = model._engine.core
    assert (core.statistics.knot_count[:2] > 3).all()  # there are knots
    X, _ = rows(30, seed=1)
    X += [{}, {"a": 50.0}, {"a": -50.0, "b": 5.0}, {"a": float("nan"), "c": "never seen"}]
    taken = inspect.entries(core, model._engine.rows(X), len(X))
    np.testing.assert_allclose(inspect.predict(core, taken), model.predict_proba_many(X), rtol=1e-9, atol=1e-12)


def test_the_baseline_is_the_sample_with_its_numbers_at_their_means():
    model = hw.Classifier(dtype="float64", seed=3)
    X, y = rows(1000)
    model.learn_many(X, y)
    core, columns = model._engine.core, model._engine.columns
    means = {name: float(core.statistics.mean[columns[name].slot]) for name in "ab"}
    asked = model._engine.rows([{"a": 3.0, "b": -8.0, "c": "u"}])
    got = inspect.predict(core, inspect.entries(core, asked, 1, baseline=True))[0]
    np.testing.assert_allclose(got, list(model.predict_proba_one(means).values()), rtol=1e-9)


@pytest.mark.parametrize("stack", STACKS, ids=str)
def test_deltas_equal_finite_differences(stack):
    model = learned(stack)
    core = model._engine.core
    rng = np.random.default_rng(5)
    z = rng.normal(size=(4, stack[0].units))
    direction, weigh = rng.normal(size=z.shape), rng.normal(size=(4, 2))

    def value(h):
        return float((inspect.forward(core, 0, z + h * direction)[-1] * weigh).sum())

    got = float((inspect.backward(core, 0, inspect.forward(core, 0, z), weigh)[0] * direction).sum())
    assert got == pytest.approx((value(1e-6) - value(-1e-6)) / 2e-6, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "hinge"])
def test_the_delta_of_a_loss_of_classes_is_its_slope(name):
    model = learned([nn.Dense(5, "tanh")], loss=name)
    core = model._engine.core
    z = np.random.default_rng(2).normal(size=(6, core.outputs))
    y = np.array([0, 1, 1, 0, 1, 0], float)
    check_slope(core, z, y)


@pytest.mark.parametrize("name", ["mse", "mae", "huber", "quantile", "poisson"])
def test_the_delta_of_a_loss_of_numbers_is_its_slope(name):
    model = hw.Regressor(loss=name, dtype="float64", seed=1)
    X, y = rows(50)
    model.learn_many(X, [float(label == "yes") for label in y])
    check_slope(model._engine.core, np.random.default_rng(2).normal(size=(6, 1)), np.array([0, 1, 2, 0.5, 1, 3]))


def check_slope(core, z, y):
    loss, h = core.experts[0].loss, 1e-6
    want = np.empty_like(z)
    for j, one in enumerate(np.eye(z.shape[1])):
        above, below = (LOSSES[loss.name].value(z + step * one, y[:, None], loss.number) for step in (h, -h))
        want[:, j] = (above - below) / (2 * h)
    np.testing.assert_allclose(inspect.loss_delta(core, 0, z, y), want, rtol=1e-6, atol=1e-8)
