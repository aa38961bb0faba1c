"""What the rules promise beyond their formula: laziness, weights of samples, clipping, the clock of a row."""

from __future__ import annotations

import numpy as np
import pytest

from headwater import nn
from headwater.nn.core import STEP_SCALE, STEPS, weights
from headwater.plain import RULES
from support.nets import check

EXACT = [name for name, row in RULES.items() if row.exact_lazy]


def embedding(rule: str, **options: float) -> nn.Network:
    optimizer = nn.FTRL(0.1, l1=0.01, l2=0.01) if rule == "ftrl" else nn.optimizer(rule)
    layers = [nn.Embedding(9, 4), nn.Activation("tanh"), nn.Dense(2)]
    return nn.Network(layers, optimizer=optimizer, dtype="float64", seed=2, inputs=1, **options)


def table_of(net: nn.Network) -> list[np.ndarray]:
    """Copies of the table's weights and of the same numbers in every state of the rule."""
    return layer_of(net, 0)


def layer_of(net: nn.Network, k: int) -> list[np.ndarray]:
    """Copies of a layer's weights and of the same numbers in every state of the rule."""
    core = net.core
    return [weights(core, core.places()[k], vector).copy() for vector in (core.parameters, *states_of(net))]


def states_of(net: nn.Network) -> list[np.ndarray]:
    """The numbers that the rule keeps for each weight, views."""
    return [net.core.array(f"state_{k}") for k in range(net.core.about["states"])]


def state_of(net: nn.Network) -> dict[str, bytes]:
    """All that learning changes, to the bit."""
    return {name: array.tobytes() for name, array in net.core.state().items()}


