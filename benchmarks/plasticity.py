"""Whether a learner goes on learning: digits whose pixels are permuted anew in each task, the labels as they are.

    python -m benchmarks.plasticity          # scikit-learn's digits, 64 pixels, 1,797 rows a task
    python -m benchmarks.plasticity mnist    # 2,000 rows of MNIST a task, 784 pixels; needs HEADWATER_DATA

It prints the accuracy, each row predicted before it is learned, of the first and last 50 of 200 tasks. A learner that has lost
plasticity is worse at the end (Dohare et al. 2024, *Loss of plasticity in deep continual learning*).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import headwater as hw
from benchmarks.data import data_file

TASKS, ENDS = 200, 50
LEARNERS: dict[str, Callable[[], hw.Classifier]] = {
    "default pool": lambda: hw.Classifier(seed=1),
    "hidden=(64,)": lambda: hw.Classifier(hidden=(64,), seed=1),
    "hidden=(64,), l2=0.001": lambda: hw.Classifier(hidden=(64,), l2=1e-3, seed=1),
}


def digits() -> tuple[NDArray[np.float64], list[int]]:
    """Return scikit-learn's digits."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    return X, y.tolist()


def mnist() -> tuple[NDArray[np.float64], list[int]]:
    """Return MNIST's images as rows."""
    with np.load(data_file("mnist.npz")) as found:
        return found["X"][:60_000] / 255.0, found["y"][:60_000].tolist()


def accuracies(learner: hw.Classifier, X: NDArray[np.float64], y: list[int], rows: int) -> NDArray[np.float64]:
    """Return the accuracy of each task."""
    rng, found = np.random.default_rng(0), []
    for _ in range(TASKS):
        pixels, order = rng.permutation(X.shape[1]), rng.permutation(len(X))[:rows]
        labels = [y[i] for i in order]
        said = learner.learn_many(X[order][:, pixels], labels)
        found.append(np.mean([a == b for a, b in zip(said, labels, strict=True)]))
    return np.array(found)


def main(data: str = "digits") -> None:
    """Print a row for each learner."""
    X, y = mnist() if data == "mnist" else digits()
    rows = 2_000 if data == "mnist" else len(X)
    print(f"| {data} | first {ENDS} tasks | last {ENDS} | µs a row |\n|---|---|---|---|")
    for name, make in LEARNERS.items():
        began = time.process_time()
        found = accuracies(make(), X, y, rows)
        us = (time.process_time() - began) / (TASKS * rows) * 1e6
        print(f"| `{name}` | {found[:ENDS].mean():.2%} | {found[-ENDS:].mean():.2%} | {us:.0f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
