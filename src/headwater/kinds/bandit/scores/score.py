"""Mean reward of a bandit while it learns a log, compared with simple policies.

Every row is scored with the learner's choice right before learning it, so the log of another policy tells what this one would have
earned. For its own log that equals the actual rewards up to chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from headwater.kinds.bandit.decision import as_decision, in_places
from headwater.kinds.bandit.scores.spread import OffPolicySums, PolicySpread
from headwater.kinds.bandit.scores.sums import BASELINES, RewardSums, ScoredDecision
from headwater.route.drift.costs import RewardCosts
from headwater.route.score import Score
from headwater.types import Comparison, Predictions, ScoredRows, Scores

__all__ = ["BanditScore", "ChoiceCosts", "scored_decisions"]

_NAMES = ("model", *BASELINES)


class BanditScore(Score):
    """Score a bandit.

    Examples
    --------
    >>> score = BanditScore()
    >>> score.update([("a", 1.0, 0.5), ("b", 0.0, 0.5)], ["a", "a"], [0.5, 0.5])
    >>> score.scores()["logged"]
    {'mean_reward': 0.5}
    """

    names = ("mean_reward",)
    more_is_better = True
    phrase, unit = "reward", "decisions"
    exploration = 'explore="epsilon", amount=0.2'

    def _begin(self, delay: int, learner: Any) -> None:
        self._whole, self._spread, self._ends = RewardSums(), OffPolicySums(), self._rewards_of(learner)

    @staticmethod
    def _rewards_of(learner: Any) -> tuple[float, float]:
        """Return the declared ends of rewards."""
        return (0.0, 1.0) if learner is None else learner.rewards

    @staticmethod
    def problem(label: Any) -> str:
        """Return why a decision can't be scored, or ""."""
        return "" if as_decision(label) is not None else "answer is no action with its reward and probability"

    def score(self, y: Sequence[Any], predictions: Predictions, X: Any = ()) -> list[float]:
        """Score rows just predicted and return the predicted probability of each action taken."""
        rows = scored_decisions(y, predictions)
        self._take(rows)
        return [0.0 if row is None else row.share for row in rows]

    def given(self, y: Sequence[Any], predictions: Predictions) -> list[float]:
        """Return the probability with which the learner would have drawn each action taken."""
        taken = [None if (decision := in_places(as_decision(label))) is None else decision.action for label in y]
        return predictions.proba_of(taken)

    def update(
        self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float] = (), p_pred: Iterable[float] = ()
    ) -> None:
        """Score rows for which only the learner's probability of the action taken is known."""
        for label, share in zip(y, proba, strict=True):
            decision = as_decision(label)
            one = None
            if decision is not None and share == share:  # NaN where no action was known
                action, r, p, _ = decision
                one = ScoredDecision(action, r, p, share, r, {})
            self._take([one])

    def _take(self, rows: Iterable[ScoredDecision | None]) -> None:
        for row in rows:
            if row is None:
                self.unscored += 1
                continue
            usual = self._whole.logged / self.n if self.n else row.reward
            self.n += 1
            self._whole.add(row)
            self._spread.add(row, self._ends)
            self._window.append(row)
            self._follow(float(row.reward < usual))

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the mean reward of ``"model"`` and of each baseline, over all rows or over the window."""
        sums = self._whole
        if window:
            sums = RewardSums()
            for row in self._window:
                sums.add(row)
        return {name: {self.names[0]: value} for name, value in sums.means().items()}

    def spread(self, *, window: bool = False) -> PolicySpread | None:
        """Copy what intervals are computed from, or return None over all rows if an earlier version scored some of them."""
        if window:
            return PolicySpread(list(self._window), self._ends)
        return PolicySpread(self._spread.copied(), self._ends) if self._spread.n == self.n else None

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the mean reward beside those of simple policies, not of the log, which may be the bandit's own."""
        whole = super().comparisons()[0]
        spans = [
            replace(span, guesses={name: value for name, value in span.guesses.items() if name != "logged"})
            for span in (whole.recent, whole.overall)
        ]
        return (replace(whole, recent=spans[0], overall=spans[1]),)

    def _extra(self) -> dict[str, Any]:
        taken = self._whole.taken.items()
        return {"actions": {str(action): {"n": int(n), "mean_reward": total / n} for action, (n, total) in taken}}

    def _point(self) -> list[float]:
        window = self.scores(window=True)
        return [self.n, *(window[name][self.names[0]] for name in _NAMES)]

    def _row_of(self, saved: Any) -> ScoredDecision:
        return msgspec.convert(saved, ScoredDecision)

    def _sums(self) -> dict[str, Any]:
        return {"whole": self._whole, "spread": self._spread}

    def _go_on(self, sums: dict[str, Any]) -> None:
        self._whole = msgspec.convert(sums["whole"], RewardSums)
        self._spread = msgspec.convert(sums.get("spread", {}), OffPolicySums)  # none of an earlier version

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        self._go_on(saved)
        self.n, self.unscored = self._whole.n, saved["unscored"]
        self._window.extend(map(self._row_of, saved["window"]))


def scored_decisions(y: Sequence[Any], predictions: Predictions) -> list[ScoredDecision | None]:
    """Combine rows with their predictions for scoring, None for invalid decisions."""
    if predictions.proba is None or predictions.rewards is None:
        return [None] * len(y)
    names = predictions.classes
    return [
        _scored(label, dict(zip(names, p, strict=True)), dict(zip(names, r, strict=True)))
        for label, p, r in zip(y, predictions.proba.tolist(), predictions.rewards.tolist(), strict=True)
    ]


def _scored(label: Any, shares: dict[Any, float], rewards: dict[Any, float]) -> ScoredDecision | None:
    decision = in_places(as_decision(label))
    if decision is None:
        return None
    offered = set(decision.actions or (name for name, p in shares.items() if p > 0)) | {decision.action}
    # in an order of their own: a fleet's members know actions in the order in which they were loaded
    known = {name: rewards[name] for name in sorted(offered & rewards.keys(), key=repr)}
    expected = sum(shares[name] * value for name, value in known.items())
    return ScoredDecision(decision.action, decision.reward, decision.p, shares[decision.action], expected, known)


class ChoiceCosts(RewardCosts):
    """Costs of chosen actions for drift detection, from how far rewards fall below their mean."""

    def of(self, rows: ScoredRows) -> list[float]:
        """Return the cost of each choice."""
        return self.of_rewards([float(label[1]) for label in rows.y])
