"""The durable anomaly model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableAnomaly"]


class DurableAnomaly(DurableLearner):
    """A durable anomaly model, with the methods of `Anomaly`. Labels are used only for metrics."""

    def score_one(self, x: Mapping[Any, Any]) -> float:
        """Return the anomaly score of a sample, from 0 to 1."""
        with self._model.lock:
            return float(self.learner.score_one(x))

    def score_many(self, X: Any) -> NDArray[np.float64]:
        """Return the anomaly score of each row, shape (n,)."""
        with self._model.lock:
            return np.asarray(self.learner.score_many(X), np.float64)

    def is_anomaly_one(self, x: Mapping[Any, Any], rate: float = 0.001) -> bool:
        """Return whether a sample is an anomaly at the given false alarm rate."""
        with self._model.lock:
            return bool(self.learner.is_anomaly_one(x, rate))
