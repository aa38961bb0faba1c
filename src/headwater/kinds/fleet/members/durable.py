"""The durable fleet of forecasters."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from headwater.store.service.durable_learner import DurableLearner

__all__ = ["DurableSeries"]


class DurableSeries(DurableLearner):
    """A durable fleet of forecasters, which forecasts the series of a key as ``Fleet.forecast`` does."""

    def forecast(self, key: Hashable, horizon: int | None = None, xs: Any = None) -> list[float]:
        """Forecast the next values of a key's series, without changing anything."""
        with self._model.lock:
            said: list[float] = self.learner.forecast(key, horizon, xs)
        return said

    def forecast_interval(
        self, key: Hashable, horizon: int | None = None, xs: Any = None, coverage: float = 0.9
    ) -> list[tuple[float, float]]:
        """Return an interval for each of the next values of a key's series."""
        with self._model.lock:
            ends: list[tuple[float, float]] = self.learner.forecast_interval(key, horizon, xs, coverage)
        return ends
