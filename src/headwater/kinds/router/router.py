"""The router, a bandit over language models whose mean cost keeps to a budget."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from headwater.errors import ConfigError, DataError, HeadwaterError, shown
from headwater.kinds.bandit.learner import Bandit
from headwater.kinds.bandit.scores.policy_value import PolicyValue
from headwater.learner.monitoring.label_budget import uniform

from .prompts import row_of

__all__ = ["Choice", "Point", "Router"]

# Chosen on the development worlds of benchmarks/router.py (benchmarks/NOTES.md).
_STEP = 0.005
"""Step of the price λ for each decision, in quality for a budget."""
_PULL = 0.01
"""What λ rises by for each budget that was overspent, and falls by for each that was saved."""
_LEAST = 0.01
"""Least λ, so that of two models that are as good the cheaper one is played, however much there is to spend."""
_STEEPEST = 5.0
"""Budgets by which one decision moves λ at most."""
_BONUS = 0.4
"""Optimism about a model, in quality, before its first reward; it falls with the root of their number."""
_HOPE = 5.0
"""Rewards by which a model is taken to be as good as the best, so that a few bad ones don't shut it out."""
_GAMMA = 40.0
"""How fast exploration falls with the gap to the best model at the first decision; it grows with the root of their number."""
_SETTLED = 100
"""Decisions after which exploration falls no more, so that other policies can be valued and models that change are noticed."""
_PRIOR = 5.0
"""Decisions by which what a model's tokens cost is taken to be what those of all cost."""
_FADE = 0.995
"""Share of the sums of costs that is left after each of a model's decisions."""
_TOKENS = 1000.0
"""Tokens of a prompt of which none are told."""
_WAITING = 100_000
"""Decisions that may wait for their quality. Of more the oldest are let go."""
_LOG = 10_000
"""Decisions that are kept for estimates of other policies."""
_RECENT = 1_000
"""Prompts over which the frontier is computed."""
_LAMBDAS = (0.0, *np.geomspace(1e-3, 1e3, 40).tolist())


class Choice(NamedTuple):
    """The model chosen for a prompt.

    Parameters
    ----------
    id : str
        Id to pass to ``Router.reward``.
    model : str
        The model.
    p : float
        The probability with which it was chosen.
    quality, cost : float
        What is expected of it.
    """

    id: str
    model: str
    p: float
    quality: float
    cost: float


class Point(NamedTuple):
    """A mean cost a decision, the quality that can be expected for it, and the share of each model."""

    cost: float
    quality: float
    shares: dict[str, float]


@dataclass(slots=True)
class _Costs:
    """What a model's decisions cost, beside what its price says of their tokens."""

    listed: float = 0.0
    paid: float = 0.0
    n: float = 0.0

    @property
    def ratio(self) -> float:
        """What a decision costs in units of the price of its tokens."""
        return self.paid / self.listed if self.listed else 1.0

    def see(self, listed: float, paid: float) -> None:
        self.listed, self.paid, self.n = _FADE * self.listed + listed, _FADE * self.paid + paid, _FADE * self.n + 1


