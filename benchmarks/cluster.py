"""Several workers that learn one model: how fast, how exact, what a kill costs. Needs the extra ray, but for model, tree and accuracy.

    python -m benchmarks.cluster speed           # two nodes of one core against one process, and how long it takes to start
    python -m benchmarks.cluster model           # the cost model to 1,000 workers, from parts measured in this process
    python -m benchmarks.cluster tree            # merges by eights against all at once: accuracy of 16 workers, and times
    python -m benchmarks.cluster kills           # SIGKILL of a worker, a node and the coordinator in the middle of a round
    python -m benchmarks.cluster accuracy 3 8    # rounds against row by row, on real streams, in this process: seeds, workers
                                                 # (the guide has four and eight)

Times depend on who else uses the machine. So `speed` says besides what the processors spent: the time of a round is then that of
its slowest worker and of the coordinator, as on a machine of their own.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
import headwater.streams
from benchmarks.accuracy.streams import read
from benchmarks.report import write as put
from headwater import nn
from headwater.cluster import Cluster
from headwater.cluster.delta import apply, difference
from headwater.cluster.local import LocalWorkers
from headwater.cluster.merge import in_tree, merge
from headwater.cluster.plan import SMALLEST, Sync, in_blocks, lead_of
from headwater.cluster.sources.rows import Rows
from headwater.cluster.worker import Update, after_block, learn_block, merge_group, pack, unpack

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
    """Print times of one process and of two nodes, what the processors spent, and how long the start took."""
    import ray

    from headwater.cluster.ray import RayWorkers

    taught, n, block = 41_000, 55_000, 1_000  # taught so many that rounds have whole blocks
    X, y = rows(n)
    cluster = nodes(2)
    try:
        model = slow_model()
        model.learn_many(X[:1000], y[:1000])
        started = time.perf_counter()
        model.learn_many(X[1000:taught], y[1000:taught])
        wall = (time.perf_counter() - started) / (taught - 1000)
        begun, ends = time.perf_counter(), list[float]()
        spent = Spent(RayWorkers(2))
        options: dict[str, Any] = {"workers": 2, "block": block, "serial_sample": False}
        with Cluster(model, engine=spent, on_round=lambda _: ends.append(time.perf_counter()), **options) as two:
            two.run((X[taught:n], y[taught:n]))
        call, level = _call(), _level(two.learner)
    finally:
        ray.shutdown()
        cluster.shutdown()
    full = spent.rounds[1:]  # the first sends the whole state
    worker, here, took = (statistics.median(one[i] for one in full) for i in range(3))
    lead, besides = lead_of(block), _besides(two.learner)
    cpu = (worker - besides) / (block + lead / 2)  # as the workers spent it: a row costs more when others are there
    found = {
        "load": os.getloadavg()[0],
        "ms_a_row": 1000 * cpu,
        "rounds": len(full),
        "round_ms": 1000 * took,
        "worker_ms": 1000 * worker,
        "coordinator_ms": 1000 * here,
        "by_clock": 2 * block * wall / took,
        "by_processors": 2 * block * cpu / (worker + here),
        "start_s": ends[0] - begun,
        "call_ms": 1000 * call,
        "level_ms": 1000 * level,
        "kb_out": two.progress.sent / len(spent.rounds) / 1000,
        "kb_in": two.progress.received / len(spent.rounds) / 1000,
        "coordinator_here_ms": 1000 * _coordinator(two.learner, 2, block)[0],
    }
    write("speed", found)
    for name, value in found.items():
        print(f"{name}: {value:.3g}")


def _call(count: int = 200) -> float:
    """Return the seconds of the processor that Ray takes here for a call and its small answer."""
    import ray

    from headwater.cluster.ray import _Actor

    actor = ray.remote(num_cpus=0)(_Actor).remote()
    ray.get(actor.place.remote())
    begun = time.process_time()
    for _ in range(count):
        ray.get(actor.place.remote())
    return (time.process_time() - begun) / count


def _level(learner: Any, times: int = 5) -> float:
    """Return the seconds of the processor that a worker takes to fetch and merge the states of eight blocks."""
    import ray

    from headwater.cluster.ray import _Actor

    class Measured(_Actor):
        def cpu(self) -> float:
            return time.process_time()

    actors = [ray.remote(num_cpus=0)(Measured).remote() for _ in range(2)]
    saved = pack(learner)
    update = ray.put(Update(1, None, saved.header, saved.arrays))
    blocks, took = in_blocks(*rows(800), range(1, 801), 100), []
    for _ in range(times):
        calls = [actors[b.index % 2].learn_apart.options(num_returns=2).remote(update, b) for b in blocks]
        ray.wait([state for _, state in calls], num_returns=len(calls))
        begun = ray.get(actors[0].cpu.remote())
        ray.wait([actors[0].merge.remote(1, *(state for _, state in calls))])
        took.append(ray.get(actors[0].cpu.remote()) - begun)
    return statistics.median(took)


def write(part: str, found: dict[str, Any]) -> None:
    """Put a part's figures into the file of results."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept[part] = {"date": time.strftime("%Y-%m-%d"), **found}
    RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def _besides(learner: Any) -> float:
    """Return the seconds of the processor that a worker spends on a block besides learning."""
    took = []
    for _ in range(5):
        begun = time.process_time()
        saved = pack(learner)
        unpack(saved)
        unpack(saved)  # once more for the rows in front of the block
        difference(saved.arrays, pack(learner).arrays)
        took.append(time.process_time() - begun)
    return statistics.median(took)


