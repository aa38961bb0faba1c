"""A store that acknowledged an event never opens as if it had not: a damaged, deleted or emptied file is refused."""

import contextlib
import errno
import os
import shutil
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError, StoreError
from headwater.store.journal import database, store_file
from headwater.store.journal.checkpoint_mark import read_mark
from headwater.store.journal.store_file import CheckpointMark
from headwater.store.journal.wal import Frames, read_frames
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import accept, check, export

SMALL = {"hidden": (4,), "seed": 1}
ALL = 200
FILES = ("a.db", "a.db-wal", "a.db-mark")


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The files of a store whose process was killed, with all events in its WAL."""
    folder = tmp_path_factory.mktemp("killed")
    model = hw.open(folder / "a.db", hw.Classifier(**SMALL))
    for i in range(ALL):
        model.learn_one({"a": float(i), "c": "xyz"[i % 3]}, bool(i % 2))
    files = {name: (folder / name).read_bytes() for name in FILES}
    model.close()
    return files


def laid(folder, files, **changed):
    for name, data in {**files, **changed}.items():
        if data is not None:
            (folder / name).write_bytes(data)
    return folder / "a.db"


def test_what_was_killed_opens_whole(killed, tmp_path):
    with hw.open(laid(tmp_path, killed)) as model:
        assert model.seq == ALL


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 0.99])
def test_one_flipped_bit_in_the_wal_is_refused_with_the_way_out_and_nothing_is_changed(killed, tmp_path, at):
    wal = bytearray(killed["a.db-wal"])
    wal[int(at * len(wal))] ^= 1
    path = laid(tmp_path, killed, **{"a.db-wal": bytes(wal)})
    for use in (hw.open, lambda path: problem(check(path, LEARNER_FORMAT))):
        with pytest.raises(StoreError, match="expected a journal up to event 200, which was acknowledged") as refused:
            use(path)
        assert "headwater store accept FILE" in str(refused.value)
        assert "a.db-wal" in str(refused.value)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == {**killed, "a.db-wal": bytes(wal)}


def problem(report):
    raise StoreError(expected=report.problems[0].removeprefix("expected "), got="")


@pytest.mark.parametrize("missing", ["a.db-wal", "a.db"])
def test_a_file_that_is_gone_is_missed(killed, tmp_path, missing):
    path = laid(tmp_path, killed, **{missing: None})
    with pytest.raises(StoreError, match="acknowledged"):
        hw.open(path)


def test_an_empty_file_beside_a_wal_is_no_new_store(killed, tmp_path):
    path = laid(tmp_path, killed, **{"a.db": b"", "a.db-mark": None})
    with pytest.raises(
        StoreError, match=r"expected a store, got an empty file beside a write-ahead log of [0-9,]+ bytes"
    ):
        hw.open(path)
    Path(f"{path}-wal").unlink()
    hw.open(path).close()


def test_a_wal_of_which_nothing_is_sound_is_refused_where_there_is_no_mark(killed, tmp_path):
    wal = bytes(32) + killed["a.db-wal"][32:]
    path = laid(tmp_path, killed, **{"a.db-wal": wal, "a.db-mark": None})
    with pytest.raises(StoreError, match=r"expected a write-ahead log \(WAL\) that is sound"):
        hw.open(path)
    assert accept(path) == (0, 0)
    with hw.open(path) as model:
        assert model.seq == 0


def test_lost_numbers_are_not_given_again_once_the_loss_is_accepted(killed, tmp_path, capsys):
    wal = bytearray(killed["a.db-wal"])
    wal[len(wal) // 2] ^= 1
    path = laid(tmp_path, killed, **{"a.db-wal": bytes(wal)})
    assert main(["store", "accept", str(path)]) == 0
    told = capsys.readouterr().out
    with hw.open(path) as model:
        n = model.n_learned
        assert 0 < n < ALL
        assert told == f"{path}: events to {n:,} are there, {ALL - n:,} acknowledged ones are lost.\n"
        assert model.learn_one({"a": 1.0}, True) == ALL + 1
    report = check(path, LEARNER_FORMAT)
    assert (report.problems, report.events, report.damaged) == ([], n + 1, 1)
    assert [row["seq"] for row in export(path)] == [*range(1, n + 1), ALL + 1]
    with pytest.raises(ConfigError, match="expected a store that has lost events"):
        accept(path)


@pytest.mark.parametrize(("number", "goes_on"), [(errno.ENOSPC, True), (errno.EIO, False)])
def test_a_mark_that_cannot_be_written_loses_nothing_and_a_failing_disk_stops_the_store(
    number, goes_on, tmp_path, monkeypatch
):
    alone = hw.Classifier(**SMALL)
    rows = [({"a": float(i)}, i % 2) for i in range(4)]
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_one(*rows[0])
        with monkeypatch.context() as disk:
            broken = SimpleNamespace(**vars(os) | {"write": raiser(OSError(number, os.strerror(number)))})
            disk.setattr(store_file, "os", broken)
            assert model.learn_one(*rows[1]) == 2  # durable in the journal, so it is learned and acknowledged
        assert model.service.failure.expected == "a checkpoint mark that can be written"
        assert os.strerror(number) in model.service.failure.got
        with contextlib.nullcontext() if goes_on else pytest.raises(StoreError, match="a checkpoint mark"):
            assert model.learn_one(*rows[2]) == 3
        learned = 3 if goes_on else 2
        for row in rows[:learned]:
            alone.learn_one(*row)
        assert (model.seq, fingerprint(model.learner)) == (learned, fingerprint(alone))
        assert (model.service.failure is None) == goes_on
    with hw.open(tmp_path / "a.db") as again:
        assert (again.seq, fingerprint(again.learner)) == (learned, fingerprint(alone))


def raiser(error):
    def write(*_):
        raise error

    return write


def test_ids_of_predictions_are_not_given_twice_either(tmp_path):
    model = hw.open(tmp_path / "a.db", hw.Classifier(**SMALL))
    files = {}
    for i in range(4):
        assert model.predict_with_id({"a": 1.0})[0] == f"p{i + 1}"
        files.setdefault("a.db-wal", (tmp_path / "a.db-wal").read_bytes())
    files |= {name: (tmp_path / name).read_bytes() for name in ("a.db", "a.db-mark")}
    model.close()
    folder = tmp_path / "copy"
    folder.mkdir()
    path = laid(folder, files)
    with pytest.raises(
        StoreError, match="expected a journal up to prediction p4, which was acknowledged, got one that ends at p1"
    ):
        hw.open(path)
    assert main(["store", "accept", str(path)]) == 0
    with hw.open(path) as again:
        assert again.predict_with_id({"a": 1.0})[0] == "p5"


def test_a_backup_without_its_mark_is_opened_as_it_is(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_one({"a": 1.0}, True)
    shutil.copy(tmp_path / "a.db", tmp_path / "b.db")
    with hw.open(tmp_path / "b.db") as model:
        assert model.seq == 1


@pytest.mark.parametrize("table", sorted(database.TABLES - {"history"}))
def test_a_missing_table_is_named(tmp_path, table):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_one({"a": 1.0}, True)
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute(f"DROP TABLE {table}")
    base.commit()
    base.close()
    for use in (hw.open, lambda path: check(path, LEARNER_FORMAT), lambda path: list(export(path))):
        with pytest.raises(StoreError, match=f"expected a sound store, got one without (the format in )?{table}"):
            use(tmp_path / "a.db")


@pytest.mark.parametrize("kind", ["'text'", "x'ff00'", "NULL", "1e300", "-5"])
@pytest.mark.parametrize(
    "column",
    [
        "journal.body",
        "journal.n",
        "journal.model",
        "snapshots.body",
        "snapshots.generation",
        "snapshots.sha",
        "chunks.body",
        *("models.name", "learners.name", "learners.model", "pending.body", "pending.t", "meta.value"),
    ],
)
def test_values_of_another_kind_are_refused_in_a_sentence(tmp_path, column, kind):
    table, name = column.split(".")
    path = _looser(tmp_path, table)
    base = sqlite3.connect(path)
    base.execute(f"UPDATE {table} SET {name} = {kind}")
    base.commit()
    base.close()
    for use in (lambda: hw.open(path).close(), lambda: check(path, LEARNER_FORMAT), lambda: list(export(path))):
        with contextlib.suppress(StoreError):  # any other exception is a failure
            use()


def _looser(folder, table):
    """Return a store whose table takes any value: as damage that SQLite itself can't see."""
    path = folder / "a.db"
    with hw.open(path, hw.Classifier(**SMALL)) as model:
        model.learn_many([{"a": 1.0}] * 5, [True, False] * 2 + [True])
        model.predict_with_id({"a": 1.0})
    base = sqlite3.connect(path)
    base.execute("PRAGMA writable_schema=ON")
    base.execute("UPDATE sqlite_master SET sql = replace(sql, ' NOT NULL', '') WHERE name = ?", (table,))
    base.commit()
    base.close()
    return path


