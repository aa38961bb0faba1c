"""Losses of a learner on sampled rows.

The loss is −ln p(y) for a classifier (p at least 10⁻⁶) and |y − y_pred| for a regressor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.learner.kind import has_classes
from headwater.types import as_mapping

__all__ = ["as_rows", "cost", "losses_of"]

FLOOR = 1e-6


def cost(p: float) -> float:
    """Return −ln p with p clipped to [10⁻⁶, 1]."""
    return -math.log(min(max(p, FLOOR), 1.0))


def losses_of(task: str, y: Sequence[Any], y_pred: Sequence[Any], proba: Sequence[float]) -> NDArray[np.float64]:
    """Return the loss of each row, −ln p(y) with p at least 10⁻⁶, or |y − y_pred|."""
    if not has_classes(task):
        return np.abs(np.asarray(y, np.float64) - np.asarray(y_pred, np.float64))
    p = np.asarray(proba, np.float64)
    return np.asarray(-np.log(np.minimum(np.maximum(np.nan_to_num(p), FLOOR), 1.0)))


def as_rows(samples: Sequence[Any]) -> Any:
    """Return samples as an array if all are arrays, else as a list of dicts."""
    if all(isinstance(x, np.ndarray) for x in samples):
        return np.stack(samples)
    return [dict(as_mapping(x)) for x in samples]
