"""What an earlier version saved is written in today's format beside the original, which stays as it is."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import HeadwaterError, ModelFileError, StoreError
from headwater.store.learner_file import fingerprint
from headwater.store.service.maintenance.commands import check
from headwater.store.service.maintenance.migrate import migrate
from support.frozen import archive
from support.frozen.formats import versions_of


@pytest.fixture(scope="module")
def frozen(tmp_path_factory):
    return archive.unpack(tmp_path_factory.mktemp("frozen"), "0.2")


def copied(path: Path, folder: Path) -> Path:
    """A file and what lies beside it."""
    for one in path.parent.glob(f"{path.name}*"):
        shutil.copy(one, folder / one.name)
    return folder / path.name


def hashes(folder: Path) -> dict[str, str]:
    """The bytes of all files, but for the index that SQLite makes to read a log."""
    files = (path for path in folder.glob("*.*") if path.stat().st_size and not path.name.endswith("-shm"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("end", ["closed", "killed"])
@pytest.mark.parametrize("kind", ["stores/classifier-net", "stores/agent", "fleets/fleet-classifier"])
def test_a_store_is_written_in_todays_format_and_the_original_stays(frozen, tmp_path, kind, end, capsys):
    path = copied(frozen / f"{kind}-{end}.db", tmp_path)
    before, out = hashes(tmp_path), tmp_path / "out" / "new.db"
    out.parent.mkdir()
    assert main(["migrate", str(path)]) == 0
    assert [*out.parent.iterdir()] == []
    assert main(["migrate", str(path), "--write", str(out)]) == 0
    said = capsys.readouterr().out
    assert hashes(tmp_path) == before
    now = {"stores": ("store", "4"), "fleets": ("store of a fleet", "hwf2")}[kind.partition("/")[0]]
    assert versions_of(out) == {now}
    assert f"Nothing was written. --write OUT writes the same in format {now[1]}" in said
    assert f"{out}: the same in format {now[1]}, {out.stat().st_size:,} bytes, compared." in said
    assert {one.suffix for one in out.parent.iterdir()} <= {".db", ".db-mark"}
    assert fingerprint(hw.load(out)) == fingerprint(hw.load(path))


def test_a_migrated_store_is_sound_and_keeps_what_waits(frozen, tmp_path):
    path = copied(frozen / "stores" / "classifier-net-killed.db", tmp_path)
    found = migrate(path, tmp_path / "new.db")
    assert (found.what, found.found, found.now, found.holds) == ("store", "3", "4", "12 events, 1 pending")
    from headwater.store.learner_file import LEARNER_FORMAT

    report = check(tmp_path / "new.db", LEARNER_FORMAT)
    assert (report.problems, report.events, report.pending) == ([], 12, 1)


def test_a_model_file_keeps_its_rules_and_its_learner(frozen, tmp_path, capsys):
    path = frozen / "models" / "classifier.hw"
    assert main(["migrate", str(path), "--write", str(tmp_path / "new.hw")]) == 0
    assert "Its learner goes on by the rules of core 2, before and after." in capsys.readouterr().out
    assert fingerprint(hw.load(tmp_path / "new.hw")) == fingerprint(hw.load(path))
    assert ("core", "2") in versions_of(tmp_path / "new.hw")
    assert migrate(frozen / "networks" / "dense.hw").holds == "a Network"


def test_a_file_is_never_overwritten_and_the_original_is_no_target(frozen, tmp_path):
    path = copied(frozen / "stores" / "agent-closed.db", tmp_path)
    for out in (path, tmp_path / "agent-closed.db-mark"):
        with pytest.raises(ModelFileError, match="expected a path where nothing is, got a file"):
            migrate(path, out)


def test_a_damaged_store_is_refused_and_nothing_is_left(frozen, tmp_path):
    path = copied(frozen / "stores" / "agent-closed.db", tmp_path)
    with closing(sqlite3.connect(path)) as base, base:
        base.execute("UPDATE journal SET crc = crc + 1 WHERE seq = (SELECT min(seq) FROM journal)")
        base.execute("DELETE FROM snapshots")
    (tmp_path / "out").mkdir()
    with pytest.raises(StoreError):
        migrate(path, tmp_path / "out" / "new.db")
    assert [*(tmp_path / "out").iterdir()] == []


def test_what_is_no_file_of_headwater_is_refused_in_a_sentence(tmp_path, capsys):
    (tmp_path / "a.txt").write_text("no model")
    with pytest.raises(HeadwaterError, match="expected a safetensors file"):
        migrate(tmp_path / "a.txt")
    assert main(["migrate", str(tmp_path / "nowhere.hw")]) == 2
    assert "expected a model file or a store, got no such file" in capsys.readouterr().err
