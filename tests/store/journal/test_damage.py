"""Power loss, bit rot, full disks and failing syncs: what opens, what is refused, and what is said."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import headwater as hw
from headwater.errors import StoreError
from headwater.store.journal.database import FULL
from headwater.store.journal.entries import Journal
from headwater.store.journal.events import JournalEvent, pack
from headwater.store.journal.store_file import StoreFile
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import check, export


def events(n, start=0):
    return [JournalEvent({"a": float(i), "c": "xyz"[i % 3]}, bool(i % 2)) for i in range(start, start + n)]


def journal_with_tail(path, commits):
    """Return a store whose last commits are in its WAL only, as after a power cut, and the ends that a cut may leave."""
    file = StoreFile(path)
    base = file.base
    journal, ends = Journal(base, str(path)), [0]
    for n in (3, 1, 2, 5, 1, 1)[:commits]:
        with file.transaction():
            journal.append(1, pack(events(n, journal.seq)), n, 1_000)
        ends.append(journal.seq)
    kept = path.with_name("kept")
    kept.mkdir()
    for name in (path.name, f"{path.name}-wal"):
        shutil.copy(path.with_name(name), kept / name)
    file.close()
    return kept / path.name, ends


def opened(path):
    """Open a journal as a start does; return its events and its end."""
    file = StoreFile(path)
    try:
        journal = Journal(file.base, str(path))
        journal.cut_tail(file.transaction)
        journal.find_end()
        return [event for entry in journal.read() for event in entry.events], journal.seq
    finally:
        file.close()


def laid(source, target, wal):
    for stale in target.parent.glob(f"{target.name}*"):
        stale.unlink()
    shutil.copy(source, target)
    Path(f"{target}-wal").write_bytes(wal)


def tails(wal, step):
    """Yield the WAL truncated, and with a bit flipped, at positions of its last commits: all of its last frame, every so many."""
    begin = len(wal) - 3 * (4096 + 24)
    for at in range(max(begin, 32), len(wal), step):
        yield at, wal[:at]
        yield at, wal[:at] + bytes([wal[at] ^ (1 << at % 8)]) + wal[at + 1 :]


def prove_tail(tmp_path, step):
    """Open every damaged tail; return how many were tried."""
    source, ends = journal_with_tail(tmp_path / "a.db", 6)
    wal, tried = Path(f"{source}-wal").read_bytes(), 0
    whole, target = events(ends[-1]), tmp_path / "t" / "b.db"
    target.parent.mkdir()
    for _at, damaged in tails(wal, step):
        laid(source, target, damaged)
        found, end = opened(target)
        assert end in ends
        assert found == whole[:end]
        tried += 1
    return tried


def test_a_journal_truncated_or_flipped_in_its_tail_opens_to_the_last_sound_entry(tmp_path):
    assert prove_tail(tmp_path, step=37) > 600


def _filled(path, n=40):
    with hw.open(path, hw.Classifier(hidden=(4,), seed=1), policy=RetentionPolicy(snapshot_every=10**9)) as model:
        model.service.change(lambda: None)
        for event in events(n):
            model.learn_one(event.x, event.y)
        base = model.service._file.base
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        model.service._shut()


def _spoil(path, seq, column="body"):
    base = sqlite3.connect(path)
    body = base.execute("SELECT body FROM journal WHERE seq = ?", (seq,)).fetchone()[0]
    value = body[:-1] + bytes([body[-1] ^ 1]) if column == "body" else 7
    base.execute(f"UPDATE journal SET {column} = ? WHERE seq = ?", (value, seq))
    base.commit()
    base.close()


@pytest.mark.parametrize("column", ["body", "model", "t", "n", "crc"])
def test_a_damaged_entry_before_the_tail_is_an_error_with_its_number(tmp_path, column):
    _filled(tmp_path / "a.db")
    _spoil(tmp_path / "a.db", 23, column)
    with pytest.raises(StoreError, match="sound journal entry 23"):
        hw.open(tmp_path / "a.db")
    report = check(tmp_path / "a.db", LEARNER_FORMAT)
    assert "sound journal entry 23" in report.problems[0]
    assert report.last == 22


def test_a_missing_entry_is_an_error_with_its_number(tmp_path):
    _filled(tmp_path / "a.db")
    base = sqlite3.connect(tmp_path / "a.db")
    base.execute("DELETE FROM journal WHERE seq = 11")
    base.commit()
    base.close()
    with pytest.raises(StoreError, match="sound journal entry 11"):
        hw.open(tmp_path / "a.db")
    with pytest.raises(StoreError, match="entry 11"):
        list(export(tmp_path / "a.db"))


def test_damaged_entries_at_the_end_are_set_aside_and_learning_goes_on_behind_them(tmp_path):
    _filled(tmp_path / "a.db")
    for seq in (39, 40):
        _spoil(tmp_path / "a.db", seq)
    with hw.open(tmp_path / "a.db") as model:
        assert model.service.cut == [39, 40]
        assert model.n_learned == 38
        assert model.learn_one({"a": 1.0}, True) == 41
    with hw.open(tmp_path / "a.db") as model:
        assert (model.service.cut, model.n_learned) == ([], 39)
    report = check(tmp_path / "a.db", LEARNER_FORMAT)
    assert (report.problems, report.damaged, report.events) == ([], 2, 39)


def test_a_damaged_snapshot_falls_back_to_the_one_before(tmp_path):
    path = tmp_path / "a.db"
    with hw.open(path, hw.Classifier(hidden=(4,), seed=1), policy=RetentionPolicy(snapshot_every=10**9)) as model:
        for event in events(45):
            model.learn_one(event.x, event.y)
            if model.seq % 20 == 0:
                assert model.snapshot() == model.seq
        expected = fingerprint(model.learner)
    base = sqlite3.connect(path)
    base.execute("UPDATE snapshots SET body = substr(body, 1, 100) WHERE seq = 45")
    # a chunk that only the snapshot at 40 has
    base.execute(
        "UPDATE chunks SET body = zeroblob(length(body)) WHERE id IN (SELECT chunk FROM snapshot_chunks WHERE seq = 40"
        " EXCEPT SELECT chunk FROM snapshot_chunks WHERE seq < 40)"
    )
    base.commit()
    base.close()
    assert check(path, LEARNER_FORMAT).problems == [
        f"expected a sound snapshot of default/champion, got a damaged one — at {seq}." for seq in (40, 45)
    ]
    with hw.open(path) as model:
        assert fingerprint(model.learner) == expected
        assert model.scores["n"] == 44  # the first row was predicted before any class was known


def rotten(path, target, size):
    """Yield the file with one page spoilt, each page in two ways: a flipped bit, and zeros."""
    whole = path.read_bytes()
    for page in range(1, len(whole) // size):
        at = page * size
        for begin, spoilt in (
            (at + page * 97 % size, bytes([whole[at + page * 97 % size] ^ 4])),
            (at, bytes(size)),
        ):
            target.write_bytes(whole[:begin] + spoilt + whole[begin + len(spoilt) :])
            for name in ("-wal", "-shm"):
                Path(f"{target}{name}").unlink(missing_ok=True)
            yield page


def test_a_page_of_the_file_that_rots_is_found_and_never_gives_another_learner(tmp_path):
    path, target = tmp_path / "a.db", tmp_path / "b.db"
    states = {}
    with hw.open(path, hw.Classifier(hidden=(4,), seed=1), policy=RetentionPolicy(snapshot_every=60)) as model:
        states[0] = fingerprint(model.learner)
        for event in events(150):
            model.learn_one(event.x, event.y, id=f"k{event.x['a']}")
            states[model.seq] = fingerprint(model.learner)
        size = model.service._file.base.execute("PRAGMA page_size").fetchone()[0]
    refused = whole = found = 0
    for _page in rotten(path, target, size):
        try:
            found += bool(check(target, LEARNER_FORMAT).problems)
        except StoreError:
            found += 1
        try:
            with hw.open(target) as model:
                cut = len(model.service.cut)
                assert fingerprint(model.learner) == states[150 - cut]
                whole += 1
        except StoreError as error:
            refused += bool(error.help)
    assert refused >= 8
    assert found >= refused
    assert whole > 10


def test_a_disk_that_is_full_acknowledges_nothing_and_learning_goes_on_when_there_is_room(tmp_path):
    with hw.open(tmp_path / "a.db", hw.Classifier(hidden=(4,), seed=1)) as model:
        model.learn_one({"a": 1.0}, True)
        base = model.service._file.base
        pages = base.execute("PRAGMA page_count").fetchone()[0]
        base.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="got a full disk") as caught:
            model.learn_many([{"a": float(i), "t": "x" * 500} for i in range(200)], [True] * 200)
        assert caught.value.help == FULL
        assert (model.n_learned, model.seq, model.service.journal.seq) == (1, 1, 1)
        assert model.service.failure is not None
        base.execute("PRAGMA max_page_count = 1000000")
        assert model.learn_one({"a": 2.0}, False) == 2
        assert model.service.failure is None


WRITES = """
import resource, signal, sys
import headwater as hw
from headwater.errors import StoreError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model = hw.open(sys.argv[1], hw.Classifier(hidden=(4,), seed=1))
acked = 0
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
try:
    for i in range(2000):
        model.learn_one({"a": float(i), "t": "x" * 900}, bool(i % 2))
        acked = i + 1
