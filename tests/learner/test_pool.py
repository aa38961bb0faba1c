"""The pool at a user's level: weights, intervals, label history, experts that begin anew, words that are always 1."""

from __future__ import annotations

import copy
import math
from itertools import pairwise

import numpy as np
import pytest

from headwater import Classifier, Regressor, load, nn
from headwater.errors import ConfigError
from headwater.learner.settings.default_pool import pool
from headwater.nn.core import FADING_LOSS, FAILING, weights
from support.learners import arrays, core_of, differences, same


def numbers(n: int, seed: int = 0, d: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, 50 + 5 * X[:, 0] + (0.2 + np.abs(X[:, 1])) * rng.normal(size=n)


def runs(n: int, k: int, stay: float, seed: int = 0) -> tuple[np.ndarray, list[str]]:
    """Noise, and classes that stay what they were."""
    rng = np.random.default_rng(seed)
    y = [0]
    for _ in range(n - 1):
        y.append(y[-1] if rng.random() < stay else int(rng.integers(k)))
    return rng.normal(size=(n, 3)), [f"c{i}" for i in y]


def rows(X: np.ndarray) -> list[dict[str, float]]:
    return [dict(zip("abcdefgh", x.tolist(), strict=False)) for x in X]


# ---- weights --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [Classifier, Regressor])
def test_a_rows_weight_reaches_the_ring_and_the_mixture(make):
    X, y = numbers(200)
    y = y if make is Regressor else (y > 50).tolist()
    w = np.random.default_rng(1).choice([0.25, 1.0, 4.0], 200)
    plain, weighed = make(seed=1), make(seed=1)

    plain.learn_many(X, y)
    weighed.learn_many(X, y, w)

    assert arrays(weighed)["sample_w"][:200].tolist() == w.tolist()
    assert arrays(plain)["sample_w"][:200].tolist() == [1.0] * 200
    assert not np.allclose(core_of(weighed).mixture_weights, core_of(plain).mixture_weights)


def test_a_row_of_three_moves_the_mixture_three_times_as_far():
    X, y = numbers(300)
    model = Classifier(seed=1)
    model.learn_many(X, y > 50)
    moved = []
    for w in (1.0, 3.0):
        other = copy.deepcopy(model)
        other.learn_many(X[:1], [y[0] > 50], [w])
        moved.append(core_of(other).mixture_weights - core_of(model).mixture_weights)
    assert np.abs(moved[0]).max() > 0
    np.testing.assert_allclose(moved[1], 3 * moved[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("make", [Classifier, Regressor])
@pytest.mark.parametrize("heavy", [1e6, 1e15])
def test_a_heavy_row_leaves_the_pool_finite_and_able_to_learn(make, heavy):
    X, y = numbers(4000)
    answers = y if make is Regressor else (y > 50)
    w = np.ones(4000)
    w[[100, 500]] = heavy
    shown = make(seed=1).learn_many(X, answers, w)[2000:]
    light = make(seed=1).learn_many(X, answers)[2000:]
    if make is Regressor:
        assert np.abs(shown - answers[2000:]).mean() < 1.25 * np.abs(light - answers[2000:]).mean()
    else:
        assert (shown == answers[2000:]).mean() > (light == answers[2000:]).mean() - 0.02


# ---- intervals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"hidden": (16,)}, {"loss": "quantile"}], ids=str)
@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_an_interval_holds_its_share_of_the_answers_in_sequence(options, coverage):
    X, y = numbers(3000)
    model = Regressor(seed=1, **options)
    inside = 0
    for i in range(3000):
        low, high = model.predict_interval_many(X[i : i + 1], coverage)[0]
        inside += low <= y[i] <= high
        model.learn_many(X[i : i + 1], y[i : i + 1])
    assert inside / 3000 == pytest.approx(coverage, abs=0.035)


def test_an_interval_is_wider_where_answers_spread_more():
    X, y = numbers(4000)
    model = Regressor(seed=1)
    model.learn_many(X, y)
    calm, wild = (
        model.predict_interval_one(dict(zip(("x0", "x1", "x2", "x3"), (0.0, b, 0.0, 0.0), strict=True)))
        for b in (0.0, 2.0)
    )
    assert wild[1] - wild[0] > 2 * (calm[1] - calm[0])


def test_an_interval_of_counts_begins_at_nought_or_above():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2))
    y = rng.poisson(np.exp(1 + X[:, 0]))
    model = Regressor(loss="poisson", seed=1)
    model.learn_many(X, y)
    bounds = model.predict_interval_many(X[-500:])
    assert (bounds[:, 0] >= 0).all()
    assert np.mean((bounds[:, 0] <= y[-500:]) & (y[-500:] <= bounds[:, 1])) > 0.85


def test_an_interval_is_infinite_until_there_is_enough_to_tell():
    X, y = numbers(19)
    model = Regressor(seed=1)
    assert model.predict_interval_one({"x0": 1.0}) == (-math.inf, math.inf)
    model.learn_many(X[:18], y[:18])
    assert model.predict_interval_many(X[:1]).tolist() == [[-math.inf, math.inf]]
    model.learn_many(X[18:], y[18:])
    assert np.isfinite(model.predict_interval_many(X[:1])).all()


@pytest.mark.parametrize("coverage", [0, 1, -0.5, math.nan])
def test_a_coverage_that_is_no_share_is_refused(coverage):
    with pytest.raises(ConfigError, match=r"expected a share between 0 and 1, got .* at coverage|coverage"):
        Regressor().predict_interval_one({"x": 1.0}, coverage)


@pytest.mark.parametrize("options", [{}, {"hidden": (8,)}, {"loss": "poisson"}, {"label_history": True}], ids=str)
def test_intervals_come_back_from_a_file_to_the_bit_and_asking_changes_nothing(options, tmp_path):
    X, y = numbers(600)
    model = Regressor(seed=1, **options)
    model.learn_many(X[:400], y[:400])
    before = arrays(model)
    bounds = model.predict_interval_many(X[400:])
    assert all(same(now, then) for now, then in zip(arrays(model).values(), before.values(), strict=True))
    model.save(tmp_path / "m.hw")

    other = load(tmp_path / "m.hw")

    assert same(other.predict_interval_many(X[400:]), bounds)
    model.learn_many(X[400:], y[400:])
    other.learn_many(X[400:], y[400:])
    assert differences(model, other) == []
    assert same(other.predict_interval_many(X), model.predict_interval_many(X))


# ---- label history --------------------------------------------------------------------------------------------------


def test_with_label_history_runs_of_a_class_are_seen_and_without_it_they_are_not():
    X, y = runs(3000, 8, 0.9)
    no_change = np.mean([a == b for a, b in pairwise(y)])
    right = {on: np.mean(Classifier(label_history=on, seed=1).learn_many(X, y) == y) for on in (False, True)}
    assert right[True] > no_change - 0.01
    assert right[False] < no_change - 0.1


def test_label_history_knows_which_class_follows_which():
    X, y = np.random.default_rng(0).normal(size=(2000, 2)), [i % 5 for i in range(2000)]
    shown = Classifier(label_history=True, seed=1).learn_many(X, y)
    assert np.mean(shown[200:] == y[200:]) > 0.99


def test_a_regressor_with_label_history_follows_an_answer_that_drifts():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(3000, 2)), np.cumsum(rng.normal(size=3000))
    wrong = {on: np.abs(Regressor(label_history=on, seed=1).learn_many(X, y) - y)[500:].mean() for on in (False, True)}
    persist = np.abs(np.diff(y))[499:].mean()
    assert wrong[True] < 1.02 * persist
    assert wrong[True] < 0.85 * wrong[False]


