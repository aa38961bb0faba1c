"""Merging: a base and what each worker has learned since, in one learner; formulas and sources stand in core/learners/merge.c."""

from __future__ import annotations

import copy
import csv
import gzip
import math
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headwater as hw
from headwater import nn
from headwater.cluster.merge import merge
from headwater.nn.core import (
    ANOMALY,
    ERROR,
    FADING_LOSS,
    FAILING,
    MIXED,
    PLAIN,
    REINITIALISED,
    SCALED,
    STEP_SCALE,
    STEPS,
    WEIGHT,
    WINDOW,
    Core,
    bias,
    weights,
)
from headwater.nn.expert import Expert
from headwater.plain.inputs.input import knots_of
from support.programs import PROGRAMS, SANITIZED, SANITIZER_OPTIONS, TARGETS, build, together

CLEARED = {"sizes", "units", "unit_slots", "succession", "succession_rows", "succession_slots", "succession_x", "successor",
           "sample_start", "sample_count", "sample_y", "sample_w", "pair_rows", "pair_values", "pending_key",
           "pending_highest_row", "pending"}  # fmt: skip
"""What begins empty; the sizes hold how many samples there are."""

Sample = dict[str, Any]


def made(*experts: Expert, outputs: int = 1, **options: Any) -> Core:
    """A core whose names appear as the stream shows them, in float64."""
    settings = {"dtype": "float64", "seed": 1, "standard": True} | options
    return Core(experts, outputs=outputs, **settings)


def pool(loss: str = "mse", k: int = 1) -> tuple[Expert, ...]:
    """One hidden layer each, by the three rules whose constants were measured."""
    layers = (nn.Dense(4, initializer="lecun"), nn.LayerNorm(affine=False), nn.Activation("tanh"), nn.Dense(k))
    rules = (nn.SGD(0.05), nn.AdaGrad(0.1), nn.RMSProp(0.01, rho=0.999))
    return tuple(Expert(layers, nn.Loss(loss), rule) for rule in rules)


def samples(n: int, seed: int, words: str = "abcd", names: str = "uv") -> list[Sample]:
    """Numbers and a word each; one number in eight is missing."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        row: Sample = {name: float(rng.normal(i, 1 + i)) for i, name in enumerate(names) if rng.random() < 7 / 8}
        rows.append(row | {"word": words[rng.integers(len(words))]})
    return rows


def learn(core: Core, rows: list[Sample], y: Any = None, w: float = 1.0) -> Core:
    """Learn samples in turn; the answer is a sum of what they hold, or what is given."""
    n = len(rows)
    if y is None:
        y = [sum(v if isinstance(v, float) else ord(v) % 3 - 1 for v in row.values()) for row in rows]
    out = np.empty((n, core.outputs), core.dtype)
    core.learner.learn(rows, 0, n, np.array(y, float), np.full(n, w), np.ones(n, bool), out, None)
    return core


def taught(base: Core, *rows: list[Sample]) -> list[Core]:
    """A copy of the base for each stretch of rows, which has learned it."""
    return [learn(copy.deepcopy(base), own) for own in rows]


def rows_of(core: Core) -> dict[tuple[str, ...], int]:
    """The row of each name: of a number, of a word in its column, of a knot of a number's curve."""
    found: dict[tuple[str, ...], int] = {}
    s = core.statistics
    for name, _, slot, values in core.learner.columns():
        if slot >= 0:
            found[(name.decode(),)] = int(s.row[slot])
            for k in range(core.about["knots"] if s.basis[slot] > 0 else 0):
                found[name.decode(), "knot", str(k)] = int(s.basis[slot]) + k
        for value, row in values:
            found[name.decode(), value.decode()] = row
    return found


def row(core: Core, r: int, name: str = "weights") -> np.ndarray:
    """Row r of the table in the parameters, or in the numbers of the rules."""
    about = core.sizes()
    return core.array(name)[about["dense"] + r * about["stride"] :][: about["stride"]]


def stretches(core: Core, e: int, name: str = "weights") -> Iterator[np.ndarray]:
    """The dense layers of an expert, weights and biases."""
    vector = core.array(name)
    for place in core.places():
        if place.expert == e and not place.table:
            yield weights(core, place, vector)
            if place.bias:
                yield bias(core, place, vector)


def assert_same(merged: Core, other: Core, *, but: set[str] = frozenset()) -> None:
    """All arrays of the state are the same to the bit, besides what begins empty."""
    ours, theirs = merged.state(), other.state()
    differing = {name for name in ours if not np.array_equal(ours[name], theirs[name], equal_nan=True)}
    assert differing - CLEARED - but == set()


# ---- one worker -----------------------------------------------------------------------------------------------------

LEARNERS: dict[str, Callable[[], Any]] = {
    "pool": lambda: hw.Classifier(seed=1, label_history=True),
    "accurate": lambda: hw.Classifier(seed=1, effort="accurate", dtype="float64"),
    "net": lambda: hw.Classifier((8,), norm="batch", dropout=0.2, seed=1),
    "numbers": lambda: hw.Regressor(seed=1),
    "answers before": lambda: hw.Regressor((4,), seed=1, label_history=True),
    "cells": lambda: hw.Classifier(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1), cells=True)], seed=1),
    "momentum": lambda: hw.Regressor((5, 3), optimizer=nn.Momentum(0.01), seed=1),
}


def fed(model: Any, rows: list[Sample]) -> Any:
    y = [row.get("u", 0.0) + (row["word"] in "ac") for row in rows]
    model.learn_many(rows, y if isinstance(model, hw.Regressor) else [str(round(v)) if v < 3 else "3" for v in y])
    return model


