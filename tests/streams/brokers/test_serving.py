"""A server that follows a broker: what fails is waited for or begun again, and stands in /health/ready, /metrics and the log."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager

import pytest

from headwater.streams.brokers import TrimmedLog
from support.brokers.servers import redis_server
from support.processes.following import learner, row

pytest.importorskip("redis", reason="no client: pip install 'headwater[redis]' brings it")
pytest.importorskip("starlette", reason="no server: pip install 'headwater[serve]' brings it")
PATIENCE_S = 300


@pytest.fixture
def sink(tmp_path):
    sink = redis_server(tmp_path)
    sink.start()
    yield sink
    sink.kill()


def add(base, rows):
    for i in rows:
        base.xadd("rows", {"value": json.dumps({name: value for name, value in row(i).items() if name != "id"})})


def address(server, topic):
    return f"redis://127.0.0.1:{server.port}/{topic}"


@contextmanager
def serving(path, source, **how):
    from starlette.testclient import TestClient

    from headwater.serve.app import build
    from headwater.serve.background.following import Following
    from headwater.serve.run import make_state

    state = make_state(path)
    if "default" not in state.service.models.by_name:
        state.service.change(state.service.models.create, "default", learner())
    state.following = Following(state.service, state.service.models.named("default"), source, target="y", **how)
    with TestClient(build(state)) as client:
        yield state, client


def until(condition):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.01)


def learned(state):
    return state.service.models.named("default").champion.learner.n_learned


def ready(client):
    answer = client.get("/health/ready")
    return answer.status_code, answer.json()


def metrics(client):
    """Return the metrics of the source, each with the labels that are not the same for all."""
    out = {}
    for line in client.get("/metrics").text.splitlines():
        name, _, value = line.rpartition(" ")
        for same in ('model="default"', 'source="redis:rows"'):
            name = name.replace(f",{same}", "").replace(f"{same},", "").replace(same, "")
        if name.startswith("headwater_source"):
            out[name.removesuffix("{}")] = float(value)
    return out


def test_a_sink_that_is_away_makes_the_server_unready_until_it_is_back(base, server, sink, tmp_path, caplog):
    add(base, range(10))
    sink.kill()
    with serving(tmp_path / "a.db", address(server, "rows"), predictions=address(sink, "said")) as (state, client):
        until(lambda: ready(client)[1].get("source", {}).get("state") == "waiting for sink")
        status, why = ready(client)
        assert (status, why["ready"], why["code"]) == (503, False, "broker_gone")
        assert why["error"].startswith("expected a Redis server that responds, got")
        assert why["at"] == address(sink, "said")
        found = metrics(client)
        assert found['headwater_source_state{state="waiting for sink"}'] == 1
        assert found['headwater_source_retries_total{of="sink"}'] >= 1
        add(base, range(10, 30))
        sink.start()
        until(lambda: learned(state) == 30)
        until(lambda: ready(client) == (200, {"ready": True, "source": {"name": "redis:rows", "state": "running"}}))
        until(lambda: metrics(client).get("headwater_source_learned_total") == 30)
        until(lambda: metrics(client)["headwater_source_unsent"] == 0)
        found = metrics(client)
        assert found["headwater_source_predictions_total"] == 30
        assert found['headwater_source_state{state="running"}'] == 1
    began, ended = [line for line in caplog.messages if line.startswith("redis:rows: ")]
    assert began.startswith("redis:rows: waiting for sink: expected a Redis server that responds")
    assert ended.startswith("redis:rows: followed again after ")


def test_a_source_that_is_not_there_yet_is_waited_for_and_a_server_ends_while_it_waits(sink, tmp_path):
    sink.kill()
    with serving(tmp_path / "a.db", address(sink, "rows")) as (state, client):
        until(lambda: state.following.status.retries.get("source", 0) >= 2)
        status, why = ready(client)
        assert (status, why["source"]) == (503, {"name": "redis:rows", "state": "waiting for source"})
    with serving(tmp_path / "a.db", address(sink, "rows")) as (state, client):
        sink.start()
        until(lambda: ready(client)[0] == 200)


def test_rejects_dead_letters_and_lag_are_counted(base, server, sink, tmp_path):
    add(base, range(5))
    base.xadd("rows", {"value": "{"})
    base.xadd("rows", {"value": json.dumps({"a": 1.0})})
    with serving(tmp_path / "a.db", address(server, "rows"), dead_letters=address(sink, "dead")) as (_, client):
        until(lambda: metrics(client).get("headwater_source_read_total") == 7)
        until(lambda: metrics(client).get("headwater_source_lag") == 0)
        found = metrics(client)
        assert found['headwater_source_rejects_total{reason="not a row in json"}'] == 1
        assert found['headwater_source_rejects_total{reason="the answer is missing"}'] == 1
        assert found["headwater_source_dead_letters_total"] == 2


def test_following_that_fails_is_begun_again_and_says_why(base, server, tmp_path, caplog):
    add(base, range(10))
    with serving(tmp_path / "a.db", address(server, "rows")) as (state, client):
        until(lambda: learned(state) == 10)
    add(base, range(10, 20))
    kept = base.xrange("rows")
    base.xtrim("rows", maxlen=5, approximate=False)
    with serving(tmp_path / "a.db", address(server, "rows")) as (state, client):
        until(lambda: state.following.status.retries.get("restart", 0) >= 2)
        status, why = ready(client)
        assert (status, why["code"]) == (503, TrimmedLog.code)
        assert why["source"]["state"] in ("failed", "waiting for source")
        assert len(kept) == 20
    assert len([line for line in caplog.messages if line.startswith("redis:rows: failed: ")]) == 1


def test_what_is_no_error_of_ours_ends_no_following(base, server, tmp_path, monkeypatch):
    from headwater.store.sources.follower import Follower

    run, broken = Follower.run, [RuntimeError("broken"), KeyError("broken")]

    def raising(self, **how):
        if broken:
            raise broken.pop()
        return run(self, **how)

    monkeypatch.setattr(Follower, "run", raising)
    add(base, range(10))
    with serving(tmp_path / "a.db", address(server, "rows")) as (state, client):
        until(lambda: learned(state) == 10)
        until(lambda: ready(client)[0] == 200)
        assert state.following.status.retries["restart"] == 2


def test_a_full_disk_is_waited_for(base, server, tmp_path):
    add(base, range(10))
    with serving(tmp_path / "a.db", address(server, "rows")) as (state, client):
        until(lambda: learned(state) == 10)
        connection = state.service._file.base
        connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
        add(base, range(10, 600))
        until(lambda: ready(client)[0] == 503)
        assert ready(client)[1]["error"] == "expected room on the disk, got a full disk"
        connection.execute("PRAGMA max_page_count = 1000000")
        until(lambda: learned(state) == 600)
        until(lambda: ready(client)[0] == 200)
