"""Predictions while the same learner learns, in threads of one process and in an event loop: how long a prediction takes.

    python -m benchmarks.threads [seconds]

A prediction is due every 20 ms. Its time counts from when it was due, so that those which wait behind another count as well.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

import numpy as np

import headwater as hw

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
def beside(learn: Callable[[], None] | None) -> Iterator[None]:
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


def main(seconds: float = 10) -> None:
    """Print the table."""
    rows, y = data()
    model = hw.Classifier(seed=1)
    model.learn_many(rows[:5_000], y[:5_000])
    pairs = cycle(zip(rows, y, strict=True))
    cases: dict[str, tuple[Callable[[], None] | None, float]] = {
        "nobody learns": (None, 0.005),
        "`learn_one` in a thread": (lambda: model.learn_one(*next(pairs)), 0.005),
        "the same, `sys.setswitchinterval(0.0005)`": (lambda: model.learn_one(*next(pairs)), 0.0005),
        "`learn_many` of 100 rows in a thread": (lambda: model.learn_many(rows[:100], y[:100]), 0.0005),
        "`learn_many` of 1,000 rows in a thread": (lambda: model.learn_many(rows[:1_000], y[:1_000]), 0.0005),
        "`learn_many` of 100,000 rows in a thread": (lambda: model.learn_many(rows, y), 0.0005),
    }
    print("| beside | median | p99 | p99.9 | longest | rows learned a second |\n|---|---|---|---|---|---|")
    usual = sys.getswitchinterval()
    for name, (learn, interval) in cases.items():
        sys.setswitchinterval(interval)
        before, began = model.n_learned, time.perf_counter()
        with beside(learn):
            found = waits(model, rows, seconds)
        tell(name, found, (model.n_learned - before) / (time.perf_counter() - began))
    sys.setswitchinterval(usual)
    before, began = model.n_learned, time.perf_counter()
    found = asyncio.run(in_a_loop(model, rows, y, seconds))
    tell("`learn_one` in a task of the event loop", found, (model.n_learned - before) / (time.perf_counter() - began))


def tell(name: str, found: list[float], speed: float) -> None:
    """Print a line of the table, in ms."""
    at = np.percentile(found, [50, 99, 99.9, 100])
    print(f"| {name} | {' | '.join(f'{ms:.2f}' for ms in at)} | {speed:,.0f} |", flush=True)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
