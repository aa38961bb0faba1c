"""Changes of units in mid-stream: what the default pool keeps of what it has learned.

    python -m benchmarks.units [rows] [seeds]

For each stream of HEADWATER_DATA with numbers, accuracy in % (or MAE) over the second half: undisturbed, of a learner that is
new at the half, and with a change there. MAE of a changed answer is told in the answer's old unit.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.data import data_file

CLASSES = {
    "elec2": "elec2",
    "weather": "weather_noaa",
    "covtype": "covtype",
    "wisdm": "wisdm",
    "digits": "digits",
    "outdoor": "outdoor",
    "phishing": "phishing_river",
}
NUMBERS = {"bikes": "dc_bikeshare_hourly", "metro": "metro_traffic", "airlines": "airlines2007_head"}
OF_COLUMNS = ("none", "new", "×0.1", "×10", "+3 deviations", "one ×60")
OF_ANSWERS = (*OF_COLUMNS, "answer ×0.01", "answer ×100")


def number(text: str) -> float | None:
    """Return a cell's number, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def stream(name: str, rows: int) -> tuple[list[dict[str, Any]], list[str], list[Any]]:
    """Return rows, the names of their numbers, and labels."""
    with gzip.open(data_file(f"{(CLASSES | NUMBERS)[name]}.csv.gz"), "rt", encoding="utf-8") as file:
        read: list[dict[str, Any]] = list(itertools.islice(csv.DictReader(file), rows))
    y = [row.pop("target") for row in read]
    columns = [column for column in read[0] if all(number(row[column]) is not None for row in read)]
    for row in read:
        row.update({column: float(row[column]) for column in columns})
    return read, columns, [float(value) for value in y] if name in NUMBERS else y


def changed(rows: list[dict[str, Any]], columns: list[str], what: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a second half in another unit."""
    X = np.array([[row[column] for column in columns] for row in rows])
    half = len(X) // 2
    deviations = X[:half].std(0)
    if what in ("×0.1", "×10"):
        X[half:] *= float(what[1:])
    elif what == "+3 deviations":
        X[half:] += 3 * deviations
    elif what == "one ×60":
        X[half:, int(np.argmax(deviations > 0))] *= 60
    for row, numbers in zip(rows, X.tolist(), strict=True):
        yield row | dict(zip(columns, numbers, strict=True))


def second_half(name: str, rows: int, what: str, seed: int) -> float:
    """Return accuracy in %, or MAE, over the second half."""
    read, columns, y = stream(name, rows)
    X, half = list(changed(read, columns, what)), len(read) // 2
    factor = float(what.removeprefix("answer ×")) if what.startswith("answer") else 1.0
    if factor != 1:
        y = y[:half] + [factor * value for value in y[half:]]
    model: Any = (hw.Regressor if name in NUMBERS else hw.Classifier)(seed=seed)
    found = []
    for row, label in zip(X[half if what == "new" else 0 :], y[half if what == "new" else 0 :], strict=True):
        said = model.predict_one(row)
        found.append(abs(said - label) / factor if name in NUMBERS else 100.0 * (said == label))
        model.learn_one(row, label)
    return float(np.mean(found[-(len(read) - half) :]))


def main() -> None:
    """Print a table."""
    rows, seeds = (int(sys.argv[1]) if len(sys.argv) > 1 else 10_000), (int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for names, changes in ((CLASSES, OF_COLUMNS), (NUMBERS, OF_ANSWERS)):
        print("|", " | ".join(["second half", *changes]), "|")
        for name in names:
            means = [np.mean([second_half(name, rows, what, seed) for seed in range(1, seeds + 1)]) for what in changes]
            print("|", " | ".join([name, *(f"{mean:.2f}" for mean in means)]), "|", flush=True)


if __name__ == "__main__":
    main()
