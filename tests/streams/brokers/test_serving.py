"""A server that follows a broker: what fails is waited for or begun again, and stands in /health/ready, /metrics and the log."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from headwater.store.learner_file import fingerprint
from headwater.streams.brokers import TrimmedLog
from support.brokers.servers import redis_server
from support.packages.openapi import problems_of
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
def serving(path, *sources, **how):
    from starlette.testclient import TestClient

    from headwater.serve.app import build
    from headwater.serve.background.following import Following
    from headwater.serve.run import make_state

    state = make_state(path)
    if "default" not in state.service.models.by_name:
        state.service.change(state.service.models.create, "default", learner())
    model = state.service.models.named("default")
    state.followings = tuple(Following(state.service, model, source, target="y", **how) for source in sources)
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
        until(lambda: state.followings[0].status.retries.get("source", 0) >= 2)
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
        until(lambda: state.followings[0].status.retries.get("restart", 0) >= 2)
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
        assert state.followings[0].status.retries["restart"] == 2


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


# ---- several sources ------------------------------------------------------------------------------------------------


def put(base, topic, rows):
    for i in rows:
        base.xadd(topic, {"value": json.dumps(row(i))})


def of_source(client, name):
    return next(one for one in client.get("/sources").json() if one["name"] == name)


def test_two_sources_have_positions_figures_and_pauses_of_their_own(base, server, tmp_path):
    put(base, "east", range(30))
    put(base, "west", range(30, 50))
    sources = address(server, "east"), address(server, "west")
    with serving(tmp_path / "a.db", *sources, drop=["id"]) as (state, client):
        until(lambda: learned(state) == 50)
        until(lambda: ready(client)[0] == 200)
        assert ready(client)[1]["sources"] == [
            {"name": "redis:east", "state": "running"},
            {"name": "redis:west", "state": "running"},
        ]
        paused = client.post("/sources/pause", json={"source": "redis:east"})
        assert paused.json() == {"source": "redis:east", "model": "default", "paused": True}
        until(lambda: of_source(client, "redis:east")["state"] == "paused")
        put(base, "east", range(50, 57))
        put(base, "west", range(57, 60))
        until(lambda: learned(state) == 53)
        until(lambda: of_source(client, "redis:east")["lag"] == 7)
        until(lambda: of_source(client, "redis:west")["followed"]["learned"] == 23)
        assert ready(client)[0] == 200
        document, listed = client.get("/openapi.json").json(), client.get("/sources").json()
        assert (len(listed), problems_of(document, "/sources", listed)) == (2, [])
        assert problems_of(document, "/health/ready", ready(client)[1]) == []
        until(lambda: 'headwater_source_lag{model="default",source="redis:east"} 7.0' in client.get("/metrics").text)
        text = client.get("/metrics").text
        assert text.count("# TYPE headwater_source_lag gauge") == 1
        assert 'headwater_source_state{model="default",source="redis:east",state="paused"} 1.0' in text
        assert 'headwater_source_state{model="default",source="redis:west",state="running"} 1.0' in text
        east, west = of_source(client, "redis:east"), of_source(client, "redis:west")
        assert east["positions"].keys() == west["positions"].keys()
        assert east["positions"] != west["positions"]
    with serving(tmp_path / "a.db", *sources, drop=["id"]) as (state, client):  # the pause outlives the process
        until(lambda: of_source(client, "redis:east")["state"] == "paused")
        assert learned(state) == 53
        client.post("/sources/resume", json={"source": "redis:east"})
        until(lambda: learned(state) == 60)
        until(lambda: of_source(client, "redis:east")["lag"] == 0)
        assert (of_source(client, "redis:east")["state"], ready(client)[0]) == ("running", 200)


def test_a_source_that_is_away_stops_no_other_and_a_paused_one_is_no_outage(base, server, sink, tmp_path):
    sink.kill()
    put(base, "east", range(10))
    with serving(tmp_path / "a.db", address(server, "east"), address(sink, "west"), drop=["id"]) as (state, client):
        until(lambda: learned(state) == 10)
        until(lambda: state.followings[1].status.retries.get("source", 0) >= 1)
        status, why = ready(client)
        assert (status, why["at"]) == (503, address(sink, "west"))
        assert {one["name"]: one["state"] for one in why["sources"]} == {
            "redis:east": "running",
            "redis:west": "waiting for source",
        }
        client.post("/sources/pause", json={"source": "redis:west"})
        until(lambda: ready(client)[0] == 200)


def test_a_source_that_is_not_followed_is_not_paused(base, server, tmp_path):
    with serving(tmp_path / "a.db", address(server, "east")) as (_, client):
        answer = client.post("/sources/pause", json={"source": "redis:eats"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.json()["error"] == "expected a source that this server follows, got redis:eats"
        assert answer.json()["help"] == "Did you mean redis:east?"
    with serving(tmp_path / "b.db") as (_, client):
        answer = client.post("/sources/resume", json={"source": "redis:east"})
        assert answer.json()["help"] == "Start the server with --source ADDRESS."
        assert client.get("/sources").json() == []


def test_kills_between_commits_of_two_sources_lose_and_repeat_nothing(base, server, tmp_path):
    totals = {"east": 90, "west": 60}
    put(base, "east", range(90))
    put(base, "west", range(1000, 1060))
    path, total = tmp_path / "a.db", sum(totals.values())
    sources = [f"{address(server, topic)}?block=7" for topic in totals]
    words = [sys.executable, "-W", "ignore", "-m", "support.brokers.two_sources", str(path), *sources]
    rng, kills = random.Random(3), 0
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TESTS) as process:
        assert process.stdout.readline() == "ready\n"
        while True:
            life = {"total": total, "kill": rng.choice([1, 1, 2, 3]), "where": rng.choice(MOMENTS)}
            process.stdin.write(json.dumps(life if kills < 12 else {"total": total}) + "\n")
            process.stdin.flush()
            code = int(process.stdout.readline())
            assert code in (0, -signal.SIGKILL)
            if code == 0:
                break
            kills += 1
        process.stdin.close()
    assert kills == 12  # they end before the 22 commits that all rows need
    with serving(path, *sources, drop=["id"]) as (state, client):
        events = [event for entry in state.service.journal.read() for _, event in entry.numbered()]
        for i, topic in enumerate(totals):
            until(lambda topic=topic: of_source(client, f"redis:{topic}")["followed"] is not None)
            followed = of_source(client, f"redis:{topic}")["followed"]
            assert (followed["read"], followed["learned"]) == (totals[topic], totals[topic])
            own = [values(row(1000 * i + n)) for n in range(totals[topic])]
            assert in_order(own, [(event.x["a"], event.x["c"], event.y) for event in events])
        assert len(events) == learned(state) == total
        again = learner()
        again.step_many([event.x for event in events], [event.y for event in events])
        assert fingerprint(state.service.models.named("default").champion.learner) == fingerprint(again)


TESTS = Path(__file__).parents[2]
MOMENTS = ("in its transaction", "before it is learned")


def values(x):
    return x["a"], x["c"], x["y"]


def in_order(own, all_):
    """Say whether rows stand in a journal in their own order."""
    rest = iter(all_)
    return all(one in rest for one in own)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--source", "redis://h/t", "--source", "redis://i/t", "--target", "y"], "different names, got redis:t twice"),
        (
            [
                "--source",
                "redis://h/t",
                "--source",
                "redis://h/u",
                "--source",
                "redis://h/v",
                "--target",
                "y",
                "--target",
                "z",
            ],
            "--target once for all sources, or 3 times, once for each, got 2 times",
        ),
        (["--target", "y"], "expected --source ADDRESS with --target"),
    ],
)
def test_sources_that_cannot_be_told_apart_are_refused_in_a_sentence(words, said, tmp_path, capsys):
    from headwater.cli import main

    assert main(["serve", "--store", str(tmp_path / "a.db"), "--port", "0", "--hidden", "8", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_command_follows_two_sources_with_a_column_of_labels_each(base, server, tmp_path, monkeypatch):
    from headwater.cli import main
    from headwater.serve import run as server_

    followed = []

    def serve(state, *, sock, **_):
        followed.extend((one.name, one._next._columns.target) for one in state.followings)
        state.close()
        sock.close()

    monkeypatch.setattr(server_, "run", serve)
    words = ["serve", "--store", str(tmp_path / "a.db"), "--port", "0", "--hidden", "8"]
    for topic in ("east", "west"):
        words += ["--source", address(server, topic)]
    assert main([*words, "--target", "y", "--target", "label"]) == 0
    assert main([*words, "--target", "y"]) == 0
    both = ["redis:east", "redis:west"]
    assert followed == [*zip(both, ["y", "label"], strict=True), *zip(both, ["y", "y"], strict=True)]
