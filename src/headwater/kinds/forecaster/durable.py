"""The durable forecaster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.kinds.forecaster.order import check_order
from headwater.learner.validation import as_answers
from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableForecaster"]


class DurableForecaster(DurableLearner):
    """A durable forecaster, with the methods of `Forecaster`."""

    def forecast(self, horizon: Any = None, xs: Any = None) -> Any:
        """Forecast the next values as ``Forecaster.forecast`` does, without changing anything."""
        with self._model.lock:
            return self.learner.forecast(horizon, xs)

    def forecast_interval(
        self, horizon: int | None = None, xs: Any = None, coverage: float = 0.9
    ) -> list[tuple[float, float]]:
        """Return intervals of the next values as ``Forecaster.forecast_interval`` does."""
        with self._model.lock:
            ends: list[tuple[float, float]] = self.learner.forecast_interval(horizon, xs, coverage)
        return ends

    def predict_with_id(self, x: Mapping[Any, Any] | None = None) -> tuple[str, float]:
        """Forecast the time after the newest one that was learned or asked for, whose value will come later.

        Values are learned in the order of the series, however they come: ``label(id, y)`` holds one that comes before an earlier one.
        Its forecast is as many times ahead as values are still to come, and is the one that is scored. A value of None, and one that
        did not come in time, is a gap.

        Parameters
        ----------
        x : dict, optional
            Features of that time step.

        Returns
        -------
        id : str
            Id to pass to ``label``. It survives any end of the process.
        y_pred : float
            The forecast.

        Raises
        ------
        ConfigError
            If it is farther ahead than the horizon.
        """
        return super().predict_with_id({} if x is None else x)

    def learn_one(  # type: ignore[override]
        self,
        y: Any,
        x: Mapping[Any, Any] | None = None,
        w: float = 1.0,
        *,
        id: str | None = None,  # noqa: A002 - as over HTTP
    ) -> int:
        """Write the value of the next time step and its weight to disk, then learn it.

        Parameters
        ----------
        y : float or None
            The value, None or NaN if missing.
        x : dict, optional
            Features of that time step.
        w : float
            Weight of the value.
        id : str, optional
            Id of the value. Only the first value with the same id is learned.

        Returns
        -------
        int
            Number of the event in the journal.
        """
        check_order(y)
        return super().learn_one({} if x is None else x, y, w, id=id)

    def learn_many(self, y: Any, X: Any = None, w: Any = None) -> NDArray[np.float64]:  # type: ignore[override]
        """Write values and their weights to disk, then learn them one by one, returning the forecast made right before each."""
        y = as_answers(y)
        for value in y:
            check_order(value)
        return self.teach([{}] * len(y) if X is None else X, y, w)