# ---- the cost model ------------------------------------------------------------------------------------------------------

RESULTS = Path(__file__).parent / "results" / "cluster.json"
GUIDES = {"en": "docs/how-to/one-machine.md", "zh": "docs/zh/how-to/one-machine.md"}
ROWS_US, WORKERS = (7, 24, 100, 500, 5000), (2, 4, 8, 16, 64, 256, 1000)
BOUNDS = {
    "en": "The table's last column comes to at most {best} rows a second. No number of workers comes beyond {reads}, which the"
    " coordinator can score, or\n{sent} of a CSV file of 20 columns where the coordinator reads too.",
    "zh": "表中最后一列最多相当于每秒 {best} 个样本。worker 再多也超不过每秒 {reads} 个，这是协调者能计分的上限；"
    "如果 CSV 文件（20 列）也由协调者读，则是 {sent} 个。",
}
ACCURACY_GUIDES = {"en": "docs/how-to/cluster.md", "zh": "docs/zh/how-to/cluster.md"}
GUIDES_BLOCK = 100
ACCURACY_HEAD = {
    "en": "| stream | row by row | four workers, in points | eight |",
    "zh": "| 数据流 | 逐个样本 | 四个 worker（百分点） | 八个 |",
}
ACCURACY_STREAMS = {
    "elec2": {"en": "elec2", "zh": "elec2"},
    "weather_noaa": {"en": "weather", "zh": "weather"},
    "covtype_100k": {"en": "covtype, 100,000 rows", "zh": "covtype，100,000 个样本"},
    "nycflights13_delayed": {"en": "flights, 150,000 rows", "zh": "flights，150,000 个样本"},
    "metro_traffic": {"en": "metro traffic", "zh": "metro traffic"},
    "dc_bikeshare_hourly": {"en": "bikes of DC", "zh": "bikes of DC"},
}
NOTES = {7: {"en": " (default model)", "zh": "（默认模型）"}}


def large_model() -> hw.Classifier:
    """Return a net of 2 MB, all of whose weights move, that is quick to learn."""
    return hw.Classifier(hidden=(512, 512), optimizer=nn.SGD(0.02), diagnosis=False)


