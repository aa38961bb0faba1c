"""A backup is of one moment, whole and verified, made while the store learns; and nothing stands at its place before."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import StoreError
from headwater.store.journal import backup as backups
from headwater.store.journal import database
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check

SMALL = {"hidden": (4,), "seed": 1}


def learned(path, n):
    model = hw.open(path, hw.Classifier(**SMALL))
    for i in range(n):
        model.learn_one({"a": float(i)}, "xy"[i % 2])
    return model


def test_backups_while_it_learns_are_each_a_state_that_the_learner_had(tmp_path):
    states, copies, ends = {}, {}, threading.Event()
    with learned(tmp_path / "a.db", 20) as model:
        states[20] = fingerprint(model.learner)

        def learns():
            while not ends.is_set():
                seq = model.learn_one({"a": float(model.seq)}, "xy"[model.seq % 2])
                states[seq] = fingerprint(model.learner)

        thread = threading.Thread(target=learns)
        thread.start()
        for i in range(5):
            before = model.seq
            size = model.backup(tmp_path / f"{i}.bak")
            assert size == (tmp_path / f"{i}.bak").stat().st_size
            with hw.open(tmp_path / f"{i}.bak") as copy:
                assert copy.seq >= before
                copies[copy.seq] = fingerprint(copy.learner)
        ends.set()
        thread.join()
    assert copies == {seq: states[seq] for seq in copies}


def test_a_backup_is_a_closed_store_in_one_file_and_for_its_owner_alone(tmp_path):
    folder = tmp_path / "to"
    folder.mkdir()
    with learned(tmp_path / "a.db", 30) as model:
        model.backup(folder / "b.db")
        last = fingerprint(model.learner)
    assert [(file.name, file.stat().st_mode & 0o777) for file in folder.iterdir()] == [("b.db", 0o600)]
    assert check(folder / "b.db", LEARNER_FORMAT).problems == []
    assert fingerprint(hw.load(folder / "b.db")) == last
    with hw.open(folder / "b.db") as model:
        assert model.learn_one({"a": 1.0}, "x") == 31


HOLDS = """
import sys
import headwater as hw
with hw.open(sys.argv[1], hw.Classifier(hidden=(4,), seed=1)) as model:
    i = 0
    while True:
        i = model.learn_one({"a": float(i)}, "xy"[i % 2])
        if i == 20:
            print("learns", flush=True)
"""


def test_the_command_backs_a_store_up_that_another_process_teaches(tmp_path, capsys):
    path, to = tmp_path / "a.db", tmp_path / "b.db"
    other = subprocess.Popen([sys.executable, "-W", "ignore", "-c", HOLDS, path], stdout=subprocess.PIPE)
    try:
        assert other.stdout.readline() == b"learns\n"
        assert main(["store", "backup", str(path), str(to)]) == 0
        said = capsys.readouterr().out
        assert main(["store", "backup", str(path), str(to)]) == 2
        assert "expected a path where nothing is, got a file" in capsys.readouterr().err
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=600)
        other.stdout.close()
    assert said == f"{to}: a sound copy of {path}, {to.stat().st_size:,} bytes.\n"
    assert check(to, LEARNER_FORMAT).problems == []
    with hw.open(to) as model:
        assert model.n_learned == model.seq
        assert model.seq >= 20
    # of a store that was killed too; it stays as it is
    before = {file.name: file.read_bytes() for file in tmp_path.glob("a.db*") if "shm" not in file.name}
    assert main(["store", "backup", str(path), str(tmp_path / "c.db")]) == 0
    assert {file.name: file.read_bytes() for file in tmp_path.glob("a.db*") if "shm" not in file.name} == before
    assert check(tmp_path / "c.db", LEARNER_FORMAT).problems == []


def spoils_a_page(path):
    with open(path, "r+b") as file:
        file.seek(4 * 4096)
        file.write(b"\xff" * 1500)


@pytest.mark.parametrize("fault", ["no room", "a page rots", "the disk fails"])
def test_where_a_backup_fails_nothing_is_left_at_its_place(tmp_path, monkeypatch, fault):
    folder = tmp_path / "to"
    folder.mkdir()
    with learned(tmp_path / "a.db", 30) as model:
        if fault == "no room":
            usage = backups.shutil.disk_usage(folder)
            monkeypatch.setattr(backups.shutil, "disk_usage", lambda path: usage._replace(free=1000))
        elif fault == "the disk fails":
            monkeypatch.setattr(backups, "_sync", lambda path: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        else:
            copies = backups._copy
            monkeypatch.setattr(backups, "_copy", lambda source, part: (copies(source, part), spoils_a_page(part)))
        with pytest.raises(StoreError):
            model.backup(folder / "b.db")
        assert list(folder.iterdir()) == []
        monkeypatch.undo()
        assert model.learn_one({"a": 1.0}, "x") == 31
        model.backup(folder / "b.db")
    assert [file.name for file in folder.iterdir()] == ["b.db"]


def test_a_store_whose_log_was_removed_is_saved_by_a_backup(tmp_path):
    path, to = tmp_path / "a.db", tmp_path / "b.db"
    model = learned(path, 30)
    last = fingerprint(model.learner)
    os.unlink(f"{path}-wal")
    with pytest.raises(StoreError, match=r"Save the store while this process lives, with `backup\(TO\)`"):
        model.learn_one({"a": 1.0}, "x")
    model.backup(to)
    model.service._shut()
    with hw.open(to) as saved:  # the event that was under way may be in it; it was not acknowledged
        assert saved.seq in (30, 31)
        assert fingerprint(saved.as_of(30)) == last


def test_the_store_of_a_fleet_is_backed_up_as_of_its_last_commit(tmp_path):
    path, to = tmp_path / "fleet.db", tmp_path / "b.db"
    with hw.Fleet(lambda: hw.Classifier(**SMALL), "k", store=path) as fleet:
        for i in range(20):
            fleet.learn_one({"k": f"k{i}", "a": 1.0}, "x")
        fleet.commit()
        committed = fleet.fingerprint()
        fleet.learn_one({"k": "new", "a": 1.0}, "x")
        assert main(["store", "backup", str(path), str(to)]) == 0
    assert hw.load(to).fingerprint() == committed


def test_another_database_is_no_store_to_back_up(tmp_path, capsys):
    base = sqlite3.connect(tmp_path / "other.db")
    base.execute("CREATE TABLE t (a)")
    base.close()
    assert main(["store", "backup", str(tmp_path / "other.db"), str(tmp_path / "b.db")]) == 2
    assert "got another database" in capsys.readouterr().err
    assert not (tmp_path / "b.db").exists()


def test_what_sqlite_does_with_deleted_pages_is_set_here(tmp_path):
    with learned(tmp_path / "a.db", 1) as model:
        assert model.service._file.base.execute("PRAGMA secure_delete").fetchone() == (2,)  # FAST
    assert database.FORMAT == 4
