"""Prequential metrics of one-step-ahead forecasts.

The metrics are MAE, RMSE and R² as for a regressor, and the baselines are the last value ("no-change") and the value a season before
("season"). Every value is scored with the forecast made right before it arrived. A gap in the series is not scored.

Each series of a fleet has baselines of its own. A season's values of as many keys as the fleet may have are kept, a small part of what
their forecasters keep. Before its first value a series' baselines repeat the newest value of any. A row that the fleet refuses for its
key belongs to no series and is not scored.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from headwater.learner.schema.labels import values_of
from headwater.learner.validation import FARTHEST
from headwater.route.scores.number_score import NumberScore
from headwater.store.model_file.settings import as_json, from_json
from headwater.types import Predictions

__all__ = ["SHOWN", "ForecastScore"]

SHOWN = 200
"""Time steps whose value and forecast are kept for display."""


class ForecastScore(NumberScore):
    """Score a forecaster, or a fleet of them.

    Examples
    --------
    >>> from headwater import Forecaster
    >>> score = ForecastScore(learner=Forecaster(horizon=2, season=2))
    >>> score.update([1.0, 5.0, 1.0, 5.0], [1.0, 1.0, 1.0, 4.0])
    >>> [score.scores()[name]["mae"] for name in ("model", "season", "no-change")]
    [1.25, 1.25, 3.25]
    """

    predictors = ("model", "no-change", "season")
    phrase, unit = "ahead error", "values"

    def _begin(self, delay: int, learner: Any) -> None:
        super()._begin(0, learner)
        self.gaps = 0
        """Time steps without a value."""
        self._season: int = 1 if learner is None else learner.season
        self._series: dict[Any, deque[float]] = {}  # the last season of each key, of None without a fleet
        self._newest = 0.0  # value of any series
        self._mixed = (
            False  # whether the sums of the baselines are of the keys of a fleet mixed, as version 1.0.0rc1 had them
        )
        self._shown: deque[tuple[float | None, float]] = deque(maxlen=SHOWN)

    @staticmethod
    def problem(label: Any) -> str:
        """Return why a value can't be scored, or "". A missing one is a gap, after which the series continues."""
        missing = label is None or (isinstance(label, float) and math.isnan(label))
        return "" if missing else NumberScore.problem(label)

    def score(self, y: Sequence[Any], predictions: Predictions, X: Any = ()) -> list[float]:
        """Score values just forecast, each beside those of its row's series, and return NaN each."""
        self.update(y, values_of(predictions), X=() if self._key is None else X)
        return [math.nan] * len(y)

    def update(
        self,
        y: Sequence[Any],
        y_pred: Iterable[float],
        proba: Iterable[float] = (),
        p_pred: Iterable[float] = (),
        *,
        X: Iterable[Any] = (),
    ) -> None:
        """Score values and their forecasts, of a fleet with the rows that hold their keys."""
        keys = self.keys_of(X) or [None] * len(y)
        for key, value, forecast in zip(keys, y, y_pred, strict=True):
            series = self._series_of(key)
            if series is None:
                self.unscored += 1
            else:
                self._next(series, math.nan if value is None else float(value), float(forecast))

    def _series_of(self, key: Any) -> deque[float] | None:
        """Return the last values of a key's series, or None if its row is refused."""
        series = self._series.get(key)
        if series is None and key is not ... and len(self._series) < self._max_keys:
            self._series[key] = series = deque(maxlen=self._season)
        return series

    def _next(self, series: deque[float], value: float, forecast: float) -> None:
        """Score the next value of a series."""
        last = series[-1] if series else self._newest
        before = series[0] if len(series) == self._season else last
        if abs(value) <= FARTHEST and forecast != forecast:  # nothing was forecast of it
            self.unscored += 1
            series.append(value)
            self._newest = value
        elif abs(value) <= FARTHEST and abs(forecast) <= FARTHEST:
            self._add(value, (forecast, last, before))
            series.append(value)
            self._newest = value
            self._shown.append((value, forecast))
        elif series:
            self.gaps += 1
            series.append(before)
            self._shown.append((None, forecast))

    def shown(self) -> list[tuple[float | None, float]]:
        """Return the last values (None for a gap), each with the forecast made right before."""
        return list(self._shown)

    def _extra(self) -> dict[str, Any]:
        return {"gaps": self.gaps}

    def _sums(self) -> dict[str, Any]:
        own: dict[str, Any] = {"gaps": self.gaps, "season": [], "shown": list(self._shown)}
        if self._key is None:
            own["season"] = list(self._series.get(None, ()))
        else:
            own["newest"], own["mixed"] = self._newest, self._mixed
            own["series"] = [[json.dumps(as_json(key)), list(values)] for key, values in self._series.items()]
        return super()._sums() | own

    def repeatable(self) -> bytes:
        """Serialize what learning the same rows again repeats, which is nothing of keys that were mixed."""
        return b"" if self._mixed else super().repeatable()

    def _go_on(self, sums: dict[str, Any]) -> None:
        super()._go_on(sums)
        self._go_on_in_series(sums)

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        super()._go_on_from_02(saved)
        self._go_on_in_series(saved)

    def _go_on_in_series(self, saved: dict[str, Any]) -> None:
        """Restore the series. Those of the keys of a fleet begin anew where they were saved mixed."""
        self._mixed = self._key is not None and saved.get("mixed", True)
        self.gaps, self._newest = saved["gaps"], saved.get("newest", 0.0)
        own = [("null", saved["season"])] if self._key is None else saved.get("series", ())
        self._series = {from_json(json.loads(key)): deque(values, maxlen=self._season) for key, values in own}
        self._shown.extend((answer, predicted) for answer, predicted in saved["shown"])
