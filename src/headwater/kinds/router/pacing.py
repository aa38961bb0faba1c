"""What a router has spent, what its models cost, and the price λ that keeps the mean cost to a budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from typing import Any, TypeAlias

__all__ = ["Costs", "Pacing"]

Saved: TypeAlias = dict[str, Any]

# Chosen on the development worlds of benchmarks/router.py (benchmarks/NOTES.md).
_STEP = 0.005
"""Step of the price λ for each decision, in quality for a budget."""
_PULL = 0.01
"""What λ rises by for each budget that was overspent, and falls by for each that was saved."""
_LEAST = 0.01
"""Least λ, so that of two models that are as good the cheaper one is played, however much there is to spend."""
_STEEPEST = 5.0
"""Budgets by which one decision moves λ at most."""
_PRIOR = 5.0
"""Decisions by which what a model's tokens cost is taken to be what those of all cost."""
_FADE = 0.995
"""Share of the sums of costs that is left after each of a model's decisions."""


@dataclass(slots=True)
class Costs:
    """What a model's decisions cost, beside what its price says of their tokens."""

    listed: float = 0.0
    paid: float = 0.0
    n: float = 0.0

    @property
    def ratio(self) -> float:
        """What a decision costs in units of the price of its tokens."""
        return self.paid / self.listed if self.listed else 1.0

    def see(self, listed: float, paid: float) -> None:
        """Count a decision."""
        self.listed, self.paid, self.n = _FADE * self.listed + listed, _FADE * self.paid + paid, _FADE * self.n + 1


@dataclass(slots=True)
class Pacing:
    """The state of a router beside its bandit.

    Examples
    --------
    >>> pacing = Pacing()
    >>> for cost in (3.0, 3.0, 1.0):
    ...     pacing.choose("large", cost, budget=1.0)
    >>> pacing.decisions, pacing.spent, round(pacing.price, 3)
    (3, 7.0, 0.06)
    """

    decisions: int = 0
    spent: float = 0.0
    """Cost of all decisions, of those whose cost was not told the expected one."""
    added: float = 0.0
    """The part of λ that adds up."""
    debt: float = 0.0
    """Budgets by which more was spent than aimed at."""
    costs: dict[Any, Costs] = field(default_factory=dict)
    all: Costs = field(default_factory=Costs)
    chosen: dict[Any, int] = field(default_factory=dict)
    """Decisions by model."""

    @property
    def price(self) -> float:
        """The dual variable λ: quality that a decision must gain to be worth a budget more."""
        return max(_LEAST, self.added + _PULL * self.debt)

    def choose(self, model: Any, cost: float, budget: float | None) -> None:
        """Count a decision with its expected cost."""
        self.decisions += 1
        self.chosen[model] = self.chosen.get(model, 0) + 1
        self._pay(cost, 1.0, budget)

    def told(self, model: Any, listed: float, expected: float, cost: float, budget: float | None) -> None:
        """Count what a decision cost instead of what was expected."""
        for costs in (self.costs.setdefault(model, Costs()), self.all):
            costs.see(listed, cost)
        self._pay(cost - expected, 0.0, budget)

    def ratios(self, models: Iterable[Any]) -> list[float]:
        """Return what each model's decisions cost in units of the price of their tokens, drawn towards that of all models."""
        usual = self.all.ratio
        return [
            (own.paid + _PRIOR * usual * own.listed / own.n) / (own.listed * (1 + _PRIOR / own.n))
            if own is not None and own.listed
            else usual
            for own in map(self.costs.get, models)
        ]

    def _pay(self, cost: float, due: float, budget: float | None) -> None:
        """Count a cost beside the budgets that were due for it."""
        self.spent += cost
        if budget is None:
            return
        change = cost / budget - due
        self.debt += change
        self.added = max(0.0, self.added + _STEP * max(-_STEEPEST, min(_STEEPEST, change)))

    # ---- state -------------------------------------------------------------------------------------------------------

    def saved(self) -> Saved:
        """Return the state as JSON values."""
        return {
            "costs": [[name, *astuple(one)] for name, one in self.costs.items()],
            "all": astuple(self.all),
            "chosen": [[name, n] for name, n in self.chosen.items()],
            "price": self.added,
            "debt": self.debt,
            "decisions": self.decisions,
            "spent": self.spent,
        }

    @classmethod
    def of(cls, saved: Mapping[str, Any]) -> Pacing:
        """Restore what ``saved`` returned, or a router of version 0.2 had in the notes of its bandit."""
        costs = saved["costs"]
        rows = [[name, *own] for name, own in costs.items()] if isinstance(costs, Mapping) else costs
        return cls(
            saved["decisions"],
            saved["spent"],
            saved["price"],
            saved["debt"],
            {name: Costs(*own) for name, *own in rows},
            Costs(*saved["all"]),
            dict(saved.get("chosen", ())),
        )
