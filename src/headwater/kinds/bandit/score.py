"""The mean reward of a policy while it learns a log, next to that of simple policies.

Every row is scored with what the learner would have done right before it learned it, so the rows of another policy's log say what
this one would have earned. Where the log is its own, that is what it earned, but for chance.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from headwater.kinds.bandit.decision import as_decision
from headwater.kinds.bandit.sums import RewardSums, ScoredDecision
from headwater.types import Predictions, Scores

__all__ = ["DecisionWatch", "scored_decisions"]


class DecisionWatch:
    """Score a learner that chooses actions, row by row; the size of the blocks can't change a result.

    Parameters
    ----------
    window
        How many of the last rows the window scores are over.
    delay
        Not used: a reward is learned when it comes.

    Examples
    --------
    >>> watch = DecisionWatch()
    >>> watch.update([("a", 1.0, 0.5), ("b", 0.0, 0.5)], ["a", "a"], [0.5, 0.5])
    >>> watch.scores()["logged"]
    {'mean_reward': 0.5}
    """

    names = ("mean_reward",)
    needs_answers = True

    def __init__(self, *, window: int = 1000, delay: int = 0) -> None:
        self.n = 0
        self.unscored = 0
        self._sums = RewardSums()
        self._window: deque[ScoredDecision] = deque(maxlen=window)

    @staticmethod
    def problem(answer: Any) -> str:
        """Return why an answer can't be scored, or the empty string."""
        return "" if as_decision(answer) is not None else "answer is no action with its reward and probability"

    def score(self, y: Sequence[Any], forecast: Predictions, X: Any = ()) -> list[float]:
        """Score rows that were predicted just now; return the probability that was given to each action taken."""
        rows = scored_decisions(y, forecast)
        self._take(rows)
        return [0.0 if row is None else row.share for row in rows]

    def update(self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float]) -> None:
        """Score rows of which only the probability is known that the learner would have taken each action with."""
        for answer, share in zip(y, proba, strict=True):
            decision = as_decision(answer)
            one = None
            if decision is not None:
                action, r, p, _ = decision
                one = ScoredDecision(action, r, p, share, r, {})
            self._take([one])

    def _take(self, rows: Iterable[ScoredDecision | None]) -> None:
        for row in rows:
            if row is None:
                self.unscored += 1
                continue
            self.n += 1
            self._sums.add(row)
            self._window.append(row)

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the mean reward of ``"model"`` and of each baseline, over all rows or over the window."""
        sums = self._sums
        if window:
            sums = RewardSums()
            for row in self._window:
                sums.add(row)
        return {name: {"mean_reward": value} for name, value in sums.means().items()}


def scored_decisions(y: Sequence[Any], forecast: Predictions) -> list[ScoredDecision | None]:
    """Return rows as they are scored with what was forecast for them; None for what is no decision."""
    if forecast.proba is None or forecast.rewards is None:
        return [None] * len(y)
    names = forecast.classes
    return [
        _scored(answer, dict(zip(names, p, strict=True)), dict(zip(names, r, strict=True)))
        for answer, p, r in zip(y, forecast.proba.tolist(), forecast.rewards.tolist(), strict=True)
    ]


def _scored(answer: Any, shares: dict[Any, float], rewards: dict[Any, float]) -> ScoredDecision | None:
    decision = as_decision(answer)
    if decision is None:
        return None
    offered = set(decision.actions or (name for name, p in shares.items() if p > 0)) | {decision.action}
    known = {name: value for name, value in rewards.items() if name in offered}
    expected = sum(shares[name] * value for name, value in known.items())
    return ScoredDecision(decision.action, decision.reward, decision.p, shares[decision.action], expected, known)
