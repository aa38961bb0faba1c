"""Running sums for the doubly robust mean rewards of policies on one log.

A policy that takes action b with probability π(b) scores Σ_b π(b) f_b + min(π(a)/p, 20)·(r − f_a) on a row whose action a had
probability p and reward r. The f are the learner's expected rewards before it learned the row. ``plain.kinds.policy_value`` has
the formula without the bound, and its source. The bound keeps one row of a rare action from dominating.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

__all__ = ["BASELINES", "RewardSums", "ScoredDecision"]

BASELINES = ("logged", "uniform", "best fixed")
"""The logged actions, a uniform choice among the offered ones, and always the single action that would have earned most."""
ENOUGH = 30
"""Minimum rows of an action to be the best fixed one."""
HEAVIEST = 20.0
"""Maximum importance weight of a row."""


class ScoredDecision(msgspec.Struct, array_like=True, gc=False):
    """A row with action, reward, its probability, the model's probability, and the model's expected rewards."""

    action: Any
    reward: float
    p: float
    share: float
    expected: float
    """Σ of the model's probabilities times its expected rewards."""
    rewards: dict[Any, float]


class RewardSums(msgspec.Struct):
    """Sums over rows of each policy's estimated reward.

    Examples
    --------
    >>> sums = RewardSums()
    >>> for i in range(100):
    ...     sums.add(ScoredDecision("ab"[i % 2], float(i % 2), 0.5, 0.9 if i % 2 else 0.1, 0.9, {"a": 0.0, "b": 1.0}))
    >>> {name: round(value, 3) for name, value in sums.means().items()}
    {'model': 0.9, 'logged': 0.5, 'uniform': 0.5, 'best fixed': 1.0}
    """

    n: int = 0
    model: float = 0.0
    logged: float = 0.0
    uniform: float = 0.0
    fixed: dict[Any, list[float]] = {}
    """By action, the rows in which it was offered, and the sum over them."""
    taken: dict[Any, list[float]] = {}
    """By action, the rows in which it was taken, and the sum of its rewards."""

    def add(self, row: ScoredDecision) -> None:
        """Add a row."""
        known = row.rewards or {row.action: row.reward}
        miss = row.reward - known.get(row.action, row.reward)
        self.n += 1
        self.logged += row.reward
        self.model += row.expected + min(row.share / row.p, HEAVIEST) * miss
        self.uniform += sum(known.values()) / len(known) + min(1 / len(known) / row.p, HEAVIEST) * miss
        for action, value in known.items():
            own = self.fixed.setdefault(action, [0.0, 0.0])
            own[0] += 1
            own[1] += value + (min(1 / row.p, HEAVIEST) * miss if action == row.action else 0.0)
        done = self.taken.setdefault(row.action, [0.0, 0.0])
        done[0] += 1
        done[1] += row.reward

    def means(self) -> dict[str, float]:
        """Return the mean reward of the model and of each baseline, NaN if unknown."""
        n = self.n or math.nan
        fixed = [total / rows for rows, total in self.fixed.values() if rows >= ENOUGH]
        best = max(fixed, default=math.nan)
        return {"model": self.model / n, "logged": self.logged / n, "uniform": self.uniform / n, "best fixed": best}