@pytest.mark.parametrize("name", LEARNERS)
def test_one_worker_merged_is_that_worker(name: str) -> None:
    base = fed(LEARNERS[name](), samples(200, 1))
    worker = fed(copy.deepcopy(base), samples(150, 2, "abcdefgh", "uvxyz"))
    idle = copy.deepcopy(base)
    core, own = base._engine.core, worker._engine.core
    places = [list(range(own.outputs)), None]

    merged = core.merge([own, idle._engine.core], places)

    assert_same(merged, own)
    assert merged.learner.learned == worker.n_learned
    assert rows_of(merged) == rows_of(own)
    asked = samples(20, 3, "abcdefghij", "uvxyz")
    assert [merged.learner.predict_one(x) for x in asked] == [own.learner.predict_one(x) for x in asked]


def test_workers_that_learned_nothing_leave_the_base_as_it_was() -> None:
    base = fed(hw.Classifier(seed=1), samples(200, 1))._engine.core
    before = base.digest()

    merged = base.merge([copy.deepcopy(base), copy.deepcopy(base)])

    assert base.digest() == before
    assert_same(merged, base)
    assert_same(base.merge([]), base)


def test_opinions_that_wait_begin_empty() -> None:
    base = fed(hw.Classifier(seed=1), samples(200, 1))
    base.step_many([], [], ask=samples(5, 2))
    core = base._engine.core
    assert core.state()["pending"].size > 0

    state = core.merge([core, core]).state()

    assert [state[name].size for name in ("pending_key", "pending")] == [0, 0]


def kept(core: Core) -> list[tuple[float, float, list[tuple[int, float]]]]:
    """Answer, weight and pairs of each sample kept for replay, the oldest first."""
    state, added = core.state(), int(core.state()["sizes"].reshape(-1)[12])
    ring, pairs = (
        len(state["sample_count"]),
        list(zip(state["pair_rows"].tolist(), state["pair_values"].tolist(), strict=True)),
    )
    out = []
    for place in (number % ring for number in range(max(added - ring, 0), added)):
        start, count = state["sample_start"][place], state["sample_count"][place]
        out.append((state["sample_y"][place], state["sample_w"][place], pairs[start : start + count]))
    return out


@pytest.mark.parametrize("blocks", [[30, 0, 50], [400, 300], [700, 900]])
def test_samples_for_replay_are_the_last_of_the_base_and_of_the_workers_in_turn(blocks: list[int]) -> None:
    base = learn(made(*pool(), ring=500), samples(200, 1, "abc"), np.arange(200.0))
    workers = [
        learn(copy.deepcopy(base), samples(n, 2 + i, "abc"), 1000.0 * i + np.arange(n)) for i, n in enumerate(blocks)
    ]

    merged = base.merge(workers)

    expected = kept(base) + [
        sample for worker, n in zip(workers, blocks, strict=True) if n for sample in kept(worker)[-n:]
    ]
    assert kept(merged) == expected[-500:]
    assert merged.state()["sizes"].reshape(-1)[12] == 200 + sum(blocks)
    again = learn(copy.deepcopy(merged), samples(20, 9, "abc"), np.arange(20.0))
    assert kept(again) == (expected + kept(again)[-20:])[-500:]


def test_samples_of_workers_are_told_by_the_merged_names_and_classes() -> None:
    base = fed(hw.Classifier(seed=1), samples(100, 1, "ab"))
    one, other = fed(copy.deepcopy(base), samples(5, 2, "ab")), copy.deepcopy(base)
    one.learn_one({"word": "a", "x": "new"}, "first")
    other.learn_one({"word": "a", "y": "else"}, "second")

    both = merge(base, [one, other])

    samples_of = {
        name: kept(learner.engine.core) for name, learner in {"one": one, "other": other, "both": both}.items()
    }
    assert len(samples_of["both"]) == 107
    assert [both.known_classes[int(y)] for y, _, _ in samples_of["both"][-2:]] == ["first", "second"]
    assert samples_of["both"][:105] == samples_of["one"][:105]
    rows = rows_of(both.engine.core)
    assert rows["x", "new"] in dict(samples_of["both"][105][2])
    assert rows["y", "else"] in dict(samples_of["both"][106][2])
    assert rows["y", "else"] not in dict(samples_of["other"][100][2])


def test_samples_on_a_curve_whose_knots_a_worker_moved_are_left_out() -> None:
    base = fed(hw.Regressor(seed=1), [{"u": float(i % 7), "word": "a"} for i in range(60)])
    moved = fed(copy.deepcopy(base), [{"u": 50.0 + i, "word": "a"} for i in range(10)])  # the 64th number moves knots
    still = fed(copy.deepcopy(base), [{"v": 1.0, "word": "a"}])

    state = merge(base, [moved, still]).engine.core.state()

    before_the_curve = 16
    assert state["sizes"].reshape(-1)[12] == before_the_curve + 11, "those on the knots of before are gone"


def test_the_workers_stay_as_they_are_and_the_same_ones_give_the_same_bits() -> None:
    base = learn(made(*pool(), knots=8), samples(100, 1))
    workers = taught(base, samples(50, 2, "abx"), samples(50, 3, "bcy"))
    before = [worker.digest() for worker in workers]

    digests = {base.merge(workers).digest() for _ in range(3)}

    assert len(digests) == 1
    assert [worker.digest() for worker in workers] == before


# ---- weights --------------------------------------------------------------------------------------------------------


def reach(touches: float, k: int, c: float) -> float:
    """The factor on the mean of what moved, as it stands in core/learners/merge.c."""
    return math.expm1(-touches / c) / math.expm1(-touches / (k * c))


def slowness(e: int, before: float) -> float:
    """Touches after which most is learned, of the pool's three experts."""
    return (0.6 / 0.05, 0.016 / 0.1 * math.sqrt(max(before, 1)), 0.03 / 0.01)[e]


