"""The durable private learner."""

from __future__ import annotations

from headwater.kinds.classifier_regressor.durable import DurableSupervised
from headwater.privacy.promise import Promise

__all__ = ["DurablePrivate"]


class DurablePrivate(DurableSupervised):
    """A durable private learner. The store keeps its secrets, so it belongs to whoever may see the rows."""

    @property
    def privacy_(self) -> Promise:
        """What is promised, in numbers and in words."""
        with self._model.lock:
            promise: Promise = self.learner.privacy_
        return promise