def model() -> None:
    """Measure the parts of a round in this process, check them at 1, 2 and 4 workers, and write the guide's tables."""
    parts, checks = _parts(), []
    for workers in (1, 2, 4):
        measured = _round_of(workers)
        checks.append({"workers": workers, **measured, "model_ms": 1000 * _predicted(parts, workers, measured)})
    found = {"parts_us": {name: 1e6 * value for name, value in parts.items()}, "checks": checks}
    found["load"] = os.getloadavg()[0]
    ray = json.loads(RESULTS.read_text(encoding="utf-8")).get("speed", {}) if RESULTS.exists() else {}
    by_ray = max(ray.get("coordinator_ms", 27.0) - ray.get("coordinator_here_ms", 0.0), 0.0) / 2000
    call = ray.get("call_ms", 0.5) / 1000
    found["by_ray_us"], found["call_us"] = 1e6 * by_ray, 1e6 * call
    sync = Sync(
        fixed=parts["besides"] + parts["fixed"],
        each=parts["each"] + by_ray,
        level=ray["level_ms"] / 1000 if "level_ms" in ray else parts["level"] + 8 * by_ray,
        call=call,
        row=parts["score"],
    )
    found["table"] = {
        str(us): [round(sync.speed_up(workers=k, rows=1000, seconds_a_row=us / 1e6), 2) for k in WORKERS]
        for us in ROWS_US
    }
    found["most_rows_per_s"] = {"workers read": 1 / parts["score"], "it reads": 1 / (parts["score"] + parts["read"])}
    write("model", found)
    for language, guide in GUIDES.items():
        path = Path(__file__).parents[1] / guide
        path.write_text(filled(path.read_text(encoding="utf-8"), found, language), encoding="utf-8")
    print(json.dumps(found, indent=1))


def filled(text: str, found: dict[str, Any], language: str) -> str:
    """Return a guide with the table of these figures."""
    head = {"en": "| a row takes | 2 workers |", "zh": "| 一个样本要 | 2 个 worker |"}[language]
    lines = [head + "".join(f" {k:,} |" for k in WORKERS[1:]), "|---" * (len(WORKERS) + 1) + "|"]
    for us in ROWS_US:
        time_ = f"{us} µs" if us < 100 else f"{us / 1000:g} ms"
        cells = [f"{value:.1f}" if value < 10 else f"{value:.0f}" for value in found["table"][str(us)]]
        lines.append(f"| {time_}{NOTES.get(us, {}).get(language, '')} | {' | '.join(cells)} |")
    most = found["most_rows_per_s"]
    best = max(1e6 * found["table"][str(us)][-1] / us for us in ROWS_US)
    bounds = {"reads": most["workers read"], "sent": most["it reads"], "best": best}
    lines += ["", BOUNDS[language].format(**{name: f"{float(f'{value:.2g}'):,.0f}" for name, value in bounds.items()})]
    first, last = "<!-- bench:rounds -->\n", "<!-- /bench:rounds -->"
    before, _, rest = text.partition(first)
    return before + first + "\n".join(lines) + "\n" + last + rest.partition(last)[2]


def _parts() -> dict[str, float]:
    """Return the seconds of the processor of each part: of a round, a state, a level of merges, a row."""
    base = large_model()
    X, y = rows(5000)
    base.learn_many(X[:1000], y[:1000])
    saved = pack(base)
    outcomes = [learn_block(saved, block) for block in in_blocks(X[1000:1800], y[1000:1800], range(1001, 1801), 100)]
    counts = (1, 2, 4, 8)
    merging = {k: _median(lambda k=k: _merged(base, saved, outcomes[:k])) for k in counts}
    each, fixed = np.polyfit(counts, [merging[k] for k in counts], 1)
    level = _median(lambda: merge_group(saved, outcomes))
    score = base.kind.score(window=1000, learner=base)
    y_pred, proba = list(y[:1000]), [0.5] * 1000
    scoring = _median(lambda: score.update(y[:1000], y_pred, proba)) / 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        lines = (",".join([*map(repr, x.values()), label]) for x, label in zip(X, y, strict=True))
        path.write_text("\n".join([",".join([*X[0], "y"]), *lines]) + "\n", encoding="utf-8")
        reading = _median(lambda: _read(path)) / len(y)
    besides = _besides(base) + _median(lambda: apply(saved.arrays, outcomes[0].delta))  # and the update before
    return {"besides": besides, "fixed": fixed, "each": each, "level": level, "score": scoring, "read": reading}


