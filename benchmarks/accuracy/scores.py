"""From predictions to figures. Every row of a pass counts, from the first."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.accuracy.streams import Stream
from benchmarks.accuracy.walk import Walk, arrivals

BINS = 15  # of the expected calibration error
FLOOR = 1e-7  # the least probability that the log-loss believes


def scores(stream: Stream, walk: Walk) -> dict[str, float]:
    """Return the scores of a pass by name."""
    return classified(stream, walk.out) if stream.task == "classify" else regressed(stream, walk)


def last_known(stream: Stream) -> Any:
    """Return the latest answer that had come before each row was predicted; −1 or 0 before the first."""
    order, when = arrivals(stream.due)
    count = np.searchsorted(when, np.arange(len(stream.y)), side="left")  # answers that came after earlier rows
    first = -1 if stream.task == "classify" else 0.0
    return np.where(count > 0, stream.y[order[np.maximum(count - 1, 0)]], first)


def classified(stream: Stream, proba: Any) -> dict[str, float]:
    """Return accuracy, kappa, kappa-temporal, log-loss and expected calibration error.

    A row without an opinion counts as wrong, with the log-loss of equal probabilities. Kappa-temporal compares with
    guessing the latest known label.
    """
    y, (n, k) = stream.truth, proba.shape
    silent = np.isnan(proba).any(axis=1)
    y_pred = np.where(silent, -1, np.argmax(np.nan_to_num(proba, nan=0.0), axis=1))
    right = y_pred == y
    accuracy = float(right.mean())
    counts = np.bincount(y, minlength=k) / n, np.bincount(y_pred[~silent], minlength=k) / n
    chance = float(counts[0] @ counts[1])
    guessing = float((last_known(stream) == y).mean())
    p = np.where(silent[:, None], 1.0 / k, proba).astype(np.float64)
    log_loss = -np.log(np.clip(p[np.arange(n), y], FLOOR, 1.0)).mean()
    return {
        "accuracy": accuracy,
        "kappa": _above(accuracy, chance),
        "kappa_temporal": _above(accuracy, guessing),
        "log_loss": float(log_loss),
        "ece": calibration_error(p.max(axis=1), right),
    }


def _above(accuracy: float, chance: float) -> float:
    """Return how much of the way from chance to perfection was gone."""
    return (accuracy - chance) / (1.0 - chance) if chance < 1.0 else 0.0


def calibration_error(confidence: Any, right: Any) -> float:
    """Return the mean over rows of |confidence − accuracy| of their bin of confidence (15 of equal width)."""
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=confidence, minlength=BINS) - np.bincount(bins, weights=right, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def regressed(stream: Stream, walk: Walk) -> dict[str, float]:
    """Return MAE, RMSE, and the share of answers inside the interval where the learner gives one."""
    error = np.nan_to_num(walk.out, nan=0.0) - stream.truth
    found = {"mae": float(np.abs(error).mean()), "rmse": float(np.sqrt((error**2).mean()))}
    if walk.lower is not None and walk.upper is not None:
        inside = (walk.lower <= stream.truth) & (stream.truth <= walk.upper)
        found |= {"coverage": float(inside.mean()), "width": float(np.nanmean(walk.upper - walk.lower))}
    return found
