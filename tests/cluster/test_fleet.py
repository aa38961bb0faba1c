"""A fleet over shards learns to the bit what one in this process does, whoever comes, goes or dies."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import nullcontext
from itertools import pairwise

import pytest

import headwater as hw
from fleet.machines import stream
from headwater.cluster.fleet import ShardedFleet
from headwater.cluster.fleet.folder import Folder
from headwater.cluster.fleet.nodes import assigned
from headwater.cluster.fleet.places import Places
from headwater.cluster.fleet.shard import Part, Shard, from_bytes
from headwater.errors import ConfigError, DataError, MissingExtra, StoreError, TargetError

ROWS, LABELS, NUMBERS = stream(1200, keys=40, seed=5)
BLOCKS = [slice(at, at + 100) for at in range(0, 1200, 100)]


def make():
    return hw.Classifier(hidden=(8,), seed=3)


def members(fleet):
    """Return what each member has learned, by key; each lies at one place."""
    found = {}
    for name in fleet.shards.homes:
        keys = fleet.shards.call("keys", {name: ()})[name]
        for key, record, labels, rows, total in fleet.shards.call("give", {name: (keys,)})[name]:
            assert key not in found
            found[key] = record, labels, rows, total
    return found


def crash(fleet):
    """End the shards as a crash does: what is not committed is gone."""
    for shard in fleet.shards._shards.values():
        shard.fleet.idle.close()


def part(rows, y):
    """Return rows as the part of a shard that has them all."""
    return Part(list(range(len(rows))), rows, y, None)


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


def test_of_two_that_begin_in_one_new_folder_at_once_one_is_refused_and_its_shards_are_not_listed(
    tmp_path, monkeypatch
):
    refused = []
    note = Folder.note

    def meanwhile(folder, shards, **more):
        monkeypatch.setattr(Folder, "note", note)
        with pytest.raises(StoreError) as caught:
            ShardedFleet(make, "machine", tmp_path, shards=5, address=False)
        refused.append(str(caught.value))
        note(folder, shards, **more)

    monkeypatch.setattr(Folder, "note", meanwhile)
    with ShardedFleet(make, "machine", tmp_path, shards=2, address=False) as fleet:
        fleet.learn_many(ROWS[:100], LABELS[:100])
        with pytest.raises(StoreError, match="this process has open"):
            ShardedFleet(make, "machine", tmp_path, shards=5, address=False)
        assert Folder(tmp_path).noted().shards == ["shard-0", "shard-1"]
    one = "Use one coordinator a folder, or give each its own."
    assert refused == [
        f"expected a folder that one process begins in, got another process that is beginning — at {tmp_path}. {one}"
    ]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix in (".lock", ".json")) == ["shards.json"]


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


@pytest.mark.parametrize("member", [make, lambda: hw.Regressor(hidden=(8,), seed=3)], ids=["classes", "numbers"])
def test_a_row_alone_is_answered_as_by_a_fleet_in_this_process(member, tmp_path):
    y = LABELS if member is make else NUMBERS
    one = hw.Fleet(member, "machine")
    with ShardedFleet(member, "machine", tmp_path, shards=3, address=False) as fleet:
        for each in one, fleet:
            each.learn_many(ROWS[:300], y[:300])
        some = [*ROWS[:30], {"machine": "nobody"}, {"machine": ROWS[0]["machine"]}, {"machine": None, "a": 1.0}]
        assert [fleet.predict_one(x) for x in some] == [one.predict_one(x) for x in some]
        if member is make:
            assert [fleet.predict_proba_one(x) for x in some] == [one.predict_proba_one(x) for x in some]
        with pytest.raises(DataError) as mistake:
            one.predict_one([1.0])
        with pytest.raises(DataError, match=re.escape(str(mistake.value))):
            fleet.predict_one([1.0])


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
    with ShardedFleet(make, "machine", tmp_path, shards=2, address=False) as fleet:
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
        given = shard.step("s", number, part(ROWS[block], LABELS[block]))
        shard.fleet.idle.close()  # as a crash does, before the answer is sent
        shard = Shard(first, str(tmp_path / "shard.db"), resident)
        assert shard.step("s", number, part(ROWS[block], LABELS[block])) == given
        [(_, forecast)] = given
        said.append(from_bytes(forecast).y_pred)
        shard.fleet.idle.close()
    assert said == alone[0]
    shard = Shard(first, str(tmp_path / "shard.db"), resident)
    assert {key: rest for key, *rest in shard.give(shard.keys())} == {key: list(own) for key, own in alone[1].items()}
    shard.close()


def test_members_that_moved_are_removed_from_where_they_were(alone, tmp_path):
    with ShardedFleet(make, "machine", tmp_path, shards=2, address=False) as fleet:
        for block in BLOCKS:
            fleet.learn_many(ROWS[block], LABELS[block])
        before = fleet.score()
        moved = fleet.resize(4)
        assert 0 < moved == fleet.moved < 40
        assert members(fleet) == alone[1]
        assert fleet.score() == before
        assert sorted(path.name for path in tmp_path.glob("*.db")) == [f"shard-{i}.db" for i in range(4)]
        fleet.resize(1)
        assert members(fleet) == alone[1]
        assert [path.name for path in tmp_path.glob("*.db")] == ["shard-0.db"]


MOMENTS = ["keys", "replies", "accept", "give", "remove", "drop"]


@pytest.mark.parametrize("goes_on", [False, True], ids=["crash", "interrupt"])
@pytest.mark.parametrize("target", [1, 3])
@pytest.mark.parametrize("method", MOMENTS)
def test_a_move_that_ends_at_any_moment_leaves_each_member_once(alone, tmp_path, monkeypatch, method, target, goes_on):
    fleet = ShardedFleet(make, "machine", tmp_path, shards=2, address=False)
    said = [fleet.learn_many(ROWS[block], LABELS[block]).tolist() for block in BLOCKS[:6]]
    original = fleet.shards.call

    def call(asked, arguments):
        if asked == method:
            raise KeyboardInterrupt
        return original(asked, arguments)

    def drop(name):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fleet.shards, "call", call)
        if method == "drop":
            patch.setattr(fleet.shards, "drop", drop)
        with pytest.raises(KeyboardInterrupt) if method != "drop" or target == 1 else nullcontext():
            fleet.resize(target)
    if not goes_on:
        crash(fleet)
        fleet = ShardedFleet(make, "machine", tmp_path, address=False)
    with fleet:
        said += [fleet.learn_many(ROWS[block], LABELS[block]).tolist() for block in BLOCKS[6:]]
        assert said == alone[0]
        assert members(fleet) == alone[1]
        assert sorted(path.stem for path in tmp_path.glob("*.db")) == sorted(fleet.shards.homes)
        fleet.resize(3)
        assert members(fleet) == alone[1]


def test_a_block_that_is_sent_again_behind_a_move_is_not_learned_twice(alone, tmp_path):
    with ShardedFleet(make, "machine", tmp_path, shards=2, address=False) as fleet:
        for number, block in enumerate(BLOCKS):
            first = fleet.step_many(ROWS[block], LABELS[block], block=("partition-0", number))
            fleet.resize(number % 4 + 1)
            again = fleet.step_many(ROWS[block], LABELS[block], block=("partition-0", number))
            assert again.y_pred == first.y_pred
            assert (again.proba == first.proba).all()
        assert members(fleet) == alone[1]


def test_a_block_that_one_shard_has_learned_is_learned_by_the_others_behind_a_move(alone, tmp_path, monkeypatch):
    for number, block in enumerate(BLOCKS):
        fleet = ShardedFleet(make, "machine", tmp_path, shards=3, address=False)
        original = fleet.shards.call

        def call(method, arguments, original=original):
            if method == "step":
                arguments = dict(list(arguments.items())[:1])
            answers = original(method, arguments)
            if method == "step":
                raise KeyboardInterrupt
            return answers

        monkeypatch.setattr(fleet.shards, "call", call)
        with pytest.raises(KeyboardInterrupt):
            fleet.step_many(ROWS[block], LABELS[block], block=("p", number))
        crash(fleet)
        fleet = ShardedFleet(make, "machine", tmp_path, address=False)
        fleet.resize(2 if number % 2 else 4)
        assert fleet.done("p") == number
        assert list(fleet.step_many(ROWS[block], LABELS[block], block=("p", number)).y_pred) == alone[0][number]
        fleet.resize(3)
        fleet.close()
    with ShardedFleet(make, "machine", tmp_path, address=False) as fleet:
        assert members(fleet) == alone[1]


def test_a_block_from_before_the_last_one_is_refused(tmp_path):
    with ShardedFleet(make, "machine", tmp_path, address=False) as fleet:
        fleet.step_many(ROWS[:10], LABELS[:10], block=("p", 4))
        with pytest.raises(ConfigError, match="a block of 'p' from number 4 on, got 3"):
            fleet.step_many(ROWS[:10], LABELS[:10], block=("p", 3))


def test_stores_without_their_list_are_refused(tmp_path):
    with ShardedFleet(make, "machine", tmp_path, address=False) as fleet:
        fleet.learn_many(ROWS[:100], LABELS[:100])
    (tmp_path / "shards.json").unlink()
    with pytest.raises(StoreError, match="Restore the file"):
        ShardedFleet(make, "machine", tmp_path, address=False)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '{"shards": [], "unfinished": false}',
        '{"shards": ["../shard-1"], "unfinished": false}',
        '{"shards": ["shard-0", "shard-0"], "unfinished": false}',
        '{"shards": ["shard-0"], "unfinished": 1}',
        '{"shards": [7], "unfinished": false}',
        '{"shards": ["shard-0"]}',
    ],
)
def test_a_list_of_shards_that_cannot_be_is_refused(tmp_path, text):
    (tmp_path / "shards.json").write_text(text)
    with pytest.raises(StoreError, match="a list of shards"):
        ShardedFleet(make, "machine", tmp_path, address=False)


def test_without_a_folder_members_move_too(alone):
    with ShardedFleet(make, "machine", shards=2, address=False) as fleet:
        said = []
        for block, count in zip(BLOCKS, [2, 3, 3, 1, 4, 2, 2, 5, 5, 2, 3, 1], strict=True):
            fleet.resize(count)
            said.append(fleet.learn_many(ROWS[block], LABELS[block]).tolist())
        assert said == alone[0]
        assert members(fleet) == alone[1]
    with pytest.raises(ConfigError, match="a folder for members that are not resident"):
        ShardedFleet(make, "machine", address=False, resident=5)


def test_the_score_of_a_key_is_that_of_its_member(alone, tmp_path):
    with ShardedFleet(make, "machine", tmp_path, shards=3, address=False) as fleet:
        for block in BLOCKS:
            fleet.learn_many(ROWS[block], LABELS[block])
        _, _, rows, total = alone[1]['"m7"']
        assert fleet.score("m7") == {"rows": rows, "accuracy": total / rows}
        with pytest.raises(KeyError):
            fleet.score("nobody")


def test_shards_stay_where_their_nodes_are_and_new_rooms_get_new_ones():
    homes: dict[str, str] = {}
    nodes = [
        {"a": 2},
        {"a": 2, "b": 1},
        {"b": 1},
        {"b": 1, "c": 2, "head": 0},
        {"c": 2, "d": 1},
        {},
        {"d": 4},
    ]
    seen = []
    for now in nodes:
        homes = assigned(list(homes), homes, now)
        seen.append(homes)
    assert seen == [
        {"shard-0": "a", "shard-1": "a"},
        {"shard-0": "a", "shard-1": "a", "shard-2": "b"},
        {"shard-2": "b"},
        {"shard-2": "b", "shard-0": "c", "shard-1": "c"},
        {"shard-2": "d", "shard-0": "c", "shard-1": "c"},
        {"shard-2": "d", "shard-0": "c", "shard-1": "c"},
        {"shard-2": "d", "shard-0": "d", "shard-1": "d", "shard-3": "d"},
    ]


def test_values_that_a_journal_would_change_are_learned_and_kept_too(tmp_path):
    rows = [{"machine": 1, "when": dt.datetime(2026, 1, 1 + i % 20), "n": 10**30, 7: 1.0} for i in range(40)]
    first = hw.Fleet(make, "machine").to_bytes()
    shard = Shard(first, str(tmp_path / "shard.db"), None)
    shard.step("s", 1, part(rows, ["a", "b"] * 20))
    before = shard.fleet.fingerprint()
    shard.fleet.idle.close()
    again = Shard(first, str(tmp_path / "shard.db"), None)
    assert again.fleet.fingerprint() == before
    again.close()


def test_a_block_that_is_refused_half_way_leaves_a_shard_that_goes_on(tmp_path):
    first = hw.Fleet(lambda: hw.Classifier(hidden=(8,), loss="binary_cross_entropy"), "machine").to_bytes()
    shard = Shard(first, str(tmp_path / "shard.db"), None)
    two = [{"machine": key, "a": 1.0} for key in "kkk"]
    shard.step("s", 1, part(two, ["p", "q", "p"]))
    with pytest.raises(TargetError):
        shard.step("s", 2, part([{"machine": "new", "a": 1.0}, *two], ["p", "p", "z", "p"]))
    shard.step("s", 3, part([{"machine": "later", "a": 1.0}], ["p"]))
    before = shard.fleet.fingerprint()
    shard.fleet.idle.close()
    again = Shard(first, str(tmp_path / "shard.db"), None)
    assert again.fleet.fingerprint() == before
    again.close()


def test_a_block_that_could_not_be_made_durable_is_acknowledged_once_it_is(tmp_path, monkeypatch):
    first = hw.Fleet(make, "machine").to_bytes()
    shard = Shard(first, str(tmp_path / "shard.db"), None)
    shard.step("s", 1, part(ROWS[:100], LABELS[:100]))

    def full(self, *given):
        raise StoreError(expected="space", got="none", at="disk", help="Make some.")

    with monkeypatch.context() as patch:
        patch.setattr("headwater.store.members.MemberStore.append", full)
        patch.setattr("headwater.store.members.MemberStore.commit", full)
        for _ in range(2):
            with pytest.raises(StoreError, match="expected space"):
                shard.step("s", 2, part(ROWS[100:200], LABELS[100:200]))
    said = shard.step("s", 2, part(ROWS[100:200], LABELS[100:200]))
    before = shard.fleet.fingerprint()
    shard.fleet.idle.close()  # as a crash does
    again = Shard(first, str(tmp_path / "shard.db"), None)
    assert (again.fleet.fingerprint(), again.done("s")) == (before, 2)
    assert again.step("s", 2, part(ROWS[100:200], LABELS[100:200])) == said
    again.close()
    whole = hw.Fleet(make, "machine")
    for block in (slice(100), slice(100, 200)):
        whole.learn_many(ROWS[block], LABELS[block])
    assert before == whole.fingerprint()


def test_what_a_shard_had_not_committed_is_as_if_it_had_never_been(tmp_path):
    first = hw.Fleet(make, "machine").to_bytes()
    shard = Shard(first, str(tmp_path / "shard.db"), None)
    shard.step("s", 1, part(ROWS[:100], LABELS[:100]))
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
        with pytest.raises(ConfigError, match="labels that arrive with their rows"):
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
