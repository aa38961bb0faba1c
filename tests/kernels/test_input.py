"""What a sample's entries become: standardised numbers, hats, categories; what is missing, infinite or new."""

from __future__ import annotations

import numpy as np
import pytest

import reference as ref
from headwater import nn
from headwater.kernels._op import HUGE_VALUES, INFINITE, KNOT_COUNT
from headwater.nn.lower import Expert
from headwater.nn.program import Block, Program, weights
from nets import check

STILL = nn.SGD(1e-30)
"""A step that moves no bit of a weight near 1."""


def program(rows: int, units: int = 1, optimizer: nn.Optimizer = STILL, **options) -> Program:
    layers = (nn.Dense(units, bias=False),)
    options = {"growing": False, "standard": False, "targets": False} | options
    made = Program([Expert(layers, nn.Loss("mse"), optimizer)], rows=rows + 1, dtype="float64", seed=1, **options)
    weights(made, made.places[0])[:] = 1
    return made


def block(samples: list[list[tuple[int, float]]]) -> Block:
    """Samples as lists of (slot, value)."""
    entries = [entry for sample in samples for entry in sample]
    ends = np.cumsum([0, *map(len, samples)]).astype(np.int64)
    slots, x = np.array([s for s, _ in entries], np.int64), np.array([v for _, v in entries], float)
    return Block(slots, ends, x, False, max(map(len, samples)))


def learn(made: Program, samples: list[list[tuple[int, float]]], y: float = 0.0, w: float = 1.0) -> np.ndarray:
    n = len(samples)
    return made.learn(block(samples), np.full((n, made.outputs), y), np.full(n, w))