def _read(path: Path) -> None:
    with headwater.streams.read(path, target="y") as stream:
        taken = Rows(stream, None, wants=lambda row: True, problem=lambda label: "").take(10**6)
    in_blocks(*taken, 1000, 40)


def _merged(base: Any, saved: Any, outcomes: Any) -> None:
    """Do what the coordinator does with the states of a round."""
    after = pack(merge(base, [after_block(saved, done) for done in outcomes]))
    difference(saved.arrays, after.arrays)


def _median(work: Callable[[], object], times: int = 7) -> float:
    took = []
    for _ in range(times):
        begun = time.process_time()
        work()
        took.append(time.process_time() - begun)
    return statistics.median(took)


def _round_of(workers: int, block: int = 250) -> dict[str, float]:
    """Run full rounds in this process, and return what their parts took by the processor."""
    learner = large_model()
    learner.learn_many(*rows(40 * block * (workers - 1) + 1000))
    here, worker, a_row = _coordinator(learner, workers, block)
    return {
        "rows": block if workers > 1 else SMALLEST,  # a single worker has short blocks
        "us_a_row": 1e6 * a_row,
        "worker_ms": 1000 * worker,
        "coordinator_ms": 1000 * here,
        "ms": 1000 * (worker + here),
    }


def _coordinator(learner: Any, workers: int, block: int) -> tuple[float, float, float]:
    """Return the median seconds of the coordinator and of the slowest worker in full rounds, and a worker's seconds a row."""
    alone, a_row = Spent(LocalWorkers()), list[float]()
    options: dict[str, Any] = {"workers": workers, "block": block, "serial_sample": False, "lead": 0}
    with Cluster(copy.deepcopy(learner), engine=alone, **options) as some:
        some.on_round = lambda progress: a_row.append(progress.seconds_a_row)
        some.run(rows(8 * workers * block))
    most = max(one[3] for one in alone.rounds)
    full = [one for one in alone.rounds if one[3] == most]
    here, worker = (statistics.median(one[i] for one in full) for i in (1, 0))
    return here, worker, a_row[-1]


def _predicted(parts: dict[str, float], workers: int, measured: dict[str, float]) -> float:
    """Return the seconds that the model says for a round of which only the learning of a row was measured."""
    sync = Sync(fixed=parts["besides"] + parts["fixed"], each=parts["each"], row=parts["score"])
    return measured["rows"] * measured["us_a_row"] / 1e6 + sync.seconds(workers, int(measured["rows"]))


