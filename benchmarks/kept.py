"""What it costs to keep what a diagnosis needs: ``python -m benchmarks.kept [ROWS [PAIRS]]``.

Processor time of a learner that keeps it and of one made with ``diagnosis=False``, in turn in one process, on rows of 20
normal numbers. The net is the cheapest there is, 16 ReLU units, so the share is the largest there is. Printed are µs a row
without, the ratio of the best times and the median of the pairs' ratios. Set ``OPENBLAS_NUM_THREADS=1``: BLAS threads that
spin after a small product count as processor time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater import Classifier, Session


def ways(n: int) -> dict[str, Callable[[Any], object]]:
    """Return by name what is to be done with a fresh learner."""
    X = np.random.default_rng(0).normal(size=(n, 20))
    y = X[:, 0] + X[:, 1] * X[:, 2] > 0
    labels = y.tolist()
    dicts = [{f"x{j}": value for j, value in enumerate(row)} for row in X.tolist()]
    blocks = [slice(i, i + 1000) for i in range(0, n, 1000)]

    def one_by_one(model: Any) -> None:
        for x, label in zip(dicts, labels, strict=True):
            model.learn_one(x, label)

    return {
        "learn_many, arrays": lambda model: model.learn_many(X, y),
        "learn_many, arrays in blocks of 1,000": lambda model: [model.learn_many(X[b], y[b]) for b in blocks],
        "learn_one, dicts": one_by_one,
        "Session, arrays": lambda model: Session(model).step(X, labels),
        "learn_many, dicts": lambda model: model.learn_many(dicts, labels),
    }


def times(way: Callable[[Any], object], pairs: int) -> NDArray[np.float64]:
    """Return processor times, shape (pairs, 2): without, with."""
    out = np.empty((pairs, 2))
    for i in range(-1, pairs):  # once to warm up; each is the first of a pair in turn
        for keeps in (0, 1) if i % 2 else (1, 0):
            model = Classifier((16,), seed=1, diagnosis=bool(keeps))
            started = time.process_time()
            way(model)
            out[i, keeps] = time.process_time() - started
    return out


def main() -> None:
    """Print one line a way."""
    n, pairs = (int(given) for given in (*sys.argv[1:], *("60000", "15")[len(sys.argv) - 1 :]))
    print(f"| {n:,} rows, best of {pairs} | µs a row without | with / without | median of pairs |\n|---|---|---|---|")
    for name, way in ways(n).items():
        taken = times(way, pairs)
        best = taken.min(0)
        middle = np.median(taken[:, 1] / taken[:, 0])
        print(f"| {name} | {1e6 * best[0] / n:.2f} | {best[1] / best[0]:.3f} | {middle:.3f} |", flush=True)


if __name__ == "__main__":
    main()
