"""Sums from which the mean reward of policies follows, each from the rows of one and the same log (doubly robust).

A policy that takes action b with probability π(b) counts Σ_b π(b) f_b + min(π(a)/p, 20)·(r − f_a) on a row whose action a had
probability p and reward r; f are the rewards that the learner expected before it learned the row. ``plain.decisions.policy_value``
has the formula without the bound and its source; the bound keeps one row of a rare action from deciding alone.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

__all__ = ["BASELINES", "RewardSums", "ScoredDecision"]

BASELINES = ("logged", "uniform", "best fixed")
"""What was done; an action drawn evenly from those offered; the one action that would have earned most, always."""
ENOUGH = 30
"""Rows for which an action must have been known before it can be called the best."""
HEAVIEST = 20.0
"""A row stands for no more of another policy's rows."""


class ScoredDecision(msgspec.Struct, array_like=True, gc=False):
    """One row: action, reward, its probability, that which the model gives it, what the model expects of each action offered."""

    action: Any
    reward: float
    p: float
    share: float
    expected: float
    """Σ of the model's probabilities times what it expects."""
    rewards: dict[Any, float]


class RewardSums(msgspec.Struct):
    """Σ over rows of what each policy would have earned.

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
    """Of each action: rows in which it was offered, and the sum over them."""
    taken: dict[Any, list[float]] = {}
    """Of each action: rows in which it was taken, and the sum of its rewards."""

    def add(self, row: ScoredDecision) -> None:
        """Take a row in."""
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
        """Return the mean reward of the model and of each baseline; NaN where nothing is known."""
        n = self.n or math.nan
        fixed = [total / rows for rows, total in self.fixed.values() if rows >= ENOUGH]
        best = max(fixed, default=math.nan)
        return {"model": self.model / n, "logged": self.logged / n, "uniform": self.uniform / n, "best fixed": best}
