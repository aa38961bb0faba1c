"""Cell tables: which tests they ask and how these grow; the core equals the NumPy statement in ``plain.cells``."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.errors import ConfigError
from headwater.nn.core import Core
from headwater.nn.expert import Expert
from headwater.plain import RULES, StepInfo
from headwater.plain.inputs.cells import CellTables, added, split_cells
from headwater.plain.network.random import LEARNING, Draws, derive_key

TABLES, TESTS = 6, 4
Sample = dict[str, Any]


def sample(rng: np.random.Generator, i: int) -> Sample:
    """Numbers, a category, and gaps; a column that comes late."""
    x: Sample = {"a": float(rng.normal(5, 3)), "b": float(rng.integers(2)), "c": f"c{rng.integers(3)}"}
    if i % 3:
        x["d"] = float(rng.exponential())
    if i > 20:
        x["e"] = float(rng.normal())
    return x


def made(
    *,
    optimizer: nn.Optimizer | None = None,
    layers: tuple[Any, ...] = (),
    cells: tuple[int, int] = (TABLES, TESTS),
) -> Core:
    """A core of one expert with cells; names appear as they come."""
    own = (*layers, nn.Dense(1, initializer="zeros"))
    expert = Expert(own, nn.Loss("mse"), optimizer or nn.AdaGrad(0.1), cells=True)
    return Core([expert], dtype="float64", seed=3, outputs=1, standard=True, cells=cells)


def learn(core: Core, x: Sample, y: float) -> float:
    out = np.empty((1, 1))
    core.learner.learn([x], 0, 1, np.array([y]), np.ones(1), np.ones(1, bool), out, None)
    return float(out[0, 0])


def predict(core: Core, x: Sample) -> float:
    out = np.empty((1, 1))
    core.learner.predict([x], 0, 1, out, None, False)
    return float(out[0, 0])


def entries_of(core: Core, x: Sample) -> list[tuple[int, float]]:
    """The entries of a sample whose names are known, in the order of names: slot and number, or −row − 1 and 1."""
    found = []
    for name, _, slot, values in core.learner.columns():
        value = x.get(name.decode())
        if isinstance(value, float):
            found.append((name, (slot, value)))
        elif value is not None and value.encode() in dict(values):
            found.append((name, (-dict(values)[value.encode()] - 1, 1.0)))
    return [entry for _, entry in sorted(found)]


def cells_of(core: Core, x: Sample) -> np.ndarray:
    return np.frombuffer(core.learner.cells([x], 0, 1, False), np.int32)


def test_the_core_asks_the_tests_that_the_numpy_statement_draws_and_finds_the_same_cells():
    rng, core = np.random.default_rng(0), made()
    plain = CellTables(TABLES, TESTS, Draws(derive_key(3, LEARNING, 0)))
    grown = set()
    for i in range(80):
        x = sample(rng, i)
        learn(core, x, x["a"])
        known = core.statistics
        plain.learn(entries_of(core, x), i + 1, dict(enumerate(known.mean.tolist())))
        used = core.sizes()["tests"]
        grown.add(used)
        codes, thresholds = (core.array(f"cell_{name}").reshape(TESTS, TABLES) for name in ("code", "threshold"))
        assert used == len(plain.tests)
        for b, tests in enumerate(plain.tests):
            assert list(zip(codes[b].tolist(), thresholds[b].tolist(), strict=True)) == tests
        asked = sample(rng, i)
        assert cells_of(core, asked).tolist() == plain.find(dict(entries_of(core, asked))).tolist()
    assert grown == {0, 1, 2, 3, 4}
    assert len({code for tests in plain.tests for code, _ in tests}) > 4, "the tests ask few columns"


@pytest.mark.parametrize("rule", ["sgd", "adagrad", "rmsprop", "ftrl"])
def test_a_learned_row_moves_the_cells_it_lies_in_by_the_rule_and_no_others(rule):
    optimizer = {"sgd": nn.SGD(0.01), "adagrad": nn.AdaGrad(0.05), "rmsprop": nn.RMSProp(0.01), "ftrl": nn.FTRL(0.1)}[
        rule
    ]
    rng, core, states = np.random.default_rng(1), made(optimizer=optimizer), RULES[rule].states
    for i in range(60):
        x = sample(rng, i)
        y, p, cells = x["a"] * x["b"], predict(core, x), cells_of(core, x)
        before = core.cells(0)
        old = None if before is None else before.copy()
        steps = int(core.running[0, 0])
        state = [moments(core, k) for k in range(states)]
        learn(core, x, y)
        if old is None or len(core.cells(0)[0]) != len(old[0]):
            continue
        wanted = old.copy()
        where = np.arange(TABLES), cells
        gradient = np.full((TABLES, 1), np.sqrt(20 / TABLES) * 2 * (p - y))
        s = np.array([part[where] for part in state]).reshape(states, TABLES, 1)
        step = StepInfo(optimizer.lr, optimizer.numbers(), steps + 1, steps + 1)
        wanted[where] = RULES[rule].step(old[where], gradient, s, step)
        np.testing.assert_allclose(core.cells(0), wanted, rtol=1e-9, atol=1e-12)


def moments(core: Core, k: int) -> np.ndarray:
    """State k of the rule for each cell: it lies as the weights do."""
    weights, cells = core.parameters, core.cells(0)
    if cells is None:
        return np.zeros((TABLES, 1, 1))
    at = (cells.__array_interface__["data"][0] - weights.__array_interface__["data"][0]) // weights.itemsize
    flat = core.array(f"state_{k}")[at:]
    return np.lib.stride_tricks.as_strided(flat, cells.shape, cells.strides).copy()


def test_the_first_layer_is_the_linear_one_plus_the_rows_of_the_cells_and_layers_may_follow():
    rng = np.random.default_rng(2)
    core = made(layers=(nn.Dense(5, initializer="lecun"), nn.Activation("tanh")))
    for i in range(60):
        x = sample(rng, i)
        learn(core, x, x["a"])
    core.cells(0)[:] = rng.normal(size=core.cells(0).shape)
    without = copy.deepcopy(core)
    without.cells(0)[:] = 0
    (bare,) = [op.weights for op in core.operations(0) if op.name == "dense"]
    for i in range(20):
        x = sample(rng, i)
        rows, values, _ = core.learner.pairs([x], 0, 1, False)
        table, bias = core.table(0)
        z = bias + sum(
            v * table[r - 1] for r, v in zip(np.frombuffer(rows, np.int32), np.frombuffer(values), strict=True) if r
        )
        last = core.operations(0)[-1].bias
        assert predict(without, x) == pytest.approx(float((np.tanh(z) @ bare + last)[0]), rel=1e-9)
        z = z + added(core.cells(0), cells_of(core, x))
        assert predict(core, x) == pytest.approx(float((np.tanh(z) @ bare + last)[0]), rel=1e-9)


def test_the_gradient_by_a_cell_equals_finite_differences():
    rng, core = np.random.default_rng(3), made(optimizer=nn.SGD(1e-3), layers=(nn.Dense(4), nn.Activation("tanh")))
    for i in range(60):
        x = sample(rng, i)
        learn(core, x, x["a"])
    core.cells(0)[:] = 0.3 * rng.normal(size=core.cells(0).shape)
    core.operations(0)[-1].weights[:] = rng.normal(size=(4, 1))
    x, y, h = sample(rng, 99), 2.0, 1e-5
    cells, before = cells_of(core, x), core.cells(0).copy()

    def loss(t: int, unit: int, more: float) -> float:
        core.cells(0)[t, cells[t], unit] += more
        value = (predict(core, x) - y) ** 2
        core.cells(0)[t, cells[t], unit] -= more
        return value

    slopes = np.array([[(loss(t, j, h) - loss(t, j, -h)) / (2 * h) for j in range(4)] for t in range(TABLES)])
    core.cells(0)[:] = before
    learn(core, x, y)
    moved = (before - core.cells(0))[np.arange(TABLES), cells] / 1e-3
    np.testing.assert_allclose(moved, slopes, rtol=1e-5, atol=1e-8)


def test_a_new_test_changes_no_prediction_by_a_bit():
    rng, core = np.random.default_rng(4), made()
    asked = [sample(rng, 50) for _ in range(20)]
    splits = 0
    for i in range(40):
        x = sample(rng, i)
        before = core.sizes()["tests"]
        twin = copy.deepcopy(core)
        learn(core, x, x["a"])
        if core.sizes()["tests"] == before or not before:
            continue
        kept = twin.array("sizes").copy()
        twin_cells, grown = twin.cells(0), core.cells(0)
        assert grown.shape[1] == 2 * twin_cells.shape[1]
        half = grown.shape[1] // 2
        np.testing.assert_array_equal(grown[:, :half], grown[:, half:])
        np.testing.assert_array_equal(split_cells(grown[:, :half]), grown)
        assert len(kept) == len(core.array("sizes"))
        splits += 1
    assert splits == TESTS - 1
    assert all(np.isfinite(predict(core, x)) for x in asked)


def test_cells_learn_a_checkerboard_that_a_linear_expert_cannot():
    def accuracy(cells: bool) -> float:
        rng = np.random.default_rng(5)
        model = hw.Classifier(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1), cells=cells)], seed=1)
        right = 0
        for i in range(6000):
            x = {"a": rng.random(), "b": rng.random()}
            y = (int(3 * x["a"]) + int(3 * x["b"])) % 2
            right += model.predict_one(x) == y and i >= 3000
            model.learn_one(x, y)
        return right / 3000

    assert accuracy(True) > 0.9
    assert accuracy(False) < 0.85


@pytest.mark.parametrize("classes", [2, 30])
def test_classes_and_columns_may_come_late_and_what_was_learned_stays(classes):
    rng = np.random.default_rng(6)
    model = hw.Classifier(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True)], seed=1)
    for i in range(300):
        x = sample(rng, i)
        model.learn_one(x, int(x["a"] > 5))
    x = sample(rng, 300)
    core = model._engine.core
    before, cells = core.cells(0).copy(), cells_of(core, x)
    for label in range(2, classes + 1):
        model.learn_one({"new": 1.0, "z": f"z{label}"}, label)
    core = model._engine.core
    after = core.cells(0)
    assert after.shape == (64, before.shape[1], classes + 1)
    learned = cells_of(core, {"new": 1.0, "z": "z2"})
    kept = np.ones(after.shape[:2], bool)
    kept[np.arange(64), learned] = False
    np.testing.assert_array_equal(after[kept][:, :2], before[kept])
    np.testing.assert_array_equal(cells_of(core, x), cells)


def test_a_model_with_cells_is_saved_and_goes_on_as_if_nothing_had_been(tmp_path):
    rng = np.random.default_rng(7)
    rows = [sample(rng, i) for i in range(900)]
    pool = [
        nn.Expert((nn.Dense(8, "relu"),), cells=True),
        nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True),
        nn.Expert(replays=1),
    ]
    whole = hw.Classifier(experts=pool, seed=2)
    cut = hw.Classifier(experts=pool, seed=2)
    for i, x in enumerate(rows):
        y = int(x["a"] * x["b"] > 4)
        whole.learn_one(x, y)
        cut.learn_one(x, y)
        if i in (3, 5, 100, 600):
            cut.save(tmp_path / "cut.hw")
            cut = hw.load(tmp_path / "cut.hw")
    assert whole._engine.core.sizes()["tests"] == 8
    assert cut._engine.core.digest() == whole._engine.core.digest()


def test_cells_are_refused_where_they_cannot_be():
    with pytest.raises(ConfigError, match="replays"):
        hw.Classifier(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True, replays=2)]).learn_one({"a": 1.0}, 1)
    with pytest.raises(ConfigError, match="cell tables"):
        Core([Expert((nn.Dense(1),), cells=True)], dtype="float64", seed=1, outputs=1, inputs=2, cells=(4, 2))
    with pytest.raises(ConfigError, match="cell tables"):
        Core([Expert((nn.Dense(1),))], dtype="float64", seed=1, outputs=1, cells=(4, 2))
    with pytest.raises(ConfigError, match="tests of a cell table"):
        made(cells=(6, 13))


def test_a_step_that_is_taken_back_leaves_the_cells_as_they_were():
    rng, core = np.random.default_rng(8), made(optimizer=nn.SGD(0.05))
    for i in range(200):
        x = sample(rng, i)
        learn(core, x, x["b"])
    x = sample(rng, 200)
    before, undone = core.cells(0).copy(), core.running[0, 3]
    learn(core, x, 1e150)
    assert core.running[0, 3] == undone + 1
    np.testing.assert_array_equal(core.cells(0), before)


def test_weights_written_between_predicting_and_learning_count():
    rng, core = np.random.default_rng(9), made()
    for i in range(50):
        x = sample(rng, i)
        learn(core, x, x["a"])
    x = sample(rng, 50)
    before = predict(core, x)
    core.cells(0)[:] += 1.0
    assert learn(core, x, 0.0) == pytest.approx(before + TABLES * np.sqrt(20 / TABLES))