def test_two_identical_workers_go_beyond_the_mean_as_far_as_both_have_not_arrived() -> None:
    base = learn(made(*pool()), samples(100, 1))
    worker = learn(copy.deepcopy(base), samples(30, 2))

    merged = base.merge([worker, copy.deepcopy(worker)])

    for e in range(3):
        factor = reach(60, 2, slowness(e, 100))
        assert factor == pytest.approx((1.082, 1.0, 1.00005)[e], abs=0.001), "from the mean, 1, to the sum, 2"
        ours, theirs, old = (np.concatenate([a.ravel() for a in stretches(c, e)]) for c in (merged, worker, base))
        np.testing.assert_allclose(ours, old + factor * (theirs - old), rtol=1e-12, atol=1e-14)
        kept = [np.concatenate([a.ravel() for a in stretches(c, e, "state_0")]) for c in (merged, worker, base)]
        sums = factor if e == 1 else 1.0
        np.testing.assert_allclose(kept[0], kept[2] + sums * (kept[1] - kept[2]), rtol=1e-12, atol=1e-14)


def test_a_row_is_averaged_over_those_who_touched_it() -> None:
    base = learn(made(*pool()), samples(80, 1))
    workers = taught(base, samples(40, 2, "abx"), samples(40, 3, "bcx"), samples(40, 4, "ab", "u"))

    merged = base.merge(workers)

    known = rows_of(base)
    columns = [merged.learner.columns_of(e) for e in range(3)]
    seen = set()
    for name, r in rows_of(merged).items():
        touched = int(base.touched[known[name]]) if name in known else 0
        old = row(base, known[name]) if name in known else None
        own = [(w, rows_of(w)[name]) for w in workers if name in rows_of(w)]
        moved = [(w, q, int(w.touched[q]) - touched) for w, q in own if w.touched[q] > touched]
        n = sum(times for *_, times in moved)
        seen.add(len(moved))
        assert merged.touched[r] == touched + n
        if len(moved) < 2:
            source, q = moved[0][:2] if moved else (base, known[name])
            np.testing.assert_array_equal(row(merged, r), row(source, q), f"{name}")
            continue
        if old is None:  # drawn from the name by all alike; here by one who reads it and learns nothing of it
            drawn = learn(learn(copy.deepcopy(base), [{"word": name[1]}], w=0.0), [{"word": "a"}])
            assert drawn.touched[rows_of(drawn)[name]] == 0
            old = row(drawn, rows_of(drawn)[name])
        for e, (first, width) in enumerate(columns):
            part = slice(first, first + width)
            k = len(moved)
            factor = reach(n, k, slowness(e, touched)) / k
            delta = sum(row(w, q)[part] - old[part] for w, q, _ in moved)
            np.testing.assert_allclose(row(merged, r)[part], old[part] + factor * delta, rtol=1e-12, atol=1e-14)
    assert seen >= {1, 2, 3}


def test_names_that_only_one_has_learned_survive_to_the_bit() -> None:
    base = learn(made(*pool(), knots=8), samples(100, 1))
    workers = taught(base, samples(60, 2, "abXY", "uvp"), samples(60, 3, "abZ", "uvq"), samples(60, 4, "ab"))

    merged = base.merge(workers)

    ours = rows_of(merged)
    for worker, own in zip(workers, ({"X", "Y", "p"}, {"Z", "q"}, set()), strict=True):
        theirs = rows_of(worker)
        alone = [name for name in theirs if own & {name[0], name[-1]}]
        assert len(alone) == {3: 11, 2: 10, 0: 0}[len(own)], "words, a number, and the knots of its curve"
        for name in alone:
            for vector in ("weights", "state_0"):
                np.testing.assert_array_equal(row(merged, ours[name], vector), row(worker, theirs[name], vector))
            assert merged.touched[ours[name]] == worker.touched[theirs[name]]
            assert merged.array("row_keys")[ours[name]] == worker.array("row_keys")[theirs[name]]
    names = [name for name, *_ in merged.learner.columns()]
    assert names.index(b"p") < names.index(b"q"), "in the order of the workers"


def test_the_order_of_the_workers_changes_the_numbers_of_rows_and_nothing_else() -> None:
    base = learn(made(*pool(), knots=8), samples(100, 1))
    workers = taught(base, samples(60, 2, "abXY", "uvp"), samples(60, 3, "aYbZ", "vuq"))

    one, other = base.merge(workers), base.merge(workers[::-1])

    ours, theirs = rows_of(one), rows_of(other)
    assert ours != theirs
    assert ours.keys() == theirs.keys()
    for name, r in ours.items():
        for vector in ("weights", "state_0"):
            np.testing.assert_array_equal(row(one, r, vector), row(other, theirs[name], vector))
    assert one.learner.predict_one(samples(1, 5)[0]) == other.learner.predict_one(samples(1, 5)[0])


def test_a_column_that_one_took_for_numbers_and_another_for_words_is_the_first_ones() -> None:
    base = learn(made(*pool()), samples(50, 1))
    numbers = learn(copy.deepcopy(base), [{"new": 1.5 + i, "u": 1.0} for i in range(9)], [1.0] * 9)
    words = learn(copy.deepcopy(base), [{"new": "xy"[i % 2], "u": 1.0} for i in range(9)], [1.0] * 9)

    one, other = base.merge([numbers, words]), base.merge([words, numbers])

    assert rows_of(one).keys() - rows_of(base).keys() == {("new",), ("new", "x"), ("new", "y")}
    assert rows_of(other).keys() - rows_of(base).keys() == {("new", "x"), ("new", "y")}
    assert one.statistics.seen[-1] == 9


FIXED = {
    "rows": ([nn.Dense(4, "tanh"), nn.Dense(1)], False, nn.SGD(0.05)),
    "batches": ([nn.Dense(4, "tanh"), nn.Dense(1)], True, nn.SGD(0.05)),
    "norms": ([nn.Dense(4), nn.BatchNorm(), nn.Activation("tanh"), nn.Dropout(0.2), nn.Dense(1)], False, nn.AdaGrad()),
    "ids": ([nn.Embedding(9, 3), nn.Dense(1)], False, nn.SGD(0.05)),
}


