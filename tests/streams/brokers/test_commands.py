"""Brokers as a session's, a command's and a server's source."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import signal
import subprocess
import sys
import threading
import time

import pytest

import headwater as hw
from headwater.cli import main
from headwater.errors import ConfigError
from headwater.serve.background.following import Following
from support.brokers.following import uninterrupted
from support.brokers.servers import free_port
from support.learners import fingerprint  # of the state without the notes, where positions stand
from support.processes.following import learner, row

pytest.importorskip("redis", reason="no client: pip install 'headwater[redis]' brings it")
PATIENCE_S = 300


def add(base, rows):
    for i in rows:
        base.xadd("rows", {"value": json.dumps({name: value for name, value in row(i).items() if name != "id"})})


def test_a_session_keeps_the_position_in_the_file_of_its_model(base, server, tmp_path):
    where, file = f"redis://127.0.0.1:{server.port}/rows?idle=0.1&block=10", tmp_path / "a.hw"
    add(base, range(40))
    hw.Session(learner(), keep=file).run(where, target="y")
    add(base, range(40, 60))
    base.xadd("rows", {"value": "{"})
    again = hw.load(file)
    assert again.notes["positions"]["redis:rows"]["0"].partition(" ")[2] == "40"
    session = hw.Session(again, keep=file)
    record = session.run(where, target="y")
    assert (record.rows, record.rejected) == (20, {"not a row in json": 1})
    assert fingerprint(hw.load(file)) == fingerprint(uninterrupted(60))


def test_a_session_that_was_cut_goes_on_where_its_file_stands(base, server, tmp_path):
    where, file = f"redis://127.0.0.1:{server.port}/rows?idle=0.1&block=10", tmp_path / "a.hw"
    add(base, range(60))

    class CutError(Exception):
        pass

    def cut(record):
        if record.rows == 35:  # within a block: what is in the file by then ends with the block before
            raise CutError

    with pytest.raises(CutError):
        hw.Session(learner(), keep=file, keep_every=5, every=5, on_record=cut).run(where, target="y")
    hw.Session(hw.load(file), keep=file).run(where, target="y")
    assert fingerprint(hw.load(file)) == fingerprint(uninterrupted(60))


def test_what_needs_a_store_says_so(base, server):
    pytest.importorskip("paho.mqtt", reason="no client: pip install 'headwater[mqtt]' brings it")
    for where in (f"redis://127.0.0.1:{server.port}/rows?answers=late", "mqtt://127.0.0.1/rows"):
        with pytest.raises(ConfigError, match="Give --store FILE"):
            hw.Session(learner()).run(where, target="y")
    with pytest.raises(
        ConfigError, match=r"a store for id=, because a model file remembers no ids, got none .* Give --store FILE"
    ):
        hw.Session(learner()).run(f"redis://127.0.0.1:{server.port}/rows?id=id", target="y")
    add(base, range(3))
    with pytest.raises(ConfigError, match="answers=TOPIC and a store"):
        hw.Session(learner(), delay=3).run(f"redis://127.0.0.1:{server.port}/rows?idle=0.1", target="y")


def test_headwater_learn_follows_a_broker_into_a_file_and_into_a_store(base, server, tmp_path, capsys):
    add(base, range(120))
    where = f"redis://127.0.0.1:{server.port}/rows?idle=0.1"
    store, file = str(tmp_path / "a.db"), str(tmp_path / "a.hw")
    words = ["learn", where, "--target", "y", "--hidden", "8", "--seed", "3"]
    assert main([*words, "--model", file]) == 0
    assert "classify y (y holds text" in capsys.readouterr().out
    assert main([*words, "--store", store, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["source"], said["read"], said["learned"], said["scores"]["n"]) == ("redis:rows", 120, 120, 119)
    add(base, range(120, 150))
    assert main([*words, "--model", file]) == 0
    assert "Going on with" in capsys.readouterr().out
    assert main([*words, "--store", store]) == 0
    out = capsys.readouterr().out
    assert "redis:rows: 150 messages read, 150 learned." in out
    assert "which has learned 150 rows" in out
    with hw.open(store) as kept:
        assert fingerprint(kept.learner) == fingerprint(hw.load(file)) == fingerprint(uninterrupted(150))


def test_headwater_learn_decides_the_task_of_rows_with_ids_and_learns_each_once(base, server, tmp_path, capsys):
    for i in [*range(30), *range(10, 20)]:
        base.xadd("rows", {"value": json.dumps(row(i))})
    where = f"redis://127.0.0.1:{server.port}/rows?id=id&idle=0.1"
    words = ["learn", where, "--target", "y", "--hidden", "8", "--seed", "3"]
    assert main([*words, "--store", str(tmp_path / "a.db"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["read"], said["learned"], said["counts"]) == (40, 30, {"repeated": 10})
    assert main([*words, "--model", str(tmp_path / "a.hw")]) == 2
    assert "expected a store for id=" in capsys.readouterr().err


def test_headwater_learn_takes_rows_out_of_change_events_once_their_label_is_known(base, server, tmp_path, capsys):
    for i in range(40):
        solved = {name: value for name, value in row(i).items() if name != "id"}
        waiting = solved | {"y": None}
        for change in (
            {"op": "c", "before": None, "after": waiting},
            {"op": "u", "before": waiting, "after": solved},
            {"op": "u", "before": solved, "after": solved},
            {"op": "d", "before": solved, "after": None},
        ):
            base.xadd("rows", {"value": json.dumps({"schema": {}, "payload": change})})
    base.xadd("rows", {"value": '{"a": 1}'})
    where = f"redis://127.0.0.1:{server.port}/rows?idle=0.1&envelope=debezium"
    words = ["learn", where, "--target", "y", "--hidden", "8", "--seed", "3"]
    assert main([*words, "--store", str(tmp_path / "a.db"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["read"], said["learned"]) == (161, 40)
    assert said["counts"] == {"not a change event with op, before and after": 1}
    assert main([*words, "--model", str(tmp_path / "a.hw")]) == 0
    with hw.open(str(tmp_path / "a.db")) as kept:
        assert fingerprint(kept.learner) == fingerprint(hw.load(tmp_path / "a.hw")) == fingerprint(uninterrupted(40))


def test_headwater_learn_says_what_a_store_needs(tmp_path, capsys):
    store = str(tmp_path / "a.db")
    assert main(["learn", "a.csv", "--target", "y", "--store", store]) == 2
    assert "For files give --model FILE." in capsys.readouterr().err
    assert main(["learn", "redis://localhost/rows", "--store", store]) == 2
    assert "expected --target COLUMN" in capsys.readouterr().err
    assert main(["learn", "redis://localhost/rows", "--target", "y", "--store", store, "--delay", "3"]) == 2
    assert "got --delay" in capsys.readouterr().err
    assert main(["learn", "redis://localhost/rows", "--target", "y", "--predictions", "redis://localhost/said"]) == 2
    assert "Add --store FILE." in capsys.readouterr().err


def test_a_server_follows_a_broker_beside_its_clients_and_ends_whole(base, server, tmp_path):
    add(base, range(100))
    port, store = free_port(), tmp_path / "a.db"
    where = f"redis://127.0.0.1:{server.port}/rows"
    words = [sys.executable, "-m", "headwater", "serve", "--store", str(store), "--port", str(port), "--hidden", "8"]
    words += ["--seed", "3", "--source", where, "--target", "y"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert "Watch it at" in process.stdout.readline()
        until, learned = time.monotonic() + PATIENCE_S, 0
        while learned < 100 and time.monotonic() < until:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            connection.request("GET", "/models")
            learned = json.loads(connection.getresponse().read())[0]["learners"][0]["n_learned"]
            connection.close()
            threading.Event().wait(0.02)
        assert learned == 100
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
        process.stdout.close()
    with hw.open(store) as kept:
        assert fingerprint(kept.learner) == fingerprint(uninterrupted(100))
        assert kept.learn_from(where + "?idle=0.1", "y").read == 100


MACHINES = [{"machine": f"m{i % 3}", "heat": i % 7, "y": float(i % 7 + i % 3)} for i in range(60)]
KINDS = {
    "fleet": (["--task", "regress", "--fleet", "machine", "--hidden", "8", "--target", "y"], MACHINES),
    "fleet whose task is found": (["--fleet", "machine", "--hidden", "8", "--target", "y"], MACHINES),
    "anomaly": (["--task", "anomaly"], [{"heat": i % 7} for i in range(60)]),
    "fleet of detectors": (
        ["--task", "anomaly", "--fleet", "machine"],
        [{"machine": f"m{i % 3}", "heat": i % 7} for i in range(60)],
    ),
    "forecast": (["--task", "forecast", "--target", "y", "--horizon", "2"], [{"y": float(i % 7)} for i in range(60)]),
    "outputs": (
        ["--task", "multioutput", "--target", "y"],
        [{"heat": i % 7, "y": {"u": float(i), "v": "x"}} for i in range(60)],
    ),
    "bandit": (
        ["--task", "bandit", "--target", "y"],
        [{"heat": i % 7, "y": ["l" if i % 2 else "r", float(i % 2), 0.5]} for i in range(60)],
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_and_its_fleets_follow_a_broker_into_a_store_and_go_on(base, server, tmp_path, capsys, name):
    more, rows = KINDS[name]
    where = f"redis://127.0.0.1:{server.port}/rows?idle=0.1"
    words = ["learn", where, *more, "--store", str(tmp_path / "a.db"), "--json"]
    for part in (rows[:40], rows[40:]):
        for one in part:
            base.xadd("rows", {"value": json.dumps(one)})
        assert main(words) == 0, capsys.readouterr().err
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["read"], said["learned"], said["n_learned"], said["counts"]) == (60, 60, 60, {})
    with hw.open(tmp_path / "a.db") as kept:
        assert list(kept.learner) == ["m0", "m1", "m2"] if "fleet" in name else kept.learner.n_learned == 60


def test_a_store_of_a_fleet_keeps_its_key(base, server, tmp_path, capsys):
    for one in MACHINES:
        base.xadd("rows", {"value": json.dumps(one)})
    words = [
        "learn",
        f"redis://127.0.0.1:{server.port}/rows?idle=0.1",
        *KINDS["fleet"][0],
        "--store",
        str(tmp_path / "a.db"),
    ]
    assert main(words) == 0
    words[words.index("machine")] = "heat"
    assert main(words) == 2
    assert "expected --fleet machine" in capsys.readouterr().err


def test_a_command_begins_at_a_time_and_goes_on_there_and_nowhere_else(base, server, tmp_path, capsys):
    """With a store, with a model's file, and beside a server; what would be learned twice is refused."""
    add(base, range(10))
    (ninth,) = base.xrange("rows", count=1, min=base.xrange("rows")[8][0])
    begin = dt.datetime.fromtimestamp(int(ninth[0].partition(b"-")[0]) / 1000, dt.UTC).isoformat(
        timespec="milliseconds"
    )
    first = ninth[0].partition(b"-")[0]
    where, other = f"redis://127.0.0.1:{server.port}/rows?idle=0.1", "2026-01-01T00:00Z"
    for option, file in (("--store", tmp_path / "a.db"), ("--model", tmp_path / "a.hw")):
        words = ["learn", where, option, str(file), "--target", "y", "--hidden", "4", "--task", "classify"]
        for _ in range(2):
            add(base, [10])
            assert main([*words, "--from", begin]) == 0
            learned = hw.load(file).n_learned if option == "--model" else learned_of(file)
            assert learned == len(base.xrange("rows", min=first))
        capsys.readouterr()
        assert main([*words, "--from", other]) == 2
        assert f"got from={other} of one with a position that did not begin there" in capsys.readouterr().err
    with hw.open(tmp_path / "a.db") as model, pytest.raises(ConfigError, match="Leave it out to go on where the model"):
        Following(model.service, model.service.models.named("default"), f"{where}&from={other}", target="y")
    assert main(["learn", "rows.csv", "--store", str(tmp_path / "b.db"), "--target", "y", "--from", other]) == 2
    assert "expected a broker's address with --from, got rows.csv" in capsys.readouterr().err


def learned_of(file):
    with hw.open(file) as model:
        return model.n_learned
