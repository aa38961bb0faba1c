"""The contextual bandit: which action to take, learned from the rewards of those that were taken."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.encode.rows import as_dicts
from headwater.encode.vocabulary import LEAST_ROWS
from headwater.errors import ConfigError
from headwater.kinds.bandit.decision import Decision, as_decision, offered
from headwater.kinds.bandit.kind import KIND
from headwater.kinds.bandit.policy_value import Policy, PolicyValue, estimate_value
from headwater.learner.base import Learner
from headwater.learner.engine import Engine, Setup, describe
from headwater.learner.kind import Kind
from headwater.learner.labels import as_labels
from headwater.learner.limits import check_classes
from headwater.learner.validation import as_answers, as_samples, check_pairs, check_rows, check_sample
from headwater.nn import Activation, AdaGrad, Dense, LayerNorm, Loss, RMSProp
from headwater.nn.expert import Expert
from headwater.streams import in_pieces
from headwater.types import Predictions

__all__ = ["EXPLORATIONS", "Bandit"]

EXPLORATIONS: dict[str, float] = {"squarecb": 100.0, "epsilon": 0.05, "softmax": 20.0, "greedy": 0.0, "linucb": 0.3}
"""How an action may be drawn, in the order of the core, each with how much it explores by default: γ, ε, λ, none, α."""
POWER = 0.5
"""Of the rows so far by which squarecb explores less."""
RING = 1000
"""The last rows, some of which the nets learn again."""
INPUTS = 64
"""Rows of the input table that least squares read: the first names that appear."""

Said: TypeAlias = tuple[Any, dict[Any, float], dict[Any, float]]
"""Of a row: the best known action, the probability and the value of each."""


def _nets(hidden: int) -> tuple[Expert, ...]:
    """Return the nets: one with AdaGrad's ever smaller steps, one that follows drift; both learn some rows again."""

    def net(units: int, **how: Any) -> Expert:
        body = (Dense(units, initializer="lecun"), LayerNorm(affine=False), Activation("relu"))
        return Expert((*body, Dense(1, initializer="zeros")), Loss("mse"), **how)

    return (
        net(hidden, optimizer=AdaGrad(0.05), replays=2, first_replays=8),
        net(max(hidden // 2, 1), optimizer=RMSProp(0.003, rho=0.999), replays=2, first_replays=32),
    )


@dataclass(eq=False, repr=False)
class Bandit(Learner):
    """A contextual bandit: choose one of some actions for a row, see the reward of that one, learn.

    Nobody says what another action would have earned, so it explores: an action is drawn, with a probability that is told. Each
    action has a value, the reward that is expected of it in this row: a weighted mean of what two small nets say, with an output
    an action, and a linear function of the inputs an action, by recursive least squares. The weights follow the squared errors on
    the actions that were taken, each counted 1/p times.

    An action that was never seen may be offered at any time, and becomes a new output when its first reward is learned: what is
    expected of the others keeps its bits. A row is as for a `Classifier`: numbers, categories, date-times and gaps.

    Parameters
    ----------
    explore : str
        "squarecb": the wider the gap to the best action and the more rows there were, the less likely, with a bonus where least
        squares know little (``plain.decisions.bandit`` has the formulas). "epsilon": evenly, on a share of the rows. "softmax": by
        e^(λ·value). "greedy": always the best. "linucb": least squares alone, the largest value with its deviation added.
    amount : float, optional
        How much: γ of squarecb (larger explores less), ε, λ (larger explores less), α of linucb. Without it 100, 0.05, 20, 0.3.
    rewards : (float, float)
        The lowest and the highest reward. One beyond counts as the nearest of the two.
    hidden : int
        Units of the first net; the second has half as many.
    max_rows : int
        As in ``Classifier``.
    seed : int
        Of the nets' weights, and of the actions drawn.
    dtype : str
        "float32" or "float64"; least squares are float64 in either.

    Raises
    ------
    ConfigError
        For settings that can't be.

    Notes
    -----
    Least squares read the first 64 rows of the input table; what comes later is for the nets. Memory: about 33 kB an action.

    ``act`` changes nothing that is learned, but for the number of draws so far: the same learner would draw another action next. The
    count is part of its state, saved and copied with it. ``probabilities`` and ``expected_rewards`` change nothing at all.

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

    kind: ClassVar[Kind] = KIND
    instead: ClassVar[str] = "act, learn or learn_many"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._setup = self._made()
        self._engine: Engine | None = None
        self.actions: list[Any] = []
        self._index: dict[Any, int] = {}

    def _made(self) -> Setup:
        """Check the settings and turn them into a setup."""
        low, high = self._checked()
        amount = EXPLORATIONS[self.explore] if self.amount is None else float(self.amount)
        declared = (float(list(EXPLORATIONS).index(self.explore)), amount, POWER, low, high, float(INPUTS))
        sizes = (self.max_rows, True, False, 0, RING)
        return Setup(_nets(self.hidden), self.seed, self.dtype, *sizes, bandit=declared)

    def _checked(self) -> tuple[float, float]:
        """Return the lowest and the highest reward, if the settings can be."""
        for name, least, most in (("hidden", 1, 1 << 12), ("max_rows", LEAST_ROWS, 1 << 30), ("seed", 0, 1 << 64)):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise _refused(name, value, f"a whole number from {least:,} to {most:,}")
        if self.explore not in EXPLORATIONS:
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

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Make what holds the numbers, from the settings; ``state``: arrays of a saved learner to go on from."""
        return Engine(self._setup, state, limits=self._limits)

    def _begun(self) -> Engine:
        """Return what holds the numbers; it is made when it is first needed."""
        if self._engine is None:
            self._engine = self.new_engine()
        return self._engine

    # ---- one decision -----------------------------------------------------------------------------------------------

    def act(self, x: Mapping[Any, Any], actions: Sequence[Any] | None = None) -> tuple[Any, float]:
        """Draw an action for a row. Nothing that is learned changes; the number of draws goes up by one.

        Parameters
        ----------
        x : dict
            The row.
        actions : sequence, optional
            Which may be taken; those that were learned without it. One that was never seen may be among them.

        Returns
        -------
        action, p
            The action, and the probability with which it was drawn: give both to ``learn`` when its reward is known.

        Raises
        ------
        DataError
            If there is no action to choose from.
        """
        check_sample(x)
        with self.lock:
            found = offered(actions, self.actions)
            chosen, p, _ = self._decide(x, found, draw=True)
            return found[chosen], p[chosen]

    def learn(
        self, x: Mapping[Any, Any], action: Any, reward: float, p: float = 1.0, actions: Sequence[Any] | None = None
    ) -> None:
        """Learn what came of an action; it may be long ago, and of another policy.

        Parameters
        ----------
        x : dict
            The row.
        action : hashable
            The action that was taken.
        reward : float
            What came of it.
        p : float
            The probability with which it was taken: what ``act`` said.
        actions : sequence, optional
            Which were offered; of use to whoever keeps a log.
        """
        before = self._refused_rows()
        given = (action, reward, p) if actions is None else (action, reward, p, list(actions))
        with self.lock:
            self._learn_row(x, given)
        self._warn_refused(before, depth=3)

    def probabilities(self, x: Mapping[Any, Any], actions: Sequence[Any] | None = None) -> dict[Any, float]:
        """Return the probability with which ``act`` would draw each action; nothing is changed.

        Examples
        --------
        >>> Bandit().probabilities({"x": 1.0}, ["a", "b"])
        {'a': 0.5, 'b': 0.5}
        """
        check_sample(x)
        with self.lock:
            found = offered(actions, self.actions)
            if self._engine is None:
                return dict.fromkeys(found, 1 / len(found))
            return dict(zip(found, self._decide(x, found)[1], strict=True))

    def expected_rewards(self, x: Mapping[Any, Any], actions: Sequence[Any] | None = None) -> dict[Any, float]:
        """Return the reward that is expected of each action in a row; nothing is changed. One never seen has the lowest.

        Parameters
        ----------
        x, actions
            As in ``act``; {} where no action is known or given.
        """
        check_sample(x)
        with self.lock:
            found = self.actions if actions is None else offered(actions, self.actions)
            if self._engine is None or not self.actions:
                return dict.fromkeys(found, self.rewards[0])
            values = self._engine.core.learner.values(x)
            return {a: values[self._index[a]] if a in self._index else self.rewards[0] for a in found}

    def predict_one(self, x: Mapping[Any, Any]) -> Any:
        """Return the known action of which the largest reward is expected; None before any was learned. Nothing is changed."""
        values = self.expected_rewards(x)
        return max(values, key=values.__getitem__) if values else None

    def _decide(
        self, x: Mapping[Any, Any], found: list[Any], *, draw: bool = False
    ) -> tuple[int, list[float], list[float]]:
        """Return which action was drawn (the best without a draw), the probability of each, and what decided."""
        numbers = array("i", [self._index.get(action, -1) for action in found])
        decided: tuple[int, list[float], list[float]] = self._begun().core.learner.decide(x, numbers, draw)
        return decided

    # ---- many decisions ---------------------------------------------------------------------------------------------

    def learn_many(self, X: Any, y: Any) -> list[Any]:
        """Learn a log of decisions row by row, and return the action that was best in its eyes before each.

        Parameters
        ----------
        X : list of dict, array (n, d) or data frame
            Rows.
        y : sequence (n,)
            What came of each: (action, reward, p), and the actions offered where they are known.

        Returns
        -------
        list
            Actions; None before the first was known.
        """
        before = self._refused_rows()
        best = list(self.step_many(X, y).y_pred)
        self._warn_refused(before, depth=3)
        return best

    def predict_many(self, X: Any) -> NDArray[Any]:
        """Return the best known action of each row, shape (n,); nothing is changed."""
        return as_labels(list(self.predict_batch(X).y_pred))

    def predict_proba_many(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of each action, shape (n, k), in the order of ``known_classes``; nothing is changed."""
        p = self.predict_batch(X).proba
        return np.zeros((0, 0)) if p is None else np.asarray(p, np.float64)

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Say what it would do in each row, then learn what was done. There are no weights, and no rows to ask.

        Returns
        -------
        Predictions
            ``y_pred``: the best action; ``proba``: the probability of each, over those that were offered; ``rewards``: what is
            expected of each.

        Raises
        ------
        ConfigError
            If there are rows to ask: a reward that comes late is learned when it comes.
        """
        if ask is not None:
            raise ConfigError(
                expected="decisions with their rewards",
                got="rows whose answers come late",
                at="Bandit",
                help="Use no delay: learn a reward when it comes.",
            )
        X, answers = as_samples(X), as_answers(y)
        check_pairs(X, answers, None)
        rows = as_dicts(X)
        with self.lock:
            said = in_pieces(len(rows), lambda part: self._learn_rows(rows[part], answers[part]))
        return self._forecast_of(one for piece in said for one in piece)

    def _learn_rows(self, rows: Sequence[Mapping[Any, Any]], answers: Any) -> list[Said]:
        done: list[Said] = []
        for x, answer in zip(rows, answers, strict=True):
            done.append(self._said(x, as_decision(answer)))
            self._learn_row(x, answer)
        return done

    def predict_batch(self, X: Any) -> Predictions:
        """Say what it would do in rows: the best action of those known, and the probability of each; nothing is changed."""
        X = as_samples(X)
        check_rows(X)
        with self.lock:
            return self._forecast_of([self._said(x, None) for x in as_dicts(X)])

    def _said(self, x: Mapping[Any, Any], decision: Decision | None) -> Said:
        """Return the best known action, the probabilities of those offered, the one that was taken among them, and all values."""
        extra = () if decision is None else (*(decision.actions or self.actions), decision.action)
        found = list(dict.fromkeys(extra or self.actions))
        if not found:
            return None, {}, {}
        values = self.expected_rewards(x, list(dict.fromkeys([*self.actions, *found])))
        best = max(self.actions, key=values.__getitem__) if self.actions else None
        return best, self.probabilities(x, found), values

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

    def _learn_row(self, x: Mapping[Any, Any], given: Any) -> None:
        check_sample(x)
        decision = as_decision(given)
        if decision is None:
            self.refused["decision"] += 1
            return
        low, high = self.rewards
        self.refused["reward"] += not low <= decision.reward <= high
        number = self._index.get(decision.action)
        if number is None:
            number = self._add_action(decision.action)
        self._begun().core.learner.learn_action(x, number, decision.reward, decision.p)

    def _add_action(self, action: Hashable) -> int:
        """Append an action: an output that begins at zero, and least squares of its own."""
        check_classes(self._index, [action], self._limits)
        k = len(self.actions) + 1
        engine = self._begun()
        if k > 1:
            engine.core.learner.add_outputs(k, 0.0)
        self.actions.append(action)
        self._index[action] = k - 1
        return k - 1

    def _new_answers(self, X: Any, y: Any) -> int:
        """Check that rows are rows, and return how many actions their decisions would add."""
        check_rows(X)
        decisions = [] if y is None else map(as_decision, as_answers(y))
        return len(check_classes(self._index, (d.action for d in decisions if d is not None), self._limits))

    # ---- what a policy is worth --------------------------------------------------------------------------------------

    def value(self, policy: Policy, log: Iterable[tuple[Mapping[Any, Any], Any]]) -> PolicyValue:
        """Estimate the mean reward of a policy from a log of decisions: IPS, SNIPS and doubly robust, each with an interval.

        Parameters
        ----------
        policy : Bandit or callable
            A bandit as it stands now (this one too), or a function of a row and its actions that returns an action, or the
            probability of each.
        log : iterable of (x, (action, reward, p))
            What was done, by any policy that drew with known probabilities. A store gives its own: ``store.value(policy)``.

        Returns
        -------
        PolicyValue

        Raises
        ------
        DataError, ConfigError
            As of ``estimate_value``.

        Notes
        -----
        The values that DR needs are those of a new bandit with these settings, which learns the log from the start: what it says
        of a row it says before it learns it. A policy that has itself learned from the log is judged too kindly by all three.

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
        """Say how much each column moves the reward that is expected of an action (the best without it).

        ``explain_action`` in this folder.
        """
        return self.kind.explain(self, x, action)

    @property
    def known_classes(self) -> list[Any]:
        """The actions known so far, in the order in which they were first learned."""
        return list(self.actions)

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """What each net is and how it stands, then least squares: weight in the value, fading sum of squared errors."""
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
        """How often each action was learned, and its mean reward."""
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
        """Go on from what was saved of a learner with the same settings.

        Raises
        ------
        ValueError
            If there are not as many actions as outputs.
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
