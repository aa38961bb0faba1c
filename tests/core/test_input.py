"""What a sample's values become: standardised numbers, splines, categories; what is missing, infinite or new."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from headwater import nn
from headwater.nn.core import FAR, HUGE, INFINITE, Core, blank_state
from headwater.nn.expert import Expert
from headwater.plain.inputs.input import (
    NumericInput,
    Reservoir,
    knots_of,
    read_again,
    read_sample,
    refit,
    spline_basis,
    standardise,
)
from headwater.plain.network.random import Draws
from support.nets import check

STILL = nn.SGD(1e-30)
"""A step that moves no bit of a weight near 1."""

Sample = dict[str, Any]


def made(units: int = 1, optimizer: nn.Optimizer = STILL, *, bias: bool = False, **options: Any) -> Core:
    """A core of one linear layer, and of another above it if there is more than one unit; names appear as they come."""
    layers = (nn.Dense(units, bias=bias),) if units == 1 else (nn.Dense(units, bias=bias), nn.Dense(1))
    return Core([Expert(layers, nn.Loss("mse"), optimizer)], dtype="float64", seed=1, outputs=1, **options)


def learn(core: Core, samples: list[Sample], y: float = 0.0, w: float = 1.0) -> np.ndarray:
    """Learn samples of one answer in turn; returns what was predicted before each, (n,)."""
    n = len(samples)
    out = np.empty((n, core.outputs))
    core.learner.learn(samples, 0, n, np.full(n, y), np.full(n, w), np.ones(n, bool), out, None)
    return out[:, 0]


def predict(core: Core, samples: list[Sample]) -> np.ndarray:
    out = np.empty((len(samples), core.outputs))
    core.learner.predict(samples, 0, len(samples), out, None, False)
    return out


def pairs(core: Core, sample: Sample) -> list[tuple[int, float]]:
    """What the net reads of a sample that it doesn't learn."""
    rows, values, _ = core.learner.pairs([sample], 0, 1, False)
    return list(zip(np.frombuffer(rows, np.int32).tolist(), np.frombuffer(values).tolist(), strict=True))


def summing(first: Sample, **options: Any) -> Core:
    """A core whose names are those of a first sample, and whose weights are all 1: it predicts the sum of the values."""
    core = made(**options)
    assert learn(core, [first]).tolist() == [0.0], "what is new says nothing yet"
    core.table(0)[0][:] = 1
    return core


COLUMNS = {
    "normal": np.random.default_rng(0).normal(3, 2, 400),
    "constant": np.full(50, 7.0),
    "an outlier": np.r_[np.random.default_rng(1).normal(size=60), 1e9, np.random.default_rng(2).normal(size=60)],
    "two values": np.random.default_rng(3).integers(0, 2, 300).astype(float),
    "far but not absurd": np.r_[
        np.random.default_rng(1).normal(size=60), 500.0, np.random.default_rng(2).normal(size=60)
    ],
    "a drift": np.r_[np.random.default_rng(4).normal(0, 1, 1500), np.random.default_rng(4).normal(20, 3, 1500)],
    "tiny": 1e-12 * np.random.default_rng(5).normal(size=100),
}


def statistics(core: Core, slot: int = 0) -> list[float]:
    known = core.statistics
    return [float(known.mean[slot]), float(known.variance[slot]), float(known.seen[slot])]


@pytest.mark.parametrize("column", COLUMNS)
def test_a_number_is_standardised_by_running_statistics_that_include_it(column):
    first, *rest = COLUMNS[column].tolist()
    twin, wanted, rejected = NumericInput(row=1), [], Counter()
    for x in (first, *rest):
        wanted.append(read_sample([(twin, x)], learn=True, rejected=rejected)[1][1])

    # learned one call a row, and all in one call: the same
    core = summing({"a": first}, standard=True)
    shown = [0.0, *(learn(core, [{"a": x}])[0] for x in rest)]

    # Shown is what stood before learning, on statistics that already include x. The sums run over up to 3,000 rows.
    assert wanted[0] == 0
    check(np.array(shown), np.array(wanted), 1e-10)
    known = twin.statistics
    check(np.array(statistics(core)), np.array([known.mean, known.variance, known.count]), 1e-10)
    assert core.running[0, FAR] == rejected["far"]
    again = summing({"a": first}, standard=True)
    assert np.array_equal(learn(again, [{"a": x} for x in rest]), shown[1:])


