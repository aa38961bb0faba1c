"""Rows of a store whose labels come late: they count from when they are predicted, whatever ends the process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import headwater as hw
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check

from .test_learners import made, rows
from .test_windows import ROLLING as WINDOWS
from .test_windows import of_duckdb, row

LAG = 30


def label_of(i):
    return float(i % 5)


def waited(store, X, lag=LAG):
    """Predict each row, and give its label so many rows later."""
    ids = []
    for i, x in enumerate(X):
        ids.append(store.predict_with_id(x)[0])
        if i >= lag:
            store.label(ids[i - lag], label_of(i - lag))
    return ids


def alone(X, n, labeled, lag=LAG):
    """A learner without a store that observes each row and learns it later."""
    model, seen = made(hw.Regressor), []
    for i, x in enumerate(X[:n]):
        seen.append(model.observe(x))
        if i >= lag and i - lag < labeled:
            model.learn_one(seen[i - lag], label_of(i - lag))
    return model


def test_a_row_counts_from_when_it_is_predicted_and_is_learned_with_what_was_seen_then(tmp_path):
    X = rows(200)
    with hw.open(tmp_path / "m.db", made(hw.Regressor)) as model:
        waited(model, X)
        expected = alone(X, 200, 200)
        assert model.learner.rolling_counts_ == expected.rolling_counts_
        assert fingerprint(model.learner) == fingerprint(expected)
    with hw.open(tmp_path / "m.db") as model:
        assert fingerprint(model.learner) == fingerprint(expected)
    assert check(tmp_path / "m.db", LEARNER_FORMAT).problems == []


def test_what_a_row_is_predicted_with_are_the_numbers_of_duckdbs_windows_over_the_rows_that_came(tmp_path):
    pytest.importorskip("duckdb")
    seconds = [600 * i - (i % 7 == 3) * 5000 for i in range(80)]
    X = [row(second, "ab"[i * i % 2], i % 9 / 4, "xyz"[i % 3]) for i, second in enumerate(seconds)]
    with hw.open(tmp_path / "m.db", hw.Regressor(seed=1, rolling=WINDOWS)) as model:
        ids, said = [], []
        for i, x in enumerate(X):
            said.append(model.learner.aggregates(x))
            ids.append(model.predict_with_id(x)[0])
            if i >= 20:
                model.label(ids[i - 20], 1.0)
        kept = [event.predicted["+champion"][0] for event in model.service.events("default") if event.predicted]
    assert said == of_duckdb(X)
    assert kept == said[: len(kept)]


def test_a_store_of_rows_that_have_no_label_yet_keeps_them(tmp_path):
    X = rows(40)
    with hw.open(tmp_path / "m.db", made(hw.Classifier)) as model:
        for x in X:
            model.predict_with_id(x)
        counts = model.learner.rolling_counts_
    with hw.open(tmp_path / "m.db") as model:
        assert model.learner.rolling_counts_ == counts
        assert model.n_learned == 0


CHILD = """
import sys
sys.path[:0] = sys.argv[2:]
import headwater as hw
from learner.rolling.test_late_labels import LAG, label_of
from learner.rolling.test_learners import made, rows
from headwater.store.service import RetentionPolicy
X = rows(400)
with hw.open(sys.argv[1], made(hw.Regressor), policy=RetentionPolicy(snapshot_every=90, keep_events=2000)) as model:
    for i in range(model.service.ids.last, 400):
        name, _ = model.predict_with_id(X[i])
        print("p", i + 1, flush=True)
        if i >= LAG:
            model.label(f"p{i - LAG + 1}", label_of(i - LAG))
            print("l", i - LAG + 1, flush=True)
