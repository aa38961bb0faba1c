"""Each commit seals what the tables hold: a copy that is of several moments, or of a part, is refused, never opened as a fresh learner."""

import shutil
import sqlite3
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import StoreError
from headwater.store.journal import database
from headwater.store.journal.seal import read_seal, tables_of
from headwater.store.journal.store_file import CheckpointMark
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import check

SMALL = {"hidden": (4,), "seed": 1}
PAGE = 4096


def sealed(path):
    base = database.read_only(path)
    try:
        return read_seal(base), tables_of(base, is_open=True)
    finally:
        base.close()


def learned(path, n, **policy):
    """Return an open store that has learned some rows."""
    model = hw.open(path, hw.Classifier(**SMALL), policy=RetentionPolicy(**policy))
    for i in range(n):
        model.learn_one({"a": float(i), "c": "xyz"[i % 3]}, bool(i % 2))
    return model


def refused(path):
    """Open a store that is to be refused by each door; return the sentence."""
    with pytest.raises(StoreError) as error:
        hw.open(path)
    assert str(error.value) in check(path, LEARNER_FORMAT).problems
    return str(error.value)


def test_every_commit_seals_what_the_tables_hold(tmp_path):
    path = tmp_path / "a.db"
    with learned(path, 20, snapshot_every=1_000_000, keep_events=5) as model:  # none is taken in the background
        service = model.service
        for _ in range(2):  # a third one, below, lets the first go
            service.snapshot()
            model.learn_many([{"a": float(i)} for i in range(5)], [True] * 5)
        steps = (
            lambda: model.learn_one({"a": 1.0}, True, id="k"),
            lambda: model.predict_with_id({"a": 1.0}),
            lambda: service.change(service.models.create, "other", hw.Regressor()),
            lambda: service.change(service.models.add, service.models.named("other"), "challenger", hw.Regressor()),
            lambda: service.change(service.models.promote, service.models.named("other"), "challenger"),
            lambda: service.change(service.models.remove, service.models.named("other"), "champion"),
            service.snapshot,  # and prunes
            service.make_source_tables,
            service.vacuum,
        )
        before = {sealed(path)[0]}
        for step in steps:
            step()
            seal, tables = sealed(path)
            assert seal == tables
            before.add(seal)
        assert len(before) == len(steps) + 1
        assert (seal.seq, seal.last_id, seal.models, seal.learners, seal.open) == (31, 1, 2, 2, True)
        assert 1 < seal.first < seal.last == 31
    assert sealed(path)[0].open is False


def test_what_a_commit_appends_is_sealed_without_reading_a_table(tmp_path):
    """The journal and the ids know where they end: also of a store without events, and behind a tail that was set aside."""
    path, queries = tmp_path / "a.db", []
    with hw.open(path, hw.Classifier(**SMALL)) as model:
        model.learn_one({"a": 1.0}, True)
        assert sealed(path)[0] == sealed(path)[1]
        name, _ = model.predict_with_id({"a": 1.0})
        for step in (
            lambda: model.label(name, True),
            lambda: model.learn_one({"a": 2.0}, False, id="k"),
            lambda: model.learn_one({"a": 2.0}, False, id="k"),  # known by its id, so nothing is learned
            lambda: model.learn_many([{"a": float(i)} for i in range(5)], [True] * 5),
        ):
            model.service._file.base.set_trace_callback(queries.append)
            step()
            model.service._file.base.set_trace_callback(None)
            seal, tables = sealed(path)
            assert seal == tables
        assert (seal.first, seal.last, seal.seq, seal.last_id) == (1, 8, 8, 1)
    assert not [query for query in queries if "max(seq)" in query]
    with sqlite3.connect(path) as base:
        base.execute("UPDATE journal SET crc = 0")
        base.execute("DELETE FROM snapshots WHERE seq > 0")
    base.close()
    with hw.open(path) as model:
        assert model.n_learned == 0
        for _ in range(2):
            model.learn_one({"a": 1.0}, True)
            seal, tables = sealed(path)
            assert seal == tables
        assert (seal.first, seal.last, seal.seq) == (9, 10, 10)


