"""How long a commit waits while a large store is backed up: ``python -m benchmarks.serve.backup`` (some minutes, 3 GB of disk).

A learner of 200,000 names commits one example after the other, with a pause between two: alone, while its own process makes a
backup, and while the command makes one. The figures go into ``results/backup.json`` and into docs/promises.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import headwater as hw
from benchmarks import report
from benchmarks.results import machine
from headwater.store.service import RetentionPolicy

RESULTS = Path(__file__).parents[1] / "results" / "backup.json"
PAGE = report.ROOT / "docs" / "promises.md"
ROWS, PIECE = 200_000, 5000
PAUSE_S = 0.01
QUIET_S = 30.0
DIGITS = {"p50": 1, "p99": 0, "longest": 0}


def grown(path: Path, mb: int, rows: int) -> Any:
    """Return the open learner of a store of so many MB: a model of many names, and snapshots that share nothing."""
    model = hw.open(path, hw.Classifier(seed=1, max_rows=2 * rows), policy=RetentionPolicy(snapshot_every=10**9))
    while path.stat().st_size < mb * 1e6:
        for first in range(0, rows, PIECE):
            X = [{"user": f"user {i}"} for i in range(first, first + PIECE)]
            model.learn_many(X, [i % 2 for i in range(PIECE)])
        model.snapshot()
    return model


def waits(model: Any, goes_on: Callable[[], bool]) -> list[float]:
    """Commit one example after the other; return the seconds that each took."""
    took: list[float] = []
    while goes_on():
        began = time.perf_counter()
        model.learn_one({"user": f"user {len(took) * 7919 % ROWS}"}, len(took) % 2)
        took.append(time.perf_counter() - began)
        time.sleep(PAUSE_S)
    return took


def inside(model: Any, to: Path) -> list[float]:
    """Return what commits took while this process made a backup."""
    thread = threading.Thread(target=model.backup, args=(to,))
    thread.start()
    return waits(model, thread.is_alive)


def outside(model: Any, path: Path, to: Path) -> list[float]:
    """Return what commits took while the command made a backup."""
    command = subprocess.Popen([sys.executable, "-m", "headwater", "store", "backup", str(path), str(to)])
    took = waits(model, lambda: command.poll() is None)
    assert command.returncode == 0
    return took


def summary(took: list[float], seconds: float) -> dict[str, float]:
    """Return median, 99th percentile and longest in ms, of commits in so many seconds."""
    ms = sorted(1e3 * one for one in took)
    at = {"p50": 0.5, "p99": 0.99, "longest": 1.0}
    return {"commits": len(ms), "seconds": round(seconds, 1)} | {
        name: round(ms[min(len(ms) - 1, int(share * len(ms)))], 1) for name, share in at.items()
    }


def measure(folder: Path, mb: int, rows: int) -> dict[str, Any]:
    """Return all figures."""
    path = folder / "a.db"
    with grown(path, mb, rows) as model:
        found: dict[str, Any] = {
            "mb": round(path.stat().st_size / 1e6),
            "date": time.strftime("%Y-%m-%d"),
            "machine": machine(),
        }
        quiet_until = time.perf_counter() + QUIET_S
        ways: dict[str, Callable[[], list[float]]] = {
            "alone": lambda: waits(model, lambda: time.perf_counter() < quiet_until),
            "inside": lambda: inside(model, folder / "b.db"),
            "command": lambda: outside(model, path, folder / "c.db"),
        }
        for name, way in ways.items():
            began = time.perf_counter()
            took = way()
            found[name] = summary(took, time.perf_counter() - began)
            print(name, found[name], flush=True)
        found["load"] = round(os.getloadavg()[0], 1)
    return found


def sentence(found: dict[str, Any]) -> str:
    """Return what docs/promises.md says of it."""
    alone, own, other = (found[name] for name in ("alone", "inside", "command"))
    told = [
        f"{own[name]:,.{d}f} and {other[name]:,.{d}f} ms ({alone[name]:,.{d}f} without)" for name, d in DIGITS.items()
    ]
    return (
        f"Measured on {found['date']} (`python -m benchmarks.serve.backup`) on a store of {found['mb'] / 1000:.2f} GB, "
        f"on two cores with a load of {found['load']:.0f} from other work: a backup took {own['seconds']:.0f} s in\n"
        f"the process that learns, and {other['seconds']:.0f} s by the command. Meanwhile the median commit took {told[0]}, "
        f"one in a hundred {told[1]},\nthe longest {told[2]}."
    )


def main() -> None:
    """Measure, and write the figures where they stand."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--print", action="store_true", help="write no file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        found = measure(Path(folder), asked.mb, asked.rows)
    print(sentence(found))
    if not asked.print:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        report.write(PAGE, "backup", sentence(found))


if __name__ == "__main__":
    main()
