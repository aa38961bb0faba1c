"""Metrics of a learner without a session, from pairs of consecutive probed rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.learner.sampling.sample import Probe
from headwater.types import Metrics, Scores

__all__ = ["tally"]

_WINDOW = 128  # pairs of consecutive rows in the window


def tally(task: str, rows: int, log: Sequence[Probe], labels: Counter[Any], mean: tuple[float, int]) -> Metrics | None:
    """Return the metrics as a session would report them, or None without two consecutive rows.

    Parameters
    ----------
    task
        ``"classify"`` or ``"regress"``.
    rows
        Number of rows so far.
    log
        The last probed rows, in order.
    labels
        Classes of all rows ever probed.
    mean
        Sum of the targets of all rows ever probed, and their number.

    Examples
    --------
    >>> log = [(1, "b", None, 1.0, 0.5), (2, "a", "a", 0.1, 0.9), (3, "a", "a", 0.1, 0.9)]
    >>> tally("classify", 3, log, Counter("baa"), (0.0, 0)).baselines["no-change"]["accuracy"]
    0.5
    """
    other = _majority(log, labels) if task == "classify" else _mean(log, mean)
    pairs = [i for i in range(1, len(log)) if log[i - 1][0] == log[i][0] - 1]
    if not pairs:
        return None
    y = [log[i][1] for i in pairs]
    said = {
        "model": [log[i][2] for i in pairs],
        "no-change": [log[i - 1][1] for i in pairs],
        "majority" if task == "classify" else "mean": [other[i] for i in pairs],
    }
    scored = _right if task == "classify" else _errors
    whole, window = (
        {name: scored(y[part], own[part], last[part]) for name, own in said.items()}
        for last in [said["no-change"]]
        for part in (slice(None), slice(-_WINDOW, None))
    )
    return Metrics(
        rows=rows,
        scored=len(pairs),
        window=min(len(pairs), _WINDOW),
        names=("accuracy", "kappa_temporal", "balanced_accuracy") if task == "classify" else ("mae", "rmse"),
        scores=whole.pop("model"),
        window_scores=window.pop("model"),
        baselines=whole,
        window_baselines=window,
    )


def _majority(log: Sequence[Probe], labels: Counter[Any]) -> list[Any]:
    """Return the most frequent class before each row of the log."""
    counts = labels - Counter(y for _, y, *_ in log)
    most = max(counts, key=counts.__getitem__, default=None)
    before = []
    for _, y, *_ in log:
        before.append(most)
        counts[y] += 1
        if counts[y] > counts[most]:
            most = y
    return before


def _mean(log: Sequence[Probe], mean: tuple[float, int]) -> list[float]:
    """Return the mean target before each row of the log."""
    y = np.array([y for _, y, *_ in log], np.float64)
    sums = mean[0] - y.sum() + np.cumsum(y) - y
    counts = mean[1] - len(y) + np.arange(len(y))
    means: list[float] = (np.where(counts > 0, sums, 0.0) / np.maximum(counts, 1)).tolist()
    return means


def _right(y: list[Any], said: list[Any], last: list[Any]) -> Scores:
    right = _same(y, said)
    repeat = float(_same(y, last).mean())
    accuracy = float(right.mean())
    each = [right[[other == label for other in y]].mean() for label in set(y)]
    temporal = (accuracy - repeat) / (1 - repeat) if repeat < 1 else math.nan
    return {"accuracy": accuracy, "kappa_temporal": temporal, "balanced_accuracy": float(np.mean(each))}


def _same(y: list[Any], said: list[Any]) -> NDArray[np.float64]:
    return np.array([a == b for a, b in zip(y, said, strict=True)], np.float64)


def _errors(y: list[Any], said: list[Any], last: list[Any]) -> Scores:
    errors = np.array(y, np.float64) - np.array(said, np.float64)
    return {"mae": float(np.abs(errors).mean()), "rmse": math.sqrt(float(np.square(errors).mean()))}
