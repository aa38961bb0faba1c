"""Replicas: they predict from the last published state, never from one that is too old, and nobody notices that one dies."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

import headwater as hw
from headwater.cli.options.replicas import ReplicaOptions, states_of_run
from headwater.cluster import Cluster
from headwater.cluster.progress.status import StatusFile
from headwater.cluster.published import replicas as published
from headwater.cluster.published.published import RunStates
from headwater.cluster.published.replicas import Replica, Replicas
from headwater.cluster.worker import pack, unpack
from headwater.errors import ConfigError, SourceError
from headwater.serve.app import build
from headwater.serve.run import configured, listen, make_state
from headwater.store.learner_file import fingerprint
from support.chromium import CHROMIUM
from support.processes.rounds import stream

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette's notice that httpx2 will follow httpx
    from starlette.testclient import TestClient

ROWS = stream(4000)
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


def learn_rounds(manifest: Path, rows: int) -> Cluster:
    """Learn so many rows of the stream, from where the manifest stands."""
    model = hw.Classifier(seed=1, hidden=(8,), diagnosis=False)
    with Cluster(model, workers=2, block=100, engine="local", manifest=manifest) as cluster:
        cluster.run(ROWS[:rows])
    return cluster


def taught() -> hw.Classifier:
    model = hw.Classifier()
    model.learn_many([{"a": float(i % 2)} for i in range(100)], ["no" if i % 2 else "yes" for i in range(100)])
    return model


def source_of(model: hw.Classifier) -> Any:
    def source(seq: int) -> tuple[int, float, Any]:
        return model.n_learned, time.monotonic(), None if model.n_learned == seq else pack(model)

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


def test_where_all_replicas_are_dead_one_request_waits_and_later_ones_do_not_until_one_lives_again(monkeypatch):
    monkeypatch.setattr(published, "TRIED_EACH", 0.05)
    asked = []

    class Dead(Pool):
        async def predict(self, X):
            asked.append(len(X))
            if not self.answers:
                await asyncio.sleep(3600)
            return self.replica.predict(X)

    async def follow():
        seconds = []
        for _ in range(40):
            begun = time.monotonic()
            assert await replicas.predict([{"a": 1.0}] * 3) is None
            seconds.append(time.monotonic() - begun)
            await asyncio.sleep(0.001)
        pool.answers = True
        while await replicas.predict([{"a": 1.0}] * 3) is None:
            await asyncio.sleep(0.01)
        return seconds

    pool = Dead()
    pool.answers = False
    replicas = Replicas(pool, source_of(taught()), every=3600)
    first, *later = asyncio.run(follow())
    replicas.close()
    assert published.PATIENCE <= first < 60
    assert sorted(later)[20] < 0.1, "nobody waits any more"
    assert asked[0] == asked[-1] == 3
    assert set(asked[1:-1]) == {1}, "tries beside the requests"


def test_a_pool_that_is_slow_for_many_rows_is_waited_for(monkeypatch):
    monkeypatch.setattr(published, "PATIENCE", 0.01)

    class Slow(Pool):
        async def predict(self, X):
            await asyncio.sleep(0.2)
            return self.replica.predict(X)

    replicas = Replicas(Slow(), source_of(taught()), every=3600)
    assert asyncio.run(replicas.predict([{"a": 1.0}] * 500)) is not None
    assert asyncio.run(replicas.predict([{"a": 1.0}])) is None
    replicas.close()


def test_states_of_a_run_are_read_after_its_rounds_and_are_as_old_as_the_last_one(tmp_path):
    manifest = tmp_path / "m.hw"
    learn_rounds(manifest, 2000)
    states = RunStates(manifest)
    learned, _, saved = states.newest(-1)
    assert learned == 2000
    assert unpack(saved).engine.core.digest() == hw.load(manifest).engine.core.digest()
    assert states.newest(2000)[2] is None

    learn_rounds(manifest, 3000)
    os.utime(manifest, (time.time() - 50, time.time() - 50))
    learned, as_of, saved = states.newest(2000)
    assert learned == 3000
    assert unpack(saved).engine.core.digest() == hw.load(manifest).engine.core.digest()
    assert 50 <= time.monotonic() - as_of < 3600


def test_the_last_state_of_a_run_that_has_ended_is_never_too_old(tmp_path):
    manifest = tmp_path / "m.hw"
    cluster = learn_rounds(manifest, 1500)
    states = RunStates(manifest)
    os.utime(manifest, (1, 1))
    assert time.monotonic() - states.newest(-1)[1] > 1e8
    StatusFile(manifest).put(cluster.progress, cluster.standing, ended=True)
    before = time.monotonic()
    assert states.newest(-1)[1] >= before


def test_a_manifest_that_cannot_be_read_leaves_the_state_before_it_which_grows_old(tmp_path):
    manifest = tmp_path / "m.hw"
    learn_rounds(manifest, 1500)
    states = RunStates(manifest)
    manifest.write_bytes(b"what is this?")
    learned, as_of, saved = states.newest(-1)
    assert (learned, unpack(saved).n_learned) == (1500, 1500)
    manifest.unlink()
    assert states.newest(1500)[1] == pytest.approx(as_of, abs=0.5)
    with pytest.raises(SourceError, match="cluster run"):
        RunStates(manifest)


@pytest.fixture
def following(tmp_path: Path) -> Iterator[tuple[Any, Pool, Path]]:
    """The state of a server for a run, its one replica, and the manifest."""
    manifest, pool = tmp_path / "m.hw", Pool()
    learn_rounds(manifest, 2000)
    state = make_state(tmp_path / "s.db")
    state.service.change(state.service.models.create, "default", hw.load(manifest))
    state.replicas = Replicas(pool, states_of_run(state, manifest), every=0.02, oldest=3600.0, keep=True)
    yield state, pool, manifest
    state.close()


@pytest.fixture
def client(following: Any) -> Iterator[Any]:
    with TestClient(build(following[0])) as client:
        yield client


def test_a_server_predicts_with_the_states_of_a_run_and_refuses_examples(following, client):
    state, pool, manifest = following
    asked = {"x": ROWS[0][0]}
    answer = client.post("/predict", json=asked)
    assert answer.json().keys() == {"y_pred", "proba", "seq"}, "no id, since no answer could be learned"
    assert answer.json()["seq"] == 2000
    assert answer.json()["proba"] == pytest.approx(hw.load(manifest).predict_proba_one(ROWS[0][0]), abs=1e-6)
    refused = client.post("/learn", json={**asked, "y": "c1"})
    assert (refused.status_code, refused.json()["code"]) == (409, "learns_elsewhere")
    assert str(manifest) in refused.json()["help"]

    learn_rounds(manifest, 3000)
    while client.post("/predict", json=asked).json()["seq"] < 3000:
        time.sleep(0.005)
    assert client.get("/models/default").json()["state"] == fingerprint(hw.load(manifest)), "all else follows too"

    pool.answers = False
    alone = client.post("/predict", json=asked)
    assert (alone.status_code, alone.json()["seq"]) == (200, 3000)
    assert state.replicas.here == 1
    assert 0 <= float(alone.headers["x-headwater-state-age"]) < 3600


def test_a_server_does_not_predict_from_a_round_that_is_too_long_ago(following, client):
    state, _, manifest = following
    os.utime(manifest, (1, 1))
    while (refused := client.post("/predict", json={"x": {}})).status_code == 200:
        time.sleep(0.005)
    assert (refused.status_code, refused.json()["code"]) == (503, "too_old")
    assert str(manifest) in refused.json()["at"]
    state.replicas.oldest = float("inf")
    assert client.post("/predict", json={"x": {}}).status_code == 200


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to show the page")
def test_the_servers_page_says_that_a_run_learns_and_how_long_ago_its_last_round_was(following):
    driven = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the page")
    state, _, manifest = following
    sock = listen("127.0.0.1", 0)
    served = uvicorn.Server(configured(state))
    state.ends = lambda: served.should_exit
    thread = threading.Thread(target=served.run, kwargs={"sockets": [sock]})
    thread.start()
    try:
        with driven.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
            page = browser.new_page(locale="en-US")
            page.set_default_timeout(300_000)
            page.goto(f"http://127.0.0.1:{sock.getsockname()[1]}/")
            page.wait_for_selector("#state.elsewhere")
            assert page.inner_text("#state").startswith("A cluster run learns this model")
            assert page.inner_text("#card-learned b") == "2,000"
            assert re.fullmatch(r"the last round was [\d,]+ s ago", page.inner_text("#card-learned .more"))
            page.click("#language")
            assert page.inner_text("#state").startswith("集群任务学习这个模型")
            os.utime(manifest, (1, 1))
            page.wait_for_selector("#state.too_old")
            assert page.inner_text("#state").startswith("集群任务的最后一轮已过去太久")
            browser.close()
    finally:
        served.should_exit = True
        thread.join()


def test_a_store_with_a_model_of_its_own_is_not_given_to_a_run(tmp_path):
    manifest = tmp_path / "m.hw"
    learn_rounds(manifest, 1500)
    with make_state(tmp_path / "s.db").service as service:
        service.change(service.models.create, "default", hw.Regressor())
        state = SimpleNamespace(service=service, default="default")
        with pytest.raises(ConfigError, match="another task"):
            states_of_run(state, manifest)
    options = ReplicaOptions(replicas=2, rounds=manifest)
    assert options.store == tmp_path / "m.hw.db"
    options.check(learns=False)
    with pytest.raises(ConfigError, match="--source or --demo"):
        options.check(learns=True)
    with pytest.raises(ConfigError, match="no replicas"):
        ReplicaOptions(rounds=manifest).check(learns=False)


class Clients:
    """Threads that send predictions one after the other, and count what comes back."""

    def __init__(self, address: str) -> None:
        self._address, self._ended = address, threading.Event()
        self.statuses: Counter[Any] = Counter()
        self.slowest = 0.0
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
            begun = time.monotonic()
            try:
                self.statuses[post(self._address, "/predict", {"x": {"a": 1.0}, "keep": False})[0]] += 1
            except OSError as error:
                self.statuses[repr(error)] += 1
            self.slowest = max(self.slowest, time.monotonic() - begun)


def post(address: str, path: str, body: Any) -> tuple[int, Any, Any]:
    headers = {"Content-Type": "application/json"}
    asked = urllib.request.Request(address + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return answer.status, json.loads(answer.read()), answer.headers


def predicted_from(address: str, seq: int, x: dict[str, Any]) -> tuple[Any, Any]:
    """Ask until the state with this number predicts: a replica that is started again may answer from an older one for a second."""
    while True:
        _, body, headers = post(address, "/predict", {"x": x, "keep": False})
        if body["seq"] == seq:
            return body, headers
        time.sleep(0.05)


@contextmanager
def replicating(*arguments: Path) -> Iterator[tuple[Any, str]]:
    """A server with two replicas as a process of its own, and its address."""
    command = [sys.executable, str(SERVER), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().strip()
            assert address.startswith("http://"), "it serves"
            yield server, address
        finally:
            server.terminate()


def kill_replicas(server: Any, count: int = 1) -> None:
    server.stdin.write("pids\n")
    server.stdin.flush()
    pids = json.loads(server.stdout.readline())
    assert len(pids) == 2
    for pid in pids[:count]:
        os.kill(pid, signal.SIGKILL)


def test_replicas_that_are_all_killed_under_load_are_seen_by_no_client_since_the_server_answers_itself(tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed: pip install headwater[ray]")
    with replicating(tmp_path / "s.db") as (server, address):
        post(address, "/learn", [{"x": {"a": float(i % 2)}, "y": "no" if i % 2 else "yes"} for i in range(200)])
        clients = Clients(address)
        clients.wait_for(50)
        slowest = clients.slowest
        kill_replicas(server, 2)
        clients.wait_for(400)
        clients.close()
        body, headers = predicted_from(address, 200, {"a": 1.0})
    assert clients.slowest < max(8.0, 8 * slowest), "the server answers itself while no replica lives"
    assert set(clients.statuses) == {200}, "no client saw an error"
    assert body["y_pred"] == "no"
    assert 0 <= float(headers["x-headwater-state-age"]) < 600


def test_replicas_follow_a_run_round_by_round_and_the_death_of_one_is_seen_by_no_client(tmp_path):
    pytest.importorskip("ray", reason="the extra ray is not installed: pip install headwater[ray]")
    manifest, x = tmp_path / "m.hw", ROWS[-1][0]
    learn_rounds(manifest, 1500)
    with replicating(tmp_path / "s.db", manifest) as (server, address):
        assert post(address, "/predict", {"x": x})[1]["seq"] == 1500
        with pytest.raises(urllib.error.HTTPError, match="409"):
            post(address, "/learn", {"x": x, "y": "c1"})
        clients = Clients(address)
        clients.wait_for(50)
        kill_replicas(server)
        learn_rounds(manifest, 2500)
        clients.wait_for(200)
        cluster = learn_rounds(manifest, 4000)
        body, headers = predicted_from(address, 4000, x)
        clients.close()
    assert set(clients.statuses) == {200}, "no client saw an error"
    assert body["proba"] == pytest.approx(cluster.learner.predict_proba_one(x), abs=1e-6)
    assert 0 <= float(headers["x-headwater-state-age"]) < 600
