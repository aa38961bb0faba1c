"""Each member of a fleet learns to the bit as a learner of its own would that had been taught the same rows."""

from __future__ import annotations

import random
import threading
import warnings
from collections import Counter

import numpy as np
import polars as pl
import pytest

import headwater as hw
from fleet.machines import rows_of, stream, without_key
from headwater import nn
from headwater.errors import ConfigError, DataError, LimitError, RefusedRow, TargetError
from headwater.kinds.fleet.texts import without_text
from headwater.store.learner_file import fingerprint

ROWS, LABELS, NUMBERS = stream(1500)
KEYS = sorted({row["machine"] for row in ROWS})

MAKERS = {
    "one hidden layer": lambda: hw.Classifier(hidden=(8,), seed=3),
    "logistic": lambda: hw.Classifier(hidden=(), optimizer="adagrad"),
    "float64": lambda: hw.Classifier(hidden=(8,), dtype="float64"),
    "dropout and batch norm": lambda: hw.Classifier(hidden=(8, 4), dropout=0.2, norm="batch"),
    "adam with a schedule": lambda: hw.Regressor(hidden=(8,), optimizer=nn.Adam(nn.Cosine(0.01, 500))),
    "fast pool": lambda: hw.Classifier(effort="fast"),
    "default pool with label history": lambda: hw.Classifier(label_history=True),
    "full table": lambda: hw.Classifier(hidden=(8,), max_rows=16),
    "hinge": lambda: hw.Classifier(hidden=(8,), loss="hinge"),
    "regressor": lambda: hw.Regressor(hidden=(8,)),
    "pool of regressors": lambda: hw.Regressor(effort="fast"),
}

ALONE = (
    "succession",
    "succession_rows",
    "succession_slots",
    "succession_x",
    "successor",
    "relevance",
    "relevance_slots",
)


def answers(learner):
    return LABELS if learner.task == "classify" else NUMBERS


def state(learner):
    """All that a learner holds, but for the coverage of sets and intervals for units and for successors, which members do without."""
    if learner.engine is None:
        return None
    arrays = learner.engine.core.state((*ALONE, "coverage", "pending_ends", "pending_shown", "units", "unit_slots"))
    return {name: (array.shape, array.tobytes()) for name, array in arrays.items()}


@pytest.mark.parametrize("name", MAKERS)
def test_a_member_predicts_and_learns_to_the_bit_as_a_learner_of_its_own(name):
    make = MAKERS[name]
    fleet, y = hw.Fleet(make, key="machine"), answers(make())
    parts = [fleet.step_many(ROWS[i : i + 300], y[i : i + 300]) for i in range(0, len(ROWS), 300)]
    said = [one for part in parts for one in part.y_pred]
    for key in KEYS:
        mine, alone = rows_of(ROWS, key), without_text(make())
        forecast = alone.step_many([without_key(ROWS[i]) for i in mine], [y[i] for i in mine])
        assert [said[i] for i in mine] == list(forecast.y_pred)
        assert state(fleet[key]) == state(alone)
        assert fleet[key].known_classes == alone.known_classes


@pytest.mark.parametrize("name", ["one hidden layer", "fast pool", "regressor"])
def test_rows_one_by_one_and_rows_in_blocks_make_the_same_fleet(name):
    make = MAKERS[name]
    blocks, single, y = hw.Fleet(make, "machine"), hw.Fleet(make, "machine"), answers(make())
    given = blocks.learn_many(ROWS, y)
    for row, answer, said in zip(ROWS, y, given.tolist(), strict=True):
        assert single.predict_one(row) == said
        single.learn_one(row, answer)
    assert single.fingerprint() == blocks.fingerprint()
    assert single.score() == blocks.score()


def test_probabilities_of_a_member_are_those_of_a_learner_of_its_own():
    make = MAKERS["one hidden layer"]
    fleet = hw.Fleet(make, "machine")
    fleet.learn_many(ROWS, LABELS)
    x = ROWS[0]
    alone = fleet[x["machine"]]
    assert fleet.predict_proba_one(x) == alone.predict_proba_one(without_key(x))
    block = fleet.predict_proba_many([x])[0].tolist()
    own = alone.predict_proba_many([without_key(x)])[0].tolist()
    assert dict(zip(fleet.classes, block, strict=True)) == dict(zip(alone.classes, own, strict=True))