@pytest.mark.parametrize("rows", [0, 1, 150])
def test_a_plain_copy_of_an_open_store_is_refused_with_what_to_do(tmp_path, rows, capsys):
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    with learned(path, rows):
        shutil.copy(path, copy)
    said = refused(copy)
    assert "got a plain copy of an open store, whose last commits may be missing" in said
    assert "`headwater store backup FILE TO`" in said
    assert not Path(f"{copy}-mark").exists()
    with hw.open(path) as model:
        assert model.n_learned == rows
    assert main(["store", "accept", str(copy)]) == 0  # what is in the file is what a store holds before its first row
    assert "events to 0 are there" in capsys.readouterr().out


def test_a_plain_copy_after_a_checkpoint_is_refused_and_can_be_accepted(tmp_path):
    path, copy = tmp_path / "a.db", tmp_path / "b.db"
    with learned(path, 40) as model:
        model.service._file.checkpoint()
        at_checkpoint = fingerprint(model.learner)
        model.learn_one({"a": 1.0}, True)
        shutil.copy(path, copy)
    assert "a plain copy of an open store" in refused(copy)
    assert main(["store", "accept", str(copy)]) == 0
    with hw.open(copy) as model:
        assert (model.seq, fingerprint(model.learner)) == (40, at_checkpoint)


def test_copies_that_sqlite_makes_of_an_open_store_are_whole_and_open(tmp_path):
    path = tmp_path / "a.db"
    with learned(path, 40) as model:
        last = fingerprint(model.learner)
        with sqlite3.connect(path) as source, sqlite3.connect(tmp_path / "b.db") as target:
            source.backup(target)
        source.execute("VACUUM INTO ?", (str(tmp_path / "c.db"),))
        source.close()
        target.close()
    for name in ("b.db", "c.db"):
        assert check(tmp_path / name, LEARNER_FORMAT).problems == []
        with hw.open(tmp_path / name) as model:
            assert fingerprint(model.learner) == last


def test_a_killed_store_opens_with_its_log_and_after_another_program_took_the_log_into_the_file(tmp_path):
    path = tmp_path / "a.db"
    with learned(path, 20):
        for name in ("a.db", "a.db-wal", "a.db-mark"):
            (tmp_path / "killed").mkdir(exist_ok=True)
            shutil.copy(tmp_path / name, tmp_path / "killed" / name)
    other = sqlite3.connect(tmp_path / "killed" / "a.db")
    other.execute("SELECT count(*) FROM journal").fetchone()
    other.close()
    assert not (tmp_path / "killed" / "a.db-wal").exists()
    with hw.open(tmp_path / "killed" / "a.db") as model:
        assert model.n_learned == 20


def alone(model, path):
    """Return the main file of an open store once it holds every event by itself: what runs in the background may hold a checkpoint up."""
    copy, until = path.with_name("copy.db"), time.monotonic() + 300
    while time.monotonic() < until:
        model.service._file.checkpoint(truncate=True)
        shutil.copy(path, copy)
        with suppress(sqlite3.DatabaseError):  # copied while something was written
            seal, tables = sealed(copy)
            if seal == tables and seal.seq == model.seq:
                return copy.read_bytes()
    raise TimeoutError("the main file never held all events by itself")


@pytest.fixture(scope="module")
def moments(tmp_path_factory):
    """The main file of an open store at some moments, each after a checkpoint, and the state of its learner then, by its rows."""
    path, files, states = tmp_path_factory.mktemp("moments") / "a.db", {}, {}
    with learned(path, 0, snapshot_every=20) as model:
        for rows in (0, 50, 100, 150):
            while model.seq < rows:
                model.learn_one({"a": float(model.seq), "t": "x" * 300}, bool(model.seq % 2), id=f"k{model.seq}")
            files[rows], states[rows] = alone(model, path) if rows else path.read_bytes(), fingerprint(model.learner)
    return files, states


