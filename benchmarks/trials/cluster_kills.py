"""Kills of workers, nodes and coordinators in the middle of rounds: however many, the digest is that of a run that nobody disturbed.

python -m benchmarks.trials.cluster_kills workers 500       # SIGKILL of Ray actors while they learn a block
python -m benchmarks.trials.cluster_kills nodes 500         # nodes that vanish, and others that join in their place
python -m benchmarks.trials.cluster_kills coordinators 500  # SIGKILL of the coordinator, whose blocks are learned in its process

Shards that read partitions have theirs in benchmarks/trials/partitions.py.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import headwater as hw
from benchmarks.cluster import nodes as ray_nodes
from benchmarks.cluster import rows
from headwater.cluster import Cluster

ROWS = 40_000
ROUNDS: dict[str, Any] = {"workers": 2, "block": 100, "serial_sample": False}
KILLED = 0.5
"""Share of rounds in which one is killed."""


def small() -> hw.Classifier:
    """Return a learner that takes some milliseconds a block."""
    return hw.Classifier(seed=1, hidden=(256, 256), diagnosis=False)


def undisturbed() -> str:
    """Return the digest of a run that nobody disturbs."""
    with Cluster(small(), engine="local", **ROUNDS) as cluster:
        cluster.run(rows(ROWS))
    return digest(cluster.learner)


def digest(learner: Any) -> str:
    """Return a hash of what was learned."""
    return str(learner.engine.core.digest())


def on_ray(
    wanted: int,
    kill: Callable[[Any, Any, random.Random], None],
    before: Callable[[Any], object] = lambda machines: None,
) -> None:
    """Learn again and again on two nodes, killing in every other round, until so many were killed."""
    import ray

    from headwater.cluster.ray import RayWorkers

    quiet, draw, killed, runs = undisturbed(), random.Random(0), 0, 0
    machines = ray_nodes(2)

    def count(workers: RayWorkers) -> None:
        nonlocal killed
        with suppress(ProcessLookupError):  # one killed before, that Ray still names, counts once
            kill(machines, workers, draw)
            killed += 1

    class Disturbed(RayWorkers):
        def learn(self, updates: Any, blocks: Any, deadline: float | None) -> Any:
            if killed < wanted and len(blocks) > 1 and draw.random() < KILLED:
                before(machines)
                threading.Timer(draw.random() * 0.03, count, (self,)).start()
            return super().learn(updates, blocks, deadline)

    try:
        while killed < wanted:
            runs += 1
            with Cluster(small(), engine=Disturbed(2), **ROUNDS) as cluster:
                cluster.run(rows(ROWS))
            if digest(cluster.learner) != quiet:
                raise AssertionError(f"run {runs} came to {digest(cluster.learner)}, undisturbed {quiet}")
            print(f"{killed} kills in {runs} runs: the same digest", flush=True)
    finally:
        ray.shutdown()
        machines.shutdown()


def workers(wanted: int) -> None:
    """Kill workers."""

    def kill(_: Any, own: Any, draw: random.Random) -> None:
        if pids := own.pids():
            os.kill(draw.choice(pids), signal.SIGKILL)

    on_ray(wanted, kill)


def nodes(wanted: int) -> None:
    """Take nodes away without a warning, each after another has joined."""

    def join(machines: Any) -> None:  # not from the thread that kills: Ray begins a node from the first one alone
        machines.add_node(num_cpus=1, object_store_memory=80_000_000)

    def kill(machines: Any, _: Any, draw: random.Random) -> None:
        here = sorted(machines.worker_nodes, key=lambda node: node.node_id)
        machines.remove_node(draw.choice(here), allow_graceful=False)

    on_ray(wanted, kill, join)


def coordinate(manifest: str) -> None:
    """Learn to the end, as a process of its own."""
    with Cluster(small(), engine="local", manifest=manifest, **ROUNDS) as cluster:
        cluster.run(rows(ROWS))
    print(digest(cluster.learner), flush=True)


def coordinators(wanted: int) -> None:
    """Kill coordinators at random moments, start them again until they end, and compare."""
    draw, killed, runs, begun = random.Random(0), 0, 0, time.monotonic()
    quiet = undisturbed()
    whole = time.monotonic() - begun
    with tempfile.TemporaryDirectory() as folder:
        while killed < wanted:
            runs += 1
            command = [sys.executable, "-m", "benchmarks.trials.cluster_kills", "coordinate", f"{folder}/{runs}.hw"]
            while True:
                with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as one:
                    try:
                        out, _ = one.communicate(timeout=draw.uniform(0.5, whole) if killed < wanted else None)
                    except subprocess.TimeoutExpired:
                        one.kill()
                        one.communicate()
                        killed += 1
                        continue
                if one.returncode:
                    raise AssertionError(f"a coordinator ended with {one.returncode}")
                break
            if out.strip() != quiet:
                raise AssertionError(f"run {runs} came to {out.strip()}, undisturbed {quiet}")
            print(f"{killed} kills in {runs} runs: the same digest", flush=True)
            Path(f"{folder}/{runs}.hw").unlink()


if __name__ == "__main__":
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "coordinate":
        coordinate(arguments[0])
    else:
        {"workers": workers, "nodes": nodes, "coordinators": coordinators}[what](*map(int, arguments))
