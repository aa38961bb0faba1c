"""One process has a store at a time, whatever name it is opened by; and its files are for their owner alone."""

import gc
import os
import stat

import pytest

import headwater as hw
from headwater.errors import StoreError
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.service.maintenance.commands import check, export, restore

SMALL = {"hidden": (4,), "seed": 1}


def test_a_symbolic_link_leads_to_the_same_lock_and_the_same_wal(tmp_path):
    link = tmp_path / "folder" / "link.db"
    link.parent.mkdir()
    link.symlink_to(tmp_path / "a.db")
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_one({"a": 1.0}, "x")
        with pytest.raises(
            StoreError, match="expected a store that is not open yet, got one that this process has open"
        ):
            hw.open(link)
    with hw.open(link) as model:
        assert model.learn_one({"a": 1.0}, "x") == 2
        assert [path.name for path in link.parent.iterdir()] == ["link.db"]
        with pytest.raises(StoreError, match="this process has open"):
            hw.open(tmp_path / "a.db")


def test_a_file_with_two_hard_links_is_refused_by_each_of_its_names(tmp_path):
    hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)).close()
    os.link(tmp_path / "a.db", tmp_path / "b.db")
    for name in ("a.db", "b.db"):
        with pytest.raises(StoreError, match="expected a store whose file has one name, got 2 hard links"):
            hw.open(tmp_path / name)
    os.unlink(tmp_path / "b.db")
    hw.open(tmp_path / "a.db").close()


def test_removing_what_lies_beside_a_store_lets_nobody_in(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
        model.learn_one({"a": 1.0}, "x")
        for path in tmp_path.iterdir():
            if path.name not in ("a.db", "a.db-wal", "a.db-shm"):
                path.unlink()
        with pytest.raises(StoreError, match="this process has open"):
            hw.open(tmp_path / "a.db")
        assert model.learn_one({"a": 1.0}, "x") == 2


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_store_that_is_dropped_without_close_is_let_go(tmp_path):
    model = hw.open(tmp_path / "a.db", hw.Classifier(**SMALL))
    model.learn_one({"a": 1.0}, "x")
    del model
    gc.collect()
    with hw.open(tmp_path / "a.db") as again:
        assert again.n_learned == 1


def test_the_files_of_a_store_are_for_their_owner_alone(tmp_path):
    before = os.umask(0o022)
    try:
        with hw.open(tmp_path / "a.db", hw.Classifier(**SMALL)) as model:
            model.learn_one({"a": 1.0}, "x")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("a.db", "a.db-lock", "a.db-mark", "a.db-shm", "a.db-wal"), 0o600)


def test_a_store_that_can_only_be_read_is_checked_exported_and_restored_from(tmp_path, monkeypatch):
    model = hw.open(tmp_path / "a.db", hw.Classifier(**SMALL))
    for i in range(5):
        model.learn_one({"a": float(i)}, "xy"[i % 2])
    model.service._shut()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    opened, access = os.open, os.access
    monkeypatch.setattr(
        "os.open", lambda path, flags, *rest, **more: refuse(opened, tmp_path, path, flags, *rest, **more)
    )
    monkeypatch.setattr("os.access", lambda path, mode: mode != os.W_OK and access(path, mode))
    report = check(tmp_path / "a.db", LEARNER_FORMAT)
    assert (report.problems, report.events) == ([], 5)
    assert [row["seq"] for row in export(tmp_path / "a.db")] == [1, 2, 3, 4, 5]
    learner, at = restore(tmp_path / "a.db", LEARNER_FORMAT, model="default", seq=3)
    assert (learner.n_learned, at) == (3, 3)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def refuse(opened, folder, path, flags, *rest, **more):
    """Open as on a medium that can't be written."""
    if str(path).startswith(str(folder)) and flags & (os.O_RDWR | os.O_WRONLY):
        raise OSError(30, "Read-only file system", str(path))
    return opened(path, flags, *rest, **more)
