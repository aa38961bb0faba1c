"""What an upgrade and a restored volume do to a server's store: one pod ends, another begins on the same files, or on older ones."""

import http.client
import os
import shutil
import signal

import headwater as hw
from headwater import Classifier
from headwater.store.learner_file import LEARNER_FORMAT, fingerprint
from headwater.store.service.maintenance.commands import check, export
from support.serving_host import Host

ROWS = 600


def row(i):
    return {"x": {"a": i * 37 % 101 / 10, "c": "xyz"[i % 3]}, "y": "up" if i * 37 % 101 > 50 else "down", "id": f"k{i}"}


def send(host, i):
    """Send a row; returns whether it was acknowledged. One that was not is sent again, under the same id."""
    try:
        return host.call("POST", "/learn", row(i))[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def assert_is_undisturbed(path):
    """The store holds every row once, in order, and its learner is one that learned them without a server."""
    plain = Classifier(hidden=(8,), seed=3)
    plain.learn_many([row(i)["x"] for i in range(ROWS)], [row(i)["y"] for i in range(ROWS)])
    assert [event["id"] for event in export(path)] == [f"k{i}" for i in range(ROWS)]
    with hw.open(path) as model:
        assert fingerprint(model.learner) == fingerprint(plain)
    assert check(path, LEARNER_FORMAT).problems == []


def test_a_client_that_sends_through_ten_rolling_upgrades_loses_no_row(tmp_path):
    host = Host(tmp_path / "a.db")
    pid, ended = host.start(), []
    for i in range(ROWS):
        if i % 60 == 59:  # as a stateful set does: the old pod drains and ends, then the new one begins on its volume
            ended.append(host.end(pid, signal.SIGTERM))
            assert not send(host, i)
            pid = host.start()
        assert send(host, i)
    ended.append(host.end(pid, signal.SIGTERM))
    host.close()
    assert ended == [0] * 11
    assert_is_undisturbed(tmp_path / "a.db")


def test_a_volume_that_is_restored_from_a_snapshot_has_all_until_then_and_takes_the_rest_once(tmp_path):
    volume, snapshot = tmp_path / "volume", tmp_path / "snapshot"
    volume.mkdir()
    host = Host(volume / "a.db")
    pid = host.start()
    for i in range(ROWS // 2):
        assert send(host, i)
    os.kill(pid, signal.SIGSTOP)  # what a storage driver copies is of one moment, in which the server goes on
    shutil.copytree(volume, snapshot)
    os.kill(pid, signal.SIGCONT)
    for i in range(ROWS // 2, ROWS * 3 // 4):
        assert send(host, i)
    assert host.end(pid, signal.SIGKILL) == -signal.SIGKILL
    shutil.rmtree(volume)
    shutil.copytree(snapshot, volume)
    pid = host.start()
    for i in range(ROWS):  # a client that doesn't know what was lost sends all again
        assert send(host, i)
    assert host.end(pid, signal.SIGTERM) == 0
    host.close()
    assert_is_undisturbed(volume / "a.db")