class Router:
    """Choose which language model answers a prompt, so that quality is high and the mean cost keeps to a budget.

    The quality of each model is learned by a `Bandit` from the prompt's features, its cost from its price, the prompt's tokens and
    the costs that are told. A model is played by its value quality + bonus − λ·cost/budget. After each decision λ grows by
    0.005·(cost/budget − 1) and moves with what was overspent or saved. A model that costs more than has been saved is not played, so
    the mean cost keeps to the budget from the start. Models behind the best are drawn with a known probability that falls with
    their gap, so that other policies can be valued.

    Parameters
    ----------
    models : dict
        Price of each model for a million tokens. Change it at any time: set a price, add a model, delete one.
    budget : float, optional
        Mean cost of a decision, in the money of the prices. Without it costs count nothing.
    seed : int
        Seed of what is drawn and of the bandit.
    bandit : Bandit or DurableBandit, optional
        What learns the qualities; with ``hw.open(path, hw.Bandit())`` they survive any end of the process.

    Raises
    ------
    ConfigError
        If there are no models, or a price or the budget is not above 0.

    Examples
    --------
    >>> router = Router({"small": 0.25, "large": 3.0}, budget=0.001, seed=1)
    >>> for i in range(600):
    ...     task = ["chat", "math"][i % 2]
    ...     choice = router.choose({"task": task}, tokens=500)
    ...     good = 0.9 if choice.model == "large" or task == "chat" else 0.3
    ...     router.reward(choice.id, quality=good)
    >>> [router.choose({"task": task}, tokens=500).model for task in ("chat", "math")]
    ['small', 'large']
    >>> router.spent / router.decisions < 0.001
    True

    References
    ----------
    Badanidiyuru, Kleinberg & Slivkins 2013 (bandits with knapsacks); Balseiro & Gur 2019 (pacing by a dual variable); Foster &
    Rakhlin 2020 (exploration by gaps).
    """

    _learns_otherwise: ClassVar[tuple[str, str]] = (
        "a Router, which learns by the ids of its choices",
        "Give its bandit: hw.Router(models, bandit=hw.open(path, hw.Bandit())) keeps and serves what it learns.",
    )
    """What it is, and what to do instead, where a learner of labeled rows is expected (`check_learner`)."""

    def __init__(
        self, models: Mapping[str, float], budget: float | None = None, *, seed: int = 0, bandit: Any = None
    ) -> None:
        self.models: dict[str, float] = dict(models)
        """Price of each model for a million tokens."""
        self.budget = budget
        """Mean cost of a decision that is aimed at."""
        self._seed = seed
        self._bandit: Any = Bandit(seed=seed) if bandit is None else bandit
        self._check()
        self._costs, self._all = dict[str, _Costs](), _Costs()
        self._taken = {name: n for name, (n, _) in self.bandit.taken.items()}
        self._lock = threading.RLock()
        self._price = 0.0  # the part of λ that adds up
        self.decisions = 0
        """Number of decisions."""
        self.spent = 0.0
        """Cost of all decisions, of those whose cost was not told the expected one."""
        self._debt = 0.0  # budgets by which more was spent than aimed at
        self._waiting: dict[str, tuple[dict[Any, Any], str, float, float, float]] = {}
        self._log = deque[tuple[dict[Any, Any], Any]](maxlen=_LOG)
        self._recent = deque[tuple[dict[Any, Any], float]](maxlen=_RECENT)

    def _check(self) -> None:
        """Raise ConfigError unless there are models with prices, and the budget is above 0 or None."""
        for name, price in self.models.items():
            if not _is_cost(price):
                raise _refused("prices above 0", f"{price!r} for {name}", "models")
        if not self.models:
            raise _refused("at least one model with its price", "none", "models")
        if self.budget is not None and not _is_cost(self.budget):
            raise _refused("a mean cost above 0, or None", repr(self.budget), "budget")

    @property
    def bandit(self) -> Bandit:
        """What has learned the qualities."""
        found: Bandit = self._bandit if isinstance(self._bandit, Bandit) else self._bandit.learner
        return found

    @property
    def price(self) -> float:
        """The dual variable λ: quality that a decision must gain to be worth a budget more."""
        return max(_LEAST, self._price + _PULL * self._debt)

    # ---- one decision -----------------------------------------------------------------------------------------------

    def choose(self, prompt: Any = None, tokens: float | None = None) -> Choice:
        """Choose a model for a prompt.

        Parameters
        ----------
        prompt : str, array or dict, optional
            The text (of which only the form is read), its embedding, or features by name.
        tokens : float, optional
            Tokens of the prompt, for its cost.

        Returns
        -------
        Choice

        Raises
        ------
        ConfigError
            If there are no models, or a price or the budget is not above 0.
        DataError
            If the prompt is none of these, or the tokens are negative.
        """
        if tokens is not None and not 0 <= tokens < math.inf:
            raise DataError(expected="tokens of at least 0", got=repr(tokens), at="tokens", help="Leave them out.")
        x = row_of(prompt, tokens)
        with self._lock:
            return self._choice(x, _TOKENS if tokens is None else tokens)

    def _choice(self, x: dict[Any, Any], tokens: float) -> Choice:
        names = list(self.models)
        listed = self._listed(tokens)
        costs = [own * self._ratio(name) for own, name in zip(listed, names, strict=True)]
        qualities = self._qualities(x, names)
        p = self._probabilities(names, qualities, costs)
        self.decisions += 1
        i = _drawn(p, uniform(self._seed, self.decisions))
        self._pay(costs[i], 1.0)
        choice = Choice(f"r{self.decisions}", names[i], p[i], qualities[i], costs[i])
        self._waiting[choice.id] = x, names[i], p[i], listed[i], costs[i]
        if len(self._waiting) > _WAITING:
            del self._waiting[next(iter(self._waiting))]
        self._recent.append((x, tokens))
        return choice

    def reward(self, id: str, quality: float | None = None, cost: float | None = None) -> None:  # noqa: A002
        """Learn how good an answer was and what it cost, at any time after the choice, or never.

        Parameters
        ----------
        id : str
            Id of the choice.
        quality : float, optional
            From 0 to 1.
        cost : float, optional
            What the answer cost, by default what was expected.

        Raises
        ------
        DataError
            If no choice with this id waits, the quality is not between 0 and 1 (or the ends of the bandit's rewards), or the cost is
            negative. Nothing is counted then, and the choice still waits.
        """
        low, high = self.bandit.rewards
        if quality is not None and not _is_within(quality, low, high):
            raise DataError(
                expected=f"a quality from {low:g} to {high:g}",
                got=shown(quality),
                at="quality",
                help="Leave it out if there is none.",
            )
        if cost is not None and not 0 <= cost < math.inf:
            raise DataError(expected="a cost of at least 0", got=repr(cost), at="cost", help="Leave it out.")
        with self._lock:
            if id not in self._waiting:
                raise DataError(
                    expected="the id of a choice that waits for its quality",
                    got=repr(id),
                    at="id",
                    help="Pass choice.id, once.",
                )
            self._learn(*self._waiting.pop(id), quality, cost)

    def _learn(
        self,
        x: dict[Any, Any],
        model: str,
        p: float,
        listed: float,
        expected: float,
        quality: float | None,
        cost: float | None,
    ) -> None:
        if cost is not None:
            for costs in (self._costs.setdefault(model, _Costs()), self._all):
                costs.see(listed, cost)
            self._pay(cost - expected, 0.0)
        if quality is not None:
            self._bandit.learn(x, model, quality, p)
            self._taken[model] = self._taken.get(model, 0) + 1
            self._log.append((x, (model, quality, p)))

    def _listed(self, tokens: float) -> list[float]:
        """Return what a prompt's tokens cost by each model's price."""
        self._check()
        millions = tokens / 1e6
        return [price * millions for price in self.models.values()]

    def _ratio(self, name: str) -> float:
        """Return what a model's decisions cost in units of the price of their tokens, drawn towards that of all models."""
        usual, own = self._all.ratio, self._costs.get(name)
        if own is None or not own.listed:
            return usual
        return (own.paid + _PRIOR * usual * own.listed / own.n) / (own.listed * (1 + _PRIOR / own.n))

    def _qualities(self, x: dict[Any, Any], names: list[str]) -> list[float]:
        return list(self.bandit.expected_rewards(x, names).values())

    def _probabilities(self, names: list[str], qualities: list[float], costs: list[float]) -> list[float]:
        """Return the probability of each model, 0 for those that the budget excludes."""
        low, high = self.bandit.rewards
        toll = 0.0 if self.budget is None else self.price / self.budget
        taken = [self._taken.get(name, 0) for name in names]
        hope = max((q for q, n in zip(qualities, taken, strict=True) if n), default=0.5 * (low + high))
        values = []
        for quality, n, cost in zip(qualities, taken, costs, strict=True):
            worth = (n * quality + _HOPE * hope) / (n + _HOPE)
            values.append((worth - low) / (high - low) + _BONUS / math.sqrt(1 + n) - toll * cost)
        allowed = self._allowed(costs)
        best = max(allowed, key=values.__getitem__)
        gamma, k = _GAMMA * math.sqrt(min(1 + self.decisions, _SETTLED)), len(allowed)
        p = [0.0] * len(names)
        for i in allowed:
            if i != best:
                p[i] = 1 / (k + gamma * (values[best] - values[i]))
        p[best] = 1 - sum(p)
        return p

    def _allowed(self, costs: list[float]) -> list[int]:
        """Return the models that may be played: after too much was spent those below the budget, or else the cheapest."""
        everything = list(range(len(costs)))
        if self.budget is None:
            return everything
        left = self.budget * (1 - self._debt)
        return [i for i in everything if costs[i] <= left] or [min(everything, key=costs.__getitem__)]

    def _pay(self, cost: float, due: float) -> None:
        """Count a cost beside the budgets that were due for it."""
        self.spent += cost
        if self.budget is None:
            return
        change = cost / self.budget - due
        self._debt += change
        self._price = max(0.0, self._price + _STEP * max(-_STEEPEST, min(_STEEPEST, change)))

    # ---- what else could be --------------------------------------------------------------------------------------------

    def frontier(self) -> list[Point]:
        """Return what quality can be expected at each mean cost, over the last 1,000 prompts, cheapest first.

        A point is the policy of one λ. Qualities are those that the bandit expects, so of models with few rewards they are guesses;
        ``value`` estimates a policy from rewards, with intervals.

        Raises
        ------
        DataError
            If nothing was chosen.
        """
        if not self._recent:
            raise DataError(expected="some decisions", got="none", at="frontier", help="Call choose first.")
        with self._lock:
            names = list(self.models)
            q = np.array([self._qualities(x, names) for x, _ in self._recent])
            ratios = np.array([self._ratio(name) for name in names])
            c = np.array([self._listed(tokens) for _, tokens in self._recent]) * ratios
        unit = self.budget or float(c.mean())
        found: dict[tuple[float, float], Point] = {}
        for toll in _LAMBDAS:
            taken = (q - toll * c / unit).argmax(1)
            rows = np.arange(len(q))
            cost, quality = float(c[rows, taken].mean()), float(q[rows, taken].mean())
            shares = {name: float((taken == i).mean()) for i, name in enumerate(names)}
            found[cost, quality] = Point(cost, quality, shares)
        return [found[key] for key in sorted(found)]

    def value(self, policy: Callable[[Mapping[Any, Any], Sequence[Any]], Any]) -> PolicyValue:
        """Estimate the mean quality of another policy over the last 10,000 rewarded decisions, with intervals.

        Parameters
        ----------
        policy : callable
            A function of the prompt's features and the models, which returns a model or the probability of each.

        Raises
        ------
        DataError, ConfigError
            As in ``Bandit.value``.
        """
        return self.bandit.value(policy, [(x, (*decision, list(self.models))) for x, decision in self._log])

    # ---- state ---------------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the router to a file, that of its bandit with all else in the notes. What waits for its quality stays out."""
        with self._lock:
            state = {
                "models": dict(self.models),
                "budget": self.budget,
                "seed": self._seed,
                "costs": {name: astuple(one) for name, one in self._costs.items()},
                "all": astuple(self._all),
                "price": self._price,
                "debt": self._debt,
                "decisions": self.decisions,
                "spent": self.spent,
            }
            bandit = self.bandit.clone(include_attributes=True)
        bandit.notes = {**bandit.notes, "router": state}
        bandit.save(path)

    @classmethod
    def load(cls, path: str | Path) -> Router:
        """Read a router that ``save`` wrote.

        Raises
        ------
        ConfigError
            If the file holds no router.
        """
        from headwater.store.learner_file import load

        bandit: Any = load(path)
        state = bandit.notes.get("router") if isinstance(bandit, Bandit) else None
        if state is None:
            raise _refused("a file that Router.save wrote", "another model", str(path))
        router = cls(state["models"], state["budget"], seed=state["seed"], bandit=bandit)
        router._costs = {name: _Costs(*own) for name, own in state["costs"].items()}
        router._all = _Costs(*state["all"])
        router._price, router._debt = state["price"], state["debt"]
        router.decisions, router.spent = state["decisions"], state["spent"]
        return router

    def __repr__(self) -> str:
        return f"Router({self.models!r}, budget={self.budget!r}, seed={self._seed})"


def _is_cost(value: Any) -> bool:
    return type(value) in (float, int) and 0 < value < math.inf


def _is_within(value: Any, low: float, high: float) -> bool:
    return isinstance(value, Real) and low <= float(value) <= high


def _drawn(p: Sequence[float], u: float) -> int:
    """Return the index that a uniform number draws."""
    for i, share in enumerate(p):
        u -= share
        if u < 0:
            return i
    return max(range(len(p)), key=p.__getitem__)


def _refused(expected: str, got: str, at: str) -> HeadwaterError:
    return ConfigError(expected=expected, got=got, at=at, help="See help(headwater.Router).")