def torn(rng, older, newer):
    """Return a file of which some pages are from an older moment: those before or behind a place, or any."""
    pages = -(-len(newer) // PAGE)
    from_older = np.zeros(pages, bool)
    at = int(rng.integers(1, pages))
    way = int(rng.integers(3))
    if way == 2:
        from_older = rng.random(pages) < rng.random()
    else:
        from_older[slice(0, at) if way == 0 else slice(at, None)] = True
    parts = [(older if old else newer)[i * PAGE : (i + 1) * PAGE] for i, old in enumerate(from_older)]
    return b"".join(part for part in parts if part)


@pytest.mark.parametrize("beside", ["nothing", "a mark of no use"])
def test_a_torn_copy_is_refused_or_holds_one_moment_and_is_never_a_fresh_learner(moments, tmp_path, beside):
    (files, states), rng, opened = moments, np.random.default_rng(3), 0
    path = tmp_path / "t.db"
    rows = [n for n in files if n or beside == "nothing"]  # at first there is no learner in the file
    for _ in range(150):
        older, newer = sorted(rng.choice(rows, 2, replace=False).tolist())
        for stale in tmp_path.iterdir():
            stale.unlink()
        path.write_bytes(torn(rng, files[older], files[newer]))
        if beside != "nothing":
            mark = CheckpointMark(path)
            mark.write(0, 0)
            mark.close()
        try:
            model = hw.open(path)
        except StoreError:
            continue
        with model:
            opened += 1
            assert model.n_learned == model.seq
            assert model.seq >= 50
            # what is damaged at the end of the journal was set aside, and the start says so
            assert model.service.cut or fingerprint(model.learner) == states[model.seq]
    assert opened == 0 or beside != "nothing"
    assert opened < 150


SWAPS = {
    "the models are missing": ("DELETE FROM models; DELETE FROM learners", "0 models with 0 learners"),
    "another champion": ("UPDATE learners SET name = 'other'", "1 model with 1 learner"),
    "the end of the journal": ("DELETE FROM journal WHERE seq > 30", "events 1 to 30"),
    "its beginning": ("DELETE FROM journal WHERE seq < 5", "events 5 to 40"),
    "an event more": ("INSERT INTO journal SELECT 41, n, model, t, body, crc FROM journal WHERE seq = 40", "1 to 41"),
}


@pytest.mark.parametrize("what", SWAPS)
def test_tables_that_differ_from_the_seal_are_refused(tmp_path, what):
    path = tmp_path / "a.db"
    learned(path, 40).close()
    change(path, SWAPS[what][0])
    said = refused(path)
    assert (
        "expected the tables that the last commit sealed: 1 model with 1 learner, a journal of events 1 to 40" in said
    )
    assert SWAPS[what][1] in said
    assert "It was copied while it was open, or it is damaged" in said
    if "missing" in what:
        assert main(["store", "accept", str(path)]) == 2
        refused(path)
    elif what == "the end of the journal":
        assert main(["store", "accept", str(path)]) == 0
        with hw.open(path) as model:
            assert model.learn_one({"a": 1.0}, True) == 41


def change(path, script):
    base = sqlite3.connect(path)
    base.executescript(script)
    base.close()


@pytest.mark.parametrize(
    "script",
    [
        "UPDATE meta SET value = replace(value, '\"seq\":40', '\"seq\":41') WHERE key = 'seal'",
        "UPDATE meta SET value = x'ff' WHERE key = 'seal'",
        "DELETE FROM meta WHERE key = 'seal'",
    ],
)
def test_a_seal_that_is_altered_or_gone_is_refused(tmp_path, script):
    path = tmp_path / "a.db"
    learned(path, 40).close()
    change(path, script)
    assert "expected a sound store, got " in refused(path)


def test_a_store_without_a_seal_opens_and_gets_one_with_its_first_commit(tmp_path):
    path = tmp_path / "a.db"
    learned(path, 40).close()
    change(path, "DELETE FROM meta WHERE key = 'seal'; UPDATE meta SET value = 3 WHERE key = 'format'")
    hw.open(path).close()
    assert sealed(path)[0] is None
    with hw.open(path) as model:
        assert model.n_learned == 40
        model.learn_one({"a": 1.0}, True)
        assert sealed(path)[0].seq == 41
    base = sqlite3.connect(path)
    assert base.execute("SELECT value FROM meta WHERE key = 'format'").fetchone() == (4,)
    base.close()
    assert check(path, LEARNER_FORMAT).problems == []
