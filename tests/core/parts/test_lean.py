"""Lean pools: factored second moments equal ``plain.optimizers.lean``, and steps that teach nothing are left out."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater._core import APART_VERSION, FIRST_VERSION, LEAN_VERSION
from headwater.errors import ConfigError
from headwater.nn.core import STEPS, UNDONE, Core
from headwater.nn.core.declaration import LEAN_NUMBERS
from headwater.nn.expert import Expert
from headwater.plain import LOSSES, PlainNetwork
from headwater.plain.optimizers.lean import bias_step, cell_steps, pace, row_steps, step_rows, step_units
from support.nets import check

NAMES = ("a", "b", "c")
RULES = {"adagrad": nn.AdaGrad(0.05), "rmsprop": nn.RMSProp(0.02, rho=0.9)}


def made(*experts: Expert, lean: tuple[float, ...] = (0.0, 0.0), **options: Any) -> Core:
    return Core(experts, **{"dtype": "float64", "seed": 3, "outputs": 1, "lean": lean} | options)


def net(rule: nn.Optimizer, units: int = 5, activation: str = "tanh", **options: Any) -> Expert:
    layers = (
        (nn.Dense(units, activation), nn.Dense(1, initializer="zeros"))
        if units
        else (nn.Dense(1, initializer="zeros"),)
    )
    return Expert(layers, nn.Loss("mse"), rule, **options)


def learn(core: Core, x: np.ndarray, y: float, w: float = 1.0) -> float:
    out = np.empty((1, 1))
    row = dict(zip(NAMES, map(float, x), strict=True))
    core.learner.learn([row], 0, 1, np.array([y]), np.full(1, w), np.ones(1, bool), out, None)
    return float(out[0, 0])


def begun(core: Core) -> Core:
    """Let the names appear in a row that teaches nothing: it is predicted as 0, which is its answer."""
    learn(core, np.ones(3), 0.0)
    return core


def state_of(core: Core) -> dict[str, np.ndarray]:
    return {name: core.state()[name].copy() for name in ("weights", "state_0")}


class Twin:
    """An expert in plain NumPy, whose input layer has factored second moments."""

    def __init__(self, core: Core, e: int, rule: nn.Optimizer) -> None:
        self.net = PlainNetwork(core.experts[e].layers, nn.Loss("mse"), rule, inputs=3, dtype="float64")
        table, bias = core.table(e)
        self.net.parameters[0].weights[:], self.net.parameters[0].bias[:] = table, bias
        self.lr, self.rule = float(rule.lr), rule
        self.r, self.c = np.zeros(3), np.zeros(table.shape[1])

    def learn(self, x: np.ndarray, y: float, w: float) -> None:
        _, (_, *others) = self.net.gradient(x[None], np.array([y]))
        d, others = w * others[0], [w * g for g in others[1:]]
        first, *rest = self.net._arrays()
        keep, take, eps = pace(self.rule.rule.name, self.rule.numbers())
        g = np.outer(x, d)
        step_units(self.c, d, keep, take)
        step_rows(self.r, g, keep, take)
        first[0][...] -= row_steps(g, self.r, self.c, self.lr, eps)
        rest[0][0][...] -= bias_step(d, self.c, self.lr, eps)
        now = self.net._begin_step()
        for (array, _), gradient, s in zip(rest[1:], others, self.net.states[2:], strict=True):
            array[...] = self.net._updated(array, gradient, s, now)


@pytest.mark.parametrize("name", RULES)
def test_a_table_behind_hidden_units_learns_by_factored_second_moments(name):
    rng, rule = np.random.default_rng(1), RULES[name]
    core = begun(made(net(rule), net(nn.SGD(0.05))))
    twin = Twin(core, 0, rule)
    for _ in range(60):
        x, w = rng.normal(size=3), float(rng.choice([0.5, 1.0, 2.0]))
        y = float(np.sin(x[0]) + x[1])
        learn(core, x, y, w)
        twin.learn(x, y, w)
    assert core.running[0, UNDONE] == 0
    check(core.table(0)[0], twin.net.parameters[0].weights, 1e-11)
    check(core.table(0)[1], twin.net.parameters[0].bias, 1e-11)
    assert np.abs(twin.net.parameters[0].weights).max() > 0.3


def test_a_linear_expert_keeps_a_moment_for_each_weight():
    rng, rule = np.random.default_rng(2), nn.AdaGrad(0.1)
    lean, usual = (begun(made(net(rule, 0), net(nn.SGD(0.05)), lean=own)) for own in ((0.0, 0.0), ()))
    for _ in range(60):
        x = rng.normal(size=3)
        for core in (lean, usual):
            learn(core, x, float(x[0] - 2 * x[2]))
    assert np.array_equal(lean.table(0)[0], usual.table(0)[0])
    assert len(lean.state()["state_0"]) < len(usual.state()["state_0"])


@pytest.mark.parametrize("name", RULES)
def test_a_cell_keeps_one_moment_for_all_of_its_weights(name):
    rule, rng = RULES[name], np.random.default_rng(3)
    core, r, w = made(net(rule, 0, cells=True), cells=(4, 1)), np.zeros((4, 2)), np.zeros((4, 2))
    keep, take, eps = pace(name, rule.numbers())
    for _ in range(10):
        learn(core, rng.normal(size=3), 0.0)
    for _ in range(40):
        x = rng.normal(size=3)
        y = float(np.sign(x[0]))
        row = dict(zip(NAMES, map(float, x), strict=True))
        own = (np.arange(4), np.frombuffer(core.learner.cells([row], 0, 1, False), np.int32).copy())
        p = learn(core, x, y)
        d = LOSSES["mse"].gradient(np.array([[p]]), np.array([[y]]), 1.0)[0]
        g = np.full((4, 1), np.sqrt(20 / 4) * d)
        moments = r[own]
        step_rows(moments, g, keep, take)
        r[own] = moments
        w[own] -= cell_steps(g, moments, float(rule.lr), eps)[:, 0]
    assert core.running[0, UNDONE] == 0
    check(core.cells(0)[..., 0], w, 1e-11)
    assert np.count_nonzero(w) > 4


# ---- what is left out -----------------------------------------------------------------------------------------------


def test_no_step_is_taken_where_no_derivative_is_large_and_it_counts_as_taken():
    core = begun(made(net(RULES["adagrad"]), net(nn.SGD(0.05)), lean=(0.5, 0.0)))
    x = np.array([1.0, -1.0, 2.0])
    before, steps = state_of(core), core.running[:, STEPS].copy()
    learn(core, x, 0.2)
    assert all(np.array_equal(array, before[name]) for name, array in state_of(core).items())
    assert (core.running[:, STEPS] == steps + 1).all()
    learn(core, x, 0.6, w=0.1)  # its weight has no say
    assert not np.array_equal(state_of(core)["weights"], before["weights"])


def test_experts_of_small_weight_learn_no_sample_again():
    rng = np.random.default_rng(4)
    experts = [net(rule, replays=3) for rule in (*RULES.values(), nn.SGD(0.01))]
    core = begun(made(*experts, lean=(0.0, 0.25), ring=50))
    for _ in range(499):
        learn(core, rng.normal(size=3), float(rng.normal()))
    core.mixture_weights[:] = (0.5, -0.1, 0.4)
    steps = core.running[:, STEPS].copy()
    for _ in range(2):
        learn(core, rng.normal(size=3), float(rng.normal()))
    assert (core.running[:, STEPS] - steps).tolist() == [8, 2, 8]


def test_a_step_that_did_harm_is_taken_back_with_its_moments():
    core = begun(made(net(RULES["rmsprop"], activation="identity"), net(nn.SGD(0.001))))
    rng = np.random.default_rng(5)
    for _ in range(30):
        learn(core, rng.normal(size=3), float(rng.normal()))
    before, found, table = state_of(core), core.running[0, UNDONE], core.table(0)[0].copy()
    learn(core, np.full(3, 1e3), 0.0)
    assert core.running[0, UNDONE] == found + 1
    assert np.array_equal(state_of(core)["state_0"], before["state_0"])
    assert np.array_equal(core.table(0)[0], table)


# ---- the state ------------------------------------------------------------------------------------------------------


def stream(n: int, seed: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of numbers and words, and three classes, of which one comes late."""
    rng = np.random.default_rng(seed)
    X = [{f"n{j}": float(v) for j, v in enumerate(rng.normal(size=4))} | {"w": "xyz"[i % 3]} for i in range(n)]
    return X, [
        "late" if x["n2"] > 1 and i > n / 2 else "yes" if x["n0"] * x["n1"] > 0 else "no" for i, x in enumerate(X)
    ]


