"""A fleet with its keys spread over workers becomes, to the byte, what one process learns, whoever dies in between."""

from __future__ import annotations

import numpy as np
import pytest

import headwater as hw
from fleet.machines import stream
from headwater.cluster import Cluster, ShardedFleet, learn
from headwater.cluster.fleet import folder as folder_module
from headwater.cluster.fleet import shard
from headwater.cluster.fleet.folder import Folder
from headwater.errors import ConfigError, StoreError
from headwater.store.model_file import write

ROWS, LABELS, NUMBERS = stream(3000, keys=40, seed=5)
PAIRS = list(zip(ROWS, LABELS, strict=True))
HOW = {"engine": "local", "block": 200}


def make():
    return hw.Classifier(hidden=(8,), seed=3)


def new() -> hw.Fleet:
    return hw.Fleet(make, "machine")


class Crash(Exception):
    pass


@pytest.fixture(scope="module")
def alone() -> tuple[hw.Fleet, object]:
    """A fleet of one process, and its record."""
    fleet = new()
    return fleet, hw.evaluate(fleet, PAIRS).record


def as_one(record) -> dict:
    """A record without the rows per second, which are another each time."""
    return {name: value for name, value in record.as_dict().items() if name not in ("rows_per_s", "coverage")}


@pytest.mark.parametrize("workers", [1, 3, 5])
def test_a_fleet_is_to_the_byte_what_one_process_learns_with_any_number_of_workers(alone, workers):
    fleet = new()
    record = learn(fleet, PAIRS, workers=workers, **HOW)
    assert fleet.to_bytes() == alone[0].to_bytes()
    assert as_one(record) == as_one(alone[1])
    assert (fleet.n_learned, fleet.score(), fleet.keys()) == (3000, alone[0].score(), alone[0].keys())
    assert fleet.predict_many(ROWS[:200]).tolist() == alone[0].predict_many(ROWS[:200]).tolist()


def test_a_fleet_of_numbers_goes_on_learning_alone_as_if_it_had_never_been_spread():
    one, spread = (hw.Fleet(lambda: hw.Regressor(hidden=(8,), seed=3), "machine") for _ in range(2))
    first, rest = slice(0, 2000), slice(2000, 3000)
    one.learn_many(ROWS[first], NUMBERS[first])
    record = learn(spread, list(zip(ROWS[first], NUMBERS[first], strict=True)), workers=3, **HOW)
    assert record.scores["mae"] == pytest.approx(one.score()["mae"])
    assert np.array_equal(one.learn_many(ROWS[rest], NUMBERS[rest]), spread.learn_many(ROWS[rest], NUMBERS[rest]))
    assert spread.saved().header == one.saved().header
    assert spread.fingerprint() == one.fingerprint()


def test_members_that_a_fleet_has_already_go_on_with_their_keys():
    one, spread = new(), new()
    for fleet in one, spread:
        fleet.learn_many(ROWS[:500], LABELS[:500])
    one.learn_many(ROWS[500:], LABELS[500:])
    learn(spread, PAIRS[500:], workers=3, **HOW)
    assert spread.to_bytes() == one.to_bytes()


@pytest.mark.parametrize("workers", [2, 4, 1])
@pytest.mark.parametrize("noted", [False, True], ids=["before its block is noted", "between two blocks"])
def test_a_run_that_dies_goes_on_from_its_folder_also_with_another_number_of_workers(
    alone, tmp_path, monkeypatch, noted, workers
):
    note = Folder.note_run

    def die(self, standing):
        if standing.number == 5 and not noted:
            raise Crash  # the shards have learned the block, and nobody knows
        note(self, standing)
        if standing.number == 5:
            raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "note_run", die)
        with pytest.raises(Crash):
            learn(new(), PAIRS, workers=2, manifest=tmp_path, **HOW)

    fleet = new()
    record = learn(fleet, iter(PAIRS), workers=workers, manifest=tmp_path, **HOW)

    assert fleet.to_bytes() == alone[0].to_bytes()
    assert as_one(record) == as_one(alone[1]), "the record is that of the whole run"
    assert len(list(tmp_path.glob("shard-*.db"))) == workers


@pytest.mark.parametrize("block", [200, 90, 350])
def test_a_run_that_dies_before_its_first_block_is_noted_keeps_what_members_had_learned(tmp_path, monkeypatch, block):
    note, one = Folder.note_run, new()
    one.learn_many(ROWS[:500], LABELS[:500])
    first = one.to_bytes()

    def die(self, standing):
        if standing.number == 0:
            raise Crash
        note(self, standing)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "note_run", die)
        with pytest.raises(Crash):
            learn(hw.Fleet.from_bytes(first), PAIRS[500:], workers=2, manifest=tmp_path, **HOW)
    spread = hw.Fleet.from_bytes(first)
    learn(spread, PAIRS[500:], workers=2, manifest=tmp_path, engine="local", block=block)
    one.learn_many(ROWS[500:], LABELS[500:])
    assert spread.to_bytes() == one.to_bytes()