def test_two_classes_told_by_one_number_work_in_a_fleet_too_and_a_third_is_refused():
    make = lambda: hw.Classifier(hidden=(8,), loss="binary_cross_entropy")  # noqa: E731
    fleet = hw.Fleet(make, "machine")
    two = ["p" if label == "r" else label for label in LABELS]
    said = fleet.learn_many(ROWS, two)
    mine, alone = rows_of(ROWS, "m3"), make()
    assert [said[i] for i in mine] == alone.learn_many(
        [without_key(ROWS[i]) for i in mine], [two[i] for i in mine]
    ).tolist()
    x = ROWS[mine[0]]
    assert fleet.predict_proba_one(x) == alone.predict_proba_one(without_key(x))
    with pytest.raises(TargetError, match="got 'z'"):
        fleet.learn_many(ROWS[:1], ["z"])


def test_members_begin_with_what_the_first_learner_knows():
    first = hw.Classifier(hidden=(8,))
    first.learn_many([without_key(row) for row in ROWS[:200]], LABELS[:200])
    fleet = hw.Fleet(first, "machine")
    new = {"machine": "new", "a": 1.0, "b": 5.0}
    assert fleet.predict_proba_one(new) == first.predict_proba_one(without_key(new))
    alone = first.clone(include_attributes=True)
    fleet.learn_many(ROWS, LABELS)
    mine = rows_of(ROWS, "m1")
    alone.learn_many([without_key(ROWS[i]) for i in mine], [LABELS[i] for i in mine])
    assert state(fleet["m1"]) == state(alone)
    assert first.n_learned == 200


def test_late_answers_are_learned_by_the_member_that_was_asked():
    fleet, delay = hw.Fleet(MAKERS["one hidden layer"], "machine"), 40
    record = hw.evaluate(fleet, zip(ROWS, LABELS, strict=True), delay=delay).record
    assert record.scored + record.unscored == len(ROWS)
    alone = hw.Classifier(hidden=(8,), seed=3)
    mine = rows_of(ROWS, "m5")
    for i in mine:  # without a pool nothing depends on what was said when a row was asked
        alone.learn_one(without_key(ROWS[i]), LABELS[i])
    assert state(fleet["m5"]) == state(alone)


def test_a_pool_with_late_answers_learns_from_what_its_experts_said_when_they_were_asked():
    fleet = hw.Fleet(MAKERS["fast pool"], "machine")
    fleet.learn_many(ROWS[:500], LABELS[:500])
    before = fleet["m0"].engine.core.mixture_weights.copy()
    hw.Session(fleet, delay=30).run(zip(ROWS, LABELS, strict=True))
    assert not np.array_equal(before, fleet["m0"].engine.core.mixture_weights)


def test_frames_and_arrays_are_read_as_their_rows_are():
    rows = [{"machine": float(i % 3), "a": float(i), "b": float(i * i % 7)} for i in range(200)]
    y = [float(i % 7) for i in range(200)]
    make = MAKERS["regressor"]
    dicts, frame, array = hw.Fleet(make, "machine"), hw.Fleet(make, "machine"), hw.Fleet(make, "x0")
    dicts.learn_many(rows, y)
    frame.learn_many(pl.DataFrame(rows), y)
    array.learn_many(np.array([list(row.values()) for row in rows]), y)
    assert frame.fingerprint() == dicts.fingerprint()
    assert sorted(array) == [0.0, 1.0, 2.0]
    assert frame.predict_many(pl.DataFrame(rows)).tolist() == dicts.predict_many(rows).tolist()


