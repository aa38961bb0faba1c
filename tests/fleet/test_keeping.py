"""A fleet is kept as models are: one file, to the bit, nothing believed; members that are away come back as they went."""

from __future__ import annotations

import copy
import pickle
import random
import sqlite3
import threading
from contextlib import closing

import numpy as np
import pytest

import headwater as hw
from fleet.machines import stream
from headwater.errors import ConfigError, ModelFileError, StoreError
from headwater.kinds.fleet import copying
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.model_file import seal

ROWS, LABELS, NUMBERS = stream(1200, keys=30, seed=1)
MAKERS = {
    "classifier": lambda: hw.Classifier(hidden=(8,), seed=3),
    "pool": lambda: hw.Classifier(effort="fast"),
    "regressor": lambda: hw.Regressor(hidden=(8,)),
}


def taught(name, rows=1200, **settings):
    fleet = hw.Fleet(MAKERS[name], "machine", **settings)
    y = NUMBERS if name == "regressor" else LABELS
    for i in range(0, rows, 40):
        fleet.learn_many(ROWS[i : i + 40], y[i : i + 40])
    return fleet


@pytest.mark.parametrize("name", MAKERS)
def test_a_loaded_fleet_goes_on_to_the_bit(name, tmp_path):
    fleet = taught(name, rows=800)
    fleet.save(tmp_path / "fleet.hw")
    loaded = hw.load(tmp_path / "fleet.hw")
    assert type(loaded) is type(fleet)
    assert loaded.fingerprint() == fleet.fingerprint()
    assert loaded.keys() == fleet.keys()
    assert loaded.score("m3") == fleet.score("m3")
    y = NUMBERS if name == "regressor" else LABELS
    assert loaded.learn_many(ROWS[800:], y[800:]).tolist() == fleet.learn_many(ROWS[800:], y[800:]).tolist()
    assert loaded.fingerprint() == fleet.fingerprint()


def test_a_session_keeps_a_fleet(tmp_path):
    fleet = hw.Fleet(MAKERS["classifier"], "machine")
    hw.Session(fleet, keep=tmp_path / "fleet.hw").run(zip(ROWS, LABELS, strict=True))
    assert hw.load(tmp_path / "fleet.hw").fingerprint() == fleet.fingerprint()


def test_copies_share_nothing():
    fleet = taught("classifier")
    copied, pickled = copy.deepcopy(fleet), pickle.loads(pickle.dumps(fleet))
    before = fleet.fingerprint()
    copied.learn_many(ROWS, LABELS)
    pickled.learn_many(ROWS, LABELS)
    assert fleet.fingerprint() == before != copied.fingerprint() == pickled.fingerprint()


def test_the_fingerprint_does_not_depend_on_the_order_in_which_keys_came():
    one, other = (hw.Fleet(MAKERS["classifier"], "machine") for _ in range(2))
    pairs = list(zip(ROWS, LABELS, strict=True))
    one.learn_many(*zip(*pairs, strict=True))
    other.learn_many(*zip(*sorted(pairs, key=lambda pair: pair[0]["machine"], reverse=True), strict=True))
    assert one.keys() != other.keys()
    assert one.fingerprint() == other.fingerprint()


def test_keys_of_all_kinds_that_files_hold_come_back(tmp_path):
    keys = ["text", 7, 2.5, True, b"bytes", ("tuple", 3)]
    fleet = hw.Fleet(MAKERS["classifier"], "machine")
    fleet.learn_many([{"machine": key, "a": 1.0} for key in keys], ["p"] * len(keys))
    fleet.save(tmp_path / "fleet.hw")
    assert hw.load(tmp_path / "fleet.hw").keys() == keys


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "fleet.hw"
    taught("classifier", rows=200).save(path)
    data = bytearray(path.read_bytes())
    for at in random.Random(0).sample(range(len(data)), 20):
        data[at] ^= 1
        path.write_bytes(data)
        with pytest.raises(ModelFileError):
            hw.load(path)
        data[at] ^= 1


