"""Fleets: what members weigh and cost, events at random keys, and whether a fleet or one model with the key is better.

python -m benchmarks.trials.fleet members 100000        # memory, made a second, a file
python -m benchmarks.trials.fleet events 100000 10000000 # events a second at random keys in one process, memory each tenth
python -m benchmarks.trials.fleet shards 100000 400000   # the same through two Ray actors, each block durable
python -m benchmarks.trials.fleet snapshots 100000      # the longest wait of a row while a store takes a snapshot
python -m benchmarks.trials.fleet commits 100000 10000   # the same while a fleet with a store commits those that have changed
python -m benchmarks.trials.fleet pooled                 # flights and made keys: one model, a fleet, both
python -m benchmarks.trials.fleet table                  # the guide's table of these, from the result file
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.data import data_file
from benchmarks.report import bold, write_guides
from benchmarks.results import entries_in, keep_entries, written_by
from headwater.cluster.fleet import ShardedFleet

NAMES = [f"x{j}" for j in range(6)]
STREAMS = {
    "flights/origin": "flights, 3 origins",
    "flights/carrier": "flights, 16 carriers",
    "flights/dest": "flights, 102 destinations",
    "made/1.0": "made, 50 keys, all alike",
    "made/0.5": "made, 50 keys, half alike",
    "made/0.0": "made, 50 keys, each its own",
}
WAYS = {
    "one": "one model, the key is a category",
    "fleet": "a fleet of the same",
    "nets": "a fleet of nets of 8 units",
}
RESULTS = Path(__file__).parents[1] / "results" / "fleet.json"
PAGES = ("docs/how-to/fleet.md", "docs/zh/how-to/fleet.md")
BLOCK = 2000


def memory() -> float:
    """Return resident memory in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1e6


def small() -> hw.Classifier:
    """Return a net of 8 units."""
    return hw.Classifier(hidden=(8,), seed=1)


def block(rng: np.random.Generator, keys: list[str]) -> tuple[list[dict[str, Any]], list[bool]]:
    """Return rows of six numbers for these keys, with their answers."""
    values = rng.normal(size=(len(keys), 6))
    rows = [
        {"machine": key, **dict(zip(NAMES, row, strict=True))} for key, row in zip(keys, values.tolist(), strict=True)
    ]
    return rows, (values[:, 0] + values[:, 1] > 0).tolist()


def members(count: int) -> None:
    """Say what so many members weigh, how fast they are made with one row each, and how fast they are saved and loaded."""
    rng, started = np.random.default_rng(0), memory()
    fleet = hw.Fleet(small, "machine", max_keys=count)
    seconds = 0.0
    for at in range(0, count, BLOCK):
        rows, y = block(rng, [f"machine-{i}" for i in range(at, min(count, at + BLOCK))])
        begun = time.perf_counter()
        fleet.learn_many(rows, y)
        seconds += time.perf_counter() - begun
    print(f"{count} members: {memory() - started:.0f} MB, made and taught a row at {count / seconds:,.0f} a second")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.hw"
        begun = time.process_time()
        fleet.save(path)
        saved = time.process_time()
        hw.load(path)
        loaded = time.process_time()
        size = path.stat().st_size / 1e6
        print(f"file {size:.0f} MB, saved in {saved - begun:.1f} s of processor, loaded in {loaded - saved:.1f} s")