def test_the_default_pool_learns_lean_and_its_state_is_several_times_smaller():
    X, y = stream(300, 0)
    model = hw.Classifier(seed=1)
    model.learn_many(X, y)
    state = model.engine.state()
    assert model.setup.lean == (0.01, 0.25)
    assert hw.Regressor().setup.lean == (0.001, 0.25, 5.0)
    assert hw.Classifier(hidden=8).setup.lean == hw.Classifier(experts=[nn.Expert()]).setup.lean == ()
    assert 4 * len(state["state_0"]) < len(state["weights"])


def test_a_saved_pool_goes_on_to_the_same_bits(tmp_path):
    X, y = stream(400, 1)
    model = hw.Classifier(seed=1)
    model.learn_many(X[:250], y[:250])
    model.save(tmp_path / "m.hw")
    again = hw.load(tmp_path / "m.hw")
    for one in (model, again):
        one.learn_many(X[250:], y[250:])
    assert all(
        np.array_equal(a, b) for a, b in zip(model.engine.state().values(), again.engine.state().values(), strict=True)
    )


@pytest.mark.parametrize("version", [FIRST_VERSION, LEAN_VERSION, APART_VERSION])
def test_what_began_with_less_of_it_goes_on_so(tmp_path, version):
    older = hw.Regressor(seed=1)
    older.follow_core(version)
    X, y = stream(300, 0)
    older.learn_many(X[:200], y[:200])
    older.save(tmp_path / "m.hw")
    again = hw.load(tmp_path / "m.hw")
    for one in (older, again):
        one.learn_many(X[200:], y[200:])
    assert again.setup == older.setup
    assert len(older.setup.lean) == LEAN_NUMBERS[version]
    assert all(
        np.array_equal(a, b) for a, b in zip(older.engine.state().values(), again.engine.state().values(), strict=True)
    )


def test_moments_below_zero_are_refused():
    state = begun(made(net(RULES["adagrad"]), net(nn.SGD(0.05)))).state()
    state["state_0"] = state["state_0"].copy()
    state["state_0"][-1] = -1.0
    with pytest.raises(ValueError, match="squares of 0 or more"):
        made(net(RULES["adagrad"]), net(nn.SGD(0.05)), state=state)


def test_other_rules_are_refused():
    with pytest.raises(ConfigError, match="SGD, AdaGrad or RMSProp"):
        made(net(nn.Adam(0.01)), net(nn.SGD(0.05)))


def test_a_pool_that_a_single_worker_taught_is_that_worker():
    X, y = stream(500, 2)
    base = hw.Classifier(seed=1)
    base.learn_many(X[:200], y[:200])
    worker = copy.deepcopy(base)
    worker.learn_many(X[200:], y[200:])
    merged = base.engine.core.merge([worker.engine.core, copy.deepcopy(base).engine.core])
    for name in ("weights", "state_0"):
        assert np.array_equal(merged.state()[name], worker.engine.core.state()[name]), name