@pytest.mark.parametrize("name", MAKERS)
def test_the_core_believes_no_record(name):
    fleet, other = taught(name, rows=400), hw.Fleet(MAKERS[name], "machine").core
    rng, width = random.Random(2), 1 if name == "regressor" else 3
    good = fleet.core.record(4)
    record, labels, rows, total = good
    kept, member, refused = other.add("kept"), other.add("k"), 0
    for _ in range(600):
        wrong = bytearray(record)
        for _ in range(rng.randrange(1, 4)):
            wrong[rng.randrange(min(len(wrong), 2000))] = rng.randrange(256)
        data = bytes(wrong[: rng.randrange(len(wrong))]) if rng.random() < 0.3 else bytes(wrong)
        other.put(kept, *good)  # what has its names is put into the learner that was read last
        try:
            other.put(member, data, labels, rows, total)
        except (ValueError, MemoryError):
            refused += 1
        out, said = np.zeros((1, width), np.float32), np.zeros(1, np.int32)
        other.predict([{"a": 1.0, "b": 2.0, "shift": "early"}], np.array([member]), out, said, width)
    assert refused > 100
    other.put(member, *good)
    assert other.record(member)[0] == other.record(kept)[0] == record


@pytest.mark.parametrize("name", MAKERS)
def test_records_are_read_alike_whichever_was_read_before(name, tmp_path):
    rows, y = ROWS[:600], (NUMBERS if name == "regressor" else LABELS)[:600]
    fleet = hw.Fleet(MAKERS[name], "machine")
    fleet.learn_many(*zip(*sorted(zip(rows, y, strict=True), key=lambda pair: len(pair[0])), strict=True))
    records = [fleet.core.record(member) for member in range(len(fleet))]
    other = hw.Fleet(MAKERS[name], "machine").core
    members = [other.add(key) for key in fleet]
    for seed in range(4):
        for member in random.Random(seed).sample(members, len(members)):
            other.put(member, *records[member])
    assert [other.record(member) for member in members] == records


def test_members_that_are_away_come_back_as_they_went(tmp_path):
    for name in MAKERS:
        away = taught(name, store=tmp_path / f"{name}.db", resident=7)
        here = taught(name)
        assert away.describe()["in_memory"] <= 7 < len(away)
        assert away.fingerprint() == here.fingerprint()
        x = ROWS[0]
        assert away.predict_one(x) == here.predict_one(x)
        away.save(tmp_path / "fleet.hw")
        assert hw.load(tmp_path / "fleet.hw").fingerprint() == here.fingerprint()
        assert pickle.loads(pickle.dumps(away)).fingerprint() == here.fingerprint()
        assert away.score() == here.score()
        away.close()


def test_a_store_goes_on_from_its_last_commit(tmp_path):
    path = tmp_path / "fleet.db"
    fleet = taught("classifier", rows=600, store=path, resident=10)
    fleet.commit()
    committed = fleet.fingerprint()
    fleet.learn_many(ROWS[600:], LABELS[600:])
    fleet.idle.close()  # as a crash does
    again = hw.Fleet(MAKERS["classifier"], "machine", store=path, resident=10)
    assert again.describe()["in_memory"] == 0
    assert again.fingerprint() == committed
    with again:
        again.learn_many(ROWS[600:], LABELS[600:])
    with hw.Fleet(MAKERS["classifier"], "machine", store=path) as last:
        assert last.fingerprint() == taught("classifier").fingerprint()


def test_a_store_of_something_else_is_refused(tmp_path):
    taught("classifier", rows=40, store=tmp_path / "fleet.db").close()
    with pytest.raises(StoreError, match="the same member"):
        hw.Fleet(MAKERS["pool"], "machine", store=tmp_path / "fleet.db")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    with pytest.raises(StoreError, match="another database"):
        hw.Fleet(MAKERS["pool"], "machine", store=tmp_path / "other.db")
    (tmp_path / "text.db").write_text("no database at all, but a text that is long enough to be looked at" * 50)
    with pytest.raises(StoreError):
        hw.Fleet(MAKERS["pool"], "machine", store=tmp_path / "text.db")


def test_a_store_that_is_open_is_refused_to_others(tmp_path):
    with (
        taught("classifier", rows=40, store=tmp_path / "fleet.db"),
        pytest.raises(StoreError, match="process has open"),
    ):
        taught("classifier", rows=40, store=tmp_path / "fleet.db")