@pytest.mark.parametrize("name", FIXED)
def test_networks_of_a_fixed_number_of_inputs_are_merged_as_well(name: str) -> None:
    layers, batches, rule = FIXED[name]
    net = nn.Network(layers, optimizer=rule, dtype="float64", inputs=2 if name == "ids" else 3)

    def part(own: nn.Network, seed: int) -> nn.Network:
        rng = np.random.default_rng(seed)
        X = rng.integers(0, 4, (30, 2)) + (seed % 3) * 2 if name == "ids" else rng.normal(size=(30, 3))
        y = X.sum(1) / 4
        if not batches:
            own.learn_many(X, y)
        for i in range(0, 30 if batches else 0, 10):
            own.update(own.gradients(X[i : i + 10], y[i : i + 10]))
        return own

    base = part(net, 0)
    workers = [part(copy.deepcopy(base), seed) for seed in (1, 2)]

    merged = base.core.merge([worker.core for worker in workers])
    alone = base.core.merge([workers[0].core])

    assert_same(alone, workers[0].core)
    steps = float(base.core.running[0, STEPS])
    assert merged.running[0, STEPS] == steps + sum(worker.core.running[0, STEPS] - steps for worker in workers)
    factor = reach(merged.running[0, STEPS] - steps, 2, slowness(0, steps))
    if name in ("rows", "batches"):
        old, one, two = (core.parameters for core in (base.core, *(worker.core for worker in workers)))
        np.testing.assert_allclose(merged.parameters, old + factor / 2 * (one + two - 2 * old), rtol=1e-12, atol=1e-14)
    if name == "norms":
        old, one, two = (core.array("buffer") for core in (base.core, *(worker.core for worker in workers)))
        np.testing.assert_allclose(merged.array("buffer"), (one + two) / 2, rtol=1e-12)
    if name == "ids":
        table, olds, (first, second) = (
            merged.table(0)[0],
            base.core.table(0)[0],
            [w.core.table(0)[0] for w in workers],
        )
        for i in range(9):
            movers = [own[i] for own in (first, second) if not np.array_equal(own[i], olds[i])]
            if len(movers) < 2:
                np.testing.assert_array_equal(table[i], movers[0] if movers else olds[i])
            else:
                expected = olds[i] + factor / 2 * sum(own - olds[i] for own in movers)
                np.testing.assert_allclose(table[i], expected, rtol=1e-12)


@pytest.mark.parametrize(
    "rule", [nn.FTRL(0.1, beta=0.5, l1=0.01, l2=0.02), nn.COCOB(alpha=50.0)], ids=["ftrl", "cocob"]
)
def test_where_a_weight_is_a_function_of_sums_it_is_that_of_the_merged_sums(rule: nn.Optimizer) -> None:
    base = learn(made(Expert((nn.Dense(1),), nn.Loss("mse"), rule)), samples(60, 1))
    workers = taught(base, samples(40, 2, "abx"), samples(40, 3, "bcx"))

    merged = base.merge(workers)

    r = rows_of(merged)["word", "b"]
    w = row(merged, r)[0]
    s = [row(merged, r, f"state_{i}")[0] for i in range(merged.about["states"])]
    if isinstance(rule, nn.FTRL):
        z, n = s
        assert w == pytest.approx(-(z - math.copysign(0.01, z)) / ((0.5 + math.sqrt(n)) / 0.1 + 0.02), rel=1e-12)
        q = rows_of(base)["word", "b"]
        old, touched = row(base, q, "state_1")[0], float(base.touched[q])
        more = [row(own, rows_of(own)["word", "b"], "state_1")[0] - old for own in workers]
        factor = reach(merged.touched[r] - touched, 2, slowness(1, touched))
        assert n == pytest.approx(old + factor / 2 * sum(more), rel=1e-12)
    else:
        largest, total, reward, theta, first = s
        assert largest == max(row(own, rows_of(own)["word", "b"], "state_0")[0] for own in workers)
        bound = max(total + largest, 50.0 * largest)
        assert w == pytest.approx(first + theta / (largest * bound) * (largest + reward), rel=1e-12)


# ---- outputs --------------------------------------------------------------------------------------------------------


def test_classes_that_appear_in_different_workers_have_their_own_outputs() -> None:
    experts = pool("cross_entropy")
    base = made(*experts)
    base.learner.add_outputs(2, -1.0)
    learn(base, samples(60, 1), np.arange(60) % 2)
    workers = [copy.deepcopy(base) for _ in range(3)]
    for worker in workers[:2]:
        worker.learner.add_outputs(3, -2.0)
    learn(workers[0], samples(30, 2), np.arange(30) % 3)
    workers[1].learner.add_outputs(5, -2.0)
    learn(workers[1], samples(30, 3), np.arange(30) % 5)
    learn(workers[2], samples(30, 4), np.arange(30) % 2)
    places = [[0, 1, 2], [0, 1, 3, 2, 4], None]  # the second worker's class 3 is the first one's class 2

    merged = base.merge(workers, places, bias=-3.0)

    assert merged.outputs == 5
    for e in range(3):
        ours, ours_bias, old, old_bias = *stretches(merged, e), *stretches(base, e)
        own = [list(stretches(worker, e)) for worker in workers]
        factor = reach(90, 3, slowness(e, 60)) / 3
        for j in range(5):
            start, begin = (old[:, j], old_bias[j]) if j < 2 else (np.zeros(4), -3.0)
            knowing = [(w, b, p.index(j)) for (w, b), p in zip(own, [*places[:2], [0, 1]], strict=True) if j in p]
            moved = sum(w[:, i] - start for w, _, i in knowing)
            raised = sum(b[i] - begin for _, b, i in knowing)
            np.testing.assert_allclose(ours[:, j], start + factor * moved, rtol=1e-11, atol=1e-13)
            assert ours_bias[j] == pytest.approx(begin + factor * raised, rel=1e-11)
    learn(merged, samples(10, 5), np.arange(10) % 5)