def test_a_regressor_with_label_history_learns_what_the_answers_before_say_and_repeats_them_where_nothing_else_is_better():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2000, 2)), np.zeros(2000)
    for i in range(2, 2000):
        y[i] = 1.8 * y[i - 1] - 0.9 * y[i - 2] + rng.normal()  # it swings
    shown = Regressor(label_history=True, seed=1).learn_many(X, y)
    assert np.abs(shown - y)[500:].mean() < 1.1 * np.sqrt(2 / np.pi)  # all but the noise, whose mean size this is
    assert np.abs(shown - y)[500:].mean() < 0.55 * np.abs(np.diff(y))[499:].mean()

    steps = np.repeat(10 * rng.normal(size=20), 100)
    shown = Regressor(label_history=True, seed=1).learn_many(X, steps)
    assert np.abs(shown - steps)[500:].mean() < 1.1 * np.abs(np.diff(steps))[499:].mean()


def test_a_sample_that_names_the_last_answer_says_it_itself():
    model = Regressor(label_history=True, seed=1)
    rng = np.random.default_rng(0)
    for y in np.cumsum(rng.normal(size=500)) + 50:
        model.learn_one({"x": rng.normal()}, float(y))
    now, before = model.predict_one({"x": 0.0}), arrays(model)
    assert model.predict_one({"x": 0.0, "last answer": float(y) + 2}) > now + 1
    assert all(same(a, b) for a, b in zip(arrays(model).values(), before.values(), strict=True))