def test_a_damaged_record_in_a_store_is_refused_when_its_key_comes(tmp_path):
    path = tmp_path / "fleet.db"
    taught("classifier", store=path).close()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE record SET record = substr(record, 1, 300) WHERE number = 0")
    database.close()
    with hw.Fleet(MAKERS["classifier"], "machine", store=path) as fleet:
        first = next(iter(fleet))
        with pytest.raises(StoreError, match="a sound store of a fleet, got a damaged record, '0'"):
            fleet.predict_one({"machine": first, "a": 1.0})


def test_no_byte_of_a_removed_member_stays_in_the_file_of_its_store(tmp_path, monkeypatch):
    opened = sqlite3.connect

    def careless(*args, **how):  # as an SQLite built without SQLITE_SECURE_DELETE begins
        base = opened(*args, **how)
        base.execute("PRAGMA secure_delete = OFF")
        return base

    monkeypatch.setattr(sqlite3, "connect", careless)
    words = [f"secret-of-{i}-{'x' * 20}" for i in range(400)]
    with hw.Fleet(hw.Classifier(hidden=(8,), seed=3), "who", store=tmp_path / "a.db") as fleet:
        for who in ("stays", "goes-away"):
            fleet.learn_many([{"who": who, "note": f"{who} {word}"} for word in words * 2], ["a", "b"] * 400)
    assert b"goes-away secret" in (tmp_path / "a.db").read_bytes()
    with hw.Fleet(hw.Classifier(hidden=(8,), seed=3), "who", store=tmp_path / "a.db") as fleet:
        fleet.remove("goes-away")
    left = b"".join(path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert b"stays secret" in left
    assert b"goes-away" not in left


def test_only_a_fleet_with_a_store_commits():
    with pytest.raises(ConfigError, match="a fleet with a store"):
        hw.Fleet(MAKERS["classifier"], "machine").commit()


def test_what_is_removed_from_a_store_is_gone_with_the_next_commit(tmp_path):
    for name in MAKERS:
        path = tmp_path / f"{name}.db"
        fleet = taught(name, store=path, resident=7)
        fleet.commit()
        whole = fleet.fingerprint()
        gone = ["m3", "m17", fleet.keys()[-1], fleet.keys()[0]]
        fleet.remove(*gone)
        fleet.idle.close()  # as a crash does
        fleet = hw.Fleet(MAKERS[name], "machine", store=path, resident=7)
        assert fleet.fingerprint() == whole
        fleet.remove(*gone)
        fleet.learn_many(ROWS[:40], (NUMBERS if name == "regressor" else LABELS)[:40])
        fleet.remove(*(key for key in gone if key in fleet))
        after, keys = fleet.fingerprint(), fleet.keys()
        fleet.close()
        with hw.Fleet(MAKERS[name], "machine", store=path) as again:
            assert (again.fingerprint(), again.keys()) == (after, keys)
            assert again.score() == fleet.score()


def test_a_file_keeps_what_was_learned_and_refused_and_how_rows_were_read(tmp_path):
    fleet = taught("classifier", rows=400)
    fleet.learn_many([{"a": 1.0}, {"machine": "m0", "a": float("inf"), "b": {1}}], ["p", "p"])
    fleet.notes["drop"] = ["day"]
    fleet.save(tmp_path / "fleet.hw")
    loaded = hw.load(tmp_path / "fleet.hw")
    assert (loaded.n_learned, loaded.rejected, loaded.notes) == (fleet.n_learned, fleet.rejected, {"drop": ["day"]})
    assert loaded.rejected == {"infinite": 1, "key": 1, "type": 1}
    loaded.learn_one(ROWS[0], "p")
    assert loaded.n_learned == fleet.n_learned + 1 == 402


def test_a_store_of_members_is_loaded_as_a_fleet_in_memory_and_stays_as_it_is(tmp_path):
    path = tmp_path / "fleet.db"
    with taught("classifier", store=path, resident=10) as fleet:
        before = fleet.fingerprint()
        fleet.commit()
        with pytest.raises(StoreError, match="process has open"):
            hw.Fleet(MAKERS["classifier"], "machine", store=path)
        fleet.learn_many(ROWS[:50], LABELS[:50])
        assert hw.load(path).fingerprint() == before  # as of the last commit
        before = fleet.fingerprint()
    loaded = hw.load(path)
    assert type(loaded) is type(fleet)
    assert (loaded.store, loaded.fingerprint()) == (None, before)
    loaded.learn_many(ROWS, LABELS)
    with hw.Fleet(MAKERS["classifier"], "machine", store=path) as again:
        assert again.fingerprint() == before


def test_a_store_of_version_0_2_is_opened_and_goes_on(tmp_path):
    path = tmp_path / "fleet.db"
    taught("classifier", rows=400, store=path).close()
    old = """
    CREATE TABLE member (number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, record BLOB NOT NULL, labels TEXT NOT NULL,
        scored INTEGER NOT NULL, score REAL NOT NULL);
    INSERT INTO member SELECT number, key, record, labels, scored, score FROM record;
    DROP TABLE record;
    DELETE FROM about WHERE name != 'fleet';
    PRAGMA application_id = 1752655409;
    """
    with closing(sqlite3.connect(path)) as database:
        database.executescript(old)
    before = taught("classifier", rows=400)
    assert hw.load(path).fingerprint() == before.fingerprint()
    with hw.Fleet(MAKERS["classifier"], "machine", store=path, resident=7) as again:
        assert (again.keys(), again.score()) == (before.keys(), before.score())
        for at in range(400, 1200, 40):
            again.learn_many(ROWS[at : at + 40], LABELS[at : at + 40])
        assert again.fingerprint() == taught("classifier").fingerprint()


COPIED = {**MAKERS, "objects": lambda: hw.Anomaly(seed=1)}


@pytest.mark.parametrize("name", COPIED)
def test_a_copy_in_turns_is_the_fleet_of_one_moment(name, monkeypatch):
    monkeypatch.setattr(copying, "_TURN_S", 0)
    monkeypatch.setattr(copying, "_PIECE", 3)
    fleet = hw.Fleet(COPIED[name], "machine")
    y = {"regressor": NUMBERS, "objects": None}.get(name, LABELS)
    parts = iter(range(0, 1200, 20))

    def learn():
        at = next(parts)
        fleet.step_many(ROWS[at : at + 20], None if y is None else y[at : at + 20])

    for _ in range(10):
        learn()
    for stopped_after in (0, 3, 30):
        copy, turns = LEARNER_FORMAT.copy(fleet), 0
        while turns < stopped_after and copy.advance():
            turns += 1
            if turns % 2:
                learn()
            if turns == 3 and name != "objects":
                fleet.remove(fleet.keys()[1], fleet.keys()[-1])
        assert turns >= min(stopped_after, 3)
        copy.stop()
        moment = seal(LEARNER_FORMAT.pack(fleet))
        learn()
        assert seal(copy.finish()) == moment != seal(LEARNER_FORMAT.pack(fleet))


def test_rows_that_come_while_a_snapshot_is_written_are_learned_once(tmp_path, monkeypatch):
    monkeypatch.setattr(copying, "_TURN_S", 0)
    monkeypatch.setattr(copying, "_PIECE", 1)
    own = hw.Fleet(MAKERS["classifier"], "machine")
    own.learn_many(ROWS, LABELS)
    model = hw.open(tmp_path / "fleet.db", hw.Fleet(MAKERS["classifier"], "machine"))
    model.learn_many(ROWS[:400], LABELS[:400])
    rows = threading.Thread(
        target=lambda: [model.learn_one(*pair) for pair in zip(ROWS[400:], LABELS[400:], strict=True)]
    )
    rows.start()
    snapshots = {model.snapshot() for _ in range(3)}
    rows.join()
    assert min(snapshots) >= 1
    model.service._shut()  # as a crash does
    with hw.open(tmp_path / "fleet.db") as again:
        assert again.learner.fingerprint() == own.fingerprint()


def test_a_fleet_with_a_store_is_copied_with_the_members_that_are_away(tmp_path):
    with hw.Fleet(MAKERS["classifier"], "machine", store=tmp_path / "members.db", resident=5) as fleet:
        fleet.learn_many(ROWS[:400], LABELS[:400])
        copy = LEARNER_FORMAT.copy(fleet)
        assert not copy.advance()
        assert seal(copy.finish()) == fleet.to_bytes()
