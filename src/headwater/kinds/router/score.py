"""Mean quality of a router's choices, compared with simple policies, and what was spent of the budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from headwater.kinds.bandit.scores.score import BanditScore, scored_decisions
from headwater.kinds.router.outcome import as_outcome, decision_of
from headwater.types import Comparison, Predictions

__all__ = ["RouterScore"]


class RouterScore(BanditScore):
    """Score a router.

    Its own choices count with the qualities that were told, decisions of a log with an estimate of what it would have earned. Outcomes
    that tell a cost alone are not scored.

    Examples
    --------
    >>> import numpy as np
    >>> said = Predictions(["a", "a"], np.array([[1.0], [1.0]]), ("a",), rewards=np.array([[0.5], [0.5]]))
    >>> score = RouterScore()
    >>> score.score([["a", 1.0, 1.0], ["a", None, 1.0, 0.002]], said)
    [1.0, 0.0]
    >>> score.n, score.unscored
    (1, 0)
    """

    names = ("mean_quality",)

    def _begin(self, delay: int, learner: Any) -> None:
        super()._begin(delay, learner)
        self._router = learner

    @staticmethod
    def _rewards_of(learner: Any) -> tuple[float, float]:
        """Return the declared ends of qualities."""
        return (0.0, 1.0) if learner is None else learner.bandit.rewards

    @staticmethod
    def problem(label: Any) -> str:
        """Return why an outcome can't be scored, or ""."""
        return "" if as_outcome(label) is not None else "answer is no model with its quality and probability"

    def score(self, y: Sequence[Any], predictions: Predictions, X: Any = ()) -> list[float]:
        """Score rows just predicted and return the predicted probability of each model taken."""
        rows = scored_decisions([decision_of(one, self._ends) for one in y], predictions)
        outcomes = [as_outcome(one, self._ends) for one in y]
        for row, one in zip(rows, outcomes, strict=True):
            if (
                row is not None and one is not None and one.expected is not None
            ):  # its own choice, whose quality needs no estimate
                row.share, row.expected = row.p, row.rewards.get(row.action, row.reward)
        self._take(row for row, one in zip(rows, outcomes, strict=True) if one is None or one.quality is not None)
        return [0.0 if row is None else row.share for row in rows]

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the mean quality, with a budget alone, since it binds no other policy."""
        (whole,) = super().comparisons()
        if getattr(self._router, "budget", None) is None:
            return (whole,)
        spans = [replace(span, guesses={}) for span in (whole.recent, whole.overall)]
        return (replace(whole, recent=spans[0], overall=spans[1]),)

    def _point(self) -> list[float]:
        router = self._router
        budget = getattr(router, "budget", None)
        spent = router.spent / router.decisions / budget if budget and router.decisions else 0.0
        return [*super()._point(), spent]
