"""The durable classifier or regressor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.learner.monitoring.label_budget import LabelBudget
from headwater.store.service.durable_learner import DurableLearner
from headwater.store.service.labeling import Labeling, LabelTask

__all__ = ["DurableNet", "DurableSupervised"]


class DurableSupervised(DurableLearner):
    """A durable learner of classes or numbers, with the methods that all of them have. Labels may arrive later, by id."""

    def predict_one(self, x: Mapping[Any, Any], costs: Mapping[Any, Any] | None = None) -> Any:
        """Predict the label of a sample, with ``costs`` the class whose mistakes are expected to cost least."""
        with self._model.lock:
            return self.learner.predict_one(x) if costs is None else self.learner.predict_one(x, costs)

    def predict_proba_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """Predict the probability of each class seen so far."""
        with self._model.lock:
            p: dict[Any, float] = self.learner.predict_proba_one(x)
        return p


class DurableNet(DurableSupervised):
    """A durable classifier or regressor, with the learner's methods."""

    def should_label(self, x: Mapping[Any, Any], budget: float = 0.05) -> bool:
        """Decide whether a row is worth a label, as the learner's ``should_label`` does, and if so let it wait for one.

        A row that waits survives any end of the process. ``next_label`` hands it out.
        """
        return self.ask_label(x, budget) is not None

    def ask_label(self, x: Mapping[Any, Any], budget: float = 0.05) -> str | None:
        """Decide as ``should_label`` does, and return the id under which the row waits for ``label``, or None."""
        request = self._labeling.consider(self._exact(x), budget)
        if request is None:
            return None
        self._run(request)
        return self._labeling.kept(request)

    def next_label(self) -> LabelTask | None:
        """Hand out the oldest row that waits for a label and that nobody has, or return None if there is none.

        Nobody else gets it for five minutes. ``label`` learns its label, ``release_label`` gives it back.
        """
        return self._labeling.next()

    def release_label(self, id: str) -> None:  # noqa: A002 - as in label
        """Give a row back that ``next_label`` handed out, to come again after all others."""
        self._labeling.release(id)

    @property
    def labels_waiting(self) -> int:
        """Number of rows that wait for a label."""
        return self._labeling.waiting

    @property
    def label_budget(self) -> LabelBudget:
        """How many rows were considered, and how many labels asked for."""
        return self._labeling.budget

    @property
    def _labeling(self) -> Labeling:
        return self.service.labeling(self._model)

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