def damaged(rng, files, part):
    """Return one of a store's files with something wrong in it: bits flipped, cut, zeroed, or a page in another's place."""
    data = bytearray(files[part])
    way, at = int(rng.integers(5)), int(rng.integers(len(data)) if rng.random() < 0.7 else rng.integers(200))
    if way == 0:
        data[at] ^= 1 << int(rng.integers(8))
    elif way == 1:
        del data[at:]
    elif way == 2:
        data[at : at + 4096] = bytes(len(data[at : at + 4096]))
    elif way == 3:
        size = min(64, len(data) - at)
        data[at : at + size] = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
    else:
        there, size = int(rng.integers(len(data))), 4096
        data[at : at + size] = data[there : there + len(data[at : at + size])]
    return bytes(data)


def try_damage(folder, files, part, seed):
    """Open a damaged store, with and without its mark; return whether it was refused."""
    rng, refused = np.random.default_rng(seed), 0
    data = damaged(rng, files, part)
    for mark in (files["a.db-mark"], None):
        for stale in folder.iterdir():
            stale.unlink()
        path = laid(folder, files, **{part: data, "a.db-mark": mark})
        try:
            with hw.open(path) as model:
                # With a mark all that was acknowledged is there, or was set aside and is reported.
                assert model.seq == ALL or mark is None
                # Of a log that is cut off nothing tells but the mark.
                assert model.seq > 0 or (mark is None and len(data) < len(files[part]))
                assert model.seq <= ALL
                assert model.n_learned == ALL or model.service.cut or mark is None
        except StoreError:
            refused += 1
    return refused


