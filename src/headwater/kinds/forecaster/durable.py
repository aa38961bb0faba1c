"""A forecaster that loses nothing it was taught."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableForecaster"]


class DurableForecaster(DurableLearner):
    """A durable forecaster, with the methods of one in memory."""

    def forecast(self, horizon: Any = None, xs: Any = None) -> Any:
        """Forecast the next answers, as ``Forecaster.forecast`` does; nothing is changed."""
        with self._model.lock:
            return self.learner.forecast(horizon, xs)

    def forecast_interval(
        self, horizon: int | None = None, xs: Any = None, coverage: float = 0.9
    ) -> list[tuple[float, float]]:
        """Say between which ends each of the next answers will lie, as ``Forecaster.forecast_interval`` does."""
        with self._model.lock:
            ends: list[tuple[float, float]] = self.learner.forecast_interval(horizon, xs, coverage)
        return ends

    def learn_one(self, y: Any, x: Mapping[Any, Any] | None = None, *, id: str | None = None) -> int:  # type: ignore[override]  # noqa: A002
        """Learn the answer of the next time, once it is on disk.

        Parameters
        ----------
        y : float or None
            The answer; None or NaN where it is missing.
        x : dict, optional
            What is known of that time besides.
        id : str, optional
            A name of the answer; of those with the same name only the first is learned.

        Returns
        -------
        int
            Its number in the journal.
        """
        return super().learn_one({} if x is None else x, y, id=id)

    def learn_many(self, y: Any, X: Any = None) -> NDArray[np.float64]:  # type: ignore[override]
        """Learn answers strictly one by one, once all are on disk; return what was forecast of each right before it came."""
        return self.teach([{}] * len(y) if X is None else X, y)
