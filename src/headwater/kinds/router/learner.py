"""The router, a bandit over language models whose mean cost keeps to a budget."""

from __future__ import annotations

import base64
import copy
import warnings
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, sqrt
from operator import mul
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from headwater._core import router_shares
from headwater.encode.rows import as_dicts
from headwater.errors import ConfigError, DataError, UnlikelyData
from headwater.kinds.bandit.learner import Bandit
from headwater.kinds.bandit.scores.policy_value import PolicyValue
from headwater.kinds.router.kind import KIND
from headwater.learner.base import Learner
from headwater.learner.engine import Engine, Setup
from headwater.learner.kind import Kind, check_can
from headwater.learner.monitoring.label_budget import uniform
from headwater.learner.settings.limits import Growth, Limits
from headwater.learner.validation import as_answers, as_samples, check_pairs, check_rows, check_sample, is_weighted
from headwater.route.late import step_late
from headwater.store.journal.events import pack, plain_sample, unpack
from headwater.types import Predictions

from .outcome import Outcome, as_outcome, check_told, decision_of, unpriced
from .pacing import Pacing
from .prompts import row_of

__all__ = ["Choice", "Point", "Router", "Weighed"]

# Chosen on the development worlds of benchmarks/router.py (benchmarks/NOTES.md).
_BONUS = 0.4
"""Optimism about a model, in quality, before its first reward; it falls with the root of their number."""
_HOPE = 5.0
"""Rewards by which a model is taken to be as good as the best, so that a few bad ones don't shut it out."""
_GAMMA = 40.0
"""How fast exploration falls with the gap to the best model at the first decision; it grows with the root of their number."""
_SETTLED = 100
"""Decisions after which exploration falls no more, so that other policies can be valued and models that change are noticed."""
_TOKENS = 1000.0
"""Tokens of a prompt of which none are told."""
_WAITING = 100_000
"""Decisions that may wait for their quality. Of more the oldest are let go."""
_LOG = 10_000
"""Decisions that are kept for estimates of other policies."""
_RECENT = 1_000
"""Prompts over which the frontier is computed."""
_NUMBERS = (float, int)
"""Types of a price."""
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


class Weighed(NamedTuple):
    """What a router thinks of its models for one prompt."""

    models: list[Any]
    p: list[float]
    qualities: list[float]
    costs: list[float]
    listed: list[float]
    """What the prompt's tokens cost by each model's price."""


