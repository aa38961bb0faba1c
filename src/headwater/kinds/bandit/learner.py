"""The contextual bandit, which learns which action to take from the rewards of the actions taken."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater._core import LEAN_VERSION
from headwater.encode.rows import as_dicts
from headwater.encode.vocabulary import LEAST_ROWS
from headwater.errors import ConfigError
from headwater.kinds.bandit.decision import Decision, Offer, as_decision, learned_features, offered
from headwater.kinds.bandit.features import INPUTS as WIDE
from headwater.kinds.bandit.features import check_offer, joined
from headwater.kinds.bandit.kind import KIND
from headwater.kinds.bandit.scores.policy_value import Policy, PolicyValue, estimate_value
from headwater.learner.base import Learner
from headwater.learner.engine import AGGREGATES, Engine, Setup, describe
from headwater.learner.kind import Kind
from headwater.learner.schema.labels import as_labels
from headwater.learner.settings.limits import Growth, check_classes
from headwater.learner.settings.text import AUTO, check_embeddings, reading
from headwater.learner.validation import as_answers, as_samples, check_pairs, check_rows, check_sample
from headwater.nn import Activation, AdaGrad, Dense, LayerNorm, Loss, RMSProp
from headwater.nn.expert import Expert
from headwater.route.late import step_late
from headwater.streams import in_pieces
from headwater.types import Predictions

if TYPE_CHECKING:
    from headwater.learner.settings.rolling import Rolling

__all__ = ["EXPLORATIONS", "Bandit"]

EXPLORATIONS: dict[str, float] = {"squarecb": 1000.0, "epsilon": 0.05, "softmax": 20.0, "greedy": 0.0, "linucb": 0.3}
"""Exploration strategies in the core's order, with their default parameter (γ, ε, λ, none, α)."""
GAMMA_BEFORE = 100.0
"""γ of bandits that began with a core without mean rewards."""
POWER = 0.5
"""Power of the number of rows by which squarecb explores less."""
RING = 1000
"""Size of the nets' replay buffer in rows."""
FEATURED = 6
"""Place in the declaration of whether actions have features; that of the inputs of least squares is before it."""
INPUTS = 64
"""Rows of the input table that least squares read, which are the first names to appear."""

Said: TypeAlias = tuple[Any, dict[Any, float], dict[Any, float]]
"""The best known action of a row, and the probability and the value of each action."""


