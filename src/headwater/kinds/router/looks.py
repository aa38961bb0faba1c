"""How a router stands: what it spent and where, why a model is expected to be good, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headwater.diagnose.finding import Finding
from headwater.explain.explanation import Explanation
from headwater.kinds.bandit.explain import explain_action
from headwater.kinds.bandit.findings import diagnose_bandit

__all__ = ["diagnose_router", "explain_model", "ledger"]

_SEEN = 300  # minimum decisions to report on
_OVER = 1.02  # mean cost in budgets above which the budget does not hold
_PROMPTS = 200  # prompts over which the frontier of a page is computed


def explain_model(router: Any, x: Mapping[Any, Any], model: Any = None) -> Explanation:
    """Attribute the expected quality of a model to the columns, as ``explain_action`` of bandits does."""
    return explain_action(router.bandit, x, model)


def diagnose_router(router: Any) -> tuple[Any, list[Finding | None]]:
    """Return the measurements of the bandit, and its findings with those of the costs."""
    measures, found = diagnose_bandit(router.bandit)
    return measures, [*found, _over_budget(router)]


def _over_budget(router: Any) -> Finding | None:
    """Report a mean cost that is above the budget."""
    if router.budget is None or router.decisions < _SEEN or router.spent <= _OVER * router.budget * router.decisions:
        return None
    times = router.spent / router.decisions / router.budget
    return Finding(
        "over_budget",
        "warning",
        f"A decision costs {times:.2f} budgets on average: even the cheapest model may cost more.",
        "Raise the budget, or add a cheaper model.",
        {"budgets": times},
    )


def ledger(router: Any, scores: Any, ahead: Any = None) -> dict[str, Any]:
    """Return what a page shows of costs and choices: decisions, spending, λ, a line a model, and the frontier."""
    taken = router.bandit.taken
    names = dict.fromkeys([*router.models, *router.chosen])
    return {
        "decisions": router.decisions,
        "spent": router.spent,
        "budget": router.budget,
        "price": router.price,
        "models": [
            {
                "name": str(name),
                "price": router.models.get(name),
                "chosen": router.chosen.get(name, 0),
                "rewarded": taken.get(name, (0, 0.0))[0],
                "quality": taken[name][1] if name in taken else None,
            }
            for name in names
        ],
        "frontier": [point._asdict() for point in router.frontier(_PROMPTS)]
        if router.decisions and router.models
        else [],
    }