def test_many_new_classes_of_a_linear_expert_lie_in_its_columns_of_the_table() -> None:
    base = learn(made(Expert((nn.Dense(1),), nn.Loss("cross_entropy"), nn.SGD(0.05))), samples(30, 1), np.zeros(30))
    worker = copy.deepcopy(base)
    worker.learner.add_outputs(40, -1.0)
    learn(worker, samples(200, 2, "abcdx"), np.arange(200) % 40)
    other = learn(copy.deepcopy(base), samples(30, 3), np.zeros(30))
    places = [0, *range(39, 0, -1)]

    merged = base.merge([worker, other], [places, None], bias=-1.0)

    assert merged.outputs == 40
    ours, theirs = row(merged, rows_of(merged)["word", "x"]), row(worker, rows_of(worker)["word", "x"])
    np.testing.assert_array_equal(ours[places], theirs[:40])
    learn(merged, samples(80, 4), np.arange(80) % 40)


def test_the_label_history_is_the_last_workers() -> None:
    base = hw.Classifier(seed=1, label_history=True)
    base.learn_many(samples(100, 1), ["pq"[i % 3 % 2] for i in range(100)])
    one, two = copy.deepcopy(base), copy.deepcopy(base)
    one.learn_many(samples(50, 2), ["pqy"[i % 3] for i in range(50)])
    two.learn_many(samples(51, 3), ["pqz"[i % 3] for i in range(51)])
    assert (one.classes, two.classes) == (["p", "q", "y"], ["p", "q", "z"])

    merged = base._engine.core.merge([one._engine.core, two._engine.core], [[0, 1, 2], [0, 1, 3]], -5.0)

    last, repeats, moves, *counts = merged.array("label_history")
    theirs = two._engine.core.array("label_history")
    assert (last, theirs[0]) == (3, 2), "z"
    assert (repeats, moves) == (theirs[1], theirs[2])
    ours, own = np.reshape(counts, (4, 4)), theirs[3:].reshape(4, 4)
    np.testing.assert_array_equal(ours[np.ix_([0, 1, 3], [0, 1, 3])], own[:3, :3])
    assert not ours[2].any()
    assert not ours[:, 2].any()


# ---- statistics -----------------------------------------------------------------------------------------------------


def stream(n: int, seed: int) -> tuple[list[Sample], np.ndarray]:
    """Numbers without outliers, one of which is often missing, and answers."""
    rng = np.random.default_rng(seed)
    rows: list[Sample] = [{"a": float(rng.uniform(5, 9)), "b": float(rng.uniform(-1, 1))} for _ in range(n)]
    for row in rows[::3]:
        del row["b"]
    return rows, rng.uniform(100, 120, n)


@pytest.mark.parametrize(("before", "blocks"), [(0, [3, 1, 5]), (50, [100, 7]), (700, [200, 1, 90])])
def test_statistics_are_those_of_one_pass_over_the_rows_of_all(before: int, blocks: list[int]) -> None:
    rows, y = stream(before + sum(blocks), before)
    for i, sample in enumerate(rows[before:]):
        sample["c"] = float(i % 7)
    base = learn(made(*pool(), targets=True), rows[:before], y[:before])
    workers, at = [], before
    for n in blocks:
        workers.append(learn(copy.deepcopy(base), rows[at : at + n], y[at : at + n]))
        at += n

    merged = base.merge(workers)

    serial = learn(copy.deepcopy(base), rows[before:], y[before:])
    for name in ("seen", "mean", "variance"):
        np.testing.assert_allclose(getattr(merged.statistics, name), getattr(serial.statistics, name), rtol=1e-10)
    np.testing.assert_allclose(merged.answers, serial.answers, rtol=1e-10)
    assert merged.learner.learned == serial.learner.learned == at


def test_statistics_that_fade_lie_between_the_passes_in_either_order() -> None:
    rows, y = stream(3200, 1)
    base = learn(made(*pool(), targets=True), rows[:3000], y[:3000])
    parts = slice(3000, 3100), slice(3100, 3200)
    workers = [learn(copy.deepcopy(base), rows[part], y[part]) for part in parts]

    merged = base.merge(workers)

    orders = [learn(learn(copy.deepcopy(base), rows[p], y[p]), rows[q], y[q]) for p, q in (parts, parts[::-1])]
    s, (one, two) = merged.statistics, [core.statistics for core in orders]
    np.testing.assert_array_equal(s.seen, one.seen)
    np.testing.assert_allclose(s.mean[0], (one.mean[0] + two.mean[0]) / 2, rtol=1e-12)
    np.testing.assert_allclose(s.variance, (one.variance + two.variance) / 2, rtol=1e-3)
    assert (np.abs(s.mean - (one.mean + two.mean) / 2) <= np.abs(one.mean - two.mean)).all()
    np.testing.assert_allclose(merged.answers[0, 0], np.mean([core.answers[0, 0] for core in orders]), rtol=1e-12)


def test_a_number_that_each_saw_a_few_times_gets_its_curve_when_all_are_joined() -> None:
    base = learn(made(*pool(), knots=8), samples(10, 1, names="u"))
    values = np.random.default_rng(2).permutation(60).astype(float)
    blocks = [[{"n": v, "word": "a"} for v in values[i : i + 20].tolist()] for i in (0, 20, 40)]

    merged = base.merge(taught(base, *blocks))

    s = merged.statistics
    slot = next(slot for name, _, slot, _ in merged.learner.columns() if name == b"n")
    assert s.seen[slot] == 60
    np.testing.assert_array_equal(s.knots[slot, : s.knot_count[slot]], knots_of(np.sort(values), 8))
    assert s.basis[slot] > 0
    assert merged.rows == int(s.basis[slot]) + 8
    learn(merged, blocks[0])
    assert (merged.touched[s.basis[slot] :] > 0).sum() > 4, "its rows take part from now on"