def tree() -> None:
    """Print the accuracy of 16 workers whose states are merged by eights and at once, and the times of both for more."""
    merging: Any = sys.modules["headwater.cluster.merge"]
    for name, n, block in (("elec2", 45_312, 50), ("covtype_100k", 60_000, 50), ("nycflights13_delayed", 40_000, 25)):
        stream = read(name, n)
        X, y = stream.dicts(), stream.y.tolist()
        right = {}
        for fan_in in (8, 10**6):
            merging.FAN_IN = fan_in
            options: dict[str, Any] = {"workers": 16, "block": block, "engine": "local", "serial_sample": False}
            with Cluster(hw.Classifier(seed=0, diagnosis=False), **options) as cluster:
                right[fan_in] = 100 * cluster.run((X, y)).scores["accuracy"]
        print(
            f"{name} {len(y):,} rows, 16 workers: by eights {right[8]:.2f} %, at once {right[10**6]:.2f} %", flush=True
        )
    merging.FAN_IN = 8
    base = large_model()
    X, y = rows(7400)
    base.learn_many(X[:1000], y[:1000])
    saved = pack(base)
    all_ = [learn_block(saved, block) for block in in_blocks(X[1000:], y[1000:], range(1001, 7401), 100)]
    for workers in (16, 32, 64):
        outcomes = all_[:workers]
        flat = _median(lambda some=outcomes: _merged(base, saved, some), 3)
        tops = [
            one for _, one in in_tree([(i, one) for i, one in enumerate(outcomes)], lambda g: merge_group(saved, g))
        ]
        top, level = (
            _median(lambda some=tops: _merged(base, saved, some), 3),
            _median(lambda: merge_group(saved, all_[:8]), 3),
        )
        print(
            f"{workers} states of 2 MB: at once {1000 * flat:.0f} ms of the coordinator;"
            f" by eights {1000 * top:.0f} ms of it behind {1000 * level:.0f} ms of each worker that merges",
            flush=True,
        )


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
    """Compare scores of rounds with row by row, print them, and write the guide's table."""
    found: dict[str, Any] = {}
    for name, n in STREAMS.items():
        stream = read(name, n)
        X, y, classes = stream.dicts(), stream.y.tolist(), stream.task == "classify"
        make = hw.Classifier if classes else hw.Regressor
        apart, scored = [], []
        for seed in range(seeds):
            alone = make(seed=seed, diagnosis=False).learn_many(X, y)
            serial = float(np.mean(np.equal(alone, y)) if classes else np.mean(np.abs(alone - np.asarray(y))))
            options: dict[str, Any] = {"workers": workers, "block": block, "engine": "local", "serial_sample": False}
            with Cluster(make(seed=seed, diagnosis=False), **options) as cluster:
                scores = cluster.run((X, y)).scores
            scored.append(serial)
            apart.append(100 * (scores["accuracy"] - serial) if classes else 100 * (scores["mae"] / serial - 1))
        unit = "points" if classes else "% of the MAE"
        spread = f" ± {statistics.stdev(apart):.2f}" if seeds > 1 else ""
        print(
            f"{name} {len(y):,} rows: serial {statistics.mean(scored):.4f}, rounds {statistics.mean(apart):+.2f}{spread} {unit}",
            flush=True,
        )
        found[name] = {"rows": len(y), "serial": statistics.mean(scored), "apart": apart, "is_classes": classes}
    if block == GUIDES_BLOCK and seeds > 1:
        write(f"accuracy of {workers}", {"version": version("headwater"), "streams": found})
        write_accuracy()


def accuracy_table(kept: dict[str, Any], language: str) -> str:
    """Return what rounds of four and of eight workers lose, in Markdown."""
    four, eight = (kept[f"accuracy of {workers}"]["streams"] for workers in (4, 8))
    lines = [ACCURACY_HEAD[language], "|---|---|---|---|"]
    for name, title in ACCURACY_STREAMS.items():
        one = four[name]
        row = f"{100 * one['serial']:.2f} %" if one["is_classes"] else f"MAE {one['serial']:#.4g}"
        cells = [title[language], row, *(_lost(each[name]) for each in (four, eight))]
        line = f"| {' | '.join(cells)} |"
        lines.append(line.replace(" %", "%") if language == "zh" else line)
    measured = max(kept[f"accuracy of {workers}"]["date"] for workers in (4, 8))
    by, of = "python -m benchmarks.cluster accuracy 3 8", kept["accuracy of 8"]["version"]
    note = {
        "en": f"Written by `{by}`, and `3 4`: {measured}; headwater {of}.",
        "zh": f"由 `{by}` 与 `3 4` 写出：{measured}；headwater {of}。",
    }
    return "\n".join([*lines, "", note[language]])


def _lost(one: dict[str, Any]) -> str:
    """Return a mean with its deviation, in points or % of the MAE."""
    form, unit = (".2f", "") if one["is_classes"] else (".1f", " %")
    mean, spread = statistics.mean(one["apart"]), statistics.stdev(one["apart"])
    return ("" if one["is_classes"] else "MAE ") + f"{mean:+{form}}".replace("-", "−") + f" ± {spread:{form}}{unit}"


def write_accuracy() -> None:
    """Write the table into both guides, once there are figures of four and of eight workers."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    if {"accuracy of 4", "accuracy of 8"} <= {*kept}:
        for language, guide in ACCURACY_GUIDES.items():
            put(Path(__file__).parents[1] / guide, "accuracy of rounds", accuracy_table(kept, language))


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) > 1 else "speed"
    {"speed": speed, "model": model, "tree": tree, "kills": kills, "accuracy": accuracy}[command](
        *map(int, sys.argv[2:])
    )
