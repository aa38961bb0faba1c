"""Fleets over a cluster whose shards read four partitions themselves: events a second, and kills.

python -m benchmarks.trials.partitions speed 100000 2000000 # keys, events: two nodes of a core each
python -m benchmarks.trials.partitions kills 500             # SIGKILL of shards while they read, until so many; one digest
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.cluster import nodes
from benchmarks.trials.fleet import NAMES, processor_time, small
from headwater.cluster.fleet import PartitionedFleet


def write_partitions(folder: Path, keys: int, count: int) -> list[Path]:
    """Write events at random keys to four files of CSV, with all of a key in one of them."""
    rng = np.random.default_rng(0)
    paths = [folder / f"{part}.csv" for part in range(4)]
    with ExitStack() as opened:
        files = [opened.enter_context(path.open("w", encoding="ascii")) for path in paths]
        for file in files:
            file.write(",".join(["machine", *NAMES, "y"]) + "\n")
        for at in range(0, count, 50_000):
            some = min(50_000, count - at)
            values, machines = rng.normal(size=(some, len(NAMES))).round(4), rng.integers(0, keys, some)
            for machine, row in zip(machines.tolist(), values.tolist(), strict=True):
                answer = "up" if row[0] + row[1] > 0 else "down"
                files[machine % 4].write(f"m{machine},{','.join(map(str, row))},{answer}\n")
    return paths


def speed(keys: int, count: int) -> None:
    """Say how many events a second of processor shards learn that read four partitions themselves, on two nodes of a core.

    Each shard commits its members and its position every ten seconds and at the end. The driver's own time shows that no row
    passes it.
    """
    import ray

    cluster = nodes(2)
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        stack.callback(cluster.shutdown)
        stack.callback(ray.shutdown)
        files = write_partitions(Path(name), keys, count)
        options: dict[str, Any] = {"address": cluster.address, "max_keys": keys}
        with PartitionedFleet(small, "machine", files, "y", Path(name) / "stores", **options) as fleet:
            pids = list(fleet.shards.pids().values())
            before, own, begun = list(map(processor_time, pids)), time.process_time(), time.perf_counter()
            told = fleet.run()
            wall, own = time.perf_counter() - begun, time.process_time() - own
            shards = sum(processor_time(pid) - then for pid, then in zip(pids, before, strict=True))
            print(
                f"{told.rows:,} events of {len(fleet.keys()):,} keys in four partitions, two nodes, load {os.getloadavg()[0]:.1f}: "
                f"{told.rows / wall:,.0f} a second by the clock; processor time an event {shards / told.rows * 1e6:.2f} µs in the "
                f"shards, {own / told.rows * 1e6:.3f} µs in the driver: {told.rows / shards:,.0f} a second a core",
                flush=True,
            )


def kills(wanted: int) -> None:
    """Kill shards that read partitions, at random moments, and compare the members with those that nobody disturbed."""
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        files = write_partitions(Path(name), 400, 400_000)
        with PartitionedFleet(small, "machine", files, "y", Path(name) / "quiet", address=False) as fleet:
            fleet.run()
            digest = fleet.fingerprint()
        done = run = 0
        while done < wanted:
            run += 1
            options: dict[str, Any] = {"every": 0.05}
            with PartitionedFleet(small, "machine", files, "y", Path(name) / f"run-{run}", **options) as fleet:
                killer = Killer(fleet, rng, min(wanted - done, 50))
                fleet.run(killer)
                done += killer.killed
                assert fleet.fingerprint() == digest, f"run {run} came to other members"
            print(f"{done} kills in {run} runs: the same digest", flush=True)


class Killer:
    """Kills a shard that runs, again and again."""

    def __init__(self, fleet: Any, rng: random.Random, most: int) -> None:
        self._fleet, self._rng, self._most, self.killed = fleet, rng, most, 0
        self._pids: dict[str, int] = {}

    def __call__(self, progress: Any) -> None:
        if self.killed < self._most and self._rng.random() < KILLED:
            name = self._rng.choice(list(self._fleet.names))
            pid = self._fleet.shards.pids()[name]
            time.sleep(self._rng.random() * 0.03)
            os.kill(pid, signal.SIGKILL)
            self.killed += 1


KILLED = 0.5
"""Share of a shard's calls after which one is killed."""


if __name__ == "__main__":
    {"speed": speed, "kills": kills}[sys.argv[1]](*map(int, sys.argv[2:]))