@pytest.mark.parametrize("kind", [Classifier, Regressor])
@pytest.mark.parametrize("options", [{}, {"hidden": (8,)}], ids=str)
def test_label_history_is_exact_in_blocks_events_files_and_copies(kind, options, tmp_path):
    X, y = runs(300, 4, 0.7)
    answers = y if kind is Classifier else [float(label[1:]) for label in y]
    samples = rows(X)
    one, many = (kind(label_history=True, seed=1, **options) for _ in range(2))
    for x, label in zip(samples[:200], answers[:200], strict=True):
        one.learn_one(x, label)
    many.learn_many(samples[:200], answers[:200])
    assert differences(one, many) == []

    before = arrays(one)
    one.predict_many(samples)
    one.predict_one(samples[0])
    assert all(same(now, then) for now, then in zip(arrays(one).values(), before.values(), strict=True))

    one.save(tmp_path / "m.hw")
    others = [load(tmp_path / "m.hw"), copy.deepcopy(one)]
    one.learn_many(samples[200:], answers[200:])
    for other in others:
        other.learn_many(samples[200:], answers[200:])
        assert differences(one, other) == []


def test_a_row_of_weight_nought_is_no_history():
    X, y = runs(200, 3, 0.8)
    model = Classifier(label_history=True, seed=1)
    model.learn_many(X, y)
    before = arrays(model)["label_history"]
    model.learn_many(X[:1], ["c0" if y[-1] != "c0" else "c1"], [0.0])
    assert same(arrays(model)["label_history"], before)


def test_label_history_is_refused_where_it_has_no_place():
    with pytest.raises(ConfigError, match="label_history"):
        Classifier(loss="hinge", label_history=True)
    with pytest.raises(ConfigError, match="label_history"):
        Regressor(loss="poisson", label_history=True)
    with pytest.raises(ConfigError, match="label_history"):
        Classifier(label_history=1)


# ---- experts --------------------------------------------------------------------------------------------------------


def test_an_expert_whose_numbers_are_lost_begins_anew_and_the_others_are_not_touched():
    X, y = numbers(1000)
    y = (y > 50).tolist()
    models = [Classifier(experts=pool("default"), seed=1) for _ in range(2)]  # whose replays follow no weights
    for model in models:
        model.learn_many(X[:400], y[:400])
    well, sick = models
    core = core_of(sick)
    before = core.places()
    for place in before:
        if place.expert == 1:
            weights(core, place)[:] = np.nan

    sick.learn_many(X[400:], y[400:])
    well.learn_many(X[400:], y[400:])

    assert [expert["reinitialised"] for expert in sick.experts_] == [0, 1, 0, 0, 0, 0, 0, 0]
    assert sick.rejected["overflow"] == 10
    places = core.places()  # the cell tables have grown, so others lie elsewhere
    assert [(p.expert, p.layer, p.n, p.m) for p in places] == [(p.expert, p.layer, p.n, p.m) for p in before]
    for place in places:
        same_as_well = same(weights(core, place), weights(core_of(well), place))
        assert same_as_well == (place.expert != 1)
        assert np.isfinite(weights(core, place)).all()
    assert sick.experts_[1]["loss"] < 0.5
    assert sick.experts_[1]["steps"] == 600 - 10


def test_an_expert_that_knows_less_than_nothing_for_500_rows_begins_anew():
    X, y = numbers(1500)
    y = (y > 50).tolist()
    mad = nn.Expert(optimizer=nn.SGD(1e4))
    model = Classifier(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1)), mad], seed=1)
    model.learn_many(X[:200], y[:200])
    core = core_of(model)
    core.running[1, FAILING] = 498
    core.running[1, FADING_LOSS] = 50.0  # no expert of the house gets so bad by itself
    before = core.table(1)[0].copy()
    model.learn_many(X[200:202], y[200:202])
    assert [expert["reinitialised"] for expert in model.experts_] == [0, 1]
    assert not np.array_equal(core.table(1)[0], before)
    assert not core.table(1)[0].any()  # output layers start at zero


def test_beginning_anew_does_not_depend_on_blocks():
    X, y = numbers(800)
    y = (y > 50).tolist()
    models = [Classifier(seed=1) for _ in range(3)]
    for model in models:
        model.learn_many(X[:300], y[:300])
        core_of(model).running[1, FAILING] = 1e9
    models[0].learn_many(X[300:], y[300:])
    for i in range(300, 800):
        models[1].learn_many(X[i : i + 1], y[i : i + 1])
    for x, label in zip(X[300:].tolist(), y[300:], strict=True):
        models[2].learn_one({f"x{j}": v for j, v in enumerate(x)}, label)
    assert models[0].experts_[1]["reinitialised"] == 0  # a sound row begins the count again
    assert differences(models[0], models[1]) == []
    assert differences(models[0], models[2]) == []


def test_an_expert_whose_first_layer_cant_be_drawn_row_by_row_is_refused_each_time_it_is_asked_for():
    pool = [nn.Expert((nn.Dense(4, "relu", initializer="orthogonal"),))]
    for _ in range(2):  # what is made once a process is good pools, not errors
        with pytest.raises(ConfigError, match="expected an initializer that draws row by row, got 'orthogonal'"):
            Classifier(experts=pool)


