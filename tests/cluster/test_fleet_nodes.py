"""A fleet over nodes that come, go and are killed learns to the bit what one learns that nobody disturbs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

import headwater as hw
from fleet.machines import stream
from headwater.cluster.fleet import ShardedFleet
from headwater.errors import LostMembers, StoreError
from support.packages.imports import when_used
from support.processes.nodes import add_node, ray_nodes

when_used("ray", reason="the extra ray is not installed: pip install headwater[ray]")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own

ROWS, LABELS, NUMBERS = stream(1200, keys=40, seed=5)
BLOCKS = [slice(at, at + 100) for at in range(0, 1200, 100)]


def make():
    return hw.Classifier(hidden=(8,), seed=3)


@pytest.fixture(scope="module")
def alone():
    """A fleet in this process: what was said, a hash of the members, the score."""
    with ShardedFleet(make, "machine", shards=1, address=False) as fleet:
        said = [fleet.learn_many(ROWS[block], LABELS[block]).tolist() for block in BLOCKS]
        return said, fleet.fingerprint(), fleet.score()


@pytest.fixture(scope="module")
def nodes() -> Iterator[object]:
    """A node of one core, beside a head without any."""
    with ray_nodes(1) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def looks_at_each_call(monkeypatch):
    monkeypatch.setattr("headwater.cluster.fleet.sharded.LOOK", 0.0)


def places(fleet):
    """Return the node and the keys of each shard."""
    return {name: (fleet.shards.homes[name], set(keys)) for name, keys in fleet._keys_by_shard().items()}


def wait_until_gone(fleet, node):
    """Predict until Ray says that a node is gone."""
    ends = time.monotonic() + 90
    while node.node_id in fleet.shards.nodes():
        assert time.monotonic() < ends, "Ray never said that the node is gone"
        fleet.predict_many(ROWS)


def test_keys_move_by_themselves_when_nodes_join_leave_and_are_killed(nodes, alone, tmp_path):
    said = []
    with ShardedFleet(make, "machine", tmp_path, address=nodes.address) as fleet:
        for number, block in enumerate(BLOCKS):
            before, moved, victim = places(fleet), fleet.moved, None
            if number in (2, 8):
                last = add_node(nodes)
            elif number == 5:
                nodes.remove_node(last)
                wait_until_gone(fleet, last)
            elif number == 10:  # its rows are on their way to it
                victim = threading.Thread(target=nodes.remove_node, args=(last,), kwargs={"allow_graceful": False})
                victim.start()
            said.append(fleet.learn_many(ROWS[block], LABELS[block]).tolist())
            if victim is not None:
                victim.join()
                wait_until_gone(fleet, last)
                fleet.predict_many(ROWS[:1])  # this call finds the node gone at the latest
            after = places(fleet)
            if number in (2, 8):
                assert len(after) == 2
                new = next(name for name in after if name not in before)
                assert after[new][0] == last.node_id
                old = next(name for name in before)
                assert after[old][0] == before[old][0], "it stays where it was"
                came = before[old][1] - after[old][1]
                assert 0 < len(came) == fleet.moved - moved < len(before[old][1])
                assert came <= after[new][1]
            elif number in (5, 10):
                assert len(after) == 1
                assert fleet.moved - moved > 0
                assert last.node_id not in {home for home, _ in after.values()}
                assert [path.stem for path in tmp_path.glob("*.db")] == list(after)
        assert fleet.fingerprint() == alone[1]
        assert fleet.score() == alone[2]
        assert fleet.lost.total() == 0
    assert said == alone[0]


def test_a_worker_that_is_killed_in_a_run_changes_no_byte_of_what_one_process_learns(nodes, tmp_path, monkeypatch):
    one, spread, killed = hw.Fleet(make, "machine"), hw.Fleet(make, "machine"), []
    serial = hw.evaluate(one, list(zip(ROWS, LABELS, strict=True))).record
    step = ShardedFleet.step_many

    def disturbed(self, *given, block, **more):
        if block[1] in (4, 7):
            pid = self.shards.pids()[f"shard-{block[1] % 2}"]
            killed.append(pid)
            threading.Timer(0.001 * block[1], os.kill, (pid, signal.SIGKILL)).start()
        return step(self, *given, block=block, **more)

    monkeypatch.setattr(ShardedFleet, "step_many", disturbed)
    record = hw.cluster.learn(
        spread, zip(ROWS, LABELS, strict=True), workers=2, block=100, address=nodes.address, manifest=tmp_path
    )
    assert len(killed) == 2
    assert spread.to_bytes() == one.to_bytes()
    assert record.scores == serial.scores
    assert record.rows == spread.n_learned == 1200


def test_actors_that_are_killed_while_they_learn_lose_nothing_that_was_acknowledged(nodes, alone, tmp_path):
    said = []
    with ShardedFleet(make, "machine", tmp_path, shards=2, address=nodes.address) as fleet:
        for number, block in enumerate(BLOCKS):
            victim = None
            if number in (3, 7):
                pid = fleet.shards.pids()[f"shard-{number % 2}"]
                victim = threading.Timer(0.001 * number, os.kill, (pid, signal.SIGKILL))
                victim.start()
            said.append(fleet.learn_many(ROWS[block], LABELS[block]).tolist())
            if victim is not None:
                victim.join()
            if number == 5:
                assert 0 < fleet.resize(3) < 30
        assert fleet.fingerprint() == alone[1]
        assert fleet.score() == alone[2]
    assert said == alone[0]


def test_without_a_folder_what_died_with_a_shard_is_counted_and_said(nodes):
    with ShardedFleet(make, "machine", shards=2, address=nodes.address) as fleet:
        fleet.learn_many(ROWS[:600], LABELS[:600])
        before, score = places(fleet), fleet.score()
        os.kill(fleet.shards.pids()["shard-1"], signal.SIGKILL)
        with pytest.warns(LostMembers, match="were lost. Pass a folder"):
            fleet.learn_many(ROWS[600:], LABELS[600:])
        assert fleet.lost["keys"] == len(before["shard-1"][1])
        assert 0 < fleet.lost["rows"] < score["rows"]
        kept = {row["machine"] for row in ROWS} - {key.strip('"') for key in before["shard-1"][1]}
        own = hw.Fleet(make, "machine")
        own.learn_many(ROWS, LABELS)
        assert {key: fleet.score(key) for key in kept} == {key: own.score(key) for key in kept}


def test_a_shard_that_cannot_be_opened_says_so_at_once(nodes, tmp_path):
    with ShardedFleet(hw.Regressor, "machine", tmp_path, shards=1, address=nodes.address) as fleet:
        fleet.learn_many(ROWS[:10], NUMBERS[:10])
    with pytest.raises(StoreError, match="the same member"):
        ShardedFleet(make, "machine", tmp_path, shards=1, address=nodes.address)
