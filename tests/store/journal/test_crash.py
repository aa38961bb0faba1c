"""SIGKILL at random moments: everything acknowledged is there, once, and the learner is the one that never stopped."""

import importlib.util
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import headwater as hw
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check

KILLS = {"classify": 50, "anomaly": 25, "forecast": 25, "decide": 25, "control": 25}
CHILD = Path(__file__).parents[2] / "support" / "processes" / "storing.py"


def _child():
    spec = importlib.util.spec_from_file_location("durable_child", CHILD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def crash_and_resume(path, task, kills, seed):
    """Learn all examples through as many kills as it takes; return how many there were."""
    rng = random.Random(seed)
    host = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(CHILD), str(path), task], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    done, acked, finished = 0, 0, False
    assert host.stdout.readline() == b"ready\n"
    lives = 0
    while not finished:
        lives += 1
        assert lives <= kills + 1, "a life ended by itself"
        # A life is cut after some answers, or some moments into its recovery, before any. Fifty lives of ten answers at most
        # can't reach the last example, so each of them has to be killed.
        answers, delay = rng.randrange(0, 8), rng.random() * 0.006
        host.stdin.write(b"%d %d\n" % (acked, answers + rng.randrange(1, 4) if done < kills else -1))
        host.stdin.flush()
        pid, heard = 0, 0
        while (line := host.stdout.readline()) != b"gone\n":
            word = line.split()
            pid = int(word[1]) if word[0] == b"pid" else pid
            if word[0] == b"ack":
                acked, heard = int(word[1]), heard + 1
            finished |= word[0] == b"end"
            if pid and heard >= answers and done < kills:
                threading.Event().wait(delay)
                os.kill(pid, signal.SIGKILL)
                done, answers = done + 1, 1 << 30
    host.stdin.close()
    host.wait(timeout=900)
    host.stdout.close()
    return done


@pytest.mark.parametrize("task", KILLS)
def test_every_acknowledged_example_survives_all_kills_and_none_is_learned_twice(tmp_path, task):
    path, child = tmp_path / "a.db", _child()
    kills = crash_and_resume(path, task, KILLS[task], seed=7)
    expected = child.uninterrupted(task)
    with hw.open(path) as model:
        assert (kills, model.task) == (KILLS[task], task)
        assert (model.seq, model.n_learned) == (child.ALL, expected.n_learned)
        assert fingerprint(model.learner) == fingerprint(expected)
    assert check(path, LEARNER_FORMAT).problems == []
