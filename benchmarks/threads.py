"""Predictions while the same learner learns, in threads of one process and in an event loop: how long a prediction takes.

    python -m benchmarks.threads [seconds]   # measures, and writes the guide's table
    python -m benchmarks.threads table       # the guide's table, from the result file

A prediction is due every 20 ms. Its time counts from when it was due, so that those which wait behind another count as well.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.report import write_guides
from benchmarks.results import entries_in, keep_entries, written_by

LINES = {
    "nobody": "nobody learns",
    "one": "`learn_one` in a thread",
    "one, switching": "the same, `sys.setswitchinterval(0.0005)`",
    "100": "`learn_many` of 100 rows in a thread",
    "1000": "`learn_many` of 1,000 rows in a thread",
    "100000": "`learn_many` of 100,000 rows in a thread",
    "loop": "`learn_one` in a task of the event loop",
}
RESULTS = Path(__file__).parent / "results" / "threads.json"
PAGES = ("docs/how-to/threads.md", "docs/zh/how-to/threads.md")
EVERY_S = 0.02
COLUMNS = 20
ROWS = 100_000
Learn = Callable[[hw.Classifier], None]


def data() -> tuple[list[dict[str, float]], list[str]]:
    """Return rows and labels."""
    X = np.random.default_rng(1).normal(size=(ROWS, COLUMNS)).tolist()
    names = [f"x{i}" for i in range(COLUMNS)]
    return [dict(zip(names, row, strict=True)) for row in X], ["a" if row[0] + row[1] > 0 else "b" for row in X]


def waits(model: hw.Classifier, rows: list[dict[str, float]], seconds: float) -> list[float]:
    """Return what each prediction took since it was due, in ms."""
    found, due = [], time.perf_counter()
    for row in rows[: int(seconds / EVERY_S)]:
        due += EVERY_S
        time.sleep(max(0.0, due - time.perf_counter()))
        model.predict_one(row)
        found.append((time.perf_counter() - due) * 1e3)
    return found


@contextmanager
def beside(learn: Callable[[], object] | None) -> Iterator[None]:
    """Learn in another thread, again and again, until the block ends."""
    over = threading.Event()

    def run() -> None:
        while learn and not over.is_set():
            learn()

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.2)
    yield
    over.set()
    thread.join()


async def in_a_loop(model: hw.Classifier, rows: list[dict[str, float]], y: list[str], seconds: float) -> list[float]:
    """Return what predictions took beside a task that learns, and lets others run after each row."""
    over = False

    async def learn() -> None:
        for row, label in cycle(zip(rows, y, strict=True)):
            model.learn_one(row, label)
            await asyncio.sleep(0)
            if over:
                return

    task, found, due = asyncio.create_task(learn()), [], time.perf_counter()
    for row in rows[: int(seconds / EVERY_S)]:
        due += EVERY_S
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        model.predict_one(row)
        found.append((time.perf_counter() - due) * 1e3)
    over = True
    await task
    return found


def measure(seconds: float = 10) -> None:
    """Measure each line of the table, so many seconds each, and write both."""
    rows, y = data()
    model = hw.Classifier(seed=1)
    model.learn_many(rows[:5_000], y[:5_000])
    pairs = cycle(zip(rows, y, strict=True))
    cases: dict[str, tuple[Callable[[], object] | None, float]] = {
        "nobody": (None, 0.005),
        "one": (lambda: model.learn_one(*next(pairs)), 0.005),
        "one, switching": (lambda: model.learn_one(*next(pairs)), 0.0005),
        **{str(n): (partial(model.learn_many, rows[:n], y[:n]), 0.0005) for n in (100, 1_000, 100_000)},
    }
    usual = sys.getswitchinterval()
    for name, (learn, interval) in cases.items():
        sys.setswitchinterval(interval)
        before, began = model.n_learned, time.perf_counter()
        with beside(learn):
            found = waits(model, rows, seconds)
        keep(name, found, (model.n_learned - before) / (time.perf_counter() - began))
    sys.setswitchinterval(usual)
    before, began = model.n_learned, time.perf_counter()
    found = asyncio.run(in_a_loop(model, rows, y, seconds))
    keep("loop", found, (model.n_learned - before) / (time.perf_counter() - began))
    write_table()


def keep(name: str, found: list[float], speed: float) -> None:
    """Put a line into the result file, its times in ms, and print it."""
    at = np.percentile(found, [50, 99, 99.9, 100]).round(3).tolist()
    print(name, at, f"{speed:,.0f} rows a second", flush=True)
    keep_entries(RESULTS, {name: {"ms": at, "rows_per_s": round(speed)}})


def table(whole: dict[str, Any]) -> str:
    """Return what predictions took as Markdown, in ms."""
    lines = ["| beside, ms | median | p99 | p99.9 | longest | rows learned a second |", "|---" * 6 + "|"]
    for name, title in LINES.items():
        one = whole["entries"][name]
        lines.append(f"| {title} | {' | '.join(f'{ms:.2f}' for ms in one['ms'])} | {one['rows_per_s']:,} |")
    return "\n".join([*lines, "", written_by("python -m benchmarks.threads", whole, cores="two cores")])


def write_table() -> None:
    """Write the table into the guides, from the result file."""
    write_guides(PAGES, "threads", table(entries_in(RESULTS)))


def main(given: str = "10") -> None:
    """Measure for so many seconds a line, or write the guide's table alone."""
    write_table() if given == "table" else measure(float(given))


if __name__ == "__main__":
    main(*sys.argv[1:])
