"""SIGKILL at random moments: everything acknowledged is there, once, and the learner is the one that never stopped."""

import importlib.util
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import headwater as hw
from headwater.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.upkeep import check

KILLS = 50
CHILD = Path(__file__).parents[2] / "support" / "processes" / "storing.py"


def _child():
    spec = importlib.util.spec_from_file_location("durable_child", CHILD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def uninterrupted(child):
    learner = hw.Classifier(hidden=(8,), seed=3)
    for i, stop in child.steps():
        w = None if stop > i + 1 or i % 4 else [2.0]
        learner.step_many([child.sample(j) for j in range(i, stop)], [child.answer(j) for j in range(i, stop)], w)
    return learner


def crash_and_resume(path, kills, seed):
    """Learn all examples through as many kills as it takes; return how many there were."""
    rng = random.Random(seed)
    host = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(CHILD), str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
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


def test_every_acknowledged_example_survives_fifty_kills_and_none_is_learned_twice(tmp_path):
    path, child = tmp_path / "a.db", _child()
    kills = crash_and_resume(path, KILLS, seed=7)
    expected = uninterrupted(child)
    with hw.open(path) as model:
        assert kills == KILLS
        assert (model.seq, model.n_learned) == (child.ALL, child.ALL)
        assert fingerprint(model.learner) == fingerprint(expected)
    assert check(path, LEARNER_FORMAT).problems == []