def data(ids: list[int], n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.choice(ids, n).astype(float), rng.normal(size=(n, 2))


@pytest.mark.parametrize("options", [{}, {"l1": 0.01, "l2": 0.1}, {"clip_value": 0.1}, {"clip_norm": 0.2}])
@pytest.mark.parametrize("rule", RULES)
def test_rows_that_no_sample_touches_stand_still_to_the_bit_moments_included(rule, options):
    net = embedding(rule, **options)
    net.learn_many(*data(list(range(9))))
    before = table_of(net)

    net.learn_many(*data([0, 1, 2, 3]))

    after = table_of(net)
    assert all(np.array_equal(a[4:], b[4:]) for a, b in zip(after, before, strict=True))
    assert not np.array_equal(after[0][:4], before[0][:4])


@pytest.mark.parametrize("rule", RULES)
def test_a_zero_gradient_changes_nothing_exactly_for_the_rules_that_say_so(rule):
    net = embedding(rule)
    net.learn_many(*data(list(range(9))))
    p, s = net.parameters.copy(), np.array(states_of(net))

    net.update(np.zeros_like(net.parameters))

    still = np.array_equal(net.parameters, p) and np.array_equal(np.array(states_of(net)), s)
    assert still == (rule in EXACT)


@pytest.mark.parametrize("rule", EXACT)
def test_lazy_equals_visiting_every_row_where_the_rule_is_exact(rule):
    # fit with batches of one hands the whole gradient, zeros included, to the rule; learn_many only the touched row.
    lazy, eager = embedding(rule), embedding(rule)
    X, y = data(list(range(9)), 60)

    lazy.learn_many(X, y)
    eager.fit(X, y, batch_size=1, shuffle=False)

    # The two paths sum the same products in loops of their own: equal but for rounding.
    check(table_of(lazy), table_of(eager), 1e-13)


@pytest.mark.parametrize("rule", ["adam", "adamw", "amsgrad", "nadam"])
def test_a_row_first_touched_late_takes_the_first_step_of_its_own_clock(rule):
    # At its first step Adam moves a weight by lr·g/(|g| + ε): by lr. By the net's clock it would move ten times as far.
    net = embedding(rule)
    net.learn_many(*data([0, 1, 2, 3], 300))
    before, scale = net.layers[0].weights[8].copy(), float(net.core.running[0, STEP_SCALE])

    net.learn_many([8.0], [[1.0, -1.0]])

    moved = np.abs(net.layers[0].weights[8] - before * (1 - (0.001 * scale * 0.01 if rule == "adamw" else 0)))
    lr = net.expert.optimizer.lr * scale  # a step that was taken back on the noise before leaves it a little smaller
    if rule == "nadam":  # looks ahead by the net's μ, so farther than lr, but not by the missing bias correction
        assert (moved < 1.2 * lr).all()
    else:
        check(moved, np.full(4, lr), 1e-4 * lr)


@pytest.mark.parametrize("rule", RULES)
def test_silent_units_of_a_relu_are_skipped_only_where_skipping_is_exact(rule):
    # The outgoing weights of a silent unit have no gradient: an exact rule leaves them, the others let their
    # moments fade.
    net = nn.Network(
        [nn.Dense(6, "relu"), nn.Dense(2)], optimizer=nn.optimizer(rule), dtype="float64", seed=3, inputs=2
    )
    rng = np.random.default_rng(1)
    net.learn_many(rng.normal(size=(30, 2)), rng.normal(size=(30, 2)))
    net.layers[0].bias[2], net.layers[0].weights[:, 2] = -1e3, 0.0
    before = layer_of(net, 1)

    net.learn_many(rng.normal(size=(10, 2)), rng.normal(size=(10, 2)))

    after = layer_of(net, 1)
    assert all(np.array_equal(a[2], b[2]) for a, b in zip(after, before, strict=True)) == (rule in EXACT)
    assert not np.array_equal(np.delete(after[0], 2, axis=0), np.delete(before[0], 2, axis=0))


@pytest.mark.parametrize("w", [0.25, 3.0])
def test_a_weight_scales_the_gradient_of_its_row(w):
    def step(weight: float) -> np.ndarray:
        net = nn.Network([nn.Dense(3, "tanh"), nn.Dense(1)], optimizer=nn.SGD(0.01), dtype="float64", seed=1, inputs=2)
        before = net.parameters.copy()
        net.learn_many([[1.0, -2.0]], [0.7], [weight])
        return net.parameters - before

    # Subtraction from weights near 1 leaves 1e-16 of a step of 1e-2.
    check(step(w) / w, step(1.0), 1e-15)


def test_weights_of_a_batch_make_a_weighted_mean():
    rng = np.random.default_rng(2)
    X, y, w = rng.normal(size=(6, 2)), rng.normal(size=6), np.array([0, 1, 2, 0.5, 0, 3.0])
    net = nn.Network([nn.Dense(3, "tanh"), nn.Dense(1)], dtype="float64", seed=1, inputs=2)

    losses = [net.loss(X[i : i + 1], y[i : i + 1]) for i in range(6)]
    gradients = [net.gradients(X[i : i + 1], y[i : i + 1]) for i in range(6)]

    check(net.loss(X, y, w), np.average(losses, weights=w), 1e-14)
    check(net.gradients(X, y, w), np.average(gradients, axis=0, weights=w), 1e-14)


@pytest.mark.parametrize("rule", RULES)
def test_a_row_of_weight_zero_is_predicted_and_changes_nothing_to_the_bit(rule):
    rng = np.random.default_rng(3)
    layers = [nn.Dense(4), nn.BatchNorm(), nn.Activation("relu"), nn.Dropout(0.3), nn.Dense(1)]
    net = nn.Network(layers, optimizer=nn.optimizer(rule), seed=4, inputs=2, l2=0.1)
    net.learn_many(rng.normal(size=(20, 2)), rng.normal(size=20))
    before, X = state_of(net), rng.normal(size=(5, 2))

    shown = net.learn_many(X, rng.normal(size=5), np.zeros(5))

    assert state_of(net) == before
    assert np.array_equal(shown, net.learn_many(X, rng.normal(size=5), np.zeros(5)))
    check(shown, net.predict(X), 1e-5)  # float32, rows and batches sum in loops of their own


def test_rows_of_weight_zero_among_others_leave_no_trace():
    rng = np.random.default_rng(4)
    X, y = rng.normal(size=(30, 2)), rng.normal(size=30)
    w = np.tile([1.0, 0.0, 2.0], 10)
    all_rows, taught = (nn.Network([nn.Dense(4, "relu"), nn.Dense(1)], seed=4, inputs=2) for _ in range(2))

    all_rows.learn_many(X, y, w)
    taught.learn_many(X[w > 0], y[w > 0], w[w > 0])

    assert state_of(all_rows) == state_of(taught)


@pytest.mark.parametrize("path", ["batch", "row"])
def test_clipping_by_norm_bounds_the_step_and_keeps_its_direction(path):
    free, clipped = (
        nn.Network([nn.Dense(3, "tanh"), nn.Dense(2)], optimizer=nn.SGD(1e-3), clip_norm=c, dtype="float64", inputs=2)
        for c in (0.0, 0.5)
    )
    X, y = [[3.0, -4.0]], [[5.0, -5.0]]
    before = free.parameters.copy()
    for net in (free, clipped):
        net.fit(X, y) if path == "batch" else net.learn_many(X, y)
    a, b = free.parameters - before, clipped.parameters - before

    assert np.linalg.norm(a) > 0.5e-3
    check(np.linalg.norm(b) / 1e-3, 0.5, 1e-12)
    check(b / np.linalg.norm(b), a / np.linalg.norm(a), 1e-12)


@pytest.mark.parametrize("path", ["batch", "row"])
def test_clipping_by_value_bounds_every_number_of_the_gradient(path):
    free, clipped = (
        nn.Network([nn.Dense(3, "tanh"), nn.Dense(2)], optimizer=nn.SGD(1e-3), clip_value=c, dtype="float64", inputs=2)
        for c in (0.0, 0.2)
    )
    X, y = [[3.0, -4.0]], [[5.0, -5.0]]
    before = free.parameters.copy()
    for net in (free, clipped):
        net.fit(X, y) if path == "batch" else net.learn_many(X, y)
    a, b = (free.parameters - before) / 1e-3, (clipped.parameters - before) / 1e-3

    check(b, np.clip(a, -0.2, 0.2), 1e-12)
    assert (np.abs(a) > 0.2).any()


def test_ftrl_sets_weights_to_exactly_zero_where_l1_wins():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(2_000, 10))
    y = (X[:, 0] - X[:, 1] > 0).astype(float)
    layers = [nn.Dense(1, initializer="zeros")]
    net = nn.Network(layers, loss="binary_cross_entropy", optimizer=nn.FTRL(0.1, l1=30.0), dtype="float64", inputs=10)

    net.learn_many(X, y)

    w = net.layers[0].weights[:, 0]
    assert (np.flatnonzero(w) == [0, 1]).all()
    assert w[0] > 0 > w[1]


