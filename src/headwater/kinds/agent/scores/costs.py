"""Costs of an agent's steps for drift detection, from how far rewards fall below their mean."""

from __future__ import annotations

from headwater.route.drift.costs import RewardCosts
from headwater.types import ScoredRows

from .score import reward_of

__all__ = ["StepCosts"]


class StepCosts(RewardCosts):
    """Costs of an agent's steps, from their rewards."""

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each step."""
        return self.of_rewards([reward_of(transition) for transition in rows.y])