def events(keys: int, count: int) -> None:
    """Learn events at random keys in blocks, and say a tenth of the run each how fast, and what memory there is."""
    rng, names = np.random.default_rng(0), [f"machine-{i}" for i in range(keys)]
    fleet = hw.Fleet(small, "machine", max_keys=keys)
    seconds, started = 0.0, memory()
    tenth = max(BLOCK, count // 10 // BLOCK * BLOCK)
    for at in range(0, count, BLOCK):
        rows, y = block(rng, [names[i] for i in rng.integers(0, keys, BLOCK)])
        begun = time.thread_time()
        fleet.learn_many(rows, y)
        seconds += time.thread_time() - begun
        if (at + BLOCK) % tenth == 0:
            print(
                f"{at + BLOCK:>10} events: {tenth / seconds:,.0f} a second of the thread, {memory() - started:.0f} MB",
                flush=True,
            )
            seconds = 0.0


def shards(keys: int, count: int) -> None:
    """Learn events at random keys through two Ray actors; each block is durable when it is acknowledged.

    Beside the clock stand the processor times of this process and of the actors: what a machine would do that nobody else
    uses.
    """
    rng, names = np.random.default_rng(0), [f"machine-{i}" for i in range(keys)]
    size = 20_000
    with (
        tempfile.TemporaryDirectory() as folder,
        ShardedFleet(small, "machine", folder, shards=2, max_keys=keys) as fleet,
    ):
        pids = fleet.shards.pids().values()
        for part in ("first", "second", "third"):
            seconds, own, before = 0.0, 0.0, list(map(processor_time, pids))
            for _ in range(0, count, size):
                rows, y = block(rng, [names[i] for i in rng.integers(0, keys, size)])
                begun, began = time.perf_counter(), time.thread_time()
                fleet.learn_many(rows, y)
                seconds += time.perf_counter() - begun
                own += time.thread_time() - began
            actors = [processor_time(pid) - then for pid, then in zip(pids, before, strict=True)]
            print(
                f"two actors, {part} {count} events: {count / seconds:,.0f} a second by the clock; processor time an event "
                f"{own / count * 1e6:.1f} µs here, {', '.join(f'{one / count * 1e6:.1f}' for one in actors)} µs in the "
                f"actors: {count / (own + max(actors)):,.0f} a second on two free cores",
                flush=True,
            )


def snapshots(count: int) -> None:
    """Say how long single rows wait at most, without a snapshot and while one of so many members is written."""
    rng = np.random.default_rng(0)
    fleet = hw.Fleet(small, "machine", max_keys=count)
    for at in range(0, count, BLOCK):
        fleet.learn_many(*block(rng, [f"machine-{i}" for i in range(at, min(count, at + BLOCK))]))
    rows, y = block(rng, [f"machine-{i}" for i in rng.integers(0, count, 2000)])
    with tempfile.TemporaryDirectory() as folder, hw.open(Path(folder) / "fleet.db", fleet) as model:
        model.snapshot()
        for what in ("before", "a snapshot", "another"):
            beside(what, model, rows, y, (lambda: time.sleep(2)) if what == "before" else model.snapshot)


def commits(count: int, changed: int, resident: int | None = None) -> None:
    """Say how long single rows wait at most, without a commit and while one writes the members that have changed."""
    rng, names = np.random.default_rng(0), [f"machine-{i}" for i in range(count)]
    rows, y = block(rng, [names[i] for i in rng.integers(0, count, 2000)])
    with (
        tempfile.TemporaryDirectory() as folder,
        hw.Fleet(small, "machine", max_keys=count, store=Path(folder) / "fleet.db", resident=resident) as fleet,
    ):
        for at in range(0, count, BLOCK):
            fleet.learn_many(*block(rng, names[at : at + BLOCK]))
        beside(f"a commit of all {count}", fleet, rows, y, fleet.commit)
        beside("before", fleet, rows, y, lambda: time.sleep(2))
        for _ in range(3):
            for at in range(0, changed, BLOCK):
                fleet.learn_many(*block(rng, names[at : min(changed, at + BLOCK)]))
            beside(f"a commit of {changed}", fleet, rows, y, fleet.commit)


def beside(what: str, model: Any, rows: list[Any], y: list[bool], work: Callable[[], object]) -> None:
    """Say how long work takes, and how long single rows of two other threads wait at most meanwhile."""
    ended, waits = threading.Event(), (predicting, learning)
    took: list[list[float]] = [[], []]
    threads = [
        threading.Thread(target=wait, args=(model, rows, y, ended, own)) for wait, own in zip(waits, took, strict=True)
    ]
    for thread in threads:
        thread.start()
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    ended.set()
    for thread in threads:
        thread.join()
    said = ", ".join(
        f"{name} {len(own)} rows, at most {max(own) * 1e3:.0f} ms, 99 % within {np.quantile(own, 0.99) * 1e3:.1f}"
        for name, own in zip(("predicted", "learned"), took, strict=True)
    )
    print(f"{what}, {seconds:.1f} s: {said}", flush=True)


def predicting(model: Any, rows: list[Any], y: list[bool], ended: threading.Event, took: list[float]) -> None:
    """Predict rows one by one until it has ended, and say how long each took."""
    while not ended.wait(0.001):
        begun = time.perf_counter()
        model.predict_one(rows[len(took) % len(rows)])
        took.append(time.perf_counter() - begun)


def learning(model: Any, rows: list[Any], y: list[bool], ended: threading.Event, took: list[float]) -> None:
    """Learn rows one by one until it has ended, and say how long each took."""
    while not ended.wait(0.001):
        i, begun = len(took) % len(rows), time.perf_counter()
        model.learn_one(rows[i], y[i])
        took.append(time.perf_counter() - begun)


def processor_time(pid: int) -> float:
    """Return the seconds that a process has had of processors."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flights(limit: int) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield flights and whether they were late."""
    with gzip.open(data_file("nycflights13_delayed.csv.gz"), "rt", encoding="utf-8", newline="") as lines:
        for i, row in enumerate(csv.DictReader(lines)):
            if i == limit:
                return
            y = row.pop("target")
            yield {name: value if name in NOT_NUMBERS else _number(value) for name, value in row.items()}, y


NOT_NUMBERS = ("carrier", "flight", "tailnum", "origin", "dest")


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def made(limit: int, alike: float) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield rows of 50 keys whose answers follow the same numbers (alike = 1), each its own (0), or a mixture of both."""
    rng = np.random.default_rng(3)
    common, own = rng.normal(size=6), rng.normal(size=(50, 6))
    for _ in range(limit):
        key = int(rng.integers(50))
        x = rng.normal(size=6)
        y = x @ (alike * common + (1 - alike) * own[key]) + 0.3 * rng.normal() > 0
        yield {"key": f"k{key}", **dict(zip(NAMES, x.tolist(), strict=True))}, bool(y)


def pooled() -> None:
    """Compare one default model that has the key among its columns with a fleet of the same, and with a fleet of small nets."""
    made_alike = {name: float(name.removeprefix("made/")) for name in STREAMS if name.startswith("made")}
    for name in STREAMS:
        key = "key" if name in made_alike else name.removeprefix("flights/")
        rows = list(made(20_000, made_alike[name])) if name in made_alike else list(flights(30_000))
        models = (hw.Classifier(seed=1), hw.Fleet(lambda: hw.Classifier(seed=1), key), hw.Fleet(small, key))
        found = [hw.evaluate(model, rows).record.scores["accuracy"] for model in models]
        entry = dict(zip(WAYS, (round(100 * score, 3) for score in found), strict=True))
        print(name, entry, flush=True)
        keep_entries(RESULTS, {name: {"rows": len(rows), **entry}})
    write_table()


def table(whole: dict[str, Any]) -> str:
    """Return accuracies as Markdown, a stream a row."""
    lines = [f"| accuracy, % | {' | '.join(WAYS.values())} |", "|---" * (len(WAYS) + 1) + "|"]
    for name, title in STREAMS.items():
        cells = bold([whole["entries"][name][way] for way in WAYS])
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", written_by("python -m benchmarks.trials.fleet pooled", whole)])


def write_table() -> None:
    """Write the table of ``pooled`` into the guides, from the result file."""
    write_guides(PAGES, "fleet", table(entries_in(RESULTS)))


def main(what: str, *given: str) -> None:
    """Run a trial, or write the guide's table."""
    trials: dict[str, Callable[..., None]] = {
        "members": members, "events": events, "shards": shards, "snapshots": snapshots, "commits": commits,
        "pooled": pooled, "table": write_table,
    }  # fmt: skip
    trials[what](*map(int, given))


if __name__ == "__main__":
    main(*sys.argv[1:])
