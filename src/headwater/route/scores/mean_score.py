"""The mean cost of a prediction, compared with baselines of a kind's own.

A kind says what a prediction costs, what its baselines predict, and what these learn of a label. For row i with label y, prediction p
and the guess g of a baseline from the labels that had arrived::

    model      mean of cost(y, p)
    baseline   mean of cost(y, g)
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from headwater.learner.kind import kind_of
from headwater.route.score import Score
from headwater.route.scores.number_score import margin
from headwater.types import Scores

__all__ = ["MeanScore"]


class MeanScore(Score):
    """Score by the mean cost of a row, next to baselines that predict from the labels so far.

    A subclass names its metric (``names``) and its baselines, and says what a prediction costs, what the baselines predict now and
    what they learn of a label. Windows, saved states, curves and late labels follow, and drift detectors watch the same cost.

    Examples
    --------
    >>> class Off(MeanScore):
    ...     names, baselines = ("off",), ("last",)
    ...
    ...     @staticmethod
    ...     def cost(label, predicted):
    ...         return abs(label - predicted)
    ...
    ...     def guesses(self):
    ...         return (self.state.get("last", 0.0),)
    ...
    ...     def learn(self, label):
    ...         self.state["last"] = label
    >>> score = Off()
    >>> score.update([1.0, 2.0, 4.0], [1.0, 1.5, 3.5])
    >>> score.scores()
    {'model': {'off': 0.3333333333333333}, 'last': {'off': 1.3333333333333333}}
    """

    baselines: ClassVar[tuple[str, ...]] = ()
    """Names of the baselines, in the order of ``guesses``."""

    # ---- overridden by each kind ---------------------------------------------------------------------------------------

    @staticmethod
    @abstractmethod
    def cost(label: Any, predicted: Any) -> float:
        """Return what a prediction costs, 0 or more."""

    def guesses(self) -> tuple[Any, ...]:
        """Return what each baseline predicts now, from ``state``."""
        return ()

    def learn(self, label: Any) -> None:
        """Change ``state``, which is saved as MessagePack, by a label that has arrived."""

    # ---- shared by all of them -----------------------------------------------------------------------------------------

    def _begin(self, delay: int, learner: Any) -> None:
        self._answer = None if learner is None else kind_of(learner).answer
        self.state: dict[str, Any] = {}
        """What the baselines know."""
        self._late: deque[Any] = deque([None] * delay)  # labels that a baseline may not know yet
        self._totals = [0.0] * (1 + len(self.baselines))

    def problem(self, label: Any) -> str:  # type: ignore[override]
        """Return why a label can't be scored, or "", as the kind's declaration says."""
        if self._answer is not None:
            return self._answer.problem(label)
        return "answer unknown" if label is None or label != label else ""

    def update(
        self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float] = (), p_pred: Iterable[float] = ()
    ) -> None:
        """Score rows by label and prediction, ignoring probabilities."""
        for given, predicted in zip(y, y_pred, strict=True):
            if predicted is None or self.problem(given):
                self.unscored += 1
                continue
            label = given if self._answer is None else self._answer.read(given, None)
            self._late.append(label)
            self._add(label, predicted)
            if (arrived := self._late.popleft()) is not None:
                self.learn(arrived)

    def _add(self, label: Any, predicted: Any) -> None:
        usual = self._totals[0] / self.n if self.n else 0.0
        costs = [float(self.cost(label, said)) for said in (predicted, *self.guesses())]
        self.n += 1
        self._totals = [total + cost for total, cost in zip(self._totals, costs, strict=True)]
        self._window.append(tuple(costs))
        self._follow(costs[0] / (costs[0] + usual) if costs[0] else 0.0)

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the mean cost of ``"model"`` and of each baseline, over all rows or over the window."""
        n, totals = self.n, self._totals
        if window:  # fresh sums, because removing rows from running sums accumulates rounding
            n = len(self._window)
            totals = [math.fsum(row[i] for row in self._window) for i in range(len(totals))]
        metric = next(iter(self.names))
        named = zip(("model", *self.baselines), totals, strict=True)
        return {name: {metric: total / n if n else math.nan} for name, total in named}

    def margins(self, last: int) -> dict[str, list[float]]:
        """Return for each baseline (c − c_model) / (c + c_model) of its cost c in the last rows of the window."""
        rows = list(self._window)[max(len(self._window) - last, 0) :]
        return {name: [margin(row[0], row[i]) for row in rows] for i, name in enumerate(self.baselines, 1)}

    def guess(self, baseline: str) -> Any:
        """Return what a baseline predicts now, or None where it can't be said."""
        return dict(zip(self.baselines, self.guesses(), strict=True)).get(baseline) if self.n else None

    def _point(self) -> list[float]:
        return [self.n, *(own[next(iter(self.names))] for own in self.scores(window=True).values())]

    def _sums(self) -> dict[str, Any]:
        return {"state": self.state, "late": list(self._late), "totals": self._totals}

    def _go_on(self, sums: dict[str, Any]) -> None:
        self.state, self._late, self._totals = sums["state"], deque(sums["late"]), sums["totals"]
