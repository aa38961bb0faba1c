"""What an anomaly model says of rows, as columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from headwater.learner.schema import Response

__all__ = ["ask_anomaly"]


def ask_anomaly(learner: Any, rows: Any, *, rate: float) -> Response:
    """Return the score of each row, and whether it is an alarm at this rate."""
    scores = np.asarray(learner.predict_batch(rows).y_pred, np.float64)
    return Response({"score": scores, "anomaly": (scores > 1 - rate).tolist()})
