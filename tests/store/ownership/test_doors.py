"""Nothing that a process does with the file of a store that it has open loses what it acknowledges."""

import os
import shutil
import subprocess
import sys
import threading

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import StoreError
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.ownership import IN_USE, OwnedFile, byte_locks
from headwater.store.service.maintenance.commands import accept, check, compact, export, restore, skip

SMALL = {"hidden": (4,), "seed": 1}

LEARNS = """
import os, pathlib, shutil, signal, sqlite3, subprocess, sys, tempfile
import headwater as hw
from headwater.errors import StoreError
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service.maintenance.commands import check, export, restore

path = pathlib.Path(sys.argv[1])
model = hw.open(path, hw.Classifier(hidden=(4,), seed=1))
model.learn_one({"a": 1.0}, "x")

def opens_again():
    try:
        hw.open(path)
    except StoreError:
        return
    raise SystemExit("a second one was opened")

def reads_every_file():
    for file in path.parent.iterdir():
        file.read_bytes()

DOORS = {
    "a second hw.open": opens_again,
    "hw.load": lambda: hw.load(path),
    "open().read()": lambda: open(path, "rb").read(),
    "reading all files": reads_every_file,
    "shutil.copy": lambda: shutil.copy(path, tempfile.mkdtemp()),
    "shutil.copytree": lambda: shutil.copytree(path.parent, tempfile.mkdtemp() + "/copy"),
    "check": lambda: check(path, LEARNER_FORMAT),
    "export": lambda: list(export(path)),
    "restore": lambda: restore(path, LEARNER_FORMAT, model="default"),
}
# What any other program does that looks at the file: as the last user it would delete the log.
LOOKS = f"import sqlite3; b = sqlite3.connect({str(path)!r}); print(b.execute('SELECT count(*) FROM journal').fetchone()[0]); b.close()"

for name, door in DOORS.items():
    door()
    seen = int(subprocess.run([sys.executable, "-c", LOOKS], capture_output=True, text=True, check=True).stdout)
    model.learn_one({"a": 2.0}, "y")
    print(name, seen == model.seq - 1, pathlib.Path(f"{path}-wal").exists(), sep="|", flush=True)
print(model.seq, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="another system has no locks that a close leaves alone")
def test_no_door_in_the_process_loses_what_is_acknowledged_after_it(tmp_path):
    path = tmp_path / "a.db"
    done = subprocess.run(
        [sys.executable, "-c", LEARNS, path], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == -9, done.stderr
    *doors, acknowledged = done.stdout.splitlines()
    assert [line.split("|", 1) for line in doors] == [[line.split("|", 1)[0], "True|True"] for line in doors]
    assert len(doors) == 9
    with hw.open(path) as model:
        assert model.seq == model.n_learned == int(acknowledged) == 10


def test_a_store_that_this_process_has_open_is_opened_once(tmp_path):
    path = tmp_path / "a.db"
    doors = (
        lambda: hw.open(path),
        lambda: compact(path, LEARNER_FORMAT),
        lambda: accept(path),
        lambda: skip(path, LEARNER_FORMAT, 1),
    )
    with hw.open(path, hw.Classifier(**SMALL)) as model:
        model.learn_one({"a": 1.0}, "x")
        for door in doors:
            with pytest.raises(StoreError, match="not open yet, got one that this process has open") as refused:
                door()
            assert refused.value.code == IN_USE
            assert "close() it first" in refused.value.help
        assert model.learn_one({"a": 1.0}, "x") == 2
    with hw.open(path) as model:
        assert model.n_learned == 2


def test_an_open_store_is_checked_exported_restored_and_loaded_in_its_own_process(tmp_path):
    path = tmp_path / "a.db"
    with hw.open(path, hw.Classifier(**SMALL)) as model:
        for i in range(20):
            model.learn_one({"a": float(i)}, "xy"[i % 2])
        report = check(path, LEARNER_FORMAT)
        assert (report.problems, report.events) == ([], 20)
        assert len(list(export(path))) == 20
        learner, at = restore(path, LEARNER_FORMAT, model="default")
        loaded = hw.load(path, hw.Classifier)
        assert at == 20
        assert fingerprint(learner) == fingerprint(loaded) == fingerprint(model.learner)
        loaded.learn_one({"a": 1.0}, "x")
        assert model.n_learned == 20
    assert fingerprint(hw.load(path)) == fingerprint(learner)
    assert main(["store", "check", str(path)]) == 0


def test_only_one_of_many_threads_opens_a_new_store(tmp_path):
    start, opened, refused = threading.Barrier(8), [], []

    def tries():
        start.wait()
        try:
            opened.append(hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)))
        except StoreError as error:
            refused.append(error.code)

    threads = [threading.Thread(target=tries) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(opened), refused) == (1, [IN_USE] * 7)
    opened[0].close()


TAKES = """
import sys
from headwater.errors import StoreError
from headwater.store.ownership import byte_locks
import headwater as hw
if sys.argv[2] == "flock":
    byte_locks._SET = None
