"""The six streams: rows, and the action that is right in each, which a bandit is told only of the action that it takes."""

from __future__ import annotations

import csv
import gzip

import numpy as np

from benchmarks.data import data_file

STREAMS = ("segment", "digits", "outdoor", "phishing", "covtype", "elec2")
"""In stored order; covtype and elec2 are cut."""
FILES = {"phishing": "phishing_river"}
MOST = 20_000


def read(name: str) -> tuple[list[dict[str, float]], list[str]]:
    """Return the rows of a stream and its classes; segment comes with River."""
    if name == "segment":
        from river.datasets import ImageSegments

        pairs = list(ImageSegments())
        return [dict(x) for x, _ in pairs], [str(y) for _, y in pairs]
    X, y = [], []
    with gzip.open(data_file(f"{FILES.get(name, name)}.csv.gz"), "rt", newline="") as file:
        for row in csv.DictReader(file):
            y.append(row.pop(next(reversed(row))))
            X.append({column: float(value) for column, value in row.items()})
            if len(X) == MOST:
                break
    return X, y


def standardised(X: list[dict[str, float]]) -> list[list[float]]:
    """Return rows in units of each column's running deviation, within ±5: what learners get that don't scale by themselves."""
    values = np.array([list(x.values()) for x in X])
    n = np.arange(1, len(values) + 1)[:, None]
    mean = values.cumsum(axis=0) / n
    spread = (values**2).cumsum(axis=0) / n - mean**2
    z = (values - mean) / np.sqrt(np.maximum(spread, 1e-12))
    rows: list[list[float]] = np.clip(np.where(spread > 1e-12, z, 0.0), -5, 5).tolist()
    return rows
