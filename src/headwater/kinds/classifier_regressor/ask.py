"""What a classifier and a regressor say of rows, as columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.learner.schema import Response

__all__ = ["ask_classifier", "ask_regressor"]


def ask_classifier(learner: Any, rows: Any, *, coverage: float | None) -> Response:
    """Return classes with their probabilities, and sets where a coverage is asked for."""
    said = Response.of(learner.predict_batch(rows))
    if coverage is None:
        return said
    return Response({**said.columns, "set": [sorted(one, key=str) for one in learner.predict_set_many(rows, coverage)]})


def ask_regressor(learner: Any, rows: Any, *, coverage: float | None) -> Response:
    """Return numbers, and intervals where a coverage is asked for."""
    said = Response.of(learner.predict_batch(rows))
    if coverage is None:
        return said
    ends = np.asarray(learner.predict_interval_many(rows, coverage)).reshape(-1, 2)
    return Response({**said.columns, "low": ends[:, 0], "high": ends[:, 1]})
