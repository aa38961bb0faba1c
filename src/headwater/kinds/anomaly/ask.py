"""What an anomaly model says of rows, as columns, and what a picture shows of it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from headwater.kinds.anomaly.explain import explain_anomaly
from headwater.kinds.anomaly.findings import kept_scores
from headwater.kinds.anomaly.score import RATE
from headwater.learner.schema import Response
from headwater.learner.schema.pictures import Histogram, Line, Lines, Picture

__all__ = ["ask_anomaly", "pictures_of"]

SHOWN = 500
"""Scores that are drawn along the stream."""


def ask_anomaly(learner: Any, rows: Any, *, rate: float) -> Response:
    """Return the score of each row, and whether it is an alarm at this rate."""
    scores = np.asarray(learner.predict_batch(rows).y_pred, np.float64)
    return Response({"score": scores, "anomaly": (scores > 1 - rate).tolist()})


def pictures_of(model: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return the raw scores of the last rows and how often they occur, with the one above which an alarm is given.

    Parameters
    ----------
    model : Anomaly
        The model, kept from others by the caller.
    score : AnomalyScore, optional
        Its score, of which nothing more is drawn.
    x : dict, optional
        A row to mark.
    """
    empty: list[Picture] = [Histogram("scores of the last rows", "raw score", ())]
    if model.engine is None or not model.engine.learned:
        return empty
    ever, kept = kept_scores(model.engine)
    raw = kept[-1].astype(float)
    marks = _alarm_above(raw)
    at = dict(marks) if x is None else {**marks, "this row": float(explain_anomaly(model, x).prediction)}
    last = raw[-SHOWN:].tolist()
    rows = list(range(ever - len(last) + 1, ever + 1))
    return [
        Lines("raw score of each row", "rows", "raw score", (Line("score", rows, last),), level=marks),
        Histogram(f"raw scores of the last {len(raw):,} rows", "raw score", raw.tolist(), at),
    ]


def _alarm_above(raw: Any) -> dict[str, float]:
    """Return the raw score above which fewer than one row in a thousand lay, nothing while there are too few rows."""
    most = math.ceil(RATE * (len(raw) + 1) - 0.5) - 1  # of those kept, as many may be as large
    return {"alarm above": float(np.sort(raw)[-1 - most])} if most >= 0 else {}