except StoreError as error:
    print(acked, model.n_learned, error)
try:
    model.learn_one({"a": 1.0}, True)
except StoreError as error:
    print("again:", error)
"""

SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
static int calls = 0;
static int fails(void) { char *n = getenv("FAIL_AFTER"); return n && ++calls > atoi(n); }
int fsync(int fd) { if (fails()) { errno = EIO; return -1; } return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd); }
int fdatasync(int fd) { if (fails()) { errno = EIO; return -1; } return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd); }
"""


def _run_writes(path, **environment):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WRITES, str(path)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=800,
    )
    first, again = done.stdout.strip().split("\n")
    acked, learned, sentence = first.split(" ", 2)
    assert acked == learned
    assert "start again: everything that was acknowledged is in the store" in sentence or "room on the disk" in sentence
    assert again.startswith("again: expected")
    return int(acked)


def test_a_file_that_may_not_grow_loses_nothing_that_was_acknowledged(tmp_path):
    acked = _run_writes(tmp_path / "a.db")
    with hw.open(tmp_path / "a.db") as model:
        assert (
            0 < acked <= model.n_learned <= acked + 1
        )  # the one that failed may be there: it was never refused for good


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler for a library whose fsync fails")
@pytest.mark.parametrize("good", [20, 25, 60])
def test_a_failing_fsync_acknowledges_nothing_more_until_a_restart(tmp_path, good):
    (tmp_path / "shim.c").write_text(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", tmp_path / "shim.so", tmp_path / "shim.c", "-ldl"], check=True)
    acked = _run_writes(tmp_path / "a.db", LD_PRELOAD=str(tmp_path / "shim.so"), FAIL_AFTER=str(good))
    with hw.open(tmp_path / "a.db") as model:
        assert acked <= model.n_learned <= acked + 1


def test_a_store_in_use_is_refused(tmp_path):
    with hw.open(tmp_path / "a.db"), pytest.raises(StoreError, match="this process has open"):
        hw.open(tmp_path / "a.db")


def test_another_database_and_a_file_that_is_none_are_refused(tmp_path):
    base = sqlite3.connect(tmp_path / "other.db")
    base.execute("CREATE TABLE t (a)")
    base.close()
    with pytest.raises(StoreError, match="another database"):
        hw.open(tmp_path / "other.db")
    (tmp_path / "text.db").write_text("no database " * 1000)
    with pytest.raises(StoreError, match="a file of another kind"):
        hw.open(tmp_path / "text.db")
    with pytest.raises(StoreError, match="No such file"):
        check(tmp_path / "missing.db", LEARNER_FORMAT)