@dataclass(eq=False, repr=False, init=False)
class Router(Learner):
    """Choose which language model answers a prompt, so that quality is high and the mean cost keeps to a budget.

    The quality of each model is learned by a `Bandit` from the prompt's features, its cost from its price, the prompt's tokens and
    the costs that are told. A model is played by its value quality + bonus − λ·cost/budget. After each decision λ grows by
    0.005·(cost/budget − 1) and moves with what was overspent or saved. A model that costs more than has been saved is not played, so
    the mean cost keeps to the budget from the start. Models behind the best are drawn with a known probability that falls with
    their gap, so that other policies can be valued.

    ``hw.open(path, hw.Router(...))`` keeps everything in a store, choices that wait among it, and ``headwater serve`` gives it
    addresses and a page.

    Parameters
    ----------
    models : dict, optional
        Price of each model for a million tokens. Change it at any time: set a price, add a model, delete one.
    budget : float, optional
        Mean cost of a decision, in the money of the prices. Without it costs count nothing.
    seed : int
        Seed of what is drawn and of the bandit.
    bandit : Bandit or DurableBandit, optional
        What learns the qualities, for one with other settings such as ``rewards``.

    Raises
    ------
    ConfigError
        If ``models`` is empty, or a price or the budget is not above 0.

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

    models: dict[str, float] = field(default_factory=dict)
    """Price of each model for a million tokens."""
    budget: float | None = None
    """Mean cost of a decision that is aimed at."""
    bandit: Bandit = field(default=None, kw_only=True)  # type: ignore[assignment]
    """What has learned the qualities."""

    kind: ClassVar[Kind] = KIND
    instead: ClassVar[str] = "choose and reward"
    later: ClassVar[Mapping[str, Any]] = {"models": {}}
    _seams: ClassVar[frozenset[str]] = Learner._seams | {
        "change", "check_change", "check_prices", "count", "row_of", "value_of", "weigh",
    }  # fmt: skip
    single: ClassVar[str] = "Two routers can't spend one budget. Begin a new one when its rows are too old."

    def __init__(
        self,
        models: Mapping[str, float] | None = None,
        budget: float | None = None,
        *,
        seed: int = 0,
        dtype: str = "float32",
        bandit: Any = None,
    ) -> None:
        given: Any = models
        if given is not None and not (isinstance(given, Mapping) and given):
            raise _refused("at least one model with its price, in a dict", repr(given) if given else "none", "models")
        self.models, self.budget = dict(models or {}), budget
        self.check_prices(self.models, budget)
        teacher: Any = Bandit(seed=seed, dtype=dtype) if bandit is None else bandit
        own = teacher if isinstance(teacher, Bandit) else getattr(teacher, "learner", None)
        if not isinstance(own, Bandit):
            raise _refused("a Bandit, or a store of one", repr(bandit), "bandit")
        self.bandit = own
        self._teacher = teacher
        self.seed, self.dtype = seed, self.bandit.dtype
        super().__post_init__()
        self._engine, self.refused = self.bandit.engine, self.bandit.refused
        self._pacing = Pacing()
        self._taken = {name: n for name, (n, _) in self.bandit.taken.items()}
        # Choices that never hear of an outcome go, the oldest first. A dict passes all entries that have gone to find that one.
        self._waiting = OrderedDict[str, tuple[dict[Any, Any], Outcome]]()
        self._log = deque[tuple[Mapping[Any, Any], Any]](maxlen=_LOG)
        self._unpriced, self._warned_of_prices = Counter[Any](), False  # decisions of a log, by model
        self._recent = deque[tuple[dict[Any, Any], float]](maxlen=_RECENT)

    @staticmethod
    def check_prices(models: Mapping[Any, Any], budget: Any) -> None:
        """Raise ConfigError unless prices and budget are above 0, or there is no budget."""
        for name, price in models.items():
            if type(price) not in _NUMBERS or not 0 < price < inf:
                raise _refused("prices above 0", f"{price!r} for {name}", "models")
        if budget is not None and (type(budget) not in _NUMBERS or not 0 < budget < inf):
            raise _refused("a mean cost above 0, or None", repr(budget), "budget")

    @classmethod
    def check_change(cls, told: Mapping[str, Any]) -> None:
        """Raise ConfigError for a change of prices or of the budget that can't be."""
        models = {name: price for name, price in told.get("models", {}).items() if price is not None}
        cls.check_prices(models, told.get("budget"))

    @property
    def decisions(self) -> int:
        """Number of decisions."""
        return self._pacing.decisions

    @property
    def spent(self) -> float:
        """Cost of all decisions, of those whose cost was not told the expected one."""
        return self._pacing.spent

    @property
    def price(self) -> float:
        """The dual variable λ: quality that a decision must gain to be worth a budget more."""
        return self._pacing.price

    @property
    def chosen(self) -> dict[str, int]:
        """Number of decisions by model."""
        return dict(self._pacing.chosen)

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
        x = row_of(prompt, tokens)
        with self.lock:
            found = self.weigh(x, tokens)
            number = self._pacing.decisions + 1
            i = _drawn(found.p, uniform(self.seed, number))
            self.count(x, found.models[i], found.costs[i], tokens)
            choice = Choice(f"r{number}", found.models[i], found.p[i], found.qualities[i], found.costs[i])
            self._waiting[choice.id] = x, Outcome(choice.model, None, choice.p, None, choice.cost, found.listed[i])
            if len(self._waiting) > _WAITING:
                self._waiting.popitem(last=False)
            return choice

    @staticmethod
    def row_of(prompt: Any, tokens: float | None = None) -> dict[Any, Any]:
        """Return the features of a prompt, as ``row_of`` in this folder."""
        return row_of(prompt, tokens)

    def weigh(self, x: Mapping[Any, Any], tokens: float | None = None) -> Weighed:
        """Return the probability with which each model is chosen for a prompt's features, without changing anything."""
        self.check_prices(self.models, self.budget)
        if not self.models:
            raise _refused("at least one model with its price", "none", "models")
        names = list(self.models)
        listed = self._listed(_TOKENS if tokens is None else tokens)
        costs = list(map(mul, listed, self._pacing.ratios(names)))
        qualities = self._qualities(x, names)
        return Weighed(names, self._probabilities(names, qualities, costs), qualities, costs, listed)

    def count(self, x: dict[Any, Any], model: Any, cost: float, tokens: float | None) -> None:
        """Count a choice with its expected cost, at once."""
        self._pacing.choose(model, cost, self.budget)
        self._recent.append((x, _TOKENS if tokens is None else tokens))

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
        check_told(quality, cost, self)
        with self.lock:
            if type(id) is not str or id not in self._waiting:
                raise DataError(
                    expected="the id of a choice that waits for its quality",
                    got=repr(id),
                    at="id",
                    help="Pass choice.id, once.",
                )
            x, outcome = self._waiting.pop(id)
            self._learn_row(x, outcome._replace(quality=quality, cost=cost))

    def _learn_row(self, x: Mapping[Any, Any], given: Any) -> None:
        outcome = given if type(given) is Outcome else as_outcome(given, self.bandit.rewards)
        if outcome is None:
            self.refused["decision"] += 1
            return
        if outcome.cost is not None:
            self._pacing.told(outcome.model, outcome.listed, outcome.expected or 0.0, outcome.cost, self.budget)
        if (
            outcome.expected is None and self.models and outcome.model not in self.models
        ):  # of a log, and no choice of its own
            self._unpriced[outcome.model] += 1
        if outcome.quality is not None:
            self._teacher.learn(x, outcome.model, outcome.quality, outcome.p)
            self._engine = self.bandit.engine
            self._taken[outcome.model] = self._taken.get(outcome.model, 0) + 1
            self._log.append((x, (outcome.model, outcome.quality, outcome.p)))

    def change(self, told: Mapping[str, Any]) -> None:
        """Change prices, with None for a model that goes, and the budget, where ``told`` has them."""
        with self.lock:
            self.check_change(told)
            models = {**self.models, **told.get("models", {})}
            self.models = {name: price for name, price in models.items() if price is not None}
            self.budget = told.get("budget", self.budget)

    def _listed(self, tokens: float) -> list[float]:
        """Return what a prompt's tokens cost by each model's price."""
        millions = tokens / 1e6
        return [price * millions for price in self.models.values()]

    def _qualities(self, x: Mapping[Any, Any], names: list[str]) -> list[float]:
        return self.bandit.values_of(x, names)

    def _probabilities(self, names: list[str], qualities: list[float], costs: list[float]) -> list[float]:
        """Return the probability of each model, 0 for those that the budget excludes."""
        pacing, budget, (low, high) = self._pacing, self.budget, self.bandit.rewards
        toll, left = (0.0, inf) if budget is None else (pacing.price / budget, budget * (1 - pacing.debt))
        taken = [self._taken.get(name, 0) for name in names]
        gamma = _GAMMA * sqrt(min(1 + pacing.decisions, _SETTLED))
        return router_shares(qualities, taken, costs, low, high, toll, left, _HOPE, _BONUS, gamma)

    # ---- many rows, for what asks and teaches learners of every kind ---------------------------------------------------

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict the model of each row (of ``ask`` if given), then learn the outcome of row i of X, in turn.

        Raises
        ------
        ConfigError
            If weights are given.
        """
        if is_weighted(w):
            check_can(self, "weights", at="w of Router")
        with self.lock:
            if ask is not None:
                return step_late(self, X, y, w, ask)
            X, answers = as_samples(X), as_answers(y)
            check_pairs(X, answers, None)
            said = []
            for x, given in zip(as_dicts(X), answers, strict=True):
                check_sample(x)
                said.append(self._said(x, as_outcome(given, self.bandit.rewards)))
                self._learn_row(x, given)
            self._warn_unpriced(self._unpriced, "the rows learned")
            return self._as_predictions(said)

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of rejected rows and dropped values, and of decisions of models without a price since it was made or loaded."""
        counts = super().rejected
        return dict(sorted({**counts, "price": self._unpriced.total()}.items())) if self._unpriced else counts

    def _warn_unpriced(self, named: Iterable[Any], at: str) -> None:
        """Warn once of models in a log that have no price."""
        if named and not self._warned_of_prices:
            self._warned_of_prices = True
            what = "Give each one, router.models[name] = price: without it a model is never chosen. Warned once."
            warnings.warn(str(unpriced(self.models, named, at, what)), UnlikelyData, stacklevel=3)

    def predict_batch(self, X: Any) -> Predictions:
        """Return the most probable model of each row and the probability of each, without changing anything."""
        X = as_samples(X)
        check_rows(X)
        with self.lock:
            return self._as_predictions([self._said(x, None) for x in as_dicts(X)])

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Return the most probable model of a prompt's features, None before there is any."""
        return self.predict_batch([x]).y_pred[0]

    def _said(self, x: Mapping[Any, Any], outcome: Outcome | None) -> tuple[dict[Any, float], dict[Any, float]]:
        """Return the probability and the expected quality of each model, of one without prices of those that were learned."""
        names = list(self.models) or list(self.bandit.actions)
        more = [] if outcome is None or outcome.model in names else [outcome.model]
        if not names + more:
            return {}, {}
        qualities = self._qualities(x, names + more)
        costs = self.weigh(x).costs if self.models else [0.0] * len(names)
        p = self._probabilities(names, qualities[: len(names)], costs) if names else []
        return dict(zip(names, p, strict=True)), dict(zip(names + more, qualities, strict=True))

    def _as_predictions(self, said: Sequence[tuple[dict[Any, float], dict[Any, float]]]) -> Predictions:
        names = list(dict.fromkeys(name for _, qualities in said for name in qualities))
        best = [max(p, key=p.__getitem__) if p else None for p, _ in said]
        low = self.bandit.rewards[0]
        shares = [[p.get(name, 0.0) for name in names] for p, _ in said]
        worth = [[qualities.get(name, low) for name in names] for _, qualities in said]
        table = (len(said), len(names))
        return Predictions(
            best, np.array(shares).reshape(table), tuple(names), rewards=np.array(worth, np.float64).reshape(table)
        )

    # ---- what else could be --------------------------------------------------------------------------------------------

    def frontier(self, prompts: int = 1_000) -> list[Point]:
        """Return what quality can be expected at each mean cost, over the last 1,000 prompts, cheapest first.

        A point is the policy of one λ. Qualities are those that the bandit expects, so of models with few rewards they are guesses;
        ``value`` estimates a policy from rewards, with intervals.

        Parameters
        ----------
        prompts : int
            The last prompts to count, at most 1,000.

        Raises
        ------
        DataError
            If nothing was chosen.
        """
        if not self._recent:
            raise DataError(expected="some decisions", got="none", at="frontier", help="Call choose first.")
        with self.lock:
            recent = list(self._recent)[-prompts:]
            names = list(self.models)
            q = np.array([self._qualities(x, names) for x, _ in recent])
            ratios = np.array(self._pacing.ratios(names))
            c = np.array([self._listed(tokens) for _, tokens in recent]) * ratios
        unit = self.budget or float(c.mean())
        found: dict[tuple[float, float], Point] = {}
        for toll in _LAMBDAS:
            taken = (q - toll * c / unit).argmax(1)
            rows = np.arange(len(q))
            cost, quality = float(c[rows, taken].mean()), float(q[rows, taken].mean())
            shares = {name: float((taken == i).mean()) for i, name in enumerate(names)}
            found[cost, quality] = Point(cost, quality, shares)
        return [found[key] for key in sorted(found)]

    def value(self, policy: Callable[[Mapping[Any, Any], Sequence[Any]], Any], log: Any = None) -> PolicyValue:
        """Estimate the mean quality of another policy over the last 10,000 rewarded decisions, with intervals.

        Parameters
        ----------
        policy : callable
            A function of the prompt's features and the models, which returns a model or the probability of each.
        log : iterable of (x, (model, quality, p)), optional
            Other decisions.

        Raises
        ------
        DataError, ConfigError
            As in ``Bandit.value``.
        """
        given = self._log if log is None else list(log)
        for _, (_, quality, _) in given:
            check_told(quality, None, self)
        if log is not None and self.models:
            self._warn_unpriced(
                dict.fromkeys(model for _, (model, *_) in given if model not in self.models), "log of value"
            )
        return self.value_of(policy, given)

    def value_of(self, policy: Callable[..., Any], decisions: Iterable[tuple[Any, Any]]) -> PolicyValue:
        """Estimate the mean quality of another policy over its own decisions, among which models may be that went."""
        return self.bandit.value(policy, [(x, (*decision, list(self.models))) for x, decision in decisions])

    # ---- what every learner has ----------------------------------------------------------------------------------------

    @property
    def known_classes(self) -> list[Any]:
        """Models whose quality has been learned, in the order of their first rewards."""
        return self.bandit.known_classes

    @property
    def setup(self) -> Setup | None:
        """The declaration of the bandit's engine."""
        return self.bandit.setup

    @property
    def limits(self) -> Limits:
        """Limits of a sample's size."""
        return self.bandit.limits

    @limits.setter
    def limits(self, limits: Limits) -> None:
        self._limits = self.bandit.limits = limits

    def check_limits(self, X: Any, y: Any = None) -> Growth:
        """Raise LimitError for rows that exceed the ``limits``, without learning anything."""
        return self.bandit.check_limits(X, None if y is None else [decision_of(one) for one in as_answers(y)])

    def check_values(self, X: list[Any]) -> None:
        """Raise DataError for the first row with what is no embedding of its column."""
        self.bandit.check_values(X)

    def explain_one(self, x: Mapping[Any, Any], model: Any = None) -> Any:
        """Attribute the expected quality of a model (by default the best) to the columns."""
        return self.kind.explain(self, x, model)

    def _about(self) -> dict[str, Any]:
        about = {"models": dict(self.models), "budget": self.budget, "decisions": self.decisions, "spent": self.spent}
        return {**self.bandit.describe(), "task": self.task, **about}

    # ---- state ---------------------------------------------------------------------------------------------------------

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Create the bandit's engine from its settings, or from the arrays of a saved learner."""
        return self.bandit.new_engine(state)

    def follow_core(self, version: int) -> None:
        """Learn by the rules of an older core."""
        super().follow_core(version)
        self.bandit.follow_core(version)

    def clone(self, new_params: dict[str, Any] | None = None, include_attributes: bool = False) -> Self:
        """Return a router with the same settings, some replaced, and on request with its learned state."""
        given = new_params or {}
        bandit = self.bandit.clone({"seed": given["seed"]} if "seed" in given else {}, include_attributes)
        cloned = super().clone({"models": self.models or None, "bandit": bandit, **given})
        if include_attributes:
            with self.held():
                cloned._resume(self._state())
                cloned.notes, cloned._log = copy.deepcopy(self.notes), self._log.copy()
                cloned.core_version = self.core_version
        return cloned

    @property
    def written_notes(self) -> dict[str, Any]:
        """The notes for a file, with the state beside the bandit's."""
        return {**self.notes, "router": self._state()}

    def _state(self) -> dict[str, Any]:
        waiting = [(row, name, *outcome) for name, (x, outcome) in self._waiting.items() for row in _storable(x)]
        recent = [(row, tokens) for x, tokens in self._recent for row in _storable(x)]
        return self._pacing.saved() | {"waiting": _packed(waiting), "recent": _packed(recent)}

    def _resume(self, state: Mapping[str, Any]) -> None:
        self._pacing = Pacing.of(state)
        self._engine, self.refused = self.bandit.engine, self.bandit.refused
        self._taken = {name: n for name, (n, _) in self.bandit.taken.items()}
        waiting = _unpacked(state.get("waiting", ""))
        self._waiting = OrderedDict((name, (x, Outcome(*own))) for x, name, *own in waiting)
        self._recent.extend((x, tokens) for x, tokens in _unpacked(state.get("recent", "")))

    def resume(
        self,
        *,
        engine: Any,
        refused: Counter[str],
        notes: dict[str, Any],
        classes: Sequence[Any] = (),
        sample: Any = None,
    ) -> None:
        """Restore the saved state of a learner with the same settings."""
        own = {name: value for name, value in notes.items() if name != "router"}
        self.bandit.resume(engine=engine, refused=refused, notes={}, classes=classes, sample=sample)
        super().resume(engine=engine, refused=refused, notes=own)
        self._resume(notes["router"])

    @classmethod
    def load(cls, path: str | Path) -> Router:
        """Read a router that ``save`` wrote, or one of a version whose routers were files of their bandits.

        Raises
        ------
        ConfigError
            If the file holds no router.
        """
        from headwater.store.learner_file import load

        found: Any = load(path)
        if isinstance(found, Router):
            return found
        state = found.notes.pop("router", None) if isinstance(found, Bandit) else None
        if state is None:
            raise _refused("a file that Router.save wrote", "another model", str(path))
        router = cls(state["models"], state["budget"], seed=state["seed"], bandit=found)
        router._resume(state)
        return router

    def __repr__(self) -> str:
        prices = f"{self.models!r}, budget={self.budget!r}, " if self.models else ""
        return f"Router({prices}seed={self.seed})"


def _storable(x: Mapping[Any, Any]) -> list[dict[Any, Any]]:
    """Return a prompt's features as a file holds them, or nothing if one is of a type that none can hold."""
    try:
        return [plain_sample(x)]
    except DataError:
        return []


def _packed(rows: Iterable[Any]) -> str:
    """Return rows as text for the notes of a file."""
    return base64.b64encode(pack(list(rows))).decode()


def _unpacked(text: str) -> list[Any]:
    found: list[Any] = unpack(base64.b64decode(text)) if text else []
    return found


def _drawn(p: Sequence[float], u: float) -> int:
    """Return the index that a uniform number draws."""
    for i, share in enumerate(p):
        u -= share
        if u < 0:
            return i
    return max(range(len(p)), key=p.__getitem__)


def _refused(expected: str, got: str, at: str) -> ConfigError:
    return ConfigError(expected=expected, got=got, at=at, help="See help(headwater.Router).")