def test_rows_without_a_usable_key_are_refused_and_counted_and_said_once():
    fleet = hw.Fleet(MAKERS["one hidden layer"], "machine")
    bad = [
        {"a": 1.0},
        {"machine": None, "a": 1.0},
        {"machine": float("nan")},
        {"machine": [1]},
        {"machine": "m", "a": 1.0},
    ]
    with pytest.warns(RefusedRow, match="the key is missing"):
        fleet.learn_many(bad, ["p"] * 5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fleet.learn_one({"a": 1.0}, "p")
    assert fleet.rejected == {"key": 5}
    assert fleet.keys() == ["m"]
    assert fleet.predict_one({"a": 1.0}) is None
    assert bad[4] == {"machine": "m", "a": 1.0}


def test_no_more_keys_are_taken_than_max_keys():
    fleet = hw.Fleet(MAKERS["one hidden layer"], "machine", max_keys=5)
    with pytest.warns(RefusedRow, match="max_keys is reached"):
        fleet.learn_many([{"machine": i, "a": 1.0} for i in range(100_000)], ["p"] * 100_000)
    assert len(fleet) == 5
    assert fleet.rejected == {"keys": 99_995}
    fleet.learn_one({"machine": 3, "a": 1.0}, "p")
    assert fleet[3].n_learned == 2


def test_rows_with_answers_that_cannot_be_make_no_member():
    fleet = hw.Fleet(MAKERS["regressor"], "machine")
    with pytest.warns(RefusedRow):
        fleet.learn_many([{"machine": "m", "a": 1.0}], [float("nan")])
    assert len(fleet) == 0
    assert fleet.rejected == {"target": 1}


def test_what_was_dropped_is_counted_over_all_members():
    fleet = hw.Fleet(MAKERS["regressor"], "machine")
    for i in range(60):
        fleet.learn_one({"machine": i % 2, "a": float("inf") if i == 50 else float(i % 5), "b": {1, 2}}, float(i % 5))
    assert fleet.rejected["infinite"] == 1
    assert fleet.rejected["type"] == 60
    assert fleet.n_learned == 60


def test_a_row_beyond_the_limits_is_refused_and_the_members_stay_as_they_were():
    fleet = hw.Fleet(MAKERS["one hidden layer"], "machine")
    fleet.learn_many(ROWS, LABELS)
    before = fleet.fingerprint()
    fleet.limits = hw.Limits(entries=3)
    with pytest.raises(LimitError):
        fleet.learn_one({"machine": "m0", **{f"x{i}": 1.0 for i in range(9)}}, "p")
    assert fleet.fingerprint() == before


def test_the_score_counts_what_was_said_before_each_row_was_learned():
    fleet = hw.Fleet(MAKERS["one hidden layer"], "machine")
    said = fleet.learn_many(ROWS, LABELS)
    scored = [(row["machine"], p == y) for row, p, y in zip(ROWS, said, LABELS, strict=True) if p is not None]
    right = Counter(key for key, correct in scored if correct)
    rows = Counter(key for key, _ in scored)
    assert fleet.score() == {"rows": len(scored), "accuracy": right.total() / len(scored)}
    assert fleet.score("m4") == {"rows": rows["m4"], "accuracy": right["m4"] / rows["m4"]}
    with pytest.raises(KeyError):
        fleet.score("nobody")


def test_members_that_saw_the_same_names_share_one_vocabulary():
    fleet = hw.Fleet(MAKERS["one hidden layer"], "machine")
    fleet.learn_many([{"machine": i % 500, "a": 1.0, "b": 2.0} for i in range(2000)], ["p", "q"] * 1000)
    assert fleet.describe()["vocabularies"] == 2  # the empty one, and this
    fleet.learn_one({"machine": 7, "a": 1.0, "c": "x"}, "p")
    fleet.predict_one({"machine": 8, "a": 1.0})
    assert fleet.describe()["vocabularies"] == 3
    assert set(fleet[7].engine.columns) == {"a", "b", "c"}
    assert set(fleet[8].engine.columns) == {"a", "b"}


def test_a_member_explains_itself():
    fleet = hw.Fleet(MAKERS["regressor"], "machine")
    fleet.learn_many(ROWS, NUMBERS)
    explanation = fleet["m2"].explain_one({"a": 1.0, "b": 5.0})
    assert set(explanation.contributions) == {"a", "b"}
    assert explanation.prediction == pytest.approx(fleet.predict_one({"machine": "m2", "a": 1.0, "b": 5.0}), rel=1e-5)


def test_threads_that_share_a_fleet_take_turns():
    fleet = hw.Fleet(MAKERS["one hidden layer"], "machine")
    errors: list[Exception] = []

    def work(own: int) -> None:
        rng = random.Random(own)
        try:
            for i in range(0, 1000, 50):
                rows = [{"machine": f"{own}-{rng.randrange(5)}", "a": rng.gauss(0, 1)} for _ in range(50)]
                fleet.learn_many(rows, [str(i % 3)] * 50)
                fleet.predict_proba_one(rows[0])
                fleet.learn_one(rows[0], "0")
        except Exception as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(own,)) for own in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert fleet.n_learned == 3 * (1000 + 20)


