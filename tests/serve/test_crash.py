"""A server killed with SIGKILL at random moments while a client sends: nothing acknowledged is lost, nothing learned twice."""

import http.client
import os
import random
import signal
import threading

from benchmarks.serve import crash

import headwater as hw
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check, export
from support.serving_host import Host

KILLS, LARGEST = 50, 30


def example(i):
    return {"x": {"a": i * 37 % 101 / 10, "c": "xyz"[i % 3]}, "y": "up" if i * 37 % 101 > 50 else "down", "id": f"k{i}"}


def send_through_kills(path, kills, seed):
    """Send examples, one or some a request, until that many lives have ended; return how many were acknowledged."""
    rng, host, acked = random.Random(seed), Host(path), 0
    for _ in range(kills):
        pid = host.start()
        # A life is cut some moments after its first answers, or before any: in answers, since moments differ between machines.
        left, moment = rng.choice([0, 0, 1, 2, 4, 8]), rng.random() * 0.02
        while True:
            if left == 0:
                threading.Timer(moment, os.kill, (pid, signal.SIGKILL)).start()
            left -= 1
            n = rng.choice([1, 1, 1, 5, LARGEST])
            batch = [example(i) for i in range(acked, acked + n)]
            try:  # what was sent and not acknowledged is sent again, under the same ids
                status, answer = host.call("POST", "/learn", batch[0] if n == 1 else batch)
            except (OSError, http.client.HTTPException):
                break
            assert status == 200, answer
            acked += n
        assert host.gone() == -signal.SIGKILL
    pid = host.start()
    # as many as the largest request: all that the last life may have kept without being able to say so
    assert host.call("POST", "/learn", [example(i) for i in range(acked, acked + LARGEST)])[0] == 200
    assert host.end(pid, signal.SIGTERM) == 0
    host.close()
    return acked + LARGEST


def prove(path, kills, seed):
    acked = send_through_kills(path, kills, seed)
    assert acked > 2 * kills
    plain = hw.Classifier(hidden=(8,), seed=3)
    plain.learn_many([example(i)["x"] for i in range(acked)], [example(i)["y"] for i in range(acked)])
    assert [row["id"] for row in export(path)] == [f"k{i}" for i in range(acked)]
    with hw.open(path) as model:
        assert (model.seq, model.n_learned) == (acked, acked)
        assert fingerprint(model.learner) == fingerprint(plain)
    assert check(path, LEARNER_FORMAT).problems == []


def test_what_a_server_acknowledged_survives_fifty_kills_once_and_in_order(tmp_path):
    prove(tmp_path / "a.db", KILLS, seed=5)


def test_sigterm_answers_what_was_sent_writes_a_snapshot_and_ends_with_0(tmp_path):
    host, statuses = Host(tmp_path / "a.db"), []
    pid = host.start()

    def send(i):
        try:
            statuses.append(host.call("POST", "/learn", [example(j) for j in range(i * 200, i * 200 + 200)])[0])
        except (OSError, http.client.HTTPException):
            statuses.append(0)

    threads = [threading.Thread(target=send, args=(i,)) for i in range(8)]
    [thread.start() for thread in threads]
    host.call("GET", "/health/live")
    assert host.end(pid, signal.SIGTERM) == 0
    [thread.join() for thread in threads]
    host.close()
    report = check(tmp_path / "a.db", LEARNER_FORMAT)
    assert report.events == 200 * statuses.count(200)
    assert report.snapshots["default/champion"][-1] == report.last


def test_the_long_proofs_of_store_and_server_run(capsys):
    crash.main(["2", "--step", "9000", "--hostile", "20"])
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(" (")[0] for line in said] == [
        "store: 2 kills, every state equal",
        "server: 2 kills, every acknowledged example there once, state equal",
        "tails: 4 damaged tails opened",
        "hostile: 20 hostile requests, state unchanged",
    ]
