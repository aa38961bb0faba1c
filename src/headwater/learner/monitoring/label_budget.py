"""Which rows are worth a label, within a budget, and scores of the labeled rows that stand for all rows."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from headwater.errors import ConfigError
from headwater.plain.network.random import uniform_one

__all__ = ["Estimate", "LabelBudget", "uncertainty", "uniform"]

# Chosen on eight development streams at budgets of 2 and 10 % (benchmarks/NOTES.md).
_FLOOR = 0.2
"""Share of the budget with which even the surest row is asked, so that no weight exceeds 1 / (budget · _FLOOR)."""
_SOFT = 0.1
"""Width of the step of the probability around the threshold, in units of uncertainty."""
_RATE = 0.02
"""Step of the threshold per row, for an excess of the probability of 1."""
_DEBT = 0.0004
"""Step of the threshold per row while more, or less, than the budget has been spent."""
_STEEPEST = 30.0


class Estimate(NamedTuple):
    """A mean over all rows, estimated from those that were labeled, with its standard error."""

    value: float
    error: float
    n: int


def uncertainty(shares: Iterable[float]) -> float:
    """Return 1 minus the margin between the two largest probabilities, and infinity for fewer than two classes.

    Examples
    --------
    >>> round(uncertainty([0.7, 0.1, 0.2]), 3), uncertainty([1.0])
    (0.5, inf)
    """
    first = second = n = 0.0
    for share in shares:
        n += 1
        if share > first:
            first, second = share, first
        elif share > second:
            second = share
    return 1.0 - (first - second) if n > 1 else math.inf


class LabelBudget:
    """Choose rows to label by uncertainty and chance, and estimate scores without bias.

    Row i is asked with probability p = f·b + (1 − f·b)·sigmoid((u − t)/0.1), where u is its uncertainty, b the budget and f = 0.2. The
    threshold t rises where p exceeds the budget and falls where it is below, so that the share of rows asked tends to b. While fewer
    than two classes are known, p is max(b, 1/(1 + rows asked)). Weights 1/p make means over the labeled rows stand for all rows.

    Parameters
    ----------
    state : dict
        Counts and threshold, changed in place, for a learner's notes or a store.
    seed : int
        Seed of the draws, of which draw i depends on nothing but seed and i.

    Examples
    --------
    >>> budget = LabelBudget({}, seed=1)
    >>> asked = [budget.ask(0.9 if i % 10 == 0 else 0.1, budget=0.1) for i in range(5000)]
    >>> 0.09 < sum(asked) / 5000 < 0.11, sum(asked[::10]) > 0.75 * sum(asked)
    (True, True)

    References
    ----------
    Žliobaitė, Bifet, Pfahringer & Holmes 2014 (uncertainty with chance, within a budget); Horvitz & Thompson 1952 and Hájek 1971 (the
    weights and the estimate).
    """

    __slots__ = ("_seed", "_state")

    def __init__(self, state: dict[str, Any], seed: int = 0) -> None:
        self._state, self._seed = state, seed
        if not state:
            state.update(dict.fromkeys(_COUNTS, 0.0), threshold=0.5, probability=1.0)

    @property
    def seen(self) -> int:
        """Number of rows for which a label was considered."""
        return int(self._state["seen"])

    @property
    def asked(self) -> int:
        """Number of rows whose label was asked for."""
        return int(self._state["asked"])

    @property
    def probability(self) -> float:
        """Probability with which the last row was asked. Its weight in unbiased scores is 1 / probability."""
        return float(self._state["probability"])

    def as_json(self) -> str:
        """Return the state as JSON, for a store."""
        return json.dumps(self._state)

    def ask(self, u: float, budget: float) -> bool:
        """Decide whether to ask for the label of a row.

        Parameters
        ----------
        u : float
            Its uncertainty, from 0 to 1, or infinity while fewer than two classes are known.
        budget : float
            Share of rows whose labels can be paid for.

        Returns
        -------
        bool

        Raises
        ------
        ConfigError
            If the budget is not above 0 and at most 1.
        """
        if not 0 < budget <= 1:
            raise ConfigError(
                expected="a share of rows above 0 and at most 1", got=repr(budget), at="budget", help="Use e.g. 0.05."
            )
        state = self._state
        p = self._chance(u, budget)
        state["seen"] += 1.0
        state["owed"] += p - budget
        if u < math.inf:
            state["threshold"] += _RATE * (p - budget) + math.copysign(_DEBT, state["owed"])
        state["probability"] = p
        asks = uniform(self._seed, self.seen) < p
        state["asked"] += asks
        return asks

    def _chance(self, u: float, budget: float) -> float:
        """Return the probability with which a row is asked."""
        if budget == 1:
            return 1.0
        if u == math.inf:  # all rows are alike as long as nobody has labeled two classes
            return max(budget, 1 / (1 + self.asked))
        least = _FLOOR * budget
        steep = max(-_STEEPEST, min(_STEEPEST, (u - self._state["threshold"]) / _SOFT))
        return least + (1 - least) / (1 + math.exp(-steep))

    def score(self, value: float, p: float | None = None) -> None:
        """Add the score of a labeled row, such as whether its prediction was right.

        Parameters
        ----------
        value : float
            The score.
        p : float, optional
            Probability with which the row was asked, by default that of the last row.
        """
        state, w = self._state, 1 / (self.probability if p is None else p)
        for name, add in (("weight", w), ("value", w * value), ("weight2", w * w)):
            state[name] += add
        state["value2"] += w * w * value
        state["square2"] += w * w * value * value
        state["scored"] += 1.0

    def estimate(self) -> Estimate:
        """Return the mean score over all rows, with weights 1/p, and its standard error.

        Examples
        --------
        >>> budget = LabelBudget({})
        >>> for right, p in [(1, 0.5), (1, 0.5), (0, 0.1)]:
        ...     budget.score(right, p)
        >>> round(budget.estimate().value, 3)
        0.286
        """
        state = self._state
        if not state["scored"]:
            return Estimate(math.nan, math.nan, 0)
        mean = state["value"] / state["weight"]
        square = state["square2"] - 2 * mean * state["value2"] + mean * mean * state["weight2"]
        return Estimate(mean, math.sqrt(max(square, 0.0)) / state["weight"], int(state["scored"]))


_COUNTS = ("seen", "asked", "owed", "weight", "value", "weight2", "value2", "square2", "scored")


def uniform(seed: int, n: int) -> float:
    """Return number n of a seed's uniform draws."""
    return uniform_one(seed * 0xD1342543DE82EF95, n - 1)  # the factor keeps neighbouring seeds apart
