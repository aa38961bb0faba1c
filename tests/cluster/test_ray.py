"""Workers as Ray actors on two nodes: whatever is killed, and whenever, the bits are those of a run that nobody disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import headwater as hw
from headwater.cluster import Cluster
from headwater.errors import HeadwaterError, TargetError
from headwater.store.learner_file import fingerprint
from support.packages.imports import when_used
from support.processes.nodes import add_node, ray_nodes
from support.processes.rounds import ROUNDS, make, stream, write

when_used("ray", reason="the extra ray is not installed: pip install headwater[ray]")
pytestmark = pytest.mark.filterwarnings("ignore")  # Ray's own

ROWS = stream(8000)
DRIVER = Path(__file__).parents[1] / "support" / "processes" / "coordinating.py"


@pytest.fixture(scope="module")
def nodes() -> Iterator[object]:
    """Two nodes of one core each."""
    with ray_nodes(2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def undisturbed() -> int:
    """The digest of the same rounds in this process."""
    with Cluster(make(), engine="local", **ROUNDS) as cluster:
        cluster.run(ROWS)
    return cluster.learner.engine.core.digest()


def until(holds, seconds: float = 300.0) -> None:
    """Wait until something holds that processes of Ray's bring about."""
    ended = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ended, "it never held"
        time.sleep(0.02)


def drain(nodes, node) -> None:
    """Tell a node to leave, as an autoscaler does before it takes a machine away."""
    from ray._raylet import GcsClient
    from ray.core.generated.autoscaler_pb2 import DrainNodeReason

    reason = DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")
    deadline = int(1000 * time.time()) + 600_000
    accepted, why = GcsClient(address=nodes.address).drain_node(
        node.node_id, reason, "it is needed elsewhere", deadline
    )
    assert accepted, why


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> list[str]:
    """The same rows in three files of unequal lengths, each of which a worker reads."""
    folder = tmp_path_factory.mktemp("sources")
    parts = {"a.csv": ROWS[:3500], "b.csv": ROWS[3500:6000], "c.csv": ROWS[6000:]}
    return [str(write(folder / name, rows)) for name, rows in parts.items()]


@pytest.fixture(scope="module")
def read_here(sources) -> int:
    """The digest of rounds of these files in this process."""
    with Cluster(make(), engine="local", partition="sources", **ROUNDS) as cluster:
        cluster.run(sources, "answer")
    return cluster.learner.engine.core.digest()


def disturbed(
    kill, *, in_round: int = 8, sources: list[str] | None = None, learner=None, rows=ROWS
) -> tuple[Cluster, object]:
    """Learn the rows on the nodes; `kill(workers)` is called once, while the blocks of that round are being learned."""
    from headwater.cluster.ray import RayWorkers

    class Disturbed(RayWorkers):
        def learn(self, updates, blocks, deadline):
            victim = None
            if updates[1]().version == in_round:
                victim = threading.Thread(target=kill, args=(self.pids(),))
                victim.start()
            done = super().learn(updates, blocks, deadline)
            if victim is not None:
                victim.join()
            return done

    workers = Disturbed(2)
    until(lambda: workers.live == 2)
    if sources is not None:
        with Cluster(make(), engine=workers, partition="sources", **ROUNDS) as cluster:
            cluster.run(sources, "answer")
        return cluster, workers
    with Cluster(make() if learner is None else learner, engine=workers, **ROUNDS) as cluster:
        cluster.run(rows)
    return cluster, workers


def test_a_cluster_gives_the_bits_of_this_process_and_sends_what_has_changed(nodes, undisturbed):
    cluster, workers = disturbed(lambda pids: None)
    assert cluster.learner.engine.core.digest() == undisturbed
    assert workers.lost == 0
    assert cluster.progress.live == 2
    assert cluster.progress.rows == 8000


def test_a_worker_that_is_killed_in_a_round_changes_no_bit(nodes, undisturbed):
    cluster, workers = disturbed(lambda pids: os.kill(pids[0], signal.SIGKILL))
    assert workers.lost + workers.repeated >= 1, "a block was lost with it, or given to the other worker as well"
    assert cluster.learner.engine.core.digest() == undisturbed