@pytest.mark.parametrize(
    ("make", "settings", "said"),
    [
        (42, {}, "a function that makes one"),
        (hw.Classifier, {"key": ""}, "the name of a column"),
        (hw.Classifier, {"max_keys": 0}, "a whole number above 0"),
        (hw.Classifier, {"resident": 10}, "a store for members"),
    ],
)
def test_settings_that_cannot_be_are_refused(make, settings, said):
    with pytest.raises(ConfigError, match=said):
        hw.Fleet(make, **{"key": "machine", **settings})


def test_what_are_no_rows_is_refused():
    fleet = hw.Fleet(hw.Classifier, "machine")
    with pytest.raises(DataError):
        fleet.learn_many([1, 2], ["a", "b"])
    with pytest.raises(DataError):
        fleet.learn_one(3, "a")


def test_a_key_that_is_removed_is_gone_and_the_others_stay_as_they_were():
    for name in ("one hidden layer", "fast pool", "regressor"):
        fleet, others = hw.Fleet(MAKERS[name], "machine"), hw.Fleet(MAKERS[name], "machine")
        y = answers(fleet.first)
        gone = {"m3", "m0", KEYS[-1]}
        kept = [i for i, row in enumerate(ROWS) if row["machine"] not in gone]
        fleet.learn_many(ROWS, y)
        others.learn_many([ROWS[i] for i in kept], [y[i] for i in kept])
        fleet.remove(*gone)
        assert set(fleet.keys()) == set(others.keys())
        assert {key: state(fleet[key]) for key in fleet} == {key: state(others[key]) for key in fleet}
        assert {key: fleet.score(key) for key in fleet} == {key: others.score(key) for key in fleet}
        assert not gone & set(fleet)
        with pytest.raises(KeyError):
            fleet.remove("m1", "m3")
        assert "m1" in fleet, "none is removed if one of them is not there"
        again = rows_of(ROWS, "m3")
        fleet.learn_many([ROWS[i] for i in again], [y[i] for i in again])
        alone = fleet.first.clone()
        alone.learn_many([without_key(ROWS[i]) for i in again], [y[i] for i in again])
        assert state(fleet["m3"]) == state(alone), "it begins anew"


def test_the_last_key_can_be_removed_and_the_first_one_comes_again():
    fleet = hw.Fleet(MAKERS["one hidden layer"], "machine")
    for _ in range(3):
        fleet.learn_one({"machine": "a", "x": 1.0}, "p")
        fleet.remove("a")
        assert (len(fleet), fleet.keys(), fleet.describe()["in_memory"]) == (0, [], 0)
    assert fleet.n_learned == 3


def test_keys_are_ranked_from_the_worst_score_to_the_best():
    fleet = hw.Fleet(MAKERS["one hidden layer"], "machine")
    assert fleet.ranking() == []
    assert fleet.busiest() is None
    fleet.learn_many(ROWS, LABELS)
    ranking = fleet.ranking()
    assert dict(ranking) == {key: fleet.score(key) for key in fleet}
    assert [score["accuracy"] for _, score in ranking] == sorted(score["accuracy"] for _, score in ranking)
    most = max(score["rows"] for _, score in ranking)
    assert {score["rows"] for _, score in fleet.ranking(least=most)} == {most}
    assert fleet.score(fleet.busiest())["rows"] == most
    errors = hw.Fleet(MAKERS["regressor"], "machine")
    errors.learn_many(ROWS, NUMBERS)
    worst, *_, best = errors.ranking()
    assert worst[1]["mae"] > best[1]["mae"]


def test_a_number_is_the_weight_of_each_row_and_as_many_weights_as_rows_are_taken():
    fleets = [hw.Fleet(hw.Bandit(hidden=4, seed=1), key="k") for _ in range(2)]
    rows = [{"k": "ab"[i % 2], "x": float(i % 5)} for i in range(40)]
    decisions = [["uv"[i % 3 > 0], float(i % 3), 0.5] for i in range(40)]
    fleets[0].step_many(rows, decisions, 0.5)
    fleets[1].step_many(rows, decisions, np.full(40, 0.5))
    assert fingerprint(fleets[0]["a"]) == fingerprint(fleets[1]["a"])
    with pytest.raises(DataError, match=r"expected as many weights as rows \(40\), got 3"):
        fleets[0].step_many(rows, decisions, [1.0] * 3)