def test_a_fleet_that_has_the_rows_of_a_run_counts_them_once(alone, tmp_path):
    fleet = new()
    for _ in range(2):
        learn(fleet, PAIRS, workers=2, manifest=tmp_path, **HOW)
        assert fleet.to_bytes() == alone[0].to_bytes()
        assert fleet.n_learned == 3000


@pytest.mark.parametrize(
    "label", [(["a"],), object(), {}, 1j, 10**40, "\ud800"], ids=lambda label: type(label).__name__
)
def test_a_label_that_no_folder_can_keep_is_left_out_and_counted(label):
    fleet, one = new(), new()
    one.learn_many(ROWS[:300], LABELS[:300])
    record = learn(fleet, [*PAIRS[:300], (ROWS[0], label)], workers=2, **HOW)
    assert (record.rows, record.rejected) == (300, {"answer can't be a class": 1})
    assert fleet.to_bytes() == one.to_bytes()


@pytest.mark.parametrize("key", [None, float("nan"), (["a"],), {}, 1j], ids=repr)
def test_a_row_without_a_usable_key_is_refused_as_in_one_process(key):
    fleet = new()
    record = learn(fleet, [*PAIRS[:300], ({**ROWS[0], "machine": key}, LABELS[0])], workers=2, **HOW)
    assert (record.rejected, fleet.rejected, fleet.n_learned) == ({"key": 1}, {"key": 1}, 300)


@pytest.fixture
def folder(tmp_path):
    """The folder of a run that has learned 600 rows."""
    learn(new(), PAIRS[:600], workers=2, manifest=tmp_path, **HOW)
    return tmp_path


@pytest.mark.parametrize("name", ["shards.json", "shard-1.db"])
def test_a_folder_with_a_part_missing_is_refused_since_its_rows_would_be_taken_for_learned(folder, name):
    (folder / name).unlink()
    if name == "shards.json":
        for store in folder.glob("shard-*"):
            store.unlink()
    with pytest.raises(StoreError, match=name):
        learn(new(), PAIRS, workers=2, manifest=folder, **HOW)
    assert not (folder / name).exists(), "nothing new in its place"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"size": 0}', '{"row": -1}', '{"score": "###"}', '{"score": "AAAA"}', '{"rejected": {"key": -1}}'],
)
def test_how_far_a_run_is_that_can_not_be_read_is_refused_in_a_sentence(folder, text):
    (folder / "run.json").write_text(text)
    with pytest.raises(StoreError, match=r"run"):
        learn(new(), PAIRS, workers=2, manifest=folder, **HOW)


@pytest.mark.parametrize(
    "gone", ["null", "[]", "3", '{"counts": 1}', '{"counts": {"learned": -1}}', '{"counts": {"learned": "1"}}']
)
def test_counts_of_dropped_shards_that_are_none_are_refused_in_a_sentence(folder, gone):
    (folder / "shards.json").write_text(f'{{"shards": ["shard-0", "shard-1"], "unfinished": false, "gone": {gone}}}')
    with pytest.raises(StoreError, match="list of shards"):
        learn(new(), PAIRS, workers=2, manifest=folder, **HOW)


def test_a_list_of_shards_without_counts_of_dropped_ones_is_read_on(alone, folder):
    (folder / "shards.json").write_text('{"shards": ["shard-0", "shard-1"], "unfinished": false}')
    fleet = new()
    learn(fleet, PAIRS, workers=2, manifest=folder, **HOW)
    assert fleet.to_bytes() == alone[0].to_bytes()


def test_a_second_process_on_a_folder_is_refused_and_leaves_it_as_it_is(alone, folder, monkeypatch):
    monkeypatch.setattr(shard, "PATIENCE", 0.0)
    with ShardedFleet(make, "machine", folder, shards=2, address=False) as fleet:
        before = (folder / "shards.json").read_bytes(), (folder / "run.json").read_bytes()
        with pytest.raises(StoreError):
            learn(new(), PAIRS, workers=3, manifest=folder, **HOW)
        assert before == ((folder / "shards.json").read_bytes(), (folder / "run.json").read_bytes())
        fleet.run(PAIRS, block=200)
        assert fleet.counts()["counts"]["learned"] == 3000