def test_a_node_that_is_killed_in_a_round_changes_no_bit(nodes, undisturbed):
    def kill(pids: list[int]) -> None:
        nodes.remove_node(
            nodes.worker_nodes and sorted(nodes.worker_nodes, key=lambda n: n.node_id)[0], allow_graceful=False
        )

    try:
        cluster, workers = disturbed(kill)
    finally:
        add_node(nodes)
    assert workers.lost + workers.repeated >= 1, "a block was lost with it, or given to the other worker as well"
    assert cluster.learner.engine.core.digest() == undisturbed


def test_a_coordinator_that_is_killed_in_a_round_and_started_again_comes_to_the_same_bits(nodes, undisturbed, tmp_path):
    command = [sys.executable, str(DRIVER), nodes.address, str(tmp_path / "m.hw")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        for line in first.stdout:
            if int(line) == 12:
                first.kill()
    assert first.returncode == -signal.SIGKILL

    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)

    assert again.returncode == 0, again.stderr[-3000:]
    *rounds, digest = map(int, again.stdout.split())
    assert 0 < rounds[0] <= 12, "it went on from a manifest"
    assert digest == undisturbed


def test_workers_that_read_three_files_give_the_bits_of_this_process_and_keep_them_open(nodes, sources, read_here):
    cluster, workers = disturbed(lambda pids: None, sources=sources)
    assert cluster.learner.engine.core.digest() == read_here
    assert cluster.learner.n_learned == 8000
    assert sorted(workers.homes) == [0, 1, 2]
    assert len(set(map(id, workers.homes.values()))) == 2, "both workers read"


def test_a_worker_that_is_killed_while_it_reads_changes_no_bit(nodes, sources, read_here):
    cluster, workers = disturbed(lambda pids: os.kill(pids[0], signal.SIGKILL), in_round=20, sources=sources)
    assert workers.lost + workers.repeated >= 1, "a block was lost with it, or given to the other worker as well"
    assert cluster.learner.engine.core.digest() == read_here


def test_a_coordinator_of_workers_that_read_is_killed_and_started_again_to_the_same_bits(
    nodes, sources, read_here, tmp_path
):
    command = [sys.executable, str(DRIVER), nodes.address, str(tmp_path / "m.hw"), *sources]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
        for line in first.stdout:
            if int(line) == 12:
                first.kill()
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert again.returncode == 0, again.stderr[-3000:]
    *rounds, digest = map(int, again.stdout.split())
    assert 0 < rounds[0] <= 12, "it went on from a manifest"
    assert digest == read_here


def outputs() -> hw.MultiOutput:
    return hw.MultiOutput(seed=1, effort="accurate")


OUTPUTS = [
    (x, {"answer": y, "double": 2 * x["load"], **({"late": x["hour"] > 8} if i >= 4620 else {})})
    for i, (x, y) in enumerate(ROWS[:5600])
]
"""Both workers of one round find the third output."""


def test_a_worker_that_is_killed_changes_no_bit_of_several_outputs(nodes):
    with Cluster(outputs(), engine="local", **ROUNDS) as here:
        record = here.run(OUTPUTS)
    cluster, workers = disturbed(
        lambda pids: os.kill(pids[0], signal.SIGKILL), in_round=4, learner=outputs(), rows=OUTPUTS
    )
    assert workers.lost + workers.repeated >= 1, "a block was lost with it, or given to the other worker as well"
    assert cluster.progress.rewound == here.progress.rewound == 100
    assert fingerprint(cluster.learner) == fingerprint(here.learner)
    assert cluster.progress.rows == record.rows == 5600
    assert {name: member.n_learned for name, member in cluster.learner.members.items()} == {
        "answer": 5600,
        "double": 5600,
        "late": 980,
    }


MANY = {"workers": 12, "block": 10, "warm_up": 4400, "lead": 0}
"""So that each round but the first has more blocks than are merged at once."""


@pytest.fixture(scope="module")
def merged_here() -> int:
    with Cluster(make(), engine="local", **MANY) as cluster:
        cluster.run(ROWS)
    return cluster.learner.engine.core.digest()


