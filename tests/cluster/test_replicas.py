"""Replicas: they predict from the last published state, never from one that is too old, and nobody notices that one dies."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import headwater as hw
from headwater.cluster.replicas import Replica, Replicas
from headwater.cluster.worker import pack

SERVER = Path(__file__).parents[1] / "support" / "processes" / "replicating.py"


class Pool:
    """One replica in this process."""

    def __init__(self) -> None:
        self.replica, self.answers, self.closed = Replica(), True, False

    def publish(self, seq: int, as_of: float, saved: Any) -> None:
        self.replica.take(seq, as_of, saved)

    async def predict(self, X: list[Any]) -> Any:
        return self.replica.predict(X) if self.answers else None

    def close(self) -> None:
        self.closed = True


def taught() -> hw.Classifier:
    model = hw.Classifier()
    model.learn_many([{"a": float(i % 2)} for i in range(100)], ["no" if i % 2 else "yes" for i in range(100)])
    return model


def source_of(model: hw.Classifier) -> Any:
    def source(seq: int) -> tuple[int, Any]:
        return model.n_learned, None if model.n_learned == seq else pack(model)

    return source


def test_a_replica_predicts_to_the_bit_what_the_writer_does_and_says_from_which_state():
    model = taught()
    replicas = Replicas(Pool(), source_of(model), every=3600)
    rows, seq = asyncio.run(replicas.predict([{"a": 1.0}, {"a": 0.0}]))
    replicas.close()
    assert seq == 100
    assert [guess for guess, _ in rows] == ["no", "yes"]
    assert rows[0][1]["no"] == model.predict_proba_many([{"a": 1.0}, {"a": 0.0}])[0][model.classes.index("no")]


def test_what_was_learned_is_published_within_the_interval():
    model = taught()
    replicas = Replicas(Pool(), source_of(model), every=0.02)
    model.learn_many([{"a": 2.0}] * 50, ["maybe"] * 50)
    while asyncio.run(replicas.predict([{"a": 2.0}]))[1] < 150:
        time.sleep(0.005)
    rows, _ = asyncio.run(replicas.predict([{"a": 2.0}]))
    replicas.close()
    assert rows[0][0] == "maybe"


def test_a_state_that_is_too_old_is_not_predicted_from():
    pool = Pool()
    replicas = Replicas(pool, source_of(taught()), every=3600, oldest=60.0)
    assert asyncio.run(replicas.predict([{"a": 1.0}])) is not None
    assert replicas.age < 60
    pool.replica.as_of -= 61
    assert asyncio.run(replicas.predict([{"a": 1.0}])) is None
    assert replicas.here == 1
    replicas.close()
    assert pool.closed


def test_the_caller_predicts_where_no_replica_answers():
    pool = Pool()
    replicas = Replicas(pool, source_of(taught()), every=3600)
    pool.answers = False
    assert asyncio.run(replicas.predict([{"a": 1.0}])) is None
    replicas.close()
    assert replicas.here == 1


class Clients:
    """Threads that send predictions one after the other, and count what comes back."""

    def __init__(self, address: str) -> None:
        self._address, self._ended = address, threading.Event()
        self.statuses: Counter[Any] = Counter()
        self._threads = [threading.Thread(target=self._send) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def wait_for(self, count: int) -> None:
        until = self.statuses.total() + count
        while self.statuses.total() < until:
            time.sleep(0.01)

    def close(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        while not self._ended.is_set():
            try:
                self.statuses[post(self._address, "/predict", {"x": {"a": 1.0}, "keep": False})[0]] += 1
            except OSError as error:
                self.statuses[repr(error)] += 1


def post(address: str, path: str, body: Any) -> tuple[int, Any, Any]:
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(address + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.status, json.loads(answer.read()), answer.headers


def predicted_from(address: str, seq: int) -> tuple[Any, Any]:
    """Ask until the state with this number predicts: a replica that is started again may answer from an older one for a second."""
    while True:
        _, body, headers = post(address, "/predict", {"x": {"a": 1.0}, "keep": False})
        if body["seq"] == seq:
            return body, headers
        time.sleep(0.05)


def test_a_replica_that_is_killed_under_load_is_seen_by_no_client(tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed: pip install headwater[ray]")
    command = [sys.executable, str(SERVER), str(tmp_path / "s.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().strip()
            assert address.startswith("http://"), "it serves"
            post(address, "/learn", [{"x": {"a": float(i % 2)}, "y": "no" if i % 2 else "yes"} for i in range(200)])
            clients = Clients(address)
            clients.wait_for(50)
            server.stdin.write("pids\n")
            server.stdin.flush()
            pids = json.loads(server.stdout.readline())
            assert len(pids) == 2
            os.kill(pids[0], signal.SIGKILL)
            clients.wait_for(200)
            clients.close()
            body, headers = predicted_from(address, 200)
        finally:
            server.terminate()
    assert set(clients.statuses) == {200}, "no client saw an error"
    assert body["y_pred"] == "no"
    assert 0 <= float(headers["x-headwater-state-age"]) < 10