def test_many_numbers_side_by_side_are_standardised_as_each_alone():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(200, 9)) * 10.0 ** np.arange(-4, 5)
    X[rng.random(X.shape) < 0.02] *= 1e6
    names = [f"x{j}" for j in range(9)]
    together = summing(dict(zip(names, X[0], strict=True)), standard=True)
    apart = [summing({"a": X[0, j]}, standard=True) for j in range(9)]
    for x in X[1:]:
        shown = dict(pairs(together, dict(zip(names, x, strict=True))))
        for j, (core, value) in enumerate(zip(apart, x, strict=True)):
            assert pairs(core, {"a": value}) == [(1, shown[j + 1])]
            learn(core, [{"a": value}])
        learn(together, [dict(zip(names, x, strict=True))])
    assert [statistics(together, j) for j in range(9)] == [statistics(core) for core in apart]
    assert together.running[0, FAR] == sum(core.running[0, FAR] for core in apart) > 0


def test_predicting_and_rows_of_weight_zero_standardise_without_moving_the_statistics():
    normal = COLUMNS["normal"].tolist()
    core = summing({"a": normal[0]}, standard=True)
    learn(core, [{"a": x} for x in normal[1:]])
    before, state = statistics(core), core.state()
    twin = NumericInput(row=1)
    for x in normal:
        twin.pairs(x, learn=True)

    shown = predict(core, [{"a": 5.0}])[0, 0]
    untaught = learn(core, [{"a": 5.0}], w=0.0)[0]

    check(shown, standardise(5.0, twin.statistics)[0], 1e-12)
    assert untaught == shown
    assert statistics(core) == before
    assert all(np.array_equal(core.state()[name], state[name]) for name in blank_state())


@pytest.mark.parametrize("missing", [np.nan, None])
def test_a_missing_value_has_no_pair_and_moves_nothing(missing):
    normal = COLUMNS["normal"].tolist()
    core = summing({"a": normal[0], "b": 2 * normal[0]}, standard=True)
    learn(core, [{"a": x, "b": 2 * x} for x in normal[1:]])
    before, twin = statistics(core, 0), NumericInput(row=2)
    for x in normal:
        twin.pairs(2 * x, learn=True)

    shown = learn(core, [{"a": missing, "b": 4.0}])[0]

    assert statistics(core, 0) == before
    check(shown, standardise(4.0, twin.statistics)[0], 1e-12)


@pytest.mark.parametrize("standard", [True, False])
def test_infinite_values_are_left_out_and_huge_ones_cut_and_both_are_counted(standard):
    normal = COLUMNS["normal"].tolist() if standard else [0.0]
    core = summing({"a": normal[0], "b": "there"}, standard=standard)
    learn(core, [{"a": x, "b": "there"} for x in normal[1:]])
    core.table(0)[0][1] = 0
    twin, rejected = NumericInput(row=1, standard=standard), Counter()
    for x in normal:
        twin.pairs(x, learn=True)
    odd = [np.inf, -np.inf, 1e300, -1e200, np.nan]

    shown = learn(core, [{"a": x, "b": "there"} for x in odd])

    assert core.running[0, INFINITE] == 2
    assert core.running[0, HUGE] == 2
    assert shown.tolist() == ([0, 0, 0, 0, 0] if standard else [0, 0, 1e30, -1e30, 0])
    said = [sum(value for _, value in read_sample([(twin, x)], learn=True, rejected=rejected)[1:]) for x in odd]
    assert said == shown.tolist()
    assert (rejected["infinite"], rejected["huge"]) == (2, 2)
    check(np.array(statistics(core)[:2]), np.array([twin.statistics.mean, twin.statistics.variance]), 1e-9)
    predict(core, [{"a": np.inf, "b": "there"}])
    assert core.running[0, INFINITE] == 2  # a prediction counts nothing
    learn(core, [{"a": np.inf}])
    assert core.running[0, INFINITE] == 3


