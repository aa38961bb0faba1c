"""How a router stands: what it spent and where, why a model is expected to be good, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from headwater.diagnose.finding import Finding
from headwater.explain.explanation import Explanation
from headwater.kinds.bandit.explain import explain_action
from headwater.kinds.bandit.findings import diagnose_bandit
from headwater.learner.schema.pictures import Bars, Line, Lines, Picture
from headwater.route.verdict.numbers import figure

__all__ = [
    "FrontierSummary",
    "PriceSummary",
    "diagnose_router",
    "explain_model",
    "frontier_of",
    "ledger",
    "pictures_of",
    "prices_of",
]

_SEEN = 300  # minimum decisions to report on
_OVER = 1.02  # mean cost in budgets above which the budget does not hold
_PROMPTS = 200  # prompts over which the frontier of a page is computed


class PriceSummary(TypedDict):
    """The price of each model for a million tokens, and the budget."""

    seq: int
    models: dict[str, float]
    budget: float | None


class FrontierPoint(TypedDict):
    """A mean cost of a decision, the quality that can be expected for it, and the share of each model."""

    cost: float
    quality: float
    shares: dict[str, float]


class FrontierSummary(TypedDict):
    """What was decided and spent, and what quality can be expected at each mean cost."""

    seq: int
    decisions: int
    spent: float
    price: float
    chosen: dict[str, int]
    points: list[FrontierPoint]


def prices_of(router: Any) -> dict[str, Any]:
    """Return the price of each model, and the budget."""
    return {"models": dict(router.models), "budget": router.budget}


def frontier_of(router: Any) -> dict[str, Any]:
    """Return what was decided and spent, and what quality can be expected at each mean cost."""
    known = router.decisions and router.models
    return {
        "decisions": router.decisions,
        "spent": router.spent,
        "price": router.price,
        "chosen": router.chosen,
        "points": [point._asdict() for point in router.frontier()] if known else [],
    }


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


def pictures_of(router: Any, score: Any = None, x: Any = None) -> list[Picture]:
    """Return how often each model was chosen, how good it was, and what quality can be expected at which cost.

    Parameters
    ----------
    router : Router
        The router, kept from others by the caller.
    score : RouterScore, optional
        Its score, of which nothing more is drawn.
    x : dict, optional
        The features of a prompt to choose a model for.
    """
    known = ledger(router, score)
    models = known["models"] if router.n_learned or router.decisions else []
    good = {one["name"]: one["quality"] for one in models if one["quality"] is not None}
    beside = {one["name"]: f"rewarded {one['rewarded']:,} times" for one in models}
    found: list[Picture] = [Bars("mean quality of each model", good, "quality", beside)]
    if router.decisions:
        found.append(Bars("decisions for each model", {one["name"]: one["chosen"] for one in models}, "decisions"))
    if known["frontier"]:
        cost, quality = ([point[name] for point in known["frontier"]] for name in ("cost", "quality"))
        at = {} if router.budget is None else {"budget": router.budget}
        said = f"expected quality at each mean cost ({figure(router.spent)} spent so far)"
        found.append(
            Lines(said, "mean cost of a decision", "quality", (Line("frontier", cost, quality, "points"),), at=at)
        )
    return found if x is None else [_of_prompt(router, x), *found]


def _of_prompt(router: Any, x: Any) -> Picture:
    """Return the quality that is expected of each model for one prompt, with the probability that it is drawn."""
    said = router.ask([x])
    expected, proba = said.rows()[0].get("expected") or {}, said.rows()[0].get("proba") or {}
    ranked = sorted(expected, key=lambda name: -expected[name])
    beside = {str(name): f"drawn with {100 * proba.get(name, 0.0):.0f} %" for name in ranked}
    return Bars("expected quality for this prompt", {str(name): expected[name] for name in ranked}, "quality", beside)
