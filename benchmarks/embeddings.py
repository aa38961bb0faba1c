"""Embeddings as a column: accuracy and time a row, beside softmax regressions of NumPy and River.

    python -m benchmarks.embeddings [rows]

Made-up streams of 384 numbers and ten classes: a common direction, one of the class, and noise. "even" numbers are scaled alike,
"uneven" ones by e to a normal number of deviation 0.7. "noisy" classes are half as far apart, a fifth of "mislabeled" rows has any
label. Each model predicts a row and then learns it. NumPy's softmax regression steps by 0.01 over numbers divided by their root mean
square, which it is told; River's learns with its usual SGD from scaled columns, over a tenth of the rows. Times are of the last half,
of the processor.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater as hw

SIZE, CLASSES = 384, 10
STREAMS = ("even", "uneven", "noisy", "mislabeled")
Array = NDArray[np.float64]
Step = Callable[[Any, int], int]
"""Predicts the class of a row, then learns it."""


def made(name: str, rows: int, seed: int = 0) -> tuple[Array, NDArray[np.int64]]:
    """Return embeddings (rows, 384) and classes (rows,)."""
    rng = np.random.default_rng(seed)
    common, directions = rng.normal(size=SIZE), rng.normal(size=(CLASSES, SIZE))
    y = rng.integers(0, CLASSES, rows)
    apart = 0.5 if name == "noisy" else 1.0
    X = 1.5 * common + apart * directions[y] + 3.2 * rng.normal(size=(rows, SIZE))
    if name == "uneven":
        X *= np.exp(rng.normal(0, 0.7, SIZE))
    if name == "mislabeled":
        wrong = rng.random(rows) < 0.2
        y[wrong] = rng.integers(0, CLASSES, int(wrong.sum()))
    return X, y


def of_numpy(X: Array) -> Step:
    """Return a softmax regression in six lines of NumPy."""
    W, b, unit = np.zeros((SIZE, CLASSES)), np.zeros(CLASSES), np.sqrt((X * X).mean(0))

    def step(row: Array, y: int) -> int:
        x = row / unit
        z = x @ W + b
        p = np.exp(z - z.max())
        p /= p.sum()
        said = int(p.argmax())
        p[y] -= 1
        W[:] -= 0.01 * np.outer(x, p)
        b[:] -= 0.01 * p
        return said

    return step


def of_headwater(**settings: Any) -> Step:
    """Return a classifier that reads what is made of a row."""
    model, out = hw.Classifier(seed=1, **settings), list(map(str, range(CLASSES)))

    def step(x: dict[str, Any], y: int) -> int:
        said = model.predict_one(x)
        model.learn_one(x, out[y])
        return -1 if said is None else int(said)

    return step


def of_river() -> Step:
    """Return River's softmax regression over scaled columns."""
    from river import linear_model, preprocessing

    model = preprocessing.StandardScaler() | linear_model.SoftmaxRegression()

    def step(x: dict[str, float], y: int) -> int:
        said = model.predict_one(x)
        model.learn_one(x, y)
        return -1 if said is None else said

    return step


def measured(step: Step, X: Sequence[Any], y: NDArray[np.int64]) -> tuple[float, float, float]:
    """Return accuracy in % of all rows and of the last half, and the last half's microseconds a row."""
    half, right = len(X) // 2, []
    labels = y.tolist()
    for i in range(len(X)):
        if i == half:
            begin = time.process_time()
        right.append(step(X[i], labels[i]) == labels[i])
    seconds = time.process_time() - begin
    return 100 * float(np.mean(right)), 100 * float(np.mean(right[half:])), 1e6 * seconds / (len(X) - half)


def main(rows: int = 6_000) -> None:
    """Print a table."""
    print(f"{'stream':11} {'model':34} {'all %':>6} {'last half %':>12} {'µs a row':>9}")
    for name in STREAMS:
        X, y = made(name, rows)
        arrays, lists = [{"e": row} for row in X], [{"e": row} for row in X.tolist()]
        columns = [dict(zip(map("e{}".format, range(SIZE)), row, strict=True)) for row in X[: rows // 10].tolist()]
        models: dict[str, tuple[Step, Sequence[Any]]] = {
            "NumPy, softmax regression": (of_numpy(X), list(X)),
            "headwater, an array as a column": (of_headwater(), arrays),
            "headwater, a list as a column": (of_headwater(), lists),
            "headwater, effort='fast', an array": (of_headwater(effort="fast"), arrays),
            "headwater, 384 columns (text=None)": (of_headwater(text=None), arrays),
            "River, softmax regression": (of_river(), columns),
        }
        for label, (step, read) in models.items():
            said, last, micro = measured(step, read, y[: len(read)])
            print(f"{name:11} {label:34} {said:6.1f} {last:12.1f} {micro:9.1f}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