"""


def test_after_each_kill_rows_and_labels_that_were_acknowledged_are_in_to_the_bit(tmp_path):
    path, X = tmp_path / "m.db", rows(400)
    tests = str(Path(__file__).parents[2])
    for die in (20, 75, 160, 161, 333, 400):
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", CHILD, str(path), tests, *sys.path],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        acknowledged = {"p": 0, "l": 0}
        for line in child.stdout:
            what, number = line.split()
            acknowledged[what] = int(number)
            if int(number) >= die:
                break
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=300)
        child.stdout.close()
        with hw.open(path) as model:
            n, labeled = model.service.ids.last, model.n_learned
            assert n >= acknowledged["p"]
            assert n >= die
            if labeled < n - LAG:  # it was killed between a prediction and the label that came with it
                assert labeled == n - LAG - 1
                model.label(f"p{labeled + 1}", label_of(labeled))
                labeled += 1
            assert labeled >= acknowledged["l"]
            expected = alone(X, n, labeled)
            assert model.learner.rolling_counts_ == expected.rolling_counts_
            assert fingerprint(model.learner) == fingerprint(expected)


def test_rows_of_one_request_count_for_those_behind_them(tmp_path):
    X = rows(12)
    with hw.open(tmp_path / "m.db", made(hw.Regressor)) as model:
        said = model._model.issue(X, {})
        other = made(hw.Regressor)
        seen = [other.observe(x) for x in X]
        assert [one.x | one.predicted["+champion"][0] for one in said] == seen


def test_a_challenger_reads_its_own_aggregates_and_no_others(tmp_path):
    X, other = rows(120), hw.Rolling("shop", "at", over="1h", rows="count")
    challenger = hw.Regressor(seed=1, rolling=other)
    with hw.open(tmp_path / "m.db", made(hw.Regressor)) as model:
        model.service.change(model.service.models.add, model._model, "shops", challenger)
        waited(model, X)
        champion, shops = (state.learner for state in model._model.live)
        assert fingerprint(champion) == fingerprint(alone(X, 120, 120))
        assert {feature["name"] for feature in shops.describe()["features"]} == {*X[0], *other.columns}
        expected, seen = hw.Regressor(seed=1, rolling=other), []
        for i, x in enumerate(X):
            seen.append(expected.observe(x))
            if i >= LAG:
                expected.learn_one(seen[i - LAG], label_of(i - LAG))
        assert fingerprint(shops) == fingerprint(expected)


def test_a_bandits_choice_and_a_fleets_row_count_when_they_are_given_out(tmp_path):
    X = rows(60)
    with hw.open(tmp_path / "b.db", hw.Bandit(seed=1, rolling=made(hw.Regressor).rolling)) as bandit:
        ids = [bandit.act_with_id(x, ["u", "v"])[0] for x in X]
        assert bandit.learner.rolling_counts_["events"] == 60
        for name in ids:
            bandit.reward(name, 1.0)
        assert bandit.learner.rolling_counts_["events"] == 60
        assert bandit.value(lambda x, actions: "u").snips.value == 1.0
    fleet = hw.Fleet(lambda: hw.Regressor(seed=1, rolling=hw.Rolling(None, "at", over="24h")), key="card")
    with hw.open(tmp_path / "f.db", fleet) as members:
        ids = [members.predict_with_id(x)[0] for x in X]
        for name in ids[:30]:
            members.label(name, 1.0)
        state = fingerprint(members.learner)
        assert members.learner["c1"].rolling_counts_["events"] == sum(x["card"] == "c1" for x in X)
    with hw.open(tmp_path / "f.db") as members:
        assert fingerprint(members.learner) == state


def test_a_card_that_is_forgotten_leaves_no_row_that_waits_and_none_that_was_observed(tmp_path):
    X, gone = rows(120), {"card": "c1"}
    rest = [x for x in X if x["card"] != "c1"]
    with hw.open(tmp_path / "m.db", made(hw.Regressor)) as model:
        ids = [model.predict_with_id(x)[0] for x in X]
        for i in range(80):
            model.label(ids[i], 1.0)
        model.forget(where=gone)
        expected = made(hw.Regressor)
        seen = [expected.observe(x) for x in rest]
        for x, original in zip(seen, rest, strict=True):
            if X.index(original) < 80:
                expected.learn_one(x, 1.0)
        assert model.learner.rolling_counts_ == expected.rolling_counts_
        assert fingerprint(model.learner) == fingerprint(expected)
    assert b"c1" not in b"".join(event.x.get("card", "").encode() for event in _events(tmp_path / "m.db"))


def _events(path):
    with hw.open(path) as model:
        return model.service.events("default")


def test_an_id_forgets_the_row_that_was_observed_under_it(tmp_path):
    X = rows(30)
    with hw.open(tmp_path / "m.db", made(hw.Regressor)) as model:
        ids = [model.predict_with_id(x)[0] for x in X]
        model.label(ids[3], 1.0)
        assert model.forget(ids=[ids[3], ids[7]]).rows == 3  # two that were observed and one that was learned
        assert model.learner.rolling_counts_["events"] == 28
