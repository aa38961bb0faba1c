"""What a forecaster says of the times ahead, as columns."""

from __future__ import annotations

import math
from typing import Any

from headwater.encode.rows import as_dicts
from headwater.learner.schema import Response
from headwater.learner.validation import as_samples, check_rows

__all__ = ["ask_forecaster"]


def ask_forecaster(learner: Any, rows: Any, *, horizon: int | None, coverage: float) -> Response:
    """Return the forecast of each time ahead with its interval.

    Raises
    ------
    ConfigError
        If there are more times than the forecaster's horizon.
    DataError
        If there are not as many rows as the horizon asks for.
    """
    times = None
    if rows is not None:
        samples = as_samples(rows)
        check_rows(samples)
        times = as_dicts(samples)
        horizon = len(times) if horizon is None else horizon
    said = learner.forecast(horizon, times)
    ends = learner.forecast_interval(horizon, times, coverage)
    return Response(
        {
            "ahead": list(range(1, len(said) + 1)),
            "y_pred": said,
            "low": [low if math.isfinite(low) else None for low, _ in ends],
            "high": [high if math.isfinite(high) else None for _, high in ends],
        }
    )