try:
    hw.open(sys.argv[1])
except StoreError as error:
    print(error)
"""


def other_process(program, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=900,
    )
    return done.stdout


@pytest.mark.parametrize("kind", ["open file description", "flock"])
def test_another_process_is_kept_out_also_after_this_one_read_the_file(tmp_path, monkeypatch, kind):
    if kind == "flock":
        monkeypatch.setattr(byte_locks, "_SET", None)
    path = tmp_path / "a.db"
    with hw.open(path, hw.Classifier(**SMALL)) as model:
        model.learn_one({"a": 1.0}, "x")
        for file in tmp_path.iterdir():
            file.read_bytes()
        said = other_process(TAKES, path, kind)
        assert "expected a store that no other process has open, got one that another process is using" in said
        for file in ("a.db-lock", "a.db-mark"):  # the lock on the store itself is left
            (tmp_path / file).unlink()
        said = other_process(TAKES, path, kind)
        assert "another process is using" in said
        assert model.learn_one({"a": 1.0}, "x") == 2
    assert other_process(TAKES, path, kind) == ""


def test_the_lock_file_goes_with_the_owner_and_is_made_anew(tmp_path):
    path = tmp_path / "a.db"
    owned = OwnedFile(path, create=True)
    assert (tmp_path / "a.db-lock").exists()
    owned.close()
    owned.close()
    assert [file.name for file in tmp_path.iterdir()] == ["a.db"]
    (tmp_path / "a.db-lock").touch()  # of a process that was killed
    OwnedFile(path).close()
    assert not (tmp_path / "a.db-lock").exists()


REMOVALS = {
    "the log is removed": lambda path: os.unlink(f"{path}-wal"),
    "the log is replaced": lambda path: (
        shutil.copy(f"{path}-wal", f"{path}-x"),
        os.replace(f"{path}-x", f"{path}-wal"),
    ),
    "the file is moved away": lambda path: os.rename(path, f"{path}.old"),
    "the file is replaced": lambda path: (shutil.copy(path, f"{path}-x"), os.replace(f"{path}-x", path)),
}


@pytest.mark.parametrize("way", REMOVALS)
def test_once_its_files_are_gone_a_store_acknowledges_nothing_more(tmp_path, way):
    path = tmp_path / "a.db"
    model = hw.open(path, hw.Classifier(**SMALL))
    model.learn_one({"a": 1.0}, "x")
    REMOVALS[way](path)
    name = "a.db-wal" if "log" in way else "a.db"
    got = "another file in its place" if "replaced" in way else "none, because it was removed or moved"
    for _ in range(2):
        with pytest.raises(StoreError, match=f"expected {name} as this process opened it, got {got}") as stopped:
            model.learn_one({"a": 2.0}, "y")
        assert "Nothing more is acknowledged" in stopped.value.help
    assert model.n_learned == 1
    assert model.service.failure is not None
    model.service._shut()