def test_a_disk_that_is_full_loses_no_row(alone, tmp_path, monkeypatch):
    def full(path, data):
        if b'"number":3' in data:
            raise StoreError(expected="room on the disk", got="none", at=str(path), help="Make room.")
        write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "write", full)
        with pytest.raises(StoreError, match="room"):
            learn(new(), PAIRS, workers=2, manifest=tmp_path, **HOW)
    fleet = new()
    learn(fleet, PAIRS, workers=2, manifest=tmp_path, **HOW)
    assert fleet.to_bytes() == alone[0].to_bytes()


def test_a_file_is_no_folder_of_a_run(tmp_path):
    (tmp_path / "model.hw").write_text("")
    with pytest.raises(StoreError, match="folder"):
        learn(new(), PAIRS, workers=2, manifest=tmp_path / "model.hw", **HOW)


def test_going_on_from_the_end_learns_nothing_twice(alone, tmp_path):
    for _ in range(2):
        fleet = new()
        record = learn(fleet, PAIRS, workers=2, manifest=tmp_path, **HOW)
        assert fleet.to_bytes() == alone[0].to_bytes()
        assert as_one(record) == as_one(alone[1])
    with pytest.raises(StoreError, match="same member"):
        learn(hw.Fleet(hw.Classifier(hidden=(9,)), "machine"), PAIRS, workers=2, manifest=tmp_path, **HOW)


def test_a_file_is_learned_as_its_rows_are_and_what_is_left_out_is_counted(tmp_path):
    path = tmp_path / "rows.csv"
    names = list(ROWS[0])
    lines = [",".join([*(str(x.get(name, "")) for name in names), str(y)]) for x, y in PAIRS[:600]]
    lines[50] = ",".join(
        ["" if name == "machine" else str(ROWS[50].get(name, "")) for name in names] + [str(LABELS[50])]
    )
    lines[60] = lines[60].rpartition(",")[0] + ","
    path.write_text("\n".join([",".join([*names, "state"]), *lines, ""]), encoding="utf-8")
    one, spread = new(), new()
    serial = hw.Session(one).run(path, target="state")
    record = learn(spread, path, "state", workers=3, manifest=tmp_path / "folder", **HOW)
    assert spread.to_bytes() == one.to_bytes()
    assert record.rejected == serial.rejected
    assert record.scores == serial.scores
    assert (spread.n_learned, spread.rejected) == (598, one.rejected)


def test_records_come_on_the_way():
    told = []
    learn(new(), PAIRS, workers=2, every=1000, on_record=told.append, **HOW)
    assert [record.rows for record in told] == [1000, 2000, 3000, 3000]


def test_shards_that_leave_take_no_counts_along(tmp_path):
    odd = [{**x, "machine": None} if i % 100 == 0 else x for i, x in enumerate(ROWS)]
    with ShardedFleet(make, "machine", tmp_path, shards=3, address=False) as fleet:
        fleet.learn_many(odd, LABELS)
        fleet.resize(1)
    with ShardedFleet(make, "machine", tmp_path, address=False) as fleet:
        assert fleet.counts()["counts"]["learned"] == 2970
        assert fleet.rejected == {"key": 30}
        one = new()
        fleet.fill(one)
        assert (one.n_learned, one.rejected) == (2970, {"key": 30})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lead": 4}, "lead"),
        ({"deadline": 1.0}, "deadline"),
        ({"workers": 0}, "workers"),
        ({"block": 0}, "block"),
        ({"every": 0}, "every"),
        ({"window": "a"}, "window"),
        ({"engine": "spark"}, "engine"),
        ({"engine": "ray", "address": "auto"}, "manifest"),
    ],
)
def test_options_that_have_no_meaning_for_a_fleet_are_refused_by_name(options, said):
    with pytest.raises(ConfigError, match=said):
        learn(new(), PAIRS, **{**HOW, **options})


def test_more_keys_than_a_fleet_takes_are_refused_and_stay_in_the_folder(tmp_path):
    small = hw.Fleet(make, "machine", max_keys=30)
    with pytest.raises(ConfigError, match="at most 30 keys"):
        learn(small, PAIRS, workers=2, manifest=tmp_path, **HOW)
    large = new()
    learn(large, PAIRS, workers=2, manifest=tmp_path, **HOW)
    assert len(large) == 40


def test_what_can_not_be_spread_says_what_can():
    with pytest.raises(ConfigError, match=r"hw\.cluster\.learn or hw\.cluster\.ShardedFleet"):
        Cluster(new(), engine="local")
    assert (hw.cluster.learn, hw.cluster.ShardedFleet) == (learn, ShardedFleet), "these names are there"
    with pytest.raises(ConfigError, match="one process for each share of the keys"):
        learn(hw.Fleet(hw.Bandit, "machine"), [], engine="local")
