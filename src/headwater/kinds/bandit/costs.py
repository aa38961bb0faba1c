"""Costs of a bandit's actions for drift detection, from how far rewards fall below their mean."""

from __future__ import annotations

from headwater.route.costs import RewardCosts
from headwater.types import ScoredRows

__all__ = ["ChoiceCosts"]


class ChoiceCosts(RewardCosts):
    """Costs of chosen actions, from their rewards."""

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each choice."""
        return self.of_rewards([float(label[1]) for label in rows.y])