def test_a_curve_whose_knots_several_moved_stays_the_curve_that_it_was() -> None:
    rng = np.random.default_rng(2)
    still = Expert((nn.Dense(1, bias=False),), optimizer=nn.SGD(1e-30))
    base = learn(made(still, knots=16), [{"u": x} for x in rng.normal(size=250).tolist()], np.zeros(250))
    first, knots = int(base.statistics.basis[0]), base.statistics.knots[0].copy()
    base.table(0)[0][:, 0] = 0
    base.table(0)[0][first - 1 : first + 15, 0] = knots**2
    workers = taught(base, *([{"u": x} for x in rng.normal(size=20).tolist()] for _ in range(3)))
    merged = base.merge(workers)
    assert merged.statistics.knots[0].tolist() != knots.tolist(), "there are 256 values: the knots have moved"
    assert all(worker.statistics.knots[0].tolist() != knots.tolist() for worker in workers)
    now, end = merged.statistics.knots[0], slice(first - 1, first + 15)
    inside = (now >= knots[0]) & (now <= knots[-1])
    np.testing.assert_allclose(merged.table(0)[0][end, 0][inside], np.interp(now, knots, knots**2)[inside], atol=0.25)


def test_the_sample_of_a_numbers_past_is_a_fair_one_of_all_rows() -> None:
    def rows(n: int, low: float, seed: int) -> list[Sample]:
        return [{"n": float(x)} for x in np.random.default_rng(seed).uniform(low, low + 1, n)]

    shares = []
    for seed in range(8):
        base = learn(made(*pool(), knots=8), rows(1000, 0, seed))
        workers = taught(base, rows(2000, 1, 100 + seed), rows(1000, 2, 200 + seed))
        past = base.merge(workers).state()["slot_reservoir"]
        assert past.shape == (256,)
        assert len(set(past.tolist())) == 256
        shares.append([np.mean((past >= low) & (past < low + 1)) for low in range(3)])
    np.testing.assert_allclose(np.mean(shares, 0), [0.25, 0.5, 0.25], atol=0.04)


def test_scores_of_intervals_lie_in_turn() -> None:
    base = learn(made(*pool(), targets=True, intervals=PLAIN), samples(700, 1))
    workers = taught(base, samples(200, 2), samples(250, 3))

    merged = base.merge(workers)

    def last(core: Core, n: int) -> np.ndarray:
        scores = core.array("scores")
        return scores[1:][np.arange(int(scores[0]) - n, int(scores[0])) % WINDOW]

    assert merged.array("scores")[0] == 1150
    expected = np.concatenate([last(base, 550), last(workers[0], 200), last(workers[1], 250)])
    np.testing.assert_array_equal(last(merged, WINDOW), expected)


def test_scores_of_detectors_lie_in_turn_and_the_rows_kept_begin_anew() -> None:
    detectors, head, scored = 5, 2, 2_000
    encoder = Expert((nn.Dense(3, "tanh"), nn.Dense(1)), nn.Loss("mse"), nn.Momentum(0.01))
    base = learn(made(encoder, ring=20, intervals=ANOMALY), samples(1_500, 1))
    workers = taught(base, samples(400, 2), samples(500, 3))

    merged = base.merge(workers)

    def last(core: Core, n: int) -> np.ndarray:
        scores = core.array("scores")
        return scores[head:].reshape(detectors, scored)[:, np.arange(int(scores[0]) - n, int(scores[0])) % scored]

    assert merged.array("scores")[0] == 2_400
    expected = np.concatenate([last(base, 1_100), last(workers[0], 400), last(workers[1], 500)], axis=1)
    np.testing.assert_array_equal(last(merged, scored), expected)
    assert len(merged.ring_rows()) == 0
    out = np.empty((1, 1))
    merged.learner.predict([{"u": 1.0}], 0, 1, out, None, False)
    assert 0 < out[0, 0] < 1


def test_the_expert_of_scales_is_merged_like_the_others() -> None:
    base = learn(made(*pool(), targets=True, intervals=SCALED), samples(100, 1))
    workers = taught(base, samples(40, 2), samples(40, 3))

    merged = base.merge(workers)

    first, width = merged.learner.columns_of(3)
    r, part = rows_of(base)["u",], slice(first, first + width)
    moved = sum(row(own, r)[part] - row(base, r)[part] for own in workers)
    n = int(merged.touched[r] - base.touched[r])
    factor = reach(n, 2, 0.03 / 0.003) / 2
    np.testing.assert_allclose(row(merged, r)[part], row(base, r)[part] + factor * moved, rtol=1e-12)
    assert merged.array("running")[3, STEPS] == 180


# ---- running numbers ------------------------------------------------------------------------------------------------


def test_counts_are_added_up_and_fading_means_are_composed() -> None:
    base = learn(made(*pool(), targets=True), samples(100, 1))
    workers = taught(base, samples(20, 2), samples(60, 3))
    workers[0].running[0, STEP_SCALE] = 0.5
    workers[1].running[1, FAILING] = 7.0
    workers[0].running[1, FAILING] = 9.0

    run = base.merge(workers).running

    old, one, two = (core.running for core in (base, *workers))
    np.testing.assert_array_equal(run[:, STEPS], 180)
    assert run[0, MIXED] == 180
    assert (run[0, STEP_SCALE], run[1, FAILING]) == (0.5, 7.0)
    moved = one[:, WEIGHT] + two[:, WEIGHT] - 2 * old[:, WEIGHT]
    assert np.abs(moved).max() > 0.001
    np.testing.assert_allclose(run[:, WEIGHT], old[:, WEIGHT] + moved / 2, rtol=1e-12)
    alone = [
        old[:, FADING_LOSS] + (own[:, FADING_LOSS] - old[:, FADING_LOSS]) / (1 - 0.99**n)
        for own, n in ((one, 20), (two, 60))
    ]
    expected = 0.99**80 * old[:, FADING_LOSS] + (1 - 0.99**80) * (0.25 * alone[0] + 0.75 * alone[1])
    np.testing.assert_allclose(run[:, FADING_LOSS], expected, rtol=1e-12)