@pytest.mark.parametrize("part", ["a.db-wal", "a.db"])
def test_a_damaged_store_opens_whole_or_is_refused_and_never_as_empty(killed, tmp_path, part):
    refused = sum(try_damage(tmp_path, killed, part, seed) for seed in range(60))
    assert 10 < refused < 120


def test_a_torn_mark_leaves_the_one_before(tmp_path):
    mark = CheckpointMark(tmp_path / "a.db")
    mark.write(5, 1)
    mark.write(6, 2)
    mark.write(7, 2)
    mark.close()
    assert read_mark(tmp_path / "a.db") == (7, 2)
    data = bytearray((tmp_path / "a.db-mark").read_bytes())
    data[10] ^= 1
    (tmp_path / "a.db-mark").write_bytes(data)
    assert read_mark(tmp_path / "a.db") == (6, 2)
    (tmp_path / "a.db-mark").write_bytes(b"")
    assert read_mark(tmp_path / "a.db") is None
    assert read_mark(tmp_path / "other.db") is None


def test_a_sound_wal_is_told_from_a_damaged_one(killed, tmp_path):
    wal, data = tmp_path / "a.db-wal", killed["a.db-wal"]
    assert read_frames(wal) == Frames(empty=True)
    wal.write_bytes(b"")
    assert read_frames(wal) == Frames(empty=True)
    wal.write_bytes(data)
    frames = (len(data) - 32) // (4096 + 24)
    assert read_frames(wal) == Frames(sound=frames)
    assert read_frames(wal, only_first=True) == Frames(sound=1)
    for at in (24, 32, 40, 48, 56, 1000):
        spoilt = bytearray(data)
        spoilt[at] ^= 1
        wal.write_bytes(spoilt)
        found = read_frames(wal)
        assert found.sound == 0
        assert found.lost_commits > ALL
    for at in (0, 8, 16):  # by these the other frames are known
        spoilt = bytearray(data)
        spoilt[at] ^= 1
        wal.write_bytes(spoilt)
        assert read_frames(wal).sound == 0
