"""Fifty columns of noise: what they cost the default pool.

    python -m benchmarks.noise [rows] [seeds] [stream ...]

Accuracy in % (or MAE) over the stream as it is, and with fifty columns of normal noise beside its own.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.succession import MADE_UP, Rows, made_up
from benchmarks.units import CLASSES, NUMBERS, stream

COLUMNS, BLOCK = 50, 500


def with_noise(rows: Rows) -> Rows:
    """Return the stream with columns of noise."""
    X, columns, y = rows
    more = [f"noise {j}" for j in range(COLUMNS)]
    noise = np.random.default_rng(7).normal(size=(len(X), COLUMNS)).tolist()
    return [row | dict(zip(more, own, strict=True)) for row, own in zip(X, noise, strict=True)], columns + more, y


def score(rows: Rows, seed: int) -> float:
    """Return accuracy in %, or MAE."""
    X, _, y = rows
    numbers = isinstance(y[0], float)
    model: Any = (hw.Regressor if numbers else hw.Classifier)(seed=seed, diagnosis=False)
    found: list[float] = []
    for i in range(0, len(X), BLOCK):
        said = model.step_many(X[i : i + BLOCK], y[i : i + BLOCK]).y_pred
        found += [abs(a - b) if numbers else 100.0 * (a == b) for a, b in zip(said, y[i : i + BLOCK], strict=True)]
    return float(np.mean(found))


def main() -> None:
    """Print a table."""
    rows, seeds = (int(sys.argv[1]) if len(sys.argv) > 1 else 10_000), (int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    print("| stream | as it is | with noise |")
    for name in sys.argv[3:] or [*CLASSES, *NUMBERS, *MADE_UP]:
        read = made_up(name, rows) if name in MADE_UP else stream(name, rows)
        pair = np.mean([[score(read, seed), score(with_noise(read), seed)] for seed in range(1, seeds + 1)], axis=0)
        print(f"| {name} | {pair[0]:.2f} | {pair[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
