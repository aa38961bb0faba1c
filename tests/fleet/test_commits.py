"""A fleet with a store predicts and learns while its commit is written, and each commit is the fleet of one moment."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest

from fleet import committing
from fleet.committing import fleet, operate, state, teach
from headwater.errors import StoreError
from headwater.kinds.fleet import copying
from headwater.store.members import MemberStore

PATIENCE = 300
KILLS = [(commits, statement) for commits in range(5) for statement in (5, 48, 111, 250)]
"""After how many commits, and at which statement from there on."""


@pytest.fixture(autouse=True)
def short_turns(monkeypatch):
    for name in ("_TURN_S", "_PIECE", "_FEW"):
        monkeypatch.setattr(copying, name, getattr(copying, name))
    committing.short_turns()


class Undisturbed:
    """What a fleet without a store is after so many operations, asked in ascending order."""

    def __init__(self, **how):
        self.fleet, self.done, self.how = fleet(), 0, how

    def after(self, done):
        for n in range(self.done, done):
            operate(self.fleet, n, **self.how)
        assert max(self.done, done) == done
        self.done = done
        return state(self.fleet)


def committed(path, folder):
    """Return how far the last commit came and what it holds, of a copy that another process makes: the store is open."""
    subprocess.run(["cp", path, f"{path}-wal", folder], check=True)
    with fleet(store=folder / path.name) as opened:
        return opened.notes.get("done", 0), state(opened)


def committed_before(lines):
    """Return what a forked process said it had committed before it was killed."""
    said = [0]
    for line in lines:
        what, number = line.split()
        if what == "gone":
            assert int(number) == signal.SIGKILL
            return said[-1]
        said.append(int(number))
    raise AssertionError("the process that forks is gone")


def has_space(commit):
    try:
        commit()
    except StoreError as error:
        return error.got != "a full disk"
    return True


def in_a_thread(*work):
    thread = threading.Thread(target=lambda: [one() for one in work], daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_rows_of_another_thread_go_on_while_a_commit_is_written(tmp_path, monkeypatch):
    (tmp_path / "copies").mkdir()
    path, moments, puts, commits = tmp_path / "fleet.db", [], MemberStore._put, MemberStore.commit
    held, alone = fleet(store=path), Undisturbed(removes=False)

    def goes_on():
        n = held.notes["done"]  # removing a key waits
        in_a_thread(lambda: operate(held, n, removes=False), lambda: held.predict_one({"machine": "m1", "a": 1.0}))

    def beside(write):
        def both(store, *given):
            goes_on()
            write(store, *given)
            goes_on()
            moments.extend([given[1]["notes"]["done"]] if write is commits else [])

        return both

    with held, monkeypatch.context() as patch:
        for n in range(100):
            operate(held, n, removes=False)
        patch.setattr(MemberStore, "_put", beside(puts))
        patch.setattr(MemberStore, "commit", beside(commits))
        for _ in range(3):
            before = held.notes["done"]
            held.commit()
            assert before < moments[-1] < held.notes["done"]
            assert committed(path, tmp_path / "copies") == (moments[-1], alone.after(moments[-1]))
        patch.undo()
    with fleet(store=path) as again:
        assert state(again) == alone.after(held.notes["done"])


def test_kills_while_commits_are_written_beside_rows_leave_the_fleet_of_one_moment(tmp_path):
    found = []
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", committing.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as host:
        for commits, statement in KILLS:
            path = tmp_path / f"{commits}-{statement}.db"
            host.stdin.write(f"{path} {commits} {statement}\n")
            host.stdin.flush()
            acknowledged = committed_before(host.stdout)
            with fleet(store=path) as again:
                found.append((again.notes.get("done", 0), acknowledged, state(again)))
    assert host.returncode == 0
    alone = Undisturbed()
    for done, acknowledged, left in sorted(found):
        assert done >= acknowledged
        assert left == alone.after(done)
    assert len({done for done, _, _ in found}) > 5


@pytest.mark.parametrize("resident", [20, None])
def test_a_commit_that_finds_no_space_beside_rows_leaves_the_one_before_and_is_made_later(tmp_path, resident):
    (tmp_path / "copies").mkdir()
    path, ends, alone, failed = tmp_path / "fleet.db", threading.Event(), Undisturbed(), 0
    held = fleet(store=path, resident=resident)
    for n in range(100):
        operate(held, n)
    held.commit()

    def run(pragma):
        with held.idle.members.held():
            return held.idle.members._connection.execute(f"PRAGMA {pragma}").fetchone()[0]

    last, rows = 100, threading.Thread(target=teach, args=(held, ends), daemon=True)
    rows.start()
    rounds = 0
    while rounds < 3 or not failed:
        rounds += 1
        most = run("page_count")
        while True:
            run(f"max_page_count = {most}")
            before = held.notes["done"]
            if has_space(held.commit):
                break
            assert committed(path, tmp_path / "copies") == (last, alone.after(last))
            failed += 1
            most += 5
        run("max_page_count = 1000000")
        last, found = committed(path, tmp_path / "copies")
        assert last >= before
        assert found == alone.after(last)
    ends.set()
    rows.join(PATIENCE)
    assert state(held) == alone.after(held.notes["done"])
    held.close()
    with fleet(store=path) as again:
        assert state(again) == alone.after(held.notes["done"])


@pytest.mark.parametrize("what", ["commit", "close"])
def test_another_thread_commits_or_closes_when_a_commit_is_written(tmp_path, monkeypatch, what):
    path, puts = tmp_path / "fleet.db", MemberStore._put
    held, others = fleet(store=path), []
    for n in range(100):
        operate(held, n)

    def beside(store, *given):
        if not others:
            others.append(threading.Thread(target=getattr(held, what), daemon=True))
            others[0].start()
        puts(store, *given)

    monkeypatch.setattr(MemberStore, "_put", beside)
    held.commit()
    others[0].join(PATIENCE)
    held.idle.close()
    with fleet(store=path) as again:
        assert state(again) == Undisturbed().after(100)


def test_a_commit_inside_a_commit_is_refused_and_the_outer_one_is_made(tmp_path, monkeypatch):
    path, puts = tmp_path / "fleet.db", MemberStore._put
    held = fleet(store=path)
    operate(held, 0)

    def inside(store, *given):
        with pytest.raises(StoreError, match="expected one commit after the other, got one inside another"):
            held.commit()
        puts(store, *given)

    with monkeypatch.context() as patch:
        patch.setattr(MemberStore, "_put", inside)
        held.commit()
    held.idle.close()
    with fleet(store=path) as again:
        assert state(again) == Undisturbed().after(1)


def test_a_store_that_is_closed_while_a_commit_is_written_keeps_the_one_before(tmp_path, monkeypatch):
    path, puts = tmp_path / "fleet.db", MemberStore._put
    held = fleet(store=path)
    operate(held, 0)
    held.commit()
    operate(held, 1)

    def closed(store, *given):
        puts(store, *given)
        held.idle.close()

    with monkeypatch.context() as patch:
        patch.setattr(MemberStore, "_put", closed)
        with pytest.raises(StoreError, match="closed"):
            held.commit()
    with fleet(store=path) as again:
        assert state(again) == Undisturbed().after(1)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no forks")
def test_a_fork_beside_commits_and_rows_predicts_and_is_told_that_it_can_not_commit(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", committing.__file__, tmp_path / "fleet.db"],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    refused = "expected the process that opened the store, got one that was forked from it"
    assert done.stdout.splitlines() == [f"predicted {refused}"] * 20
