"""A fleet over shards learns to the bit what one in this process does, whoever comes, goes or dies."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
from itertools import pairwise

import pytest

import headwater as hw
from fleet.machines import stream
from headwater.cluster.fleet import ShardedFleet
from headwater.cluster.fleet.places import Places
from headwater.cluster.fleet.shard import Shard, from_bytes
from headwater.errors import ConfigError, MissingExtra, StoreError, TargetError

ROWS, LABELS, NUMBERS = stream(1200, keys=40, seed=5)
BLOCKS = [slice(at, at + 100) for at in range(0, 1200, 100)]


def make():
    return hw.Classifier(hidden=(8,), seed=3)


def members(fleet):
    """Return what each member has learned, by key."""
    found = {}
    for name, keys in fleet._keys_by_shard().items():
        for key, record, labels, rows, total in fleet.shards.call("give", {name: (keys,)})[name]:
            found[key] = record, labels, rows, total
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """One shard, undisturbed: what was said, and the members."""
    with ShardedFleet(make, "machine", tmp_path_factory.mktemp("alone"), shards=1, address=False) as fleet:
        said = [fleet.learn_many(ROWS[block], LABELS[block]).tolist() for block in BLOCKS]
        return said, members(fleet), fleet.score()


def test_one_shard_learns_what_a_fleet_does(alone):
    fleet = hw.Fleet(make, "machine")
    assert [fleet.learn_many(ROWS[block], LABELS[block]).tolist() for block in BLOCKS] == alone[0]
    assert fleet.score() == alone[2]


def test_keys_over_several_shards_learn_to_the_bit_as_in_one(alone, tmp_path):
    with ShardedFleet(make, "machine", tmp_path, shards=3, address=False) as fleet:
        assert [fleet.learn_many(ROWS[block], LABELS[block]).tolist() for block in BLOCKS] == alone[0]
        assert members(fleet) == alone[1]
        assert fleet.score() == alone[2]
        assert sorted(fleet.keys()) == sorted({row["machine"] for row in ROWS})
        x = ROWS[0]
        p = fleet.predict_proba_one(x)
        assert sum(p.values()) == pytest.approx(1)
        assert fleet.predict_one(x) == max(p, key=p.__getitem__)


def test_shards_that_come_and_go_take_only_their_keys_along(alone, tmp_path):
    with ShardedFleet(make, "machine", tmp_path, shards=2, address=False) as fleet:
        said = []
        for block, count in zip(BLOCKS, [2, 3, 3, 1, 4, 2, 2, 5, 5, 2, 3, 1], strict=True):
            fleet.resize(count)
            said.append(fleet.learn_many(ROWS[block], LABELS[block]).tolist())
        assert said == alone[0]
        assert members(fleet) == alone[1]
    keys = range(3000)
    places = [Places([f"shard-{i}" for i in range(n)]) for n in range(1, 7)]
    for fewer, more in pairwise(places):
        moved = [key for key in keys if fewer.of(key) != more.of(key)]
        assert {more.of(key) for key in moved} == {more.shards[-1]}
        assert len(moved) == pytest.approx(3000 / len(more.shards), rel=0.2)


def test_a_fleet_goes_on_from_its_folder(alone, tmp_path):
    for block in BLOCKS:
        with ShardedFleet(make, "machine", tmp_path, shards=2, address=False, resident=5) as fleet:
            fleet.learn_many(ROWS[block], LABELS[block])
    with ShardedFleet(make, "machine", tmp_path, address=False) as fleet:
        assert members(fleet) == alone[1]


def test_a_block_that_is_sent_again_is_answered_again_and_not_learned_twice(tmp_path):
    with ShardedFleet(make, "machine", tmp_path, address=False) as fleet:
        first = fleet.step_many(ROWS[:100], LABELS[:100], block=("partition-0", 100))
        before = fleet.fingerprint()
        again = fleet.step_many(ROWS[:100], LABELS[:100], block=("partition-0", 100))
        assert again.y_pred == first.y_pred
        assert (again.proba == first.proba).all()
        assert fleet.fingerprint() == before
        assert fleet.done("partition-0") == 100
        assert fleet.done("partition-1") == -1


@pytest.mark.parametrize("resident", [None, 6])
@pytest.mark.parametrize("journal", [0, 30_000, 10_000_000])
def test_a_shard_that_dies_after_any_block_goes_on_to_the_bit(alone, tmp_path, monkeypatch, journal, resident):
    monkeypatch.setattr("headwater.cluster.fleet.shard.JOURNAL_BYTES", journal)
    first, said = hw.Fleet(make, "machine").to_bytes(), []
    for number, block in enumerate(BLOCKS):
        shard = Shard(first, str(tmp_path / "shard.db"), resident)
        given = shard.step("s", number, ROWS[block], LABELS[block], None)
        shard.fleet.idle.close()  # as a crash does, before the answer is sent
        shard = Shard(first, str(tmp_path / "shard.db"), resident)
        assert shard.step("s", number, ROWS[block], LABELS[block], None) == given
        said.append(from_bytes(given).y_pred)
        shard.fleet.idle.close()
    assert said == alone[0]
    shard = Shard(first, str(tmp_path / "shard.db"), resident)
    assert {key: rest for key, *rest in shard.give(shard.keys())} == {key: list(own) for key, own in alone[1].items()}
    shard.close()


def test_values_that_a_journal_would_change_are_learned_and_kept_too(tmp_path):
    rows = [{"machine": 1, "when": dt.datetime(2026, 1, 1 + i % 20), "n": 10**30, 7: 1.0} for i in range(40)]
    first = hw.Fleet(make, "machine").to_bytes()
    shard = Shard(first, str(tmp_path / "shard.db"), None)
    shard.step("s", 1, rows, ["a", "b"] * 20, None)
    before = shard.fleet.fingerprint()
    shard.fleet.idle.close()
    again = Shard(first, str(tmp_path / "shard.db"), None)
    assert again.fleet.fingerprint() == before
    again.close()


def test_a_block_that_is_refused_half_way_leaves_a_shard_that_goes_on(tmp_path):
    first = hw.Fleet(lambda: hw.Classifier(hidden=(8,), loss="binary_cross_entropy"), "machine").to_bytes()
    shard = Shard(first, str(tmp_path / "shard.db"), None)
    two = [{"machine": key, "a": 1.0} for key in "kkk"]
    shard.step("s", 1, two, ["p", "q", "p"], None)
    with pytest.raises(TargetError):
        shard.step("s", 2, [{"machine": "new", "a": 1.0}, *two], ["p", "p", "z", "p"], None)
    shard.step("s", 3, [{"machine": "later", "a": 1.0}], ["p"], None)
    before = shard.fleet.fingerprint()
    shard.fleet.idle.close()
    again = Shard(first, str(tmp_path / "shard.db"), None)
    assert again.fleet.fingerprint() == before
    again.close()


def test_a_block_that_could_not_be_made_durable_is_not_acknowledged_when_it_is_sent_again(tmp_path, monkeypatch):
    first = hw.Fleet(make, "machine").to_bytes()
    shard = Shard(first, str(tmp_path / "shard.db"), None)
    shard.step("s", 1, ROWS[:100], LABELS[:100], None)
    before = shard.fleet.fingerprint()

    def full(self, body):
        raise StoreError(expected="space", got="none", at="disk", help="Make some.")

    with monkeypatch.context() as patch:
        patch.setattr("headwater.store.members.MemberStore.append", full)
        with pytest.raises(StoreError, match="expected space"):
            shard.step("s", 2, ROWS[100:200], LABELS[100:200], None)
    with pytest.raises(StoreError, match="expected space"):
        shard.step("s", 2, ROWS[100:200], LABELS[100:200], None)
    shard.fleet.idle.close()
    again = Shard(first, str(tmp_path / "shard.db"), None)
    assert (again.fleet.fingerprint(), again.done("s")) == (before, 1)
    again.close()


def test_what_a_shard_had_not_committed_is_as_if_it_had_never_been(tmp_path):
    first = hw.Fleet(make, "machine").to_bytes()
    shard = Shard(first, str(tmp_path / "shard.db"), None)
    shard.step("s", 1, ROWS[:100], LABELS[:100], None)
    before = shard.fleet.fingerprint()
    shard.fleet.learn_many(ROWS[100:200], LABELS[100:200])
    shard.fleet.idle.close()  # as a crash does
    again = Shard(first, str(tmp_path / "shard.db"), None)
    assert again.fleet.fingerprint() == before
    assert again.done("s") == 1
    again.close()


def test_rows_without_a_key_are_refused_in_a_shard_too(tmp_path):
    with ShardedFleet(hw.Regressor, "machine", tmp_path, address=False) as fleet:
        fleet.learn_many([{"a": 1.0}, {"machine": [1], "a": 1.0}, {"machine": 1, "a": 1.0}], [1.0, 1.0, 1.0])
        assert fleet.rejected == {"key": 2}
        assert fleet.keys() == [1]


def test_a_session_learns_over_shards(tmp_path):
    with ShardedFleet(make, "machine", tmp_path, address=False) as fleet:
        record = hw.Session(fleet).run(zip(ROWS, LABELS, strict=True))
        assert record.scored == 1160
        with pytest.raises(ConfigError, match="answers that come with their rows"):
            fleet.step_many([], [], ask=ROWS[:1])


def test_shards_of_other_members_are_refused(tmp_path):
    with ShardedFleet(make, "machine", tmp_path, address=False) as fleet:
        fleet.learn_many(ROWS[:100], LABELS[:100])
    with pytest.raises(StoreError, match="the same member"):
        Shard(hw.Fleet(hw.Regressor, "machine").to_bytes(), str(tmp_path / "shard-0.db"), None)


def test_without_ray_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(MissingExtra, match="ray"):
        ShardedFleet(make, "machine", tmp_path)


@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_actors_that_are_killed_while_they_learn_lose_nothing_that_was_acknowledged(alone, tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed: pip install headwater[ray]")
    with ShardedFleet(make, "machine", tmp_path, shards=2) as fleet:
        said = []
        for number, block in enumerate(BLOCKS):
            victim = None
            if number in (3, 7):
                pid = fleet.shards.pids()[f"shard-{number % 2}"]
                victim = threading.Timer(0.001 * number, os.kill, (pid, signal.SIGKILL))
                victim.start()
            said.append(fleet.learn_many(ROWS[block], LABELS[block]).tolist())
            if victim is not None:
                victim.join()
            if number == 5:
                assert 0 < fleet.resize(3) < 30
        assert said == alone[0]
        assert members(fleet) == alone[1]
        assert fleet.score() == alone[2]
