"""Guards: answers and weights that cannot be learned are refused, counted by reason, and nothing learned is lost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError

FARTHEST = 1e30
"""An answer beyond this is no answer."""

REASONS: dict[str, str] = {
    "target": "the answer is missing, not a number where one is needed, infinite, beyond 1e30, or can't be a class",
    "weight": "the weight of the sample is negative or not a number",
    "empty": "the sample has no entry at all",
    "infinite": "an infinite value, read as missing",
    "huge": "a value beyond 1e30, read as 1e30",
    "type": "a value of a type that is no feature, read as missing",
    "overflow": "the net's output was not finite; the row was not learned",
    "diverged": "a step after which its own row cost far more; it was undone and the step size halved for a while",
}
"""What each reason in ``rejected`` means. The first three refuse the row, the next three clip or drop a value, the last two
guard the step."""


def check_labels(y: Sequence[Any], rejected: Counter[str]) -> NDArray[np.bool_]:
    """Say which answers can be classes: hashable, and neither None nor NaN."""
    good = np.ones(len(y), bool)
    for i, label in enumerate(y):
        if label is None or (isinstance(label, float) and math.isnan(label)) or not isinstance(label, Hashable):
            good[i] = False
    rejected["target"] += int((~good).sum())
    return good


def check_numbers(y: Any, rejected: Counter[str]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return answers as floats, and which of them are finite numbers of a possible size."""
    try:
        values = np.array(y, np.float64).reshape(len(y))
    except (TypeError, ValueError, OverflowError):
        values = np.array([_number(v) for v in y], np.float64)
    good = np.abs(values) <= FARTHEST  # False for NaN
    rejected["target"] += int((~good).sum())
    values[~good] = 0.0
    return values, good


def check_weights(w: Any, n: int, rejected: Counter[str]) -> NDArray[np.float64]:
    """Return weights (n,), with 0 for those that can't be."""
    if w is None:
        return np.ones(n)
    weights = np.array(np.broadcast_to(np.asarray(w, np.float64), (n,)))
    bad = ~((weights >= 0) & (weights <= FARTHEST))
    rejected["weight"] += int(bad.sum())
    weights[bad] = 0.0
    return weights


def check_lengths(X: Any, y: Any, at: str) -> int:
    """Return the number of rows, if X and y agree on it."""
    n = len(X)
    if len(y) != n:
        raise DataError(expected=f"{n} answers for {n} rows", got=str(len(y)), at=at, help="Give one answer a row.")
    return n


def _number(value: Any) -> float:
    try:
        return math.nan if isinstance(value, str) else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
