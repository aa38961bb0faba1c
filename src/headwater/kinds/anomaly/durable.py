"""An anomaly model that loses nothing it was taught."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableAnomaly"]


class DurableAnomaly(DurableLearner):
    """A durable anomaly model, with the methods of one in memory; labels are for the scores alone."""

    def score_one(self, x: Mapping[Any, Any]) -> float:
        """Say how anomalous a sample is, from 0 to 1."""
        with self._model.lock:
            return float(self.learner.score_one(x))

    def score_many(self, X: Any) -> NDArray[np.float64]:
        """Say how anomalous each row is, shape (n,)."""
        with self._model.lock:
            return np.asarray(self.learner.score_many(X), np.float64)

    def is_anomaly_one(self, x: Mapping[Any, Any], rate: float = 0.001) -> bool:
        """Say whether a sample is an anomaly, where so large a share of rows like those before may be called one."""
        with self._model.lock:
            return bool(self.learner.is_anomaly_one(x, rate))
