"""A durable learner over millions of events with new users for ever, new columns, and rare classes: what does not grow.

    python -m benchmarks.growth 10000000
    python -m benchmarks.growth drift 2000000   # a world that drifts, all defaults, beside the same learner without a store
    python -m benchmarks.growth pause           # how long an acknowledgement waits while 200,000 rows are written as a snapshot

Each block of events is written, synced and learned as one request; the table of rows (``max_rows``) is full early. A line a
tenth of the run: cost of an event, the longest wait for an acknowledgement, memory, the file and its write-ahead log.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import headwater as hw
from benchmarks.results import machine
from headwater.store.service import Limits, RetentionPolicy

BLOCK = 500
MAX_ROWS = 20_000
POLICY = RetentionPolicy(snapshot_every=50_000, keep_events=200_000, keep_bytes=500_000_000)


def events(first: int, n: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return some events: a new user in each, a new column in every hundredth, a rare class now and then."""
    X, y = [], []
    for i in range(first, first + n):
        x: dict[str, Any] = {"user": f"user {i}", "device": f"d{i * 7919 % 40}", "price": (i * 31 % 97) / 9.7}
        if i % 100 == 0:
            x[f"column {i // 100}"] = 1.0
        X.append(x)
        y.append(f"rare {i // 1000 % 30}" if i % 1000 == 0 else (i * 31 % 97 > 48) ^ (i * 7919 % 40 > 30))
    return X, y


def drifting(first: int, n: int) -> tuple[list[dict[str, Any]], list[Any]]:
    """Return some events of a world that drifts: means and effects wander, and a new user comes with every tenth event."""
    X, y = [], []
    for i in range(first, first + n):
        t = i / 200_000
        a, b = (i * 31 % 97) / 9.7, (i * 57 % 89) / 8.9
        x = {
            "a": a + 3.0 * math.sin(t) + t,
            "b": b * (1 + 0.2 * t),
            "c": (i * 71 % 101) / 10.1,
            "d": (i * 7919 % 83) / 83,
        }
        X.append({**x, "user": f"user {i // 10 - i * 7919 % 5000}", "device": f"d{i * 7919 % 40}"})
        y.append(["no", "yes"][(a * math.cos(t) + b * math.sin(t) > 5) ^ (i * 7919 % 40 > 36)])
    return X, y


def drift(count: int, path: Path) -> None:
    """Learn events that drift; print a row for each tenth, with what the same learner costs without a store."""
    bare, part = hw.Classifier(seed=1), max(BLOCK, count // 10)
    with hw.open(path, hw.Classifier(seed=1)) as model:
        for first in range(0, count, part):
            costs, alone, longest, wal, most = 0.0, 0.0, 0.0, 0.0, 0.0
            for at in range(first, first + part, BLOCK):
                X, y = drifting(at, BLOCK)
                began, work = time.perf_counter(), time.process_time()
                model.learn_many(X, y)
                longest, costs = max(longest, time.perf_counter() - began), costs + time.process_time() - work
                work = time.thread_time()
                bare.step_many(X, y)
                alone += time.thread_time() - work
                wal, most = max(wal, size(path.with_name(f"{path.name}-wal"))), max(most, memory())
            row = {
                "events": first + part,
                "cpu_us_an_event": round(1e6 * costs / part, 1),
                "cpu_us_without_a_store": round(1e6 * alone / part, 1),
                "longest_block_ms": round(1e3 * longest, 1),
                "memory_mb": round(most, 1),
                "file_mb": round(size(path), 1),
                "wal_mb_at_most": round(wal, 1),
                "rows": model.describe()["rows"],
            }
            print(json.dumps(row), flush=True)


def memory() -> float:
    """Return the resident memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def size(path: Path) -> float:
    """Return the size of a file in MB; 0 for none."""
    return path.stat().st_size / 1e6 if path.exists() else 0.0


def run(count: int, path: Path) -> list[dict[str, float]]:
    """Learn so many events; return a row for each tenth of them."""
    rows = []
    with hw.open(path, hw.Classifier(max_rows=MAX_ROWS, seed=1), policy=POLICY, limits=Limits()) as model:
        done, part = 0, max(BLOCK, count // 10)
        while done < count:
            spent, worked, longest, until = 0.0, 0.0, 0.0, done + part
            while done < min(until, count):
                X, y = events(done, BLOCK)
                began, work = time.perf_counter(), time.process_time()
                model.learn_many(X, y)
                took = time.perf_counter() - began
                longest, done = max(longest, took), done + BLOCK
                spent, worked = spent + took, worked + time.process_time() - work
            rows.append(
                {
                    "events": done,
                    "us_an_event": round(1e6 * spent / part, 1),
                    "cpu_us_an_event": round(1e6 * worked / part, 1),
                    "longest_block_ms": round(1e3 * longest, 1),
                    "memory_mb": round(memory(), 1),
                    "file_mb": round(size(path), 1),
                    "wal_mb": round(size(path.with_name(f"{path.name}-wal")), 1),
                    "rows": model.describe()["rows"],
                }
            )
            print(json.dumps(rows[-1]), flush=True)
            if model.service.snapshot_failure is not None:
                raise model.service.snapshot_failure
    return rows


def pause(path: Path, rows: int = 200_000) -> dict[str, float]:
    """Return how long one event waits for its acknowledgement: alone, and while a snapshot of so many rows is written."""
    policy = RetentionPolicy(snapshot_every=10**9)
    with hw.open(path, hw.Classifier(seed=1, max_rows=2 * rows), policy=policy) as model:
        for first in range(0, rows, 5000):
            model.learn_many([{"user": f"user {i}"} for i in range(first, first + 5000)], [i % 2 for i in range(5000)])
        quiet = [_wait(model, i) for i in range(2000)]
        thread, waits = threading.Thread(target=model.snapshot), []
        thread.start()
        while thread.is_alive():
            waits.append(_wait(model, len(waits)))
        out: dict[str, float] = {
            "rows": model.describe()["rows"],
            "snapshot_mb": round(size(path), 1),
            "events": len(waits),
        }
    for name, values in (("quiet", sorted(quiet)), ("snapshot", sorted(waits))):
        out |= {
            f"{name}_p50_ms": _ms(values, 0.5),
            f"{name}_p99_ms": _ms(values, 0.99),
            f"{name}_most_ms": _ms(values, 1),
        }
    return out


def _wait(model: Any, i: int) -> float:
    began = time.perf_counter()
    model.learn_one({"user": f"user {i * 7919 % 100_000}"}, i % 2)
    return time.perf_counter() - began


def _ms(values: list[float], share: float) -> float:
    return round(1e3 * values[min(len(values) - 1, int(share * len(values)))], 2)


def main() -> None:
    """Run it and print the machine."""
    what = sys.argv[1] if len(sys.argv) > 1 else "10000000"
    print(json.dumps(machine()), flush=True)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        if what == "pause":
            print(json.dumps(pause(Path(folder) / "pause.db")), flush=True)
        elif what == "drift":
            drift(int(sys.argv[2]), Path(folder) / "drift.db")
        else:
            run(int(what), Path(folder) / "growth.db")


if __name__ == "__main__":
    main()