def test_cocob_learns_without_a_step_size_at_any_scale_of_the_loss():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(3_000, 4))
    y = X @ [1.0, -2.0, 0.5, 3.0]
    for scale in (1e-3, 1.0, 1e3):
        loss = nn.Loss("mse", scale)
        net = nn.Network([nn.Dense(1)], loss=loss, optimizer=nn.COCOB(), dtype="float64", inputs=4)
        net.learn_many(X, y)
        assert np.abs(net.layers[0].weights[:, 0] - [1.0, -2.0, 0.5, 3.0]).max() < 0.05


@pytest.mark.parametrize(
    ("schedule", "steps"),
    [
        (nn.Constant(0.1), {1: 0.1, 10**6: 0.1}),
        (nn.InverseScaling(0.1, power=0.5), {1: 0.1, 4: 0.05, 100: 0.01}),
        (nn.Cosine(0.1, steps=100, floor=0.02), {1: 0.1, 51: 0.06, 101: 0.02, 10**6: 0.02}),
        (nn.Step(0.1, every=10, factor=0.5), {1: 0.1, 10: 0.1, 11: 0.05, 21: 0.025}),
        (nn.WarmUp(0.1, steps=4), {1: 0.025, 2: 0.05, 4: 0.1, 10**6: 0.1}),
    ],
    ids=lambda x: type(x).__name__,
)
def test_a_schedule_gives_the_step_sizes_that_its_page_says(schedule, steps):
    assert {type(s) for s in (schedule,)} <= set(nn.SCHEDULES)
    for t, lr in steps.items():
        check(schedule.at(t), lr, 1e-15)
        # and a network at that step moves by it: bias of one unit, gradient 1
        net = nn.Network(
            [nn.Dense(1, initializer="zeros")], loss="mae", optimizer=nn.SGD(schedule), dtype="float64", inputs=1
        )
        net.core.running[0, STEPS] = t - 1
        net.update(np.ones_like(net.parameters))
        check(net.layers[0].bias[0], -lr, 1e-15)


def test_a_schedule_counts_steps_across_calls_and_both_paths():
    net = nn.Network([nn.Dense(1)], optimizer=nn.SGD(nn.Step(0.1, every=10)), dtype="float64", inputs=1)
    net.learn_many(np.zeros((4, 1)), np.zeros(4))
    net.fit(np.zeros((6, 1)), np.zeros(6), batch_size=2)
    net.update(np.zeros_like(net.parameters))
    assert net.core.running[0, STEPS] == 8
