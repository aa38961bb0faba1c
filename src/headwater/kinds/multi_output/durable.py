"""The durable learner of several labels per row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableOutputs"]


class DurableOutputs(DurableLearner):
    """A durable learner of several labels per row, with the methods of `MultiOutput`."""

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict every output of a sample."""
        with self._model.lock:
            return self.learner.predict_one(x)

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, Any]:
        """Predict the probability of each class, by output."""
        with self._model.lock:
            p: dict[Any, Any] = self.learner.predict_proba_one(x)
        return p
