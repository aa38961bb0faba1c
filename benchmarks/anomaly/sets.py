"""The thirteen sets: rows of numbers, and which of them are anomalies. Only NumPy is needed here."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.data import data_file

SETS = (
    *("shuttle", "smtp", "cover", "mammography", "pendigits", "satimage-2", "thyroid"),
    *("cardio", "annthyroid", "satellite", "optdigits", "mnist", "musk"),
)
AS_STORED = frozenset(("shuttle", "smtp", "mammography", "pendigits", "thyroid", "annthyroid"))
"""The others are stored sorted by label, and shuffled here."""
MOST = 20_000


def read(name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the first rows (n, d) of a set in the order in which they are learned, and which are anomalies (n,)."""
    with np.load(data_file(f"anomaly/{name}.npz")) as file:
        X, y = np.asarray(file["X"], np.float64), np.asarray(file["y"]) > 0
    if name not in AS_STORED:
        order = np.random.default_rng(0).permutation(len(y))
        X, y = X[order], y[order]
    return np.ascontiguousarray(X[:MOST]), y[:MOST]


def auc(y: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> float:
    """Return the area under the ROC curve: the share of pairs in which the anomaly has the higher score, equal ones half."""
    _, at, counts = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[at]
    n = int(y.sum())
    return float((rank[y].sum() - n * (n + 1) / 2) / (n * (len(y) - n)))


def average_precision(y: npt.NDArray[np.bool_], scores: npt.NDArray[np.float64]) -> float:
    """Return Σ (recall gained)·precision over the thresholds, from the highest score down."""
    values, at = np.unique(-scores, return_inverse=True)
    hits = np.bincount(at, y, len(values)).cumsum()
    shown = np.bincount(at, minlength=len(values)).cumsum()
    gained = np.diff(hits, prepend=0) / y.sum()
    return float((gained * hits / shown).sum())
