"""SIGKILL at random moments of a forgetting leaves the state before it or the state after it, never a mixture."""

import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import headwater as hw
from headwater.store.forget.verify import search
from headwater.store.journal import database
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service import RetentionPolicy
from headwater.store.service.maintenance.commands import check, verify_forgotten

KILLS = 200
CHILD = Path(__file__).parents[2] / "support" / "processes" / "forgetting.py"
spec = importlib.util.spec_from_file_location("forgetting_child", CHILD)
child = importlib.util.module_from_spec(spec)
spec.loader.exec_module(child)


def learned(path, left_out=()):
    with hw.open(path, child.make(), policy=RetentionPolicy(snapshot_every=40)) as store:
        for i in range(child.ALL):
            if i not in left_out:
                store.learn_one(child.row(i), child.label(i))
            if i % 60 == 0:
                store.snapshot()
        return fingerprint(store.learner)


def test_two_hundred_kills_leave_the_state_before_or_after(tmp_path):
    template, rng, outcomes, took = tmp_path / "t.db", random.Random(5), {"before": 0, "after": 0}, 0.2
    before, after = learned(template), learned(tmp_path / "never.db", (50, 51, 130))
    host = subprocess.Popen([sys.executable, "-W", "ignore", str(CHILD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert host.stdout.readline() == b"ready\n"
    for kill in range(KILLS):
        path = tmp_path / f"{kill}.db"
        shutil.copy(template, path)
        host.stdin.write(f"{path}\n".encode())
        host.stdin.flush()
        pid = int(host.stdout.readline().split()[1])
        assert host.stdout.readline() == b"open\n"
        threading.Event().wait(rng.random() * took)
        os.kill(pid, signal.SIGKILL)
        said = iter(host.stdout.readline, b"gone\n")
        took *= 0.97 if b"done\n" in list(said) else 1.03  # so that about half of the kills come before the end
        outcomes[outcome(path, before, after)] += 1
    host.stdin.close()
    host.wait(timeout=900)
    host.stdout.close()
    assert sum(outcomes.values()) == KILLS
    assert min(outcomes.values()) >= 10


def outcome(path, before, after):
    """Open what a kill left, and return which of both states it is."""
    with hw.open(path) as store:
        found = {before: "before", after: "after"}[fingerprint(store.learner)]
        rows = store.forget(where=child.WHO, dry_run=True).rows
        assert rows == (3 if found == "before" else 0)
        assert [one.rows for one in store.forgotten()] == ([] if found == "before" else [3])
        if found == "after":
            with closing(database.read_only(path)) as base:
                assert search(base, path, tuple(child.WHO.values())) == {}
    assert check(path, LEARNER_FORMAT).problems == []
    if found == "after":
        assert verify_forgotten(path, LEARNER_FORMAT, 1).problems == []
    for name in path.parent.glob(f"{path.name}*"):
        name.unlink()
    return found