def test_a_category_picks_its_row_and_several_add_up():
    core = made(units=2)
    learn(core, [{"a": "x"}, {"a": "y", "b": "z"}])
    core.table(0)[0][:] = [[1, 10], [2, 20], [3, 30]]
    below = core.operations(0)[-1]
    below.bias[:] = 0
    shown = []
    for unit in ([1.0, 0.0], [0.0, 1.0]):
        below.weights[:, 0] = unit
        asked = [{"a": "x"}, {"a": "y", "b": "z"}, {"b": "z"}, {"c": {"d": "u"}}, {}, {"a": {"b": "z"}, "b": "z"}]
        shown.append(predict(core, asked)[:, 0].tolist())
    assert shown == [[1, 5, 3, 0, 0, 3], [10, 50, 30, 0, 0, 30]]


def test_a_category_that_a_sample_names_twice_counts_twice():
    core = made()
    twice = {"a": {"b": "x"}, "a.b": "x"}
    learn(core, [twice])
    core.table(0)[0][:] = 3.0
    assert predict(core, [{"a.b": "x"}, twice])[:, 0].tolist() == [3.0, 6.0]
    assert core.touched[1] == 2


def test_a_new_row_takes_part_from_its_second_sight():
    core = made(optimizer=nn.SGD(0.1))
    still = made()
    first = learn(core, [{"a": "x", "b": "y"}], y=5.0)
    learn(still, [{"a": "x", "b": "y"}], y=5.0)
    assert first.tolist() == [0.0]  # both rows are new
    assert core.touched[1:3].tolist() == [1, 1]
    moved = core.table(0)[0].copy()
    drawn = still.table(0)[0]
    assert drawn.all()
    check(moved, drawn + 0.1 * 2 * 5, 1e-14)  # yet both have learned from it

    assert learn(core, [{"c": "new"}], w=0.0).tolist() == [0.0]  # its name is appended, and nothing learned
    shown = predict(core, [{"a": "x"}, {"a": "x", "c": "new"}])

    assert core.rows == 4
    assert shown[0, 0] == moved[0, 0]
    assert shown[0, 0] == shown[1, 0]  # to the bit: the new name says nothing yet
    learn(core, [{"c": "new"}], y=3.0)
    assert predict(core, [{"c": "new"}])[0, 0] == core.table(0)[0][2, 0] != 0.0


@pytest.mark.parametrize("units", [1, 2, 5, 16, 33])
@pytest.mark.parametrize("rule", ["sgd", "adam", "cocob"])
def test_appended_rows_leave_old_predictions_and_states_as_they_were_to_the_bit(rule, units):
    def learned() -> Core:
        rng = np.random.default_rng(0)
        core = made(units=units, optimizer=nn.optimizer(rule))
        for x in rng.integers(0, 3, 40).tolist():
            learn(core, [{"a": f"u{x}"}], y=float(x))
        return core

    core, other = learned(), learned()
    asked = [{"a": "u0", "b": 0.5}, {"a": "u1"}]
    shown, table = predict(core, asked), core.table(0)[0].copy()

    for count in (1, 5, 100):
        learn(core, [{"c": f"{count} {i}"} for i in range(count)], w=0.0)

    assert core.rows == 1 + 3 + 106
    assert np.array_equal(predict(core, asked), shown)
    assert np.array_equal(core.table(0)[0][:3], table)
    for grown in (core, other):  # moments came along: both go on alike
        learn(grown, [{"a": "u0"}, {"a": "u1"}], y=1.0)
    assert not np.array_equal(core.table(0)[0][:3], table)
    assert np.array_equal(core.table(0)[0][:3], other.table(0)[0])


