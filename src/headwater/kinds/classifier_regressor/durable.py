"""The durable classifier or regressor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableNet", "DurableSupervised"]


class DurableSupervised(DurableLearner):
    """A durable learner of classes or numbers, with the methods that all of them have. Labels may arrive later, by id."""

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Predict the label of a sample."""
        with self._model.lock:
            return self.learner.predict_one(x)

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class seen so far."""
        with self._model.lock:
            p: dict[Any, float] = self.learner.predict_proba_one(x)
        return p


class DurableNet(DurableSupervised):
    """A durable classifier or regressor, with the learner's methods."""

    def predict_set_one(self, x: Mapping[Any, Any], coverage: float = 0.9) -> set[Any]:
        """Predict a set of classes that contains the true one with the given coverage."""
        with self._model.lock:
            inside: set[Any] = self.learner.predict_set_one(x, coverage)
        return inside

    def predict_interval_one(
        self, x: Mapping[Any, Any], coverage: float = 0.9, *, guarantee: str | None = None
    ) -> tuple[float, float]:
        """Predict an interval that contains the target with the given coverage."""
        with self._model.lock:
            ends: tuple[float, float] = self.learner.predict_interval_one(x, coverage, guarantee=guarantee)
        return ends