COLUMNS = {
    "normal": np.random.default_rng(0).normal(3, 2, 400),
    "constant": np.full(50, 7.0),
    "a freak": np.r_[np.random.default_rng(1).normal(size=60), 1e9, np.random.default_rng(2).normal(size=60)],
    "two values": np.random.default_rng(3).integers(0, 2, 300).astype(float),
    "far but not absurd": np.r_[
        np.random.default_rng(1).normal(size=60), 500.0, np.random.default_rng(2).normal(size=60)
    ],
    "a drift": np.r_[np.random.default_rng(4).normal(0, 1, 1500), np.random.default_rng(4).normal(20, 3, 1500)],
    "tiny": 1e-12 * np.random.default_rng(5).normal(size=100),
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_number_is_standardised_by_running_statistics_that_include_it(column):
    made = program(1, standard=True)
    slot = made.add_slot(1)
    state, wanted = (0.0, 0.0, 0), []
    for x in COLUMNS[column]:
        mean, var, count = state
        error = count + 1 > 10 and var > 0 and abs(x - mean) > 1000 * var**0.5
        z, state = ref.standardise(x, *state)
        wanted.append(0.0 if error else z)  # it moves the statistics, and says nothing

    # learned one call a row, and all in one call: the same
    shown = [learn(made, [[(slot, x)]])[0, 0] for x in COLUMNS[column]]

    # Shown is what stood before learning, on statistics that already include x. The sums run over up to 3,000 rows.
    check(np.array(shown), np.array(wanted), 1e-10)
    check(made.stats[slot, :3], np.array(state), 1e-10)
    again = program(1, standard=True)
    again.add_slot(1)
    assert np.array_equal(learn(again, [[(0, x)] for x in COLUMNS[column]])[:, 0], shown)


def test_predicting_and_rows_of_weight_zero_standardise_without_moving_the_statistics():
    made = program(1, standard=True)
    made.add_slot(1)
    learn(made, [[(0, x)] for x in COLUMNS["normal"]])
    before = made.stats.copy()
    mean, var, count = before[0, :3]

    shown = made.predict(block([[(0, 5.0)]]))[0, 0]
    untaught = learn(made, [[(0, 5.0)]], w=0.0)[0, 0]

    check(shown, ref.standardise(5.0, mean, var, count)[0], 1e-12)
    assert untaught == shown
    assert np.array_equal(made.stats, before)


def test_a_missing_value_has_no_pair_and_moves_nothing():
    made = program(2, standard=True)
    for row in (1, 2):
        made.add_slot(row)
    learn(made, [[(0, x), (1, 2 * x)] for x in COLUMNS["normal"]])
    before = made.stats.copy()

    shown = learn(made, [[(0, np.nan), (1, 4.0)]])[0, 0]

    assert np.array_equal(made.stats[0], before[0])
    check(shown, ref.standardise(4.0, *before[1, :3])[0], 1e-12)


@pytest.mark.parametrize("standard", [True, False])
def test_infinite_values_are_left_out_and_huge_ones_cut_and_both_are_counted(standard):
    made = program(1, standard=standard)
    made.add_slot(1)
    if standard:
        learn(made, [[(0, x)] for x in COLUMNS["normal"]])

    shown = learn(made, [[(0, np.inf)], [(0, -np.inf)], [(0, 1e300)], [(0, -1e200)], [(0, np.nan)]])[:, 0]

    assert made.run[INFINITE] == 2
    assert made.run[HUGE_VALUES] == 2
    assert shown.tolist() == ([0, 0, 0, 0, 0] if standard else [0, 0, 1e30, -1e30, 0])
    made.predict(block([[(0, np.inf)]]))
    assert made.run[INFINITE] == 2  # a prediction counts nothing


def test_a_category_picks_its_row_and_repeated_ones_add_up():
    made = program(3, units=2)
    table = weights(made, made.places[0])
    table[:] = [[1, 10], [2, 20], [3, 30]]
    shown = made.predict(block([[(-2, 1.0)], [(-4, 1.0), (-3, 1.0)], [(-4, 2.5)], [(-4, 1.0), (-4, 1.0)], []]))
    assert shown.tolist() == [[1, 10], [5, 50], [7.5, 75], [6, 60], [0, 0]]


def test_a_new_row_takes_part_from_its_second_sight():
    made = program(2, optimizer=nn.SGD(0.1), growing=True)
    first = learn(made, [[(-2, 1.0), (-3, 1.0)]], y=5.0)
    assert first.tolist() == [[0.0]]  # both rows are new
    assert made.touched[1:3].tolist() == [1, 1]
    moved = weights(made, made.places[0]).copy()
    check(moved, np.full((2, 1), 1 + 0.1 * 2 * 5), 1e-14)  # yet both have learned from it

    row = made.add_rows(1)
    weights(made, made.places[0])[row - 1] = 1.0
    shown = made.predict(block([[(-2, 1.0)], [(-2, 1.0), (-row - 1, 1.0)]]))

    assert shown[0, 0] == moved[0, 0]
    assert shown[0, 0] == shown[1, 0]  # to the bit: the new name says nothing yet
    learn(made, [[(-row - 1, 1.0)]], y=3.0)
    assert made.predict(block([[(-row - 1, 1.0)]]))[0, 0] == weights(made, made.places[0])[row - 1, 0] != 1.0


@pytest.mark.parametrize("units", [1, 2, 5, 16, 33])
@pytest.mark.parametrize("rule", ["sgd", "adam", "cocob"])
def test_appended_rows_leave_old_predictions_and_states_as_they_were_to_the_bit(rule, units):
    rng = np.random.default_rng(0)
    made = program(3, units=units, optimizer=nn.optimizer(rule), growing=True)
    for x in rng.integers(0, 3, 40):
        learn(made, [[(-int(x) - 2, 1.0)]], y=float(x))
    asked = block([[(-2, 1.0), (-4, 0.5)], [(-3, 1.0)]])
    shown, table = made.predict(asked), weights(made, made.places[0]).copy()

    for count in (1, 5, 100):
        made.add_rows(count)

    assert np.array_equal(made.predict(asked), shown)
    assert np.array_equal(weights(made, made.places[0])[:3], table)
    other = program(3, units=units, optimizer=nn.optimizer(rule), growing=True)
    rng = np.random.default_rng(0)
    for x in rng.integers(0, 3, 40):
        learn(other, [[(-int(x) - 2, 1.0)]], y=float(x))
    for grown in (made, other):  # moments came along: both go on alike
        learn(grown, [[(-2, 1.0)], [(-3, 2.0)]], y=1.0)
    assert np.array_equal(weights(made, made.places[0])[:3], weights(other, other.places[0]))


@pytest.mark.parametrize("hidden", [(), (nn.Dense(7, "relu"),), (nn.Dense(7, "tanh"), nn.LayerNorm())])
@pytest.mark.parametrize("rule", ["sgd", "adam", "cocob"])
def test_an_appended_output_leaves_the_old_logits_as_they_were_to_the_bit(rule, hidden):
    rng = np.random.default_rng(1)
    layers = (*hidden, nn.Dense(2))
    made = Program(
        [Expert(layers, nn.Loss("hinge"), nn.optimizer(rule))],
        rows=4, dtype="float64", seed=1, growing=False, standard=False, targets=False,
    )  # fmt: skip
    for place in made.places:
        weights(made, place)[:] += rng.normal(size=weights(made, place).shape)
    samples = [[(-int(a) - 1, 1.0), (-int(b) - 1, 0.5)] for a, b in zip(rng.integers(1, 3, 30), [3] * 30, strict=True)]
    made.learn(block(samples), rng.integers(0, 2, (30, 1)).astype(float), np.ones(30))
    before = made.predict(block(samples))

    made.set_outputs(5, -3.0)

    after = made.predict(block(samples))
    assert np.array_equal(after[:, :2], before)
    assert (after[:, 2:] == -3).all()  # zero weights and the bias of a rare class
    made.learn(block(samples), rng.integers(0, 5, (30, 1)).astype(float), np.ones(30))
    assert (made.predict(block(samples))[:, 2:] != -3).any()


def test_a_number_lies_under_the_two_hats_of_its_neighbouring_knots():
    count, values = 8, np.random.default_rng(2).normal(size=200)
    made = program(1 + count, units=1 + count, hats=count)
    weights(made, made.places[0])[:] = np.eye(1 + count)
    slot = made.add_slot(1, hat=2)
    learn(made, [[(slot, x)] for x in values])
    known = made.knots[slot, : int(made.stats[slot, KNOT_COUNT])]
    assert len(known) == count

    asked = [*np.linspace(-4, 4, 81), *known]
    shown = made.predict(block([[(slot, x)] for x in asked]))

    wanted = np.array([[x, *ref.hats(x, known)] for x in asked])
    check(shown, wanted, 1e-12)
    check(shown[:, 1:].sum(1), np.ones(len(asked)), 1e-12)


@pytest.mark.parametrize("kind", ["numbers", "two values", "five values", "constant"])
def test_knots_are_the_quantiles_of_the_past_at_32_64_128_values(kind):
    rng = np.random.default_rng(3)
    values = {
        "numbers": rng.normal(size=256),
        "two values": rng.integers(0, 2, 256),
        "five values": rng.integers(0, 5, 256),
        "constant": np.ones(256),
    }[kind].astype(float)
    count = 8
    made = program(1 + count, standard=True, hats=count)
    made.add_slot(1, hat=2)

    for n in range(1, 257):
        learn(made, [[(0, values[n - 1])]])
        if n < 32:
            assert made.stats[0, KNOT_COUNT] == 0
        if n in (32, 63, 64, 255, 256):  # until 256 the kept past is the whole past
            wanted = ref.knots_of(values[: 2 ** int(np.log2(n))], count)
            assert made.knots[0, : int(made.stats[0, KNOT_COUNT])].tolist() == wanted.tolist()


def test_the_kept_past_is_a_fair_sample_of_a_long_one():
    made = program(9, hats=8)
    made.add_slot(1, hat=2)
    learn(made, [[(0, float(i))] for i in range(8_192)])
    kept = made.past[0]
    assert len(np.unique(kept)) == 256
    # The mean of 256 of 8,192 lies within four standard errors of the whole's.
    assert abs(kept.mean() - 4095.5) < 4 * 8192 / np.sqrt(12 * 256)
    assert np.abs(made.knots[0] - np.linspace(0, 8191, 8)).max() < 8192 * 0.13