@pytest.mark.parametrize("hidden", [(), (nn.Dense(7, "relu"),), (nn.Dense(7, "tanh"), nn.LayerNorm())])
@pytest.mark.parametrize("rule", ["sgd", "adam", "cocob"])
def test_an_appended_output_leaves_the_old_logits_as_they_were_to_the_bit(rule, hidden):
    rng = np.random.default_rng(1)
    expert = Expert((*hidden, nn.Dense(2)), nn.Loss("hinge"), nn.optimizer(rule))
    core = Core([expert], dtype="float64", seed=1, outputs=2)
    samples = [{"a": f"{a}", "b": f"{b}"} for a, b in rng.integers(0, 3, (30, 2)).tolist()]

    def answer(classes: np.ndarray) -> None:
        out = np.empty((30, core.outputs))
        core.learner.learn(samples, 0, 30, classes.astype(float), np.ones(30), np.ones(30, bool), out, None)

    answer(rng.integers(0, 2, 30))
    before = predict(core, samples)
    assert len(np.unique(before)) > 2

    core.learner.add_outputs(5, -3.0)

    after = predict(core, samples)
    assert np.array_equal(after[:, :2], before)
    assert (after[:, 2:] == -3).all()  # zero weights and the bias of a rare class
    answer(rng.integers(0, 5, 30))
    assert (predict(core, samples)[:, 2:] != -3).any()


# ---- the presence offset --------------------------------------------------------------------------------------------


def test_what_is_often_absent_counts_by_being_there():
    rng = np.random.default_rng(7)
    core, twin = made(bias=True, standard=True), {"a": NumericInput(row=1), "b": NumericInput(row=2)}
    for i in range(300):
        sample = {"a": float(rng.integers(0, 3))} if i else {"a": 1.0, "b": 1.0}
        if rng.random() < 0.2:
            sample["b"] = 1.0
        entries = [(twin[name], x) for name, x in sample.items()]
        if i:
            wanted = read_sample(entries, learn=False, rows=i + 1)
            found = pairs(core, sample)
            assert [row for row, _ in found] == [row for row, _ in wanted]
            check(np.array([x for _, x in found]), np.array([x for _, x in wanted]), 1e-12)
        learn(core, [sample])
        read_sample(entries, learn=True, rows=i + 1)
    assert dict(pairs(core, {"b": 1.0}))[2] > 0.7  # always 1 where it stands
    assert dict(pairs(core, {"a": 0.0, "b": 0.0}))[1] == pytest.approx(standardise(0.0, twin["a"].statistics)[0])


# ---- splines --------------------------------------------------------------------------------------------------------


def test_a_number_lies_under_the_two_splines_of_its_neighbouring_knots():
    count, values = 8, np.random.default_rng(2).normal(size=400).tolist()
    core = made(knots=count)
    learn(core, [{"a": x} for x in values])
    known = core.statistics
    knots = known.knots[0, : known.knot_count[0]]
    assert len(knots) == count
    basis = int(known.basis[0])
    assert basis > 1

    for x in [*np.linspace(-4, 4, 81), *knots]:
        found = pairs(core, {"a": float(x)})
        wanted = [(1, float(x)), *((basis + knot, height) for knot, height in spline_basis(float(x), knots.tolist()))]
        assert [row for row, _ in found] == [row for row, _ in wanted]
        check(np.array([v for _, v in found]), np.array([v for _, v in wanted]), 1e-12)
        check(sum(height for _, height in found[1:]), 1.0, 1e-12)


@pytest.mark.parametrize("kind", ["numbers", "two values", "five values", "constant"])
def test_knots_are_the_quantiles_of_the_past_at_16_32_64_values(kind):
    rng = np.random.default_rng(3)
    values = {
        "numbers": rng.normal(size=256),
        "two values": rng.integers(0, 2, 256),
        "five values": rng.integers(0, 5, 256),
        "constant": np.ones(256),
    }[kind].astype(float)
    count = 8
    core = made(standard=True, knots=count)

    for n in range(1, 257):
        learn(core, [{"a": values[n - 1]}])
        known = core.statistics
        if n < 16:
            assert known.knot_count[0] == 0
        if n in (32, 63, 64, 255, 256):  # until 256 the kept past is the whole past
            wanted = knots_of(sorted(values[: 2 ** int(np.log2(n))].tolist()), count)
            assert known.knots[0, : known.knot_count[0]].tolist() == wanted