def _nets(hidden: int) -> tuple[Expert, ...]:
    """Return two nets with replay, one with AdaGrad's decreasing steps and one that follows drift."""

    def net(units: int, **how: Any) -> Expert:
        body = (Dense(units, initializer="lecun"), LayerNorm(affine=False), Activation("relu"))
        return Expert((*body, Dense(1, initializer="zeros")), Loss("mse"), **how)

    return (
        net(hidden, optimizer=AdaGrad(0.05), replays=2, first_replays=8),
        net(max(hidden // 2, 1), optimizer=RMSProp(0.003, rho=0.999), replays=2, first_replays=32),
    )


@dataclass(eq=False, repr=False)
class Bandit(Learner):
    """A contextual bandit, which chooses an action for a row and learns from its reward.

    The rewards of other actions are unknown, so it explores by drawing actions with a known probability. The value of an action is
    its expected reward in this row. It is a weighted mean of two small nets with an output per action, and of a linear function of
    the inputs per action, fitted by recursive least squares that slowly forget. The weights follow the squared errors on the actions
    taken, each weighted by 1/p. Beside it stands the mean reward of the action whatever the row, and where rows tell little the mean
    decides.

    A new action may be offered at any time. It becomes a new output when its first reward is learned, and the expected rewards of
    the others stay the same bit for bit. Rows are as for a `Classifier`, with numbers, categories, date-times and missing values.

    Parameters
    ----------
    explore : str
        "squarecb" draws an action less often the wider its gap to the best one and the more rows there were, with a bonus where
        least squares are uncertain (see ``plain.kinds.bandit``). "epsilon" draws uniformly on a share of the rows. "softmax"
        draws by e^(λ·value). "greedy" takes each action once and then the best. "linucb" uses least squares only and takes the
        largest upper confidence bound.
    amount : float, optional
        Parameter of the exploration, γ of squarecb (larger explores less), ε, λ (larger explores less) or α of linucb. Defaults are
        1,000, 0.05, 20 and 0.3.
    rewards : (float, float)
        Lowest and highest reward. Rewards outside are clipped.
    hidden : int
        Units of the first net. The second one has half as many.
    max_rows : int
        As in ``Classifier``.
    text : str or dict, optional
        Columns of embeddings. "auto" reads a list of 64 to 4,096 numbers in the first row as one, None reads lists as numbered
        columns, and a dict declares a column "cosine" or "raw" (as in `Classifier`).
    rolling : Rolling, optional
        Counts, sums, means, distinct names and times since over the last hour or day, by key, as columns more (`Rolling`).
    seed : int
        Seed of the nets' weights and of the actions drawn.
    dtype : str
        "float32" or "float64". Least squares always use float64.

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Notes
    -----
    Least squares use only the first 64 rows of the input table. An action takes about 33 kB of memory.

    ``act`` changes nothing learned except the count of draws, so the next draw differs. The count is part of the saved state.
    ``probabilities`` and ``expected_rewards`` change nothing at all.

    Examples
    --------
    >>> agent = Bandit(seed=1)
    >>> for i in range(600):
    ...     x = {"hour": "day" if i % 2 else "night"}
    ...     action, p = agent.act(x, ["news", "music"])
    ...     agent.learn(x, action, float((action == "news") == (x["hour"] == "day")), p)
    >>> agent.predict_one({"hour": "night"}), agent.predict_one({"hour": "day"})
    ('music', 'news')

    References
    ----------
    Foster & Rakhlin 2020 (SquareCB); Li, Chu, Langford & Schapire 2010 (LinUCB); Riquelme, Tucker & Snoek 2018 (values by nets).
    """

    explore: str = "squarecb"
    amount: float | None = None
    rewards: tuple[float, float] = (0.0, 1.0)
    hidden: int = 64
    max_rows: int = 200_000
    rolling: Rolling | None = None
    text: str | Mapping[Any, str] | None = AUTO

    kind: ClassVar[Kind] = KIND
    instead: ClassVar[str] = "act, learn or learn_many"
    later: ClassVar[Mapping[str, Any]] = {**Learner.later, "text": AUTO}
    _seams: ClassVar[frozenset[str]] = Learner._seams | {"values_of"}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._setup = self._made()
        self._rolling = None if self.rolling is None else AGGREGATES(self.rolling)
        self._engine: Engine | None = None
        self.actions: list[Any] = []
        self._index: dict[Any, int] = {}

    def _made(self) -> Setup:
        """Validate the settings and convert them to a setup."""
        low, high = self._checked()
        older = self.core_version < LEAN_VERSION
        usual = GAMMA_BEFORE if older and self.explore == "squarecb" else EXPLORATIONS[self.explore]
        amount = usual if self.amount is None else float(self.amount)
        explore = float(list(EXPLORATIONS).index(self.explore))
        declared = (explore, amount, POWER, low, high, float(INPUTS), *(() if older else (0.0,)))
        sizes = (self.max_rows, True, False, 0, RING)
        setup = Setup(_nets(self.hidden), self.seed, self.dtype, *sizes, bandit=declared, rolling=self.rolling)
        return reading(setup, self.text, columns=check_embeddings(self))

    def _checked(self) -> tuple[float, float]:
        """Validate the settings and return the lowest and the highest reward."""
        for name, least, most in (("hidden", 1, 1 << 12), ("max_rows", LEAST_ROWS, 1 << 30), ("seed", 0, 1 << 64)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise _refused(name, value, f"a whole number from {least:,} to {most:,}")
        if type(self.explore) is not str or self.explore not in EXPLORATIONS:
            raise _refused("explore", self.explore, f"one of {', '.join(EXPLORATIONS)}")
        most_amount = 1.0 if self.explore == "epsilon" else 1e9
        if self.amount is not None and not (_is_number(self.amount) and 0 <= self.amount <= most_amount):
            raise _refused("amount", self.amount, f"a number from 0 to {most_amount:g}")
        if self.dtype not in ("float32", "float64"):
            raise _refused("dtype", self.dtype, "'float32' or 'float64'")
        ends: Any = self.rewards
        if not isinstance(ends, tuple | list) or len(ends) != 2 or not all(map(_is_number, ends)):
            raise _refused("rewards", ends, "the lowest and the highest reward")
        low, high = float(ends[0]), float(ends[1])
        if not -1e30 <= low < high <= 1e30:
            raise _refused("rewards", ends, "two numbers, the lower one first")
        self.rewards = (low, high)
        return low, high

    def follow_core(self, version: int) -> None:
        """Learn by the rules of an older core, whose bandits had no mean rewards beside the values of rows."""
        super().follow_core(version)
        self._setup = self._made()

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""
        featured = state is not None and len(self._setup.bandit) > FEATURED and bool(state["declaration"][-1] == 1)
        rolling = self._rolling if state is None else None
        setup = self._declared(featured)
        return Engine(
            setup if state is None else reading(setup, self.text, state=state),
            state,
            limits=self._limits,
            rolling=rolling,
        )

    def _declared(self, featured: bool) -> Setup:
        """Return the setup, for actions with features one with a single output and more inputs of least squares."""
        own = self._setup
        return replace(own, bandit=(*own.bandit[: FEATURED - 1], float(WIDE), 1.0)) if featured else own

    def _begun(self, x: Mapping[Any, Any], *, featured: bool = False) -> Engine:
        """Return the engine, creating it on first use. The first row decides whether it reads features of actions, and embeddings."""
        engine = self._engine
        if engine is not None and self.n_learned:
            return engine
        setup = reading(self._declared(featured), self.text, x)
        if engine is None or (engine.setup.bandit, engine.setup.text) != (setup.bandit, setup.text):
            engine = self._engine = Engine(setup, limits=self._limits, rolling=self._rolling)
        return engine

    @property
    def with_features(self) -> bool:
        """Whether the actions learned so far had features."""
        return bool(self.n_learned) and self._is_featured()

    def _is_featured(self) -> bool:
        return self._engine is not None and self._engine.setup.bandit[FEATURED:] == (1.0,)

    def _on_offer(self, actions: Offer | None) -> list[Any] | dict[Any, dict[Any, Any]]:
        """Validate actions to choose from."""
        check_offer(actions, learned_features(self))
        return offered(actions, self.actions)

    # ---- one decision -----------------------------------------------------------------------------------------------

    def act(self, x: Mapping[Any, Any], actions: Offer | None = None) -> tuple[Any, float]:
        """Draw an action for a row, changing only the count of draws.

        Parameters
        ----------
        x : dict
            The row.
        actions : sequence or dict, optional
            The actions to choose from, new ones allowed. By default all learned actions. A dict has the features of each action by
            its name; then actions may be new in every row, and all of them share what is learned.

        Returns
        -------
        action, p
            The action and the probability with which it was drawn. Pass both to ``learn`` when the reward is known.

        Raises
        ------
        DataError
            If there are no actions.
        """
        check_sample(x)
        with self.lock:
            self.check_values([x])
            found = self._on_offer(actions)
            chosen, p, _ = self._decide(x, found, draw=True)
            return list(found)[chosen], p[chosen]

    def learn(
        self,
        x: Mapping[Any, Any],
        action: Any,
        reward: float,
        p: float = 1.0,
        actions: Offer | None = None,
        w: float = 1.0,
    ) -> None:
        """Learn the reward of an action, however long ago and by whatever policy it was taken.

        Parameters
        ----------
        x : dict
            The row.
        action : hashable
            The action taken.
        reward : float
            The reward.
        p : float
            The probability with which the action was taken, from ``act``.
        actions : sequence or dict, optional
            The actions offered. Without features they only matter in logs.
        w : float
            Weight: so many such rows. A weight of 0 teaches nothing, not even the name of the action.

        Raises
        ------
        DataError
            If some actions were learned with features and others come without.
        """
        before = self._refused_rows()
        offer = actions if isinstance(actions, Mapping) else list(actions or ())
        given = (action, reward, p) if actions is None else (action, reward, p, offer)
        with self.lock:
            self.check_values([x])
            check_offer(actions, learned_features(self))
            self._learn_row(x, given, self._weights(w, 1)[0])
        self._warn_refused(before, depth=3)

    def probabilities(self, x: Mapping[Any, Any], actions: Offer | None = None) -> dict[Any, float]:
        """Return the probability with which ``act`` would draw each action, without changing anything.

        Examples
        --------
        >>> Bandit().probabilities({"x": 1.0}, ["a", "b"])
        {'a': 0.5, 'b': 0.5}
        """
        with self.lock:
            self.check_values([x])
            return self._shares(x, actions)

    def _shares(self, x: Mapping[Any, Any], actions: Offer | None = None) -> dict[Any, float]:
        """Return the probability of each action, where a wrong embedding is missing."""
        check_sample(x)
        with self.lock:
            found = self._on_offer(actions)
            if self._engine is None:
                return dict.fromkeys(found, 1 / len(found))
            return dict(zip(found, self._decide(x, found)[1], strict=True))

    def expected_rewards(self, x: Mapping[Any, Any], actions: Offer | None = None) -> dict[Any, float]:
        """Return the expected reward of each action in a row, the lowest reward for a new action.

        Parameters
        ----------
        x, actions
            As in ``act``. The result is {} if no action is known or given.
        """
        with self.lock:
            self.check_values([x])
            return self._values(x, actions)

    def _values(self, x: Mapping[Any, Any], actions: Offer | None = None) -> dict[Any, float]:
        """Return the expected reward of each action, where a wrong embedding is missing."""
        check_sample(x)
        with self.lock:
            check_offer(actions, learned_features(self))
            found = self.actions if actions is None else offered(actions, self.actions)
            if self._engine is None or not self.n_learned:
                return dict.fromkeys(found, self.rewards[0])
            if isinstance(found, dict):
                worth = self._engine.core.learner.values
                return {action: worth(joined(x, features))[0] for action, features in found.items()}
            values = self._engine.core.learner.values(x)
            return {a: values[self._index[a]] if a in self._index else self.rewards[0] for a in found}

    def values_of(self, x: Mapping[Any, Any], actions: list[Any]) -> list[float]:
        """Return the expected reward of each of some actions without features, in their order, fast where all are known."""
        index, engine = self._index, self._engine
        if engine is None or not engine.learned or not all(map(index.__contains__, actions)):
            return list(self.expected_rewards(x, actions).values())
        with self.lock:
            self.check_values([x])
            values = engine.core.learner.values(x)
        return [values[index[action]] for action in actions]

    def predict_one(self, x: Mapping[Any, Any], actions: Offer | None = None) -> Any:
        """Return the action with the largest expected reward, by default among those known, or None before any was learned."""
        values = self.expected_rewards(x, actions)
        return max(values, key=values.__getitem__) if values else None

    def _decide(
        self, x: Mapping[Any, Any], found: list[Any] | dict[Any, Any], *, draw: bool = False
    ) -> tuple[int, list[float], list[float]]:
        """Return the index of the action drawn (the best without a draw), the probabilities and the values."""
        if isinstance(found, dict):
            x = self.as_read(x)  # once for all actions
            rows = [joined(x, features) for features in found.values()]
            return self._begun(rows[0], featured=True).core.learner.decide_rows(rows, draw)
        numbers = array("i", [self._index.get(action, -1) for action in found])
        decided: tuple[int, list[float], list[float]] = self._begun(x).core.learner.decide(x, numbers, draw)
        return decided

    # ---- many decisions ---------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any, w: Any = None) -> list[Any]:
        """Learn a log of decisions row by row and return the best action before each.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Rows.
        y : sequence (n,)
            Decisions (action, reward, p), followed by the actions offered if known.
        w : sequence (n,), optional
            Weights. Rows of weight 0 are not learned.

        Returns
        -------
        list
            Actions, None before the first was known.
        """
        before, X = self._refused_rows(), as_samples(X)
        if isinstance(X, list):
            self.check_values(X)
        best = list(self.step_many(X, y, w).y_pred)
        self._warn_refused(before, depth=3)
        return best

    def predict_many(self, X: Any) -> NDArray[Any]:
        """Return the best known action of each row, shape (n,), without changing anything."""
        return as_labels(list(self.predict_batch(X).y_pred))

    def predict_proba_many(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each action, shape (n, k), in the order of ``known_classes``."""
        p = self.predict_batch(X).proba
        return np.zeros((0, 0)) if p is None else np.asarray(p, np.float64)

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Predict the best action of each row (of ``ask`` if given), then learn the decision of row i of X, in turn.

        Returns
        -------
        Predictions
            ``y_pred`` holds the best action, ``proba`` the probability of each offered action, and ``rewards`` the expected reward of
            each.
        """
        if ask is not None:
            with self.lock:
                return step_late(self, X, y, w, ask)
        X, answers = as_samples(X), as_answers(y)
        n, rows = check_pairs(X, answers, None), as_dicts(X)
        with self.lock:
            given = self._weights(w, n)
            said = in_pieces(len(rows), lambda part: self._learn_rows(rows[part], answers[part], given[part]))
        return self._forecast_of(one for piece in said for one in piece)

    def _learn_rows(self, rows: Sequence[Mapping[Any, Any]], answers: Any, weights: Sequence[float]) -> list[Said]:
        done: list[Said] = []
        for x, answer, w in zip(rows, answers, weights, strict=True):
            done.append(self._said_before(x, as_decision(answer)))
            self._learn_row(x, answer, w)
        return done

    def _said_before(self, x: Mapping[Any, Any], decision: Decision | None) -> Said:
        """Return what is said of a row before it is learned, of one that will be refused what is said of it alone."""
        learned = learned_features(self)
        fits = decision is not None and learned in (None, isinstance(decision.actions, dict))
        if learned and not fits:
            return None, {}, {}
        return self._said(x, decision if fits else None)

    def predict_batch(self, X: Any) -> Predictions:
        """Return the best known action of each row and the probability of each action, without changing anything."""
        X = as_samples(X)
        check_rows(X)
        with self.lock:
            return self._forecast_of([self._said(x, None) for x in as_dicts(X)])

    def _said(self, x: Mapping[Any, Any], decision: Decision | None) -> Said:
        """Return the best known action, the probabilities of the offered and taken actions, and all values."""
        if decision is None or isinstance(decision.actions, dict):
            check_offer(None if decision is None else decision.actions, learned_features(self))
        if decision is not None and isinstance(decision.actions, dict):
            return self._said_of_offer(x, decision.actions)
        extra = () if decision is None else (*(decision.actions or self.actions), decision.action)
        found = list(dict.fromkeys(extra or self.actions))
        if not found:
            return None, {}, {}
        values = self._values(x, list(dict.fromkeys([*self.actions, *found])))
        best = max(self.actions, key=values.__getitem__) if self.actions else None
        return best, self._shares(x, found), values

    def _said_of_offer(self, x: Mapping[Any, Any], offer: dict[Any, Any]) -> Said:
        """Return the best action of an offer with features, and probabilities and values by the place of each."""
        values, p = self._values(x, offer), self._shares(x, offer)
        best = max(values, key=values.__getitem__) if self.n_learned else None
        return best, dict(enumerate(p.values())), dict(enumerate(values.values()))

    def _forecast_of(self, said: Iterable[Said]) -> Predictions:
        rows = list(said)
        names = list(dict.fromkeys([*self.actions, *(action for _, p, _ in rows for action in p)]))
        column = {action: j for j, action in enumerate(names)}
        p, values = np.zeros((len(rows), len(names))), np.full((len(rows), len(names)), self.rewards[0])
        for i, (_, shares, expected) in enumerate(rows):
            for action, share in shares.items():
                p[i, column[action]] = share
            for action, value in expected.items():
                values[i, column[action]] = value
        return Predictions([best for best, _, _ in rows], p, tuple(names), rewards=values)

    def _learn_row(self, x: Mapping[Any, Any], given: Any, w: float) -> None:
        check_sample(x)
        decision, learned = as_decision(given), learned_features(self)
        featured = decision is not None and isinstance(decision.actions, dict)
        if decision is None or (learned is not None and featured != learned):
            self.refused["decision"] += 1
            return
        if w == 0:
            return
        low, high = self.rewards
        self.refused["reward"] += not low <= decision.reward <= high
        if isinstance(decision.actions, dict):
            row = joined(x, decision.actions[decision.action])
            self._begun(row, featured=True).core.learner.learn_action(row, 0, decision.reward, decision.p, w)
            return
        engine, number = self._begun(x), self._index.get(decision.action)
        if number is None:
            number = self._add_action(decision.action)
        engine.core.learner.learn_action(x, number, decision.reward, decision.p, w)

    def _add_action(self, action: Hashable) -> int:
        """Append an action with an output that starts at zero and its own least squares."""
        check_classes(self._index, [action], self._limits)
        k = len(self.actions) + 1
        engine = self._engine or self._begun({})
        if k > 1:
            engine.core.learner.add_outputs(k, 0.0)
        self.actions.append(action)
        self._index[action] = k - 1
        return k - 1

    def _new_answers(self, X: Any, y: Any) -> int:
        """Validate rows and return how many actions their decisions would add."""
        check_rows(X)
        decisions = [] if y is None else map(as_decision, as_answers(y))
        named = (d.action for d in decisions if d is not None and not isinstance(d.actions, dict))
        return len(check_classes(self._index, named, self._limits))

    def check_limits(self, X: Any, y: Any = None) -> Growth:
        """Raise LimitError for rows that exceed the ``limits``, without learning anything; features count as columns."""
        if y is None:
            return super().check_limits(X)
        decisions = [as_decision(one) for one in as_answers(y)]
        if not any(d is not None and isinstance(d.actions, dict) for d in decisions):
            return super().check_limits(X, y)
        rows = [
            joined(x, d.actions[d.action]) if d is not None and isinstance(d.actions, dict) else x
            for x, d in zip(as_dicts(as_samples(X)), decisions, strict=True)
        ]
        return super().check_limits(rows, y)

    # ---- off-policy evaluation ---------------------------------------------------------------------------------------

    def value(self, policy: Policy, log: Iterable[tuple[Mapping[Any, Any], Any]]) -> PolicyValue:
        """Estimate the mean reward of a policy from a log of decisions, with intervals.

        The estimators are IPS, SNIPS and doubly robust (DR).

        Parameters
        ----------
        policy : Bandit or callable
            A bandit in its current state (even this one), or a function of a row and its actions that returns an action or the
            probability of each.
        log : iterable of (x, (action, reward, p))
            Decisions of any policy that drew with known probabilities. For the log of a store use ``store.value(policy)``.

        Returns
        -------
        PolicyValue

        Raises
        ------
        DataError, ConfigError
            As in ``estimate_value``.

        Notes
        -----
        DR takes its values from a new bandit with these settings that learns the log from the start, predicting each row before
        learning it. All three estimates are biased upwards for a policy that was itself trained on the log.

        Examples
        --------
        >>> agent, log = Bandit(explore="epsilon", amount=1.0), []
        >>> for i in range(400):
        ...     x = {"i": float(i % 5)}
        ...     action, p = agent.act(x, ["a", "b"])
        ...     log.append((x, (action, float(action == "a"), p, ["a", "b"])))
        >>> value = agent.value(lambda x, actions: "a", log)
        >>> value.snips.value, 0.8 < value.dr.value < 1.2
        (1.0, True)
        """
        return estimate_value(log, policy, self.clone(), tuple(self.actions))

    # ---- understanding ----------------------------------------------------------------------------------------------

    def explain_one(self, x: Mapping[Any, Any], action: Any = None) -> Any:
        """Attribute the expected reward of an action (by default the best) to the columns.

        Works as ``explain_action`` in this folder.
        """
        return self.kind.explain(self, x, action)

    @property
    def known_classes(self) -> list[Any]:
        """Known actions in the order they were first learned."""
        return list(self.actions)

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """State of each net and of least squares (weight in the value, exponential sum of squared errors)."""
        if self._engine is None:
            return []
        shares = self._engine.core.array("bandit_shares")
        linear = {
            "expert": "least squares",
            "optimizer": "recursive least squares",
            "weight": float(shares[-1, 0]),
            "loss": float(shares[-1, 1]),
        }
        return [*self._engine.experts(), linear]

    @property
    def taken(self) -> dict[Any, tuple[int, float]]:
        """Number of rewards and mean reward of each action."""
        if self._engine is None or not self.actions:
            return {}
        low, high = self.rewards
        numbers = self._engine.core.array("bandit_actions")
        return {a: (int(n), low + (high - low) * float(r)) for a, (n, r) in zip(self.actions, numbers, strict=False)}

    def resume(
        self,
        *,
        engine: Any,
        refused: Counter[str],
        notes: dict[str, Any],
        classes: Sequence[Any] = (),
        sample: Any = None,
    ) -> None:
        """Restore the saved state of a learner with the same settings.

        Raises
        ------
        ValueError
            If the numbers of actions and outputs differ.
        """
        outputs = 0 if engine is None else int(engine.core.outputs)
        if len(set(classes)) != len(classes) or (max(len(classes), 1) != outputs if outputs else bool(classes)):
            raise ValueError("classes", f"{outputs} of them", len(classes))
        super().resume(engine=engine, refused=refused, notes=notes, sample=sample)
        self.actions = list(classes)
        self._index = {action: i for i, action in enumerate(self.actions)}

    def _about(self) -> dict[str, Any]:
        return describe(self._setup, self._engine)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _refused(name: str, got: Any, expected: str) -> ConfigError:
    return ConfigError(expected=expected, got=repr(got), at=f"{name} of Bandit", help="Leave it out for the default.")
