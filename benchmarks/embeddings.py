"""Embeddings as a column: accuracy and time a row, beside softmax regressions of NumPy and River.

    python -m benchmarks.embeddings [rows | table]

Made-up streams of 384 numbers and ten classes: a common direction, one of the class, and noise. "even" numbers are scaled alike,
"uneven" ones by e to a normal number of deviation 0.7. "noisy" classes are half as far apart, a fifth of "mislabeled" rows has any
label. Each model predicts a row and then learns it. NumPy's softmax regression steps by 0.01 over numbers divided by their root mean
square, which it is told; River's learns with its usual SGD from scaled columns, over a tenth of the rows. Times are of the last half,
of the processor. ``results/embeddings.json`` and the table in benchmarks/README.md are of 6,000 rows; other numbers are printed only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater as hw
from benchmarks.report import bold, write
from benchmarks.results import entries_in, keep_entries, written_by

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "embeddings.json"
ROWS = 6_000
MODELS = {
    "array": "`hw.Classifier()`, an array as a column",
    "list": "the same, a list",
    "fast": '`hw.Classifier(effort="fast")`, an array',
    "columns": "`hw.Classifier(text=None)`: 384 columns",
    "numpy": "NumPy, softmax regression",
    "river": "River, `StandardScaler \\| SoftmaxRegression`, a tenth of the rows",
}
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


def models(X: Array) -> Iterator[tuple[str, Step, Sequence[Any]]]:
    """Make each model, with the rows as it reads them."""
    arrays, lists = [{"e": row} for row in X], [{"e": row} for row in X.tolist()]
    columns = [dict(zip(map("e{}".format, range(SIZE)), row, strict=True)) for row in X[: len(X) // 10].tolist()]
    yield "array", of_headwater(), arrays
    yield "list", of_headwater(), lists
    yield "fast", of_headwater(effort="fast"), arrays
    yield "columns", of_headwater(text=None), arrays
    yield "numpy", of_numpy(X), list(X)
    yield "river", of_river(), columns


def run(rows: int) -> dict[str, dict[str, float]]:
    """Measure all models on all streams."""
    found = {}
    for name in STREAMS:
        X, y = made(name, rows)
        for model, step, read in models(X):
            said, last, micro = measured(step, read, y[: len(read)])
            found[f"{model}/{name}"] = {"all": round(said, 3), "last": round(last, 3), "us": round(micro, 2)}
            print(f"{model}/{name}", found[f"{model}/{name}"], flush=True)
    return found


def render(whole: dict[str, Any]) -> str:
    """Return the table in Markdown: % right of the last half, and the mean time of the streams."""
    entries = whole["entries"]
    scores = [bold([entries[f"{model}/{name}"]["last"] for model in MODELS]) for name in STREAMS]
    times = [float(np.mean([entries[f"{model}/{name}"]["us"] for name in STREAMS])) for model in MODELS]
    cells = zip(MODELS.values(), *scores, bold(times, ",.1f", low=True), strict=True)
    head = [f"| | {' | '.join(STREAMS)} | µs a row |", "|---" * (len(STREAMS) + 2) + "|"]
    lines = [*head, *(f"| {' | '.join(row)} |" for row in cells)]
    return "\n".join([*lines, "", written_by("python -m benchmarks.embeddings", whole)])


def main(asked: str = str(ROWS)) -> None:
    """Measure, unless only the table is asked for, and write."""
    found = {} if asked == "table" else run(int(asked))
    if asked == str(ROWS):
        keep_entries(RESULTS, found, "numpy", "river")
    if asked in ("table", str(ROWS)):
        write(HERE / "README.md", "embeddings", render(entries_in(RESULTS)))


if __name__ == "__main__":
    main(*sys.argv[1:])
