"""Run learners that follow a broker and that a test kills: each line on stdin, an object in JSON, is a fork that learns up to a row.

A fork, since importing and warming up once is what makes many kills affordable. ``source``, ``total`` and ``how`` (what
``learn_from`` takes) say what it does; it says ``ack`` after its start and after each commit. With ``at``, the place of a system
call, it is killed there, and the parent says where that was.
"""

import ctypes
import json
import mmap
import os
import subprocess
import sys
import traceback
from contextlib import contextmanager

import headwater as hw
from headwater.learner.kind import kind_with
from headwater.store.journal import store_file
from headwater.store.service import RetentionPolicy
from headwater.streams.brokers import open_source, read_address

_PR_SET_PTRACER, _ANY = 0x59616D61, -1


def row(i):
    return {"a": (i * 37 % 101) / 10, "c": "xyz"[i % 3], "y": "up" if i * 37 % 101 > 50 else "down", "id": i}


def learner():
    return hw.Classifier(hidden=(8,), seed=3)


def follow(path, source, total, how):
    policy = RetentionPolicy(snapshot_every=400)
    with hw.open(path, learner(), policy=policy) as model:

        def ends():
            return model.n_learned >= total

        os.write(1, b"ack\n")
        model.learn_from(source, "y", drop=["id"], ends=ends, on_commit=lambda n: os.write(1, b"ack\n"), **how)


def live(path, source, total, how):
    try:
        follow(path, source, total, how)
        os.write(1, b"end\n")
    except BaseException:  # noqa: BLE001 - whatever it is, the test must hear of it
        traceback.print_exc()
        os.write(1, b"failed\n")
    finally:
        os._exit(0)


def mark_transactions(flag):
    """Let a byte of memory that is shared say whether the store has a transaction open."""
    inner = store_file.transaction

    @contextmanager
    def marked(base, at):
        try:
            with inner(base, at):
                flag[0] = 1  # BEGIN has succeeded
                yield
        finally:  # COMMIT has returned
            flag[0] = 0

    store_file.transaction = marked


def killed_at(path, pid, at, flag):
    """Let a tracer kill a fork at a system call; return the tracer once it watches."""
    words = [at["killer"], str(pid), path + ".flag", str(int(at["inside"])), str(at["stop"])]
    tracer = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    said = tracer.stdout.readline()
    if said != "attached\n":
        raise RuntimeError(f"the tracer said {said!r}")
    return tracer


def life(path, asked, flag):
    """Fork a learner, and wait until it is gone."""
    begin, go = os.pipe()
    flag[0] = 0
    pid = os.fork()
    if pid == 0:
        os.close(go)
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANY, 0, 0, 0)  # where only a parent may trace
        os.read(begin, 1)
        live(path, asked["source"], asked["total"], asked.get("how", {}))
    tracer = killed_at(path, pid, asked["at"], flag) if "at" in asked else None
    os.write(1, b"pid %d\n" % pid)
    os.write(go, b".")
    os.close(go)
    os.close(begin)
    os.waitpid(pid, 0)
    if tracer is not None:
        os.write(1, b"at " + tracer.communicate()[0].encode())
    os.write(1, b"gone\n")


def main():
    path = sys.argv[1]
    warm = learner()
    for _ in range(20):
        warm.learn_one({"a": 1.0, "c": "x"}, "up")
    kind_with("classify").score(history=True)  # imports its detector
    for address in sys.argv[2:]:  # imports the clients
        open_source(read_address(address)).close()
    with open(path + ".flag", "wb") as file:
        file.write(b"\0" * mmap.PAGESIZE)
    with open(path + ".flag", "r+b") as file:
        flag = mmap.mmap(file.fileno(), mmap.PAGESIZE)
    mark_transactions(flag)
    os.write(1, b"ready\n")
    for line in sys.stdin:
        life(path, json.loads(line), flag)


if __name__ == "__main__":
    main()