def test_means_of_the_mixture_are_composed_by_the_rows_that_the_first_expert_counts() -> None:
    base = learn(made(*pool(), targets=True, lean=(0.0, 0.0, 5.0)), samples(100, 1))
    workers = taught(base, samples(20, 2), samples(60, 3))
    old, one, two = (core.running[:2, ERROR].copy() for core in (base, *workers))
    assert (one != old).all()
    assert (two != old).all()

    merged = base.merge(workers).running[:, ERROR]

    alone = [old + (own - old) / (1 - 0.997**n) for own, n in ((one, 20), (two, 60))]
    expected = 0.997**80 * old + (1 - 0.997**80) * (0.25 * alone[0] + 0.75 * alone[1])
    np.testing.assert_allclose(merged[:2], expected, rtol=1e-12)
    assert not merged[2:].any()


def test_weights_of_hedge_follow_the_mean_and_sum_to_1() -> None:
    base = learn(made(*pool()), samples(100, 1))
    workers = taught(base, samples(40, 2), samples(40, 3))
    before, *own = (core.running[:3, WEIGHT].copy() for core in (base, *workers))
    assert not np.allclose(own[0], before)

    weights = base.merge(workers).running[:3, WEIGHT]

    np.testing.assert_allclose(weights, before + (own[0] + own[1] - 2 * before) / 2, rtol=1e-12)
    assert weights.sum() == pytest.approx(1, abs=1e-12)


