"""Costs of anomaly scores for drift detection, which are the scores themselves."""

from __future__ import annotations

from headwater.types import ScoredRows

__all__ = ["ScoreCosts"]


class ScoreCosts:
    """Costs of rows from their scores, without labels."""

    rose = "Scores rose"

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each row."""
        return [min(max(float(score), 0.0), 1.0) for score in rows.y_pred]
