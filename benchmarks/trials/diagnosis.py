"""What it costs to keep what a diagnosis needs: ``python -m benchmarks.trials.diagnosis [ROWS [PAIRS]]``.

Processor time of a learner that keeps it and of one made with ``diagnosis=False``, on rows of 20 normal numbers. The net is
the cheapest there is, 16 ReLU units, so the share is the largest there is. Both learn the same thousand rows in turn, then
the next thousand; of each thousand the best time of so many pairs counts, and these are added up: so a machine that is busy
with other work disturbs little. Set ``OPENBLAS_NUM_THREADS=1``: BLAS threads that spin after a small product count as
processor time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater import Classifier, Session

Steps = list[Callable[[], object]]
STEP = 1000


def ways(n: int) -> dict[str, Callable[[Any], Steps]]:
    """Return by name what is to be done with a fresh learner, step by step."""
    X = np.random.default_rng(0).normal(size=(n, 20))
    y = X[:, 0] + X[:, 1] * X[:, 2] > 0
    labels = y.tolist()
    dicts = [{f"x{j}": value for j, value in enumerate(row)} for row in X.tolist()]
    parts = [slice(i, i + STEP) for i in range(0, n, STEP)]

    def one_by_one(model: Any, part: slice) -> None:
        for x, label in zip(dicts[part], labels[part], strict=True):
            model.learn_one(x, label)

    def session(model: Any) -> Steps:
        route = Session(model)
        return [partial(route.step, X[part], labels[part]) for part in parts]

    return {
        "learn_many, arrays at once": lambda model: [partial(model.learn_many, X, y)],
        "learn_many, arrays by 1,000": lambda model: [partial(model.learn_many, X[part], y[part]) for part in parts],
        "learn_one, dicts": lambda model: [partial(one_by_one, model, part) for part in parts],
        "Session, arrays by 1,000": session,
        "learn_many, dicts by 1,000": lambda model: [
            partial(model.learn_many, dicts[part], labels[part]) for part in parts
        ],
    }


def times(way: Callable[[Any], Steps], pairs: int) -> NDArray[np.float64]:
    """Return the best processor time of each step, shape (steps, 2): without, with."""
    best: NDArray[np.float64] | None = None
    for i in range(pairs):
        both = [way(Classifier((16,), seed=1, diagnosis=keeps)) for keeps in (False, True)]
        taken = np.empty((len(both[0]), 2))
        for j in range(len(taken)):
            for keeps in (0, 1) if (i + j) % 2 else (1, 0):
                started = time.process_time()
                both[keeps][j]()
                taken[j, keeps] = time.process_time() - started
        best = taken if best is None else np.minimum(best, taken)
    return np.empty((0, 2)) if best is None else best


def main() -> None:
    """Print one line a way."""
    n, pairs = (int(given) for given in (*sys.argv[1:], *("60000", "15")[len(sys.argv) - 1 :]))
    print(f"| {n:,} rows, best of {pairs} | µs a row without | with / without |\n|---|---|---|")
    for name, way in ways(n).items():
        without, kept = times(way, pairs).sum(0)
        print(f"| {name} | {1e6 * without / n:.2f} | {kept / without:.3f} |", flush=True)


if __name__ == "__main__":
    main()