def test_an_expert_that_one_began_anew_is_that_of_the_others() -> None:
    base = learn(made(*pool()), samples(100, 1))
    anew, other = copy.deepcopy(base), learn(copy.deepcopy(base), samples(30, 3))
    anew.learner.reinitialise(0, 5)
    learn(anew, samples(30, 2))

    merged = base.merge([anew, other])

    for ours, theirs in zip(stretches(merged, 0), stretches(other, 0), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(merged.table(0)[0], other.table(0)[0])
    assert merged.running[0, STEPS] == other.running[0, STEPS] == 130
    assert merged.running[1, STEPS] == 160


def test_an_expert_that_all_began_anew_is_the_first_ones() -> None:
    base = learn(made(*pool()), samples(100, 1))
    workers = [copy.deepcopy(base) for _ in range(2)]
    for i, worker in enumerate(workers):
        worker.learner.reinitialise(0, 5 + i)
        worker.running[0, REINITIALISED] += 1
        learn(worker, samples(30, 2 + i))

    merged = base.merge(workers)

    for ours, theirs in zip(stretches(merged, 0), stretches(workers[0], 0), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(merged.table(0)[0], workers[0].table(0)[0])
    assert (merged.running[0, STEPS], merged.running[0, REINITIALISED], merged.running[1, STEPS]) == (30, 2, 160)


# ---- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("knots", [0, 8])
def test_where_one_has_filled_its_table_the_merged_one_is_full(knots: int) -> None:
    base = learn(made(*pool(), knots=knots, max_rows=64), samples(20, 1))
    words = "".join(chr(ord("A") + i) for i in range(60))
    workers = taught(base, samples(120, 2, words), samples(20, 3, "abyz"), samples(120, 4, words[::-1]))
    assert [bool(worker.sizes()["shared_from"]) for worker in workers] == [True, False, True]

    merged = base.merge(workers)

    about = merged.sizes()
    assert about["shared_from"] > 0
    assert about["rows"] == about["shared_from"] + about["shared_rows"] <= 64
    shared = slice(about["shared_from"], about["rows"])
    own = [worker.touched[w["shared_from"] :] for worker in workers if (w := worker.sizes())["shared_from"]]
    np.testing.assert_array_equal(merged.touched[shared], sum(own))
    assert about["shared_names"] >= sum(worker.sizes()["shared_names"] for worker in workers)
    assert_same(base.merge([workers[0]]), workers[0])
    learn(merged, samples(50, 5, words))
    again = learn(copy.deepcopy(merged), samples(20, 6, words))
    assert_same(merged.merge([again]), again)


def test_a_worker_that_was_not_copied_from_the_base_is_refused() -> None:
    base = learn(made(*pool("cross_entropy")), samples(50, 1), np.zeros(50))
    good = learn(copy.deepcopy(base), samples(20, 2), np.zeros(20))
    more = copy.deepcopy(base)
    more.learner.add_outputs(3, 0.0)
    wrong = {
        "another seed": ([made(*pool("cross_entropy"), seed=2)], None, 0.0),
        "other rows": ([learn(made(*pool("cross_entropy")), samples(60, 9, "xyz"), np.zeros(60))], None, 0.0),
        "younger than the base": ([made(*pool("cross_entropy"))], None, 0.0),
        "the base's output moved": ([more], [[1, 0, 2]], 0.0),
        "one output twice": ([more], [[0, 1, 1]], 0.0),
        "an output out of range": ([more], [[0, 1, 3]], 0.0),
        "below 0": ([more], [[0, 1, -1]], 0.0),
        "too few places": ([more], [[0, 1]], 0.0),
        "no bias": ([more], None, math.nan),
    }

    for why, (workers, places, begin) in wrong.items():
        with pytest.raises(ValueError, match="workers"):
            pytest.fail(f"{why}: {base.merge([good, *workers], places and [None, *places], begin)}")
    with pytest.raises(TypeError, match="learners"):
        base.learner.merge([good], [None], 0.0)
    with pytest.raises(TypeError, match="as many"):
        base.learner.merge([good.learner], [], 0.0)
    assert base.merge([good, more]).outputs == 3


def test_threads_that_merge_and_learn_take_turns() -> None:
    base = learn(made(*pool(), knots=8), samples(100, 1))
    workers = taught(base, samples(30, 2), samples(30, 3))
    failed: list[BaseException] = []

    def run(act: Callable[[int], object]) -> None:
        try:
            for i in range(60):
                act(i)
        except Exception as error:  # noqa: BLE001  whatever it was, the test tells
            failed.append(error)

    acts: list[Callable[[int], object]] = [
        lambda _: base.merge(workers),
        lambda _: base.merge([*workers[::-1], workers[0]]),
        lambda i: learn(workers[0], samples(3, i, "abcdefgh"[: 1 + i % 8])),
        lambda i: learn(workers[1], samples(3, 90 + i)),
    ]
    threads = [threading.Thread(target=run, args=(act,), daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)

    assert not any(thread.is_alive() for thread in threads)
    assert failed == []


# ---- on a real stream -----------------------------------------------------------------------------------------------


def electricity() -> tuple[list[Sample], list[str]]:
    """Rows and answers of elec2.csv.gz, in the folder that HEADWATER_DATA names."""
    path = Path(os.environ.get("HEADWATER_DATA", ""), "elec2.csv.gz")
    if not path.is_file():
        pytest.skip("elec2.csv.gz is not in a folder that HEADWATER_DATA names")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return [{k: float(v) for k, v in row.items() if k != "target"} for row in rows], [row["target"] for row in rows]


def test_four_workers_in_blocks_of_a_hundred_rows_are_as_accurate_as_one_learner() -> None:
    X, y = electricity()
    n, workers, block, warm = len(X), 4, 100, 1000
    serial = np.mean(hw.Classifier(seed=0, diagnosis=False).learn_many(X, y) == np.array(y))
    model = hw.Classifier(seed=0, diagnosis=False)
    right = list(model.learn_many(X[:warm], y[:warm]) == np.array(y[:warm]))

    for at in range(warm, n, workers * block):
        team = []
        for start in range(at, min(at + workers * block, n), block):
            own = copy.deepcopy(model)
            part = slice(start, min(start + block, n))
            right += list(own.learn_many(X[part], y[part]) == np.array(y[part]))
            team.append(own._engine.core)
        model._engine.core = model._engine.core.merge(team)
        model._engine._connect()

    assert len(right) == n
    assert abs(np.mean(right) - serial) < 0.01
    assert model.n_learned == n


# ---- cell tables ------------------------------------------------------------------------------------------------------


def with_cells(tests: int) -> Core:
    return made(
        Expert((nn.Dense(1, initializer="zeros"),), nn.Loss("mse"), nn.AdaGrad(0.1), cells=True), cells=(6, tests)
    )


def test_cells_that_several_moved_are_averaged_and_those_of_one_are_taken_over() -> None:
    base = learn(with_cells(3), samples(100, 1))
    assert base.sizes()["tests"] == 3
    workers = taught(base, samples(5, 2), samples(4, 3))
    merged = base.merge(workers)
    g, a, b, m = (core.cells(0) for core in (base, *workers, merged))
    only_a, only_b = (a != g) & (b == g), (b != g) & (a == g)
    both = (a != g) & (b != g)
    assert min(only_a.sum(), only_b.sum(), both.sum()) > 0
    np.testing.assert_array_equal(m[only_a], a[only_a])
    np.testing.assert_array_equal(m[only_b], b[only_b])
    factor = (m - g)[both] / ((a - g) + (b - g))[both]
    assert (factor >= 0.5 - 1e-9).all()
    assert (factor <= 1 + 1e-9).all(), "between the mean of two and their sum"
    np.testing.assert_array_equal(m[(a == g) & (b == g)], g[(a == g) & (b == g)])


def test_tests_that_a_worker_added_stand_in_the_merged_learner_and_the_others_cells_with_it() -> None:
    base = learn(with_cells(4), samples(4, 1))
    ahead, behind = taught(base, samples(12, 2), samples(3, 3))
    assert [core.sizes()["tests"] for core in (base, ahead, behind)] == [1, 3, 1]
    merged = base.merge([behind, ahead])
    assert merged.sizes()["tests"] == 3
    for name in ("cell_code", "cell_threshold"):
        np.testing.assert_array_equal(merged.array(name)[:18], ahead.array(name)[:18])
    g, m, a, b = base.cells(0)[:, :, 0], merged.cells(0)[:, :, 0], ahead.cells(0)[:, :, 0], behind.cells(0)[:, :, 0]
    spread = np.tile(b != g, 4)
    alone = spread & (a == np.tile(g, 4))
    assert alone.any()
    np.testing.assert_array_equal(m[alone], np.tile(b, 4)[alone])


def test_cells_of_workers_with_other_tests_are_left_out_and_the_rest_is_merged() -> None:
    base = learn(with_cells(4), samples(7, 1))
    first, second = taught(base, samples(10, 2), samples(10, 3))
    merged = base.merge([first, second])
    np.testing.assert_array_equal(merged.cells(0), first.cells(0))
    (table, _), (own, _), (start, _) = merged.table(0), first.table(0), base.table(0)
    n = len(start)
    assert not np.array_equal(table[:n], own[:n])
    assert merged.sizes()["learned"] == 27


# ---- the same bits everywhere, no memory lost -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What merge.c prints with AddressSanitizer and UndefinedBehaviorSanitizer, and an allocator that fails at each request."""
    if SANITIZED.lacks:
        pytest.skip(f"{SANITIZED.lacks} is not installed")
    program = build(SANITIZED, PROGRAMS / "merge.c", tmp_path_factory.mktemp("sanitized") / "built")
    options = os.environ | SANITIZER_OPTIONS
    done = subprocess.run([str(program), "starve"], capture_output=True, text=True, check=False, env=options)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def test_no_merging_does_harm_and_memory_that_ends_is_an_error(printed: str) -> None:
    assert len(printed.splitlines()) == 33


@pytest.mark.parametrize("name", TARGETS)
def test_merging_gives_the_same_bits_on_every_machine(name: str, printed: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    if target.lacks:
        pytest.skip(f"{target.lacks} is not installed")
    program = build(target, PROGRAMS / "merge.c", tmp_path / "built")

    assert together([[*target.runner, str(program)]], program.parent) == [printed]