def test_knots_that_move_leave_the_curve_where_it_was():
    rng = np.random.default_rng(5)
    core = made(units=4, knots=8, bias=True)
    learn(core, [{"a": x} for x in rng.normal(size=31).tolist()])
    first = int(core.statistics.basis[0])
    assert core.state()["touched"][first : first + 8].all()
    core.table(0)[0][first - 1 : first + 7] = rng.normal(size=(8, 4))  # without the bias in front
    before, knots = core.table(0)[0][first - 1 : first + 7].copy(), core.statistics.knots[0].tolist()
    learn(core, [{"a": 0.0}])
    moved = core.statistics.knots[0].tolist()
    assert moved != knots
    for column in range(4):
        wanted = np.array(refit(before[:, column].tolist(), knots, moved))
        check(core.table(0)[0][first - 1 : first + 7, column], wanted, 1e-6)


def test_a_knot_that_no_sample_had_is_spoken_for_by_its_neighbour():
    core = made(knots=8)
    learn(core, [{"a": float(x)} for x in range(16)])  # knots at 0, 2, 4, …, and no sample had them yet
    learn(core, [{"a": 0.0}] * 15)  # now the first was had
    first = int(core.statistics.basis[0])
    core.table(0)[0][first - 1 : first + 7, 0] = [5.0, *[7.0] * 7]
    learn(core, [{"a": 0.0}])
    count = int(core.statistics.knot_count[0])
    near = core.statistics.knots[0, :count] < 2.0
    assert 0 < near.sum() < len(near)
    assert (core.table(0)[0][first - 1 : first - 1 + count, 0] == np.where(near, 5.0, 7.0)).all()
    assert (core.state()["touched"][first : first + count] > 0).tolist() == near.tolist()


def kept(core: Core, sample: int, basis: int, knots: int) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """A sample kept for replay: its pairs, those under the splines of a curve apart, by the number of their knot."""
    state = core.state()
    first, count = int(state["sample_start"][sample]), int(state["sample_count"][sample])
    rows, values = (state[name][first : first + count].tolist() for name in ("pair_rows", "pair_values"))
    places = [(row - basis, value) for row, value in zip(rows, values, strict=True) if 0 <= row - basis < knots]
    others = [(row, value) for row, value in zip(rows, values, strict=True) if not 0 <= row - basis < knots]
    return others, places


@pytest.mark.parametrize("kind", ["numbers", "whole numbers"])
def test_samples_kept_for_replay_are_read_again_when_knots_move(kind):
    rng = np.random.default_rng(5)
    values = {"numbers": rng.normal(size=127), "whole numbers": rng.integers(0, 40, 127).astype(float)}[kind].tolist()
    expert = Expert((nn.Dense(1, bias=True),), nn.Loss("mse"), STILL, replays=1)
    core = Core([expert], dtype="float64", seed=1, outputs=1, knots=8, ring=100, standard=True)
    learn(core, [{"a": x, "b": "x", "c": 2.0 * x} for x in values])
    basis, knots = int(core.statistics.basis[0]), core.statistics.knots[0].tolist()
    before = [kept(core, i, basis, 8) for i in range(100)]

    learn(core, [{"a": 0.0, "b": "x", "c": 0.0}])

    moved = core.statistics.knots[0, : core.statistics.knot_count[0]].tolist()
    assert moved != knots[: len(moved)]
    last = 127 % 100  # the place of the sample that has just been kept, as it was read when it was learned
    for i in set(range(100)) - {last}:
        others, places = kept(core, i, basis, 8)
        x, wanted = sum(v * knots[k] for k, v in before[i][1]), read_again(before[i][1], knots, moved)
        assert [row for row, _ in others][:1] == [row for row, _ in before[i][0]][:1]
        assert [knot for knot, _ in places] == [knot for knot, _ in wanted]
        check(np.array([v for _, v in places]), np.array([v for _, v in wanted]), 1e-9)
        row = i if i > last else i + 100
        if row >= 64 and knots[0] < x < knots[-1]:  # kept since the last time that the knots moved, not beyond them
            check(x, values[row], 1e-9)
        assert all(core.state()["touched"][basis + knot] > 0 for knot, _ in places)


