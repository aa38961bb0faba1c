"""Sudden changes in mid-stream: how far behind a new learner the default pool is afterwards.

    python -m benchmarks.succession [rows] [seeds] [stream ...]

For each stream, after a change at a random row between 30 and 70 %: accuracy in % (or MAE) over the rest, of the learner that goes
on, of the same with successors, and of a learner that is new at the change. Columns exchange their meaning, or classes their names
(numbers are mirrored at their mean). Undisturbed streams are scored whole, with the processor's time with successors over that
without.
"""

from __future__ import annotations

import sys
import time
import zlib
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.units import CLASSES, NUMBERS, stream

MADE_UP = ("blobs", "products")
CHANGES = ("columns permuted", "labels rotated")
Rows = tuple[list[dict[str, Any]], list[str], list[Any]]


def made_up(name: str, rows: int) -> Rows:
    """Return rows of twelve numbers: ten classes by the nearest of thirty points, or three by products of columns."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    X = rng.normal(0, 1, (rows, 12))
    if name == "blobs":
        points = rng.normal(0, 1, (30, 12))
        y = ((X[:, None] - points) ** 2).sum(2).argmin(1) % 10
    else:
        y = np.digitize(X[:, 0] * X[:, 1] + X[:, 2] * X[:, 3] + 0.5 * X[:, 4], [-0.5, 0.5])
    columns = [f"x{j}" for j in range(12)]
    return [dict(zip(columns, row, strict=True)) for row in X.tolist()], columns, [str(label) for label in y]


def changed(rows: Rows, what: str, at: int, seed: int) -> Rows:
    """Return the stream with a change at a row."""
    X, columns, y = rows
    order = np.random.default_rng(seed).permutation(len(columns))
    if what == "columns permuted":
        exchange = {columns[i]: columns[j] for i, j in enumerate(order)}
        return X[:at] + [row | {a: row[b] for a, b in exchange.items()} for row in X[at:]], columns, y
    if isinstance(y[0], float):
        twice = 2 * float(np.mean(y[:at]))
        return X, columns, y[:at] + [twice - value for value in y[at:]]
    labels = sorted(set(y))
    following = dict(zip(labels, labels[1:] + labels[:1], strict=True))
    return X, columns, y[:at] + [following[label] for label in y[at:]]


def score(rows: Rows, first: int, seed: int, succeeded: bool) -> tuple[float, float]:
    """Return accuracy in %, or MAE, from a row on, and seconds of the processor."""
    X, _, y = rows
    numbers = isinstance(y[0], float)
    model: Any = (hw.Regressor if numbers else hw.Classifier)(seed=seed)
    model.learn_one(X[0], y[0])
    model.engine.core.array("succession")[0] = succeeded
    found, begin = [0.0], time.process_time()
    for row, label in zip(X[1:], y[1:], strict=True):
        said = model.predict_one(row)
        found.append(abs(said - label) if numbers else 100.0 * (said == label))
        model.learn_one(row, label)
    return float(np.mean(found[first:])), time.process_time() - begin


def row_of(rows: Rows, name: str, seeds: int) -> list[str]:
    """Return a stream's line of the table."""
    whole = np.array([[score(rows, 0, seed, on) for on in (False, True)] for seed in range(1, seeds + 1)]).mean(0)
    line = [name, f"{whole[0, 0]:.2f} / {whole[1, 0]:.2f}", f"{whole[1, 1] / whole[0, 1]:.2f}"]
    for what in CHANGES:
        found = []
        for seed in range(1, seeds + 1):
            at = int(
                len(rows[0]) * np.random.default_rng(zlib.crc32(f"{name} {what} {seed}".encode())).uniform(0.3, 0.7)
            )
            X, columns, y = changed(rows, what, at, seed)
            new = score((X[at:], columns, y[at:]), 0, seed, True)[0]
            found.append([*(score((X, columns, y), at, seed, on)[0] for on in (False, True)), new])
        line.append(" / ".join(f"{value:.2f}" for value in np.mean(found, axis=0)))
    return line


def main() -> None:
    """Print a table."""
    rows, seeds = (int(sys.argv[1]) if len(sys.argv) > 1 else 10_000), (int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print(
        "| stream | undisturbed: goes on / succeeded | time |",
        *(f"{what}: goes on / succeeded / new |" for what in CHANGES),
    )
    for name in sys.argv[3:] or [*CLASSES, *NUMBERS, *MADE_UP]:
        read = made_up(name, rows) if name in MADE_UP else stream(name, rows)
        print("|", " | ".join(row_of(read, name, seeds)), "|", flush=True)


if __name__ == "__main__":
    main()
