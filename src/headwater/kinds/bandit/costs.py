"""What a choice cost: how far its reward fell below the usual one."""

from __future__ import annotations

from headwater.route.costs import RewardCosts
from headwater.types import ScoredRows

__all__ = ["ChoiceCosts"]


class ChoiceCosts(RewardCosts):
    """Costs of chosen actions, by their rewards."""

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each choice."""
        return self.of_rewards([float(label[1]) for label in rows.y])