def test_a_pool_of_ones_own_learns_is_told_and_comes_back(tmp_path):
    X, y = numbers(600)
    y = (y > 50).tolist()
    pool = [nn.Expert((nn.Dense(8, "tanh"),), optimizer=nn.Adam(0.01)), nn.Expert(optimizer=nn.AdaGrad(0.1), replays=1)]
    model = Classifier(experts=pool, seed=1)
    shown = model.learn_many(X, y)
    assert np.mean(shown[200:] == y[200:]) > 0.85
    told = model.experts_
    assert [expert["optimizer"] for expert in told] == [repr(expert.optimizer) for expert in pool]
    assert told[0]["steps"] == 600
    assert told[1]["steps"] == 600 + 599
    assert all(expert["loss"] < 0.6 for expert in told)
    model.save(tmp_path / "m.hw")
    assert differences(load(tmp_path / "m.hw"), model) == []


# ---- columns that are often absent ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: Classifier(seed=1), lambda: Classifier(hidden=(), seed=1)])
def test_a_word_that_is_always_one_where_it_stands_is_learned_from(make):
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(30)]
    samples, y = [], []
    for _ in range(3000):
        chosen = rng.choice(words, 5, replace=False)
        samples.append(dict.fromkeys(chosen.tolist(), 1))
        y.append("spam" if {"w0", "w1", "w2"} & set(chosen.tolist()) else "ham")
    shown = make().learn_many(samples, y)
    assert np.mean(shown[1000:] == np.array(y)[1000:]) > 0.95


def test_a_column_without_gaps_is_read_as_before_and_a_gap_moves_it_by_its_share():
    X = [{"a": float(i % 7), "b": 1.0} if i % 4 else {"a": float(i % 7)} for i in range(400)]
    model = Classifier(seed=1)
    model.learn_many(X, [i % 2 for i in range(400)])
    core = core_of(model)
    mean, variance = core.statistics.mean, core.statistics.variance
    rows, values = (
        np.frombuffer(part, kind) for part, kind in zip(pairs(core, {"a": 6.0, "b": 1.0}), "id", strict=True)
    )
    read = dict(zip(rows.tolist(), values.tolist(), strict=True))
    own = core.statistics.row.tolist()
    t = 401
    moved = mean[0] + (6.0 - mean[0]) / t
    spread = (1 - 1 / t) * (variance[0] + (6.0 - mean[0]) ** 2 / t)
    assert read[own[0]] == pytest.approx((6.0 - moved) / math.sqrt(spread), rel=1e-6)
    assert read[own[1]] == pytest.approx(0.25, abs=0.01)  # always 1 where it stands: only that it is there counts


def pairs(core, x):
    """Rows and values that the core reads of a sample, as bytes."""
    return core.learner.pairs([x], 0, 1, False)[:2]


def test_regressors_have_an_expert_with_a_log_link_where_answers_have_a_mean():
    def named(model):
        for i in range(3):
            model.learn_one({"a": float(i)}, float(i))
        return [expert["expert"].endswith("log link") for expert in model.experts_]

    assert named(Regressor()) == [False] * 8 + [True]
    assert named(Regressor(effort="accurate")) == [False] * 9 + [True]
    without = [Regressor(effort="fast"), Regressor(label_history=True), Regressor(loss="mae"), Classifier()]
    assert not any(any(named(model)) for model in without)


@pytest.mark.parametrize("made", [Classifier, lambda **given: Regressor(label_history=True, **given)])
def test_a_log_link_needs_answers_with_a_mean(made):
    with pytest.raises(ConfigError, match="standardizes targets"):
        made(experts=[nn.Expert(log_link=True), nn.Expert()])


def test_where_effects_multiply_a_log_link_learns_them_with_less():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(3000, 4))
    y = rng.poisson(np.exp(1 + X @ [0.8, -0.6, 0.4, 0.0])).astype(float)
    errors = {}
    for log_link in (False, True):
        model = Regressor(experts=[nn.Expert(optimizer=nn.AdaGrad(0.1), log_link=log_link)], scale=True, seed=1)
        errors[log_link] = np.abs(np.asarray(model.learn_many(X, y)) - y)[1000:].mean()
    assert errors[True] < 0.97 * errors[False]


def test_answers_that_have_nothing_to_do_with_each_other_cost_little_as_inputs():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(4000, 4))
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=4000)
    errors = [
        np.abs(np.asarray(Regressor(label_history=history, seed=1).learn_many(X, y)) - y)[1000:].mean()
        for history in (False, True)
    ]
    assert errors[1] < 1.04 * errors[0]