@pytest.mark.parametrize("killed", [False, True], ids=["undisturbed", "one is killed"])
def test_workers_merge_the_states_of_many_blocks_among_themselves_to_the_bits_of_this_process(
    nodes, merged_here, killed, monkeypatch
):
    from headwater.cluster.ray import RayWorkers, _Round

    collected, kept, dead = _Round._collected, [], []

    def collect(self):
        if killed and len(kept) == 8 and not dead:
            dead.append(self._workers.pids()[0])
            os.kill(dead[0], signal.SIGKILL)
        done = collected(self)
        kept.append((len(self._blocks), sum(bool(one.header) for one in done)))
        return done

    monkeypatch.setattr(_Round, "_collected", collect)
    workers = RayWorkers(2)
    until(lambda: workers.live == 2)
    with Cluster(make(), engine=workers, **MANY) as cluster:
        cluster.run(ROWS)
    assert cluster.learner.engine.core.digest() == merged_here
    assert (12, 2) in kept, "the coordinator got two states for twelve blocks"


def test_states_that_go_with_their_node_are_learned_again(nodes, merged_here, monkeypatch):
    from headwater.cluster.ray import RayWorkers, _Round

    collected, failed = _Round._collected, []

    def once(self):
        if len(self._blocks) == 12 and not failed:
            failed.append(True)
            self._states[3] = self._workers._seats[0].actor.merge.remote(-1)  # a state that can't be had
            raise self._ray.exceptions.RayError("a node is gone")
        return collected(self)

    monkeypatch.setattr(_Round, "_collected", once)
    workers = RayWorkers(2)
    with Cluster(make(), engine=workers, **MANY) as cluster:
        cluster.run(ROWS)
    assert failed
    assert workers.lost == 1
    assert cluster.learner.engine.core.digest() == merged_here


def test_a_node_that_joins_learns_and_one_that_is_to_leave_is_let_go_between_rounds(nodes, undisturbed):
    from headwater.cluster.ray import RayWorkers, leaving

    first, other = nodes.worker_nodes
    nodes.remove_node(other)
    nodes.wait_for_nodes()
    workers, new = RayWorkers(2), []

    def change(progress) -> None:
        if progress.round == 5:
            assert (progress.live, progress.nodes) == (1, 1), "the other worker waits for room"
            new.append(nodes.add_node(num_cpus=1, object_store_memory=80_000_000))
            until(lambda: workers.live == 2)
        elif progress.round == 15:
            assert (progress.live, progress.nodes) == (2, 2)
            assert workers.learned[new[0].node_id] > 0, "the new node learned blocks"
            drain(nodes, first)
            until(lambda: first.node_id in leaving())
        elif progress.round == 16:
            assert (progress.left, workers.nodes) == (1, [new[0].node_id])
            nodes.remove_node(first)

    try:
        with Cluster(make(), engine=workers, on_round=change, **ROUNDS) as cluster:
            cluster.run(ROWS)
    finally:
        for _ in range(2 - len(nodes.worker_nodes)):
            nodes.add_node(num_cpus=1, object_store_memory=80_000_000)
    assert cluster.progress.round > 18
    assert cluster.learner.engine.core.digest() == undisturbed
    assert workers.learned.keys() == {first.node_id, new[0].node_id}
    assert workers.lost == 0, "no block was lost"


def test_more_blocks_than_there_is_room_for_are_shared_out_among_the_workers_that_run(nodes):
    digests = []
    for engine in ("local", "ray"):
        with Cluster(make(), engine=engine, serial_sample=False, **ROUNDS | {"workers": 4}) as cluster:
            cluster.run(ROWS)
        digests.append(cluster.learner.engine.core.digest())
    assert 1 <= cluster.progress.live <= 2, "two nodes have a core each"
    assert cluster.progress.workers == 4
    assert digests[0] == digests[1]


def test_rows_that_cannot_be_learned_raise_the_error_that_they_raise_here(nodes):
    rows = [({"a": 1.0}, "x")] * 500 + [({"a": 1.0}, 0.5 + i / 7) for i in range(500)]
    for engine in ("local", "ray"):
        with pytest.raises(TargetError), Cluster(make(), workers=2, block=100, engine=engine) as cluster:
            cluster.run(rows)
    assert issubclass(TargetError, HeadwaterError)
