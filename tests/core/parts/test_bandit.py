"""A bandit in the core equals ``headwater.plain``; its nets follow the gradient of the action that was taken, and of no other."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import headwater as hw
from headwater.nn import SGD, Dense, Loss
from headwater.nn.core import Core
from headwater.nn.expert import Expert
from headwater.plain.kinds.bandit import (
    NETS_BEHIND,
    LinearValues,
    Stack,
    epsilon,
    greedy,
    row_bonus,
    softmax,
    squarecb,
    update_weights,
)

ACTIONS = ["a", "b", "c"]
NAMES = ["u", "v", "w"]
ROWS = 300
WEIGHTS = (1.0, 2.0, 0.25, 7.5, 0.01)


def rows(n: int = ROWS) -> NDArray[np.float64]:
    """Numbers that the core standardises: what it reads of them is known only from its own pairs."""
    return np.random.default_rng(0).normal(size=(n, len(NAMES)))


def reward(x: NDArray[np.float64], action: int) -> float:
    return float(x[action] > 0) if action < 2 else 0.4


def arrays(model: hw.Bandit) -> Any:
    assert model.engine is not None
    return model.engine.core.array  # type: ignore[attr-defined]


def _standardised(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """The bias, and the last row in units of the running deviation, within ±5 (``plain.input``)."""
    mean, spread = seen.mean(axis=0), seen.var(axis=0)
    return np.array([1.0, *np.clip((seen[-1] - mean) / np.sqrt(spread), -5, 5)])


@pytest.mark.parametrize("weighed", [False, True], ids=["without weights", "with weights"])
def test_least_squares_and_weights_equal_plain(weighed: bool) -> None:
    net = Expert((Dense(1, initializer="zeros"),), Loss("mse"), SGD(0.01))
    core = Core([net], dtype="float64", seed=1, outputs=1, bandit=(0, 10.0, 0.5, 0.0, 1.0, 8, 0))
    core.learner.add_outputs(3, 0.0)
    plain, losses, rng = [LinearValues(4) for _ in ACTIONS], np.array([NETS_BEHIND, 0.0]), np.random.default_rng(1)
    stack = Stack(len(ACTIONS))
    weights = np.full(2, 0.5)
    for i, numbers in enumerate(rows()):
        x, a = dict(zip(NAMES, numbers.tolist(), strict=True)), int(rng.integers(3))
        r, p = reward(numbers, a), float(rng.uniform(0.05, 1))
        v = float(WEIGHTS[i % len(WEIGHTS)]) if weighed else 1.0
        z = np.array([1.0, *numbers]) if i else np.zeros(4)  # a row of the table counts from its second sight
        m = stack.mean_reward()
        said = np.array([core.learner.predict_one(x)[a], m + plain[a].value(z)])
        of_row = float(np.clip(weights @ said, 0, 1))
        known = i > 0  # there is room for means from the first reward on
        expected = stack.value(a, of_row) if known else of_row
        assert core.learner.values(x)[a] == pytest.approx(expected, abs=1e-9)
        core.learner.learn_action(x, a, r, p, v)
        plain[a].learn(z, r - m, v)
        stack.learn(a, of_row, r, min(1 / p, 10.0), v)
        assert core.array("bandit_stack")[5] == pytest.approx(stack.share, abs=1e-9)
        losses, weights = update_weights(losses, said, r, p, v)
        np.testing.assert_allclose(core.array("bandit_shares")[:, 1], losses, rtol=1e-9)
        np.testing.assert_allclose(core.array("bandit_shares")[:, 0], weights, rtol=1e-9)
    theta, inverse = core.array("bandit_weights"), core.array("bandit_inverse")
    for a, one in enumerate(plain):
        np.testing.assert_allclose(theta[a, :4], one.theta, rtol=1e-7, atol=1e-9)
        P = inverse[a].reshape(8, 8)
        np.testing.assert_allclose(P[:4, :4], one.inverse, rtol=1e-7, atol=1e-9)
        assert np.array_equal(P, P.T)
        assert np.array_equal(P[4:, 4:], np.eye(4))
    np.testing.assert_allclose(core.array("bandit_means"), np.stack([stack.sums, stack.counts], axis=1), rtol=1e-9)


def weighted_core(learned: list[tuple[NDArray[np.float64], float, float]], times: int = 1) -> Core:
    """One action without drift and without the mean of rewards, whose least squares are those of a textbook."""
    net = Expert((Dense(1, initializer="zeros"),), Loss("mse"), SGD(0.01))
    core = Core([net], dtype="float64", seed=1, outputs=1, bandit=(0, 10.0, 0.5, 0.0, 1.0, 8))
    core.learner.learn_action(dict.fromkeys(NAMES, 0.0), 0, 0.0, 1.0)  # a row of the table counts from its second sight
    for numbers, r, w in learned:
        for _ in range(times):
            core.learner.learn_action(dict(zip(NAMES, numbers.tolist(), strict=True)), 0, r, 1.0, w)
    return core


def test_least_squares_of_weighted_rows_are_those_of_weighted_ridge_regression() -> None:
    rng = np.random.default_rng(4)
    weights = rng.uniform(0, 3, ROWS)
    learned = [(x, reward(x, 1), float(w)) for x, w in zip(rows(), weights, strict=True)]
    core = weighted_core(learned)
    Z, r = np.column_stack([np.ones(ROWS), rows()]), np.array([one[1] for one in learned])
    inverse = np.linalg.inv(np.eye(4) + Z.T @ (weights[:, None] * Z))
    np.testing.assert_allclose(core.array("bandit_inverse")[0].reshape(8, 8)[:4, :4], inverse, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(core.array("bandit_weights")[0, :4], inverse @ Z.T @ (weights * r), rtol=1e-8)


def test_a_row_of_weight_three_moves_least_squares_as_three_such_rows_do() -> None:
    learned = [(x, reward(x, 1), 3.0) for x in rows(40)]
    heavy, thrice = weighted_core(learned), weighted_core([(x, r, 1.0) for x, r, _ in learned], times=3)
    for name in ("bandit_weights", "bandit_inverse"):
        np.testing.assert_allclose(heavy.array(name), thrice.array(name), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("w", [-1.0, float("nan"), float("inf"), 1e16])
def test_a_weight_that_can_not_be_is_refused_and_changes_nothing(w: float) -> None:
    core = weighted_core([])
    before = core.array("bandit_inverse").copy()
    with pytest.raises(ValueError, match="arguments that fit"):
        core.learner.learn_action({"u": 1.0}, 0, 1.0, 1.0, w)
    assert np.array_equal(core.array("bandit_inverse"), before)


@pytest.mark.parametrize("explore", ["squarecb", "epsilon", "softmax", "linucb", "greedy"])
def test_probabilities_equal_plain(explore: str) -> None:
    model = hw.Bandit(seed=3, hidden=8, dtype="float64", explore=explore)
    for i, numbers in enumerate(rows()):
        x = dict(zip(NAMES, numbers.tolist(), strict=True))
        model.learn(x, ACTIONS[i % 3], reward(numbers, i % 3), 0.5)
    n, x = len(rows()), {"u": 0.7, "v": -0.2, "w": 0.1}
    offered = [*ACTIONS, "new"]
    taken = np.array([model.taken[a][0] for a in ACTIONS] + [0])
    values = np.array([*model.expected_rewards(x, ACTIONS).values(), 0.0])
    z = _standardised(np.vstack([rows(), [0.7, -0.2, 0.1]]))
    P, theta = arrays(model)("bandit_inverse").reshape(3, 8, 8), arrays(model)("bandit_weights")
    deviations = np.sqrt([*(z @ P[a, :4, :4] @ z for a in range(3)), z @ z])
    numbers, means = arrays(model)("bandit_stack"), arrays(model)("bandit_means")
    stack = Stack(3, share=numbers[5], rewards=numbers[6] * numbers[7], rows=int(numbers[7]), weight=numbers[4])
    stack.mean_loss, stack.sums, stack.counts = numbers[2], means[:, 0], means[:, 1]
    if explore == "squarecb":
        bonus = row_bonus(deviations, len(z)) + [stack.bonus(a) for a in (0, 1, 2, -1)]
        expected = squarecb(np.clip(values + bonus, 0, 1), taken, n)
    elif explore == "epsilon":
        expected = epsilon(values, taken, 0.05)
    elif explore == "softmax":
        expected = softmax(values, taken, 20.0)
    elif explore == "greedy":
        expected = greedy(values, taken)
    else:
        expected = np.eye(4)[np.argmax(np.array([*theta[:, :4] @ z, 0.0]) + 0.3 * deviations)]
    found = model.probabilities(x, offered)
    np.testing.assert_allclose(list(found.values()), expected, rtol=1e-6, atol=1e-12)
    assert sum(found.values()) == pytest.approx(1, abs=1e-12)


def test_a_net_steps_along_the_gradient_of_the_action_that_was_taken() -> None:
    lr = 1e-3
    net = Expert((Dense(3, "tanh", initializer="lecun"), Dense(1, initializer="lecun")), Loss("mse"), SGD(lr))
    core = Core([net], dtype="float64", seed=1, outputs=1, bandit=(0, 10.0, 0.5, 0.0, 1.0, 8, 0))
    core.learner.add_outputs(3, 0.1)
    for i in range(3):  # names are known, and every step from here on counts
        core.learner.learn_action({"u": 1.0, "v": -2.0 + i}, i, 0.5, 1.0)
    x, r = {"u": 0.4, "v": 0.9}, 0.9
    before = core.parameters.copy()

    def said() -> NDArray[np.float64]:
        return np.array(core.learner.predict_one(x))

    y, numeric = said(), np.zeros(len(before))
    loss = (y[1] - r) ** 2
    for i in range(len(before)):
        ends = []
        for step in (1e-6, -1e-6):
            core.parameters[i] = before[i] + step
            ends.append((said()[1] - r) ** 2)
        core.parameters[i] = before[i]
        numeric[i] = (ends[0] - ends[1]) / 2e-6
    core.learner.learn_action(x, 1, r, 1.0)
    moved = (before - core.parameters) / lr
    scale = float(Loss("mse").number)  # the loss is a (f - r)²
    np.testing.assert_allclose(moved, scale * numeric, atol=1e-6)
    assert abs(moved).max() > 1e-3
    assert loss > 0


def test_a_draw_follows_the_probabilities_and_its_number_is_part_of_the_state() -> None:
    model = hw.Bandit(seed=5)
    offered = ["a", "b", "c", "d"]
    drawn = [model.act({"x": 1.0}, offered)[0] for _ in range(2_000)]
    counts = [drawn.count(a) for a in offered]
    assert min(counts) > 420
    assert max(counts) < 580
    assert int(arrays(model)("bandit_counts")[2]) == 2_000
    again = hw.Bandit(seed=5)
    assert [again.act({"x": 9.0}, offered)[0] for _ in range(50)] == drawn[:50]


def test_calls_that_can_not_be_are_refused() -> None:
    model = hw.Bandit()
    model.learn({"x": 1.0}, "a", 1.0)
    learner: Any = model.engine.core.learner  # type: ignore[union-attr]
    for action, r, p in ((-1, 1.0, 1.0), (1, 1.0, 1.0), (0, float("nan"), 1.0), (0, 1.0, 0.0), (0, 1.0, 1.5)):
        with pytest.raises(ValueError, match="arguments that fit"):
            learner.learn_action({"x": 1.0}, action, r, p)
    with pytest.raises(ValueError, match="arguments that fit"):
        learner.learn_one({"x": 1.0}, 1.0, 1.0)
    with pytest.raises(ValueError, match="arguments that fit"):
        learner.decide({"x": 1.0}, array("i"), False)
    other: Any = hw.Classifier().new_engine().core.learner
    with pytest.raises(ValueError, match="arguments that fit"):
        other.decide({"x": 1.0}, array("i", [0]), False)
