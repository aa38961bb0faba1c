"""Scores of a learner that chooses actions: rewards, next to what simple policies would have earned."""

from .scores import DecisionWatch, scored_decisions
from .sums import BASELINES, RewardSums, ScoredDecision

__all__ = ["BASELINES", "DecisionWatch", "RewardSums", "ScoredDecision", "scored_decisions"]