def test_the_kept_past_is_a_fair_sample_of_a_long_one_and_the_very_one_of_plain():
    core = made(knots=8)
    learn(core, [{"a": float(i)} for i in range(8_192)])
    kept = core.state()["slot_reservoir"]
    assert len(np.unique(kept)) == 256
    # The mean of 256 of 8,192 lies within four standard errors of the whole's.
    assert abs(kept.mean() - 4095.5) < 4 * 8192 / np.sqrt(12 * 256)
    knots = core.statistics.knots[0]
    assert np.abs(knots - np.linspace(0, 8191, 8)).max() < 8192 * 0.13

    reservoir = Reservoir(8, Draws(int(core.array("random")[1])))
    for i in range(8_192):
        reservoir.add(float(i))
    assert kept.tolist() == reservoir.values
    assert knots.tolist() == reservoir.knots


# ---- all together ---------------------------------------------------------------------------------------------------


def test_a_stream_of_everything_is_read_as_plain_reads_it():
    rng = np.random.default_rng(8)
    core = made(bias=True, standard=True, knots=6)
    key, rejected = int(core.array("random")[1]), Counter()
    draws = Draws(key)
    columns: dict[str, NumericInput] = {}
    for i in range(400):
        sample: Sample = {"a": rng.normal(), "b": rng.exponential(), "c": f"{rng.integers(0, 4)}"}
        if rng.random() < 0.3:
            del sample["b"]
        if rng.random() < 0.05:
            sample["a"] = float(rng.choice([np.nan, np.inf, 1e300, 1e5]))
        known = core.statistics
        if i >= 100:  # by then every name has been seen, and every spline
            wanted = read_sample(entries_of(core, columns, sample), learn=False, rows=i + 1)
            found = dict(pairs(core, sample))
            assert set(found) <= {row for row, _ in wanted}
            assert len(set(dict(wanted)) - set(found)) <= 2, "but for splines under which nothing has lain"
            check(np.array([*found.values()]), np.array([dict(wanted)[row] for row in found]), 1e-11)
        learn(core, [sample])
        for name in ("a", "b"):
            if name in sample and np.isfinite(sample[name]) and name not in columns:
                row = int(core.statistics.row[[*core_names(core)].index(name)])
                columns[name] = NumericInput(row=row, reservoir=Reservoir(6, draws))
        read_sample(entries_of(core, columns, sample), learn=True, rows=i + 1, rejected=rejected)
        for slot, name in enumerate(core_names(core)):
            columns[name].basis_row = int(core.statistics.basis[slot])
            known = core.statistics
            assert known.knots[slot, : known.knot_count[slot]].tolist() == columns[name].reservoir.knots
    assert (core.running[0, INFINITE], core.running[0, HUGE]) == (rejected["infinite"], rejected["huge"])
    assert core.running[0, FAR] == rejected["far"] > 0
    assert core.array("random")[0] == draws.drawn > 0


def core_names(core: Core) -> list[str]:
    """Names of the columns that have a slot, in the order of their slots."""
    return [name.decode() for name, _, slot, _ in sorted(core.learner.columns(), key=lambda c: c[2]) if slot >= 0]


def entries_of(core: Core, columns: dict[str, NumericInput], sample: Sample) -> list[tuple[NumericInput | int, float]]:
    """The values of a sample as plain reads them, in the order of their names; texts by the rows that the core gave."""
    categories = {text.decode(): row for _, _, _, texts in core.learner.columns() for text, row in texts}
    entries: list[tuple[NumericInput | int, float]] = []
    for name in sorted(sample):
        if isinstance(sample[name], str):
            if sample[name] in categories:
                entries.append((categories[sample[name]], 1.0))
        elif name in columns:
            entries.append((columns[name], float(sample[name])))
    return entries
