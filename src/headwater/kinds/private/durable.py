"""The durable private learner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.privacy.promise import Promise
from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurablePrivate"]


class DurablePrivate(DurableLearner):
    """A durable private learner. The store keeps its secrets, so it belongs to whoever may see the rows."""

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the label of a sample."""
        with self._model.lock:
            return self.learner.predict_one(x)

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class."""
        with self._model.lock:
            p: dict[Any, float] = self.learner.predict_proba_one(x)
        return p

    @property
    def privacy_(self) -> Promise:
        """What is promised, in numbers and in words."""
        with self._model.lock:
            promise: Promise = self.learner.privacy_
        return promise
