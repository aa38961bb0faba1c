"""The reinforcement learning agent, which learns from one transition at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from headwater._core import LEAN_VERSION
from headwater.encode.noted import SEEN, as_note
from headwater.encode.rows import as_dicts
from headwater.encode.values import FLOAT, as_float, kind_of, missing
from headwater.encode.vocabulary import LEAST_ROWS
from headwater.errors import ConfigError, DataError
from headwater.kinds.agent.actions import as_actions, as_setting
from headwater.kinds.agent.kind import KIND
from headwater.kinds.agent.states import as_state
from headwater.learner.base import Learner
from headwater.learner.engine import AGGREGATES, Engine, Setup, describe
from headwater.learner.kind import Kind
from headwater.learner.validation import FARTHEST, as_answers, as_samples, check_rows, not_as_many
from headwater.nn import Activation, Adam, Dense, LayerNorm, Momentum
from headwater.nn.expert import Expert
from headwater.nn.losses import as_loss
from headwater.streams import in_pieces
from headwater.types import Predictions

if TYPE_CHECKING:
    from headwater.learner.settings.rolling import Rolling

__all__ = ["Agent"]

METHODS = ("q", "ac")
TABLE = (8.0, 8.0, 4.0, 0.2, 0.9, 0.5)
"""Of the table beside a net of action values: tilings, bins of each, numbers of a state at most, step size and trace decay of tiles,
and first step size of categories."""
VALUES, SOFTMAX, NORMAL = 1, 2, 3
"""The core's codes of what an agent learns (action values, a policy over labels, or a policy over numbers)."""


@dataclass(eq=False, repr=False)
class Agent(Learner):
    """Reinforcement learning from single transitions, without a replay buffer.

    ``method="q"`` is Stream Q(λ). A net estimates action values q(s, a), and the best action is taken except for a share ε of
    random ones. ``method="ac"`` is Stream AC(λ). One net estimates state values v(s), another one is the policy π(a|s). With r
    scaled by the deviation of the discounted sum of rewards, the temporal-difference error of a transition s, a, r, s′ is

        δ = r + γ·v(s′) − v(s),   for Q: δ = r + γ·max q(s′, ·) − q(s, a);   v(s′) = 0 if the episode has terminated.

    Each net has an eligibility trace z ← γλ·z + ∇ and takes the step w ← w + η·δ·z with η = α/max(1, α·κ·max(|δ|, 1)·‖z‖₁), so
    that no step overshoots and no step size needs tuning. A policy's gradient is that of log π(a|s) + 0.01·sign(δ)·H(π). Traces
    are reset at the end of an episode and, for Q, after an action that was not the best one.

    Each net has two blocks of dense layer, layer norm and leaky ReLU, and a linear output, with sparse initial weights. Numbers of
    a state, and the time since the start of the episode, are standardized online. States are rows, so categories and missing
    values are allowed, and features may appear at any time.

    For "q", a table of action values learns beside the net in small worlds. It takes all actions where states consist of categories,
    as those of a ``Discrete`` space, and each state has a row of its own. Up to four numbers are tile-coded, with 8 tilings of 8 bins
    over their range so far, and of table and net the one with the larger returns takes the actions of most episodes. Where states have
    more than four numbers there is no table.

    Parameters
    ----------
    actions : Discrete or Box of Gymnasium, int, or tuple
        ``env.action_space``, the number of actions (0, 1, …), their names, or the range of each number of an action.
    method : str, optional
        "q" or "ac". By default "q" for discrete actions, "ac" for actions of numbers.
    hidden : int
        Units of each of the two hidden layers.
    gamma : float
        Discount factor γ. Rewards count about 1/(1 − γ) steps ahead.
    trace : float
        Trace decay λ, how far back an error corrects earlier estimates. 0 corrects only the last state.
    explore : int
        For "q", the steps over which the share of random actions falls from 1 to ``epsilon``.
    epsilon : float
        For "q", the final share of random actions.
    kappa : (float, float)
        Step-size bounds κ of the value net and of the policy net. Larger ones make smaller steps.
    entropy : float
        For "ac", the weight of the policy's entropy.
    adaptive : bool
        Scale each element of the trace by the size of its past steps.
    bootstrap : bool
        Whether to bootstrap from the last state of a truncated episode. False treats truncation as termination.
    table : bool
        For "q", whether to learn a table of action values for small worlds, as described above.
    rolling : Rolling, optional
        Counts, sums, means, distinct names and times since over the last hour or day, by key, as columns more (`Rolling`).
    max_rows, seed, dtype
        As in ``Regressor``. Random actions depend only on the seed and the number of transitions learned.

    Raises
    ------
    ConfigError
        If a setting is invalid.

    Examples
    --------
    A corridor of five rooms with a reward in the last one:

    >>> agent = Agent(2, explore=500, hidden=16)
    >>> room = 0
    >>> for _ in range(2_000):
    ...     action = agent.act({"room": str(room)})
    ...     then = min(room + 1, 4) if action == 1 else max(room - 1, 0)
    ...     agent.learn({"room": str(room)}, action, float(then == 4), {"room": str(then)}, then == 4, False)
    ...     room = 0 if then == 4 else then
    >>> [agent.act({"room": str(room)}, explore=False) for room in range(4)]
    [1, 1, 1, 1]

    References
    ----------
    Elsayed, Vasan & Mahmood 2024, "Streaming Deep Reinforcement Learning Finally Works"; Watkins 1989; Sutton & Barto 2018,
    chapters 12 and 13.
    """

    kind: ClassVar[Kind] = KIND
    instead: ClassVar[str] = "act and learn"

    actions: Any = 2
    _: KW_ONLY
    method: str | None = None
    hidden: int = 64
    gamma: float = 0.99
    trace: float = 0.8
    explore: int = 50_000
    epsilon: float = 0.01
    kappa: tuple[float, float] = (2.0, 3.0)
    entropy: float = 0.01
    adaptive: bool = False
    bootstrap: bool = True
    max_rows: int = 200_000
    table: bool = True
    rolling: Rolling | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.actions = as_setting(self.actions)
        self._actions = as_actions(self.actions)
        self._setup = self._made()
        self._rolling = None if self.rolling is None else AGGREGATES(self.rolling)
        self._engine: Engine | None = None
        self._seen: Mapping[Any, Any] | None = None
        """The state of the last transition."""

    def _made(self) -> Setup:
        """Validate the settings and convert them to a setup."""
        _check(self)
        method = self.method or ("q" if self._actions.labels else "ac")
        if method == "q" and not self._actions.labels:
            raise ConfigError(
                expected="method 'ac' where an action consists of numbers",
                got="'q'",
                at="method of Agent",
                help="Leave it out.",
            )
        policy = VALUES if method == "q" else SOFTMAX if self._actions.labels else NORMAL
        layers = (Dense(self.hidden, initializer="sparse"), LayerNorm(affine=False), Activation("leaky_relu")) * 2
        outputs = self._actions.outputs
        rule = Adam(1.0) if self.adaptive else Momentum(1.0)
        net = Expert((*layers, Dense(outputs, initializer="sparse")), as_loss("mse"), rule)
        declared = (policy, self.gamma, self.trace, *self.kappa, self.entropy, self.explore, self.epsilon)
        flags = (float(self.bootstrap), float(self._actions.bounded), float(self.adaptive))
        experts = (net,) if method == "q" else (net, net)
        own = (*map(float, declared), *flags)
        own += TABLE if self.table and method == "q" else ()
        return Setup(
            experts, self.seed, self.dtype, self.max_rows, True, False, agent=own, outputs=outputs, rolling=self.rolling
        )

    def follow_core(self, version: int) -> None:
        """Learn by the rules of an older core, whose agents had no table."""
        super().follow_core(version)
        if version < LEAN_VERSION:
            self.table = False
            self._setup = self._made()

    def new_engine(self, state: Mapping[str, NDArray[Any]] | None = None) -> Engine:
        """Create the engine from the settings, or from the arrays ``state`` of a saved learner."""
        rolling = self._rolling if state is None else None
        return Engine(self._setup, state, limits=self._limits, rolling=rolling)

    # ---- acting -----------------------------------------------------------------------------------------------------

    def act(self, observation: Any, explore: bool = True) -> Any:
        """Return the action to take, without changing anything.

        Random actions depend only on the seed and on the number of transitions learned, so asking twice gives the same action, and a
        loaded agent continues like the saved one.

        Parameters
        ----------
        observation : array, dict or number
            The state.
        explore : bool
            False for the best known action, without random actions or deviations from a policy's mean.

        Returns
        -------
        int, label or ndarray
            In the form the actions were given, for a Box an array (n,) of float32 within its bounds.
        """
        x = self.state_of(observation)
        return self._actions.named(self._ready().core.learner.act(x, explore))

    def values(self, observation: Any) -> dict[Any, float]:
        """Return the value of each action, its expected discounted sum of scaled rewards.

        Raises
        ------
        ConfigError
            If the method is "ac", which only has state values (see ``value``).
        """
        if not self.has_action_values:
            raise ConfigError(
                expected="an agent with action values, method 'q'",
                got="method 'ac'",
                at="values of Agent",
                help="Use value for the state's value, policy for the actions' probabilities.",
            )
        return dict(zip(self._actions.labels, self._said(observation)[1:], strict=True))

    def value(self, observation: Any) -> float:
        """Return the value of a state, its expected discounted sum of scaled rewards."""
        return self._said(observation)[0]

    def policy(self, observation: Any) -> Any:
        """Return the distribution of actions in a state, without changing anything.

        Returns
        -------
        dict or (ndarray, ndarray)
            The probability of each action, or for a Box the means and deviations of the numbers before clipping.
        """
        said = self._said(observation)[1:]
        if not self._actions.labels:
            half = len(said) // 2
            return self._actions.spread(said[:half], said[half:])
        if self.has_action_values:
            random = self.share_of_random / len(said)
            best = said.index(max(said))
            said = [random + (1 - self.share_of_random) * (i == best) for i in range(len(said))]
        return dict(zip(self._actions.labels, said, strict=True))

    @property
    def share_of_random(self) -> float:
        """Current share of random actions, 0 for "ac", whose policy itself is a distribution."""
        if not self.has_action_values:
            return 0.0
        left = max(1 - self.n_learned / self.explore, 0.0) if self.explore else 0.0
        return self.epsilon + (1 - self.epsilon) * left

    @property
    def has_action_values(self) -> bool:
        """Whether it has a value for each action (method "q"), else one for the state."""
        return self._setup.agent[0] == VALUES

    def _said(self, observation: Any) -> list[float]:
        said: list[float] = self._ready().core.learner.state_value(self.state_of(observation))
        return said

    def _ready(self) -> Engine:
        """Return the engine, or a temporary one before the first transition, so that reading changes nothing."""
        return self.new_engine() if self._engine is None else self._engine

    def state_of(self, observation: Any) -> Mapping[Any, Any]:
        """Return an observation as a row, as ``as_state`` in this folder."""
        return as_state(observation, ids=self.core_version >= LEAN_VERSION)

    # ---- learning ---------------------------------------------------------------------------------------------------

    def learn(
        self,
        observation: Any,
        action: Any,
        reward: float,
        next_observation: Any,
        terminated: bool = False,
        truncated: bool = False,
        w: float = 1.0,
    ) -> None:
        """Learn a transition.

        Pass the transitions of an episode in order, each once. A transition with an invalid reward (NaN, infinite, beyond 1e30) or
        action is counted in ``rejected`` and not learned, but its time step counts.

        Parameters
        ----------
        observation, action
            The state, and the action taken in it.
        reward : float
            The reward.
        next_observation
            The next state.
        terminated, truncated : bool
            Whether the episode has ended, or was cut off, as ``env.step`` returns them.
        w : float
            Weight, which multiplies the step that is taken along all traces, within the bound of steps. With 0 nothing is learned, but
            time and traces go on.

        Examples
        --------
        >>> agent = Agent(("stay", "go"))
        >>> agent.learn([0.5, 1.0], "go", 1.0, [0.7, 1.0])
        >>> agent.learn([0.7, 1.0], "stay", 1.0, None, terminated=True)
        >>> agent.n_learned, agent.episodes
        (2, 1)
        """
        following = None if next_observation is None else self.state_of(next_observation)
        x, before = self.state_of(observation), None if self._warned else self.refused["target"]
        weight = w if type(w) is float and w == 1 else self._one_weight(w)
        self._learn(x, action, reward, following, bool(terminated), bool(truncated), weight)
        if before is not None and self.refused["target"] != before:
            self._warn_refused({**self._refused_rows(), "target": before}, depth=3)

    def _one_weight(self, w: Any) -> float:
        """Return the weight of a transition, 0 with a warning for what is none."""
        before = self._refused_rows()
        weight = self._weights([w], 1)[0]
        self._warn_refused(before)
        return weight

    def _learn(
        self,
        x: Mapping[Any, Any],
        action: Any,
        reward: Any,
        following: Mapping[Any, Any] | None,
        terminated: bool,
        truncated: bool,
        w: float,
    ) -> None:
        brought = reward if type(reward) is float else _number(reward)
        number = self._actions.number(action)
        if number is None or not abs(brought) <= FARTHEST or (following is None and not terminated):
            self.refused["target"] += 1
            brought, number = math.nan, 0 if self._actions.labels else [0.0] * len(self._actions.low)
        with self.lock:
            if self._engine is None:
                self._engine = self.new_engine()
            if self._rolling is not None:  # the next state comes after this one, which therefore counts for it
                x = self._rolling.enter(x)
                following = None if following is None else self._rolling.look(following)
            self._engine.core.learner.learn_transition(x, number, brought, following, terminated, truncated, w)
            self._seen = dict(x)

    def learn_many(
        self, observations: Any, transitions: Sequence[Mapping[str, Any]], w: Any = None
    ) -> NDArray[np.float64]:
        """Learn transitions one by one and return the value of each state right before.

        Parameters
        ----------
        observations : list of dict, array (n, d) or data frame
            The states.
        transitions : sequence of dict
            One dict per state, ``{"action": …, "reward": …, "next": …, "terminated": …, "truncated": …}``. The last two default to
            False.
        w : sequence (n,), optional
            Weights, as in ``learn``.

        Returns
        -------
        ndarray (n,)
        """
        before = self._refused_rows()
        out = np.asarray(self.step_many(observations, transitions, w).y_pred, np.float64)
        self._warn_refused(before)
        return out

    def step_many(self, X: Any, y: Any, w: Any = None, ask: Any = None) -> Predictions:
        """Return the value of each state, then learn its transition with its weight, in turn.

        Delayed labels are not supported.

        Raises
        ------
        ConfigError
            If ``ask`` is given.
        DataError
            If the numbers of transitions and states differ.
        """
        if ask is not None:
            raise ConfigError(
                expected="transitions in order of time",
                got="rows with delayed labels",
                at="Agent",
                help="Use no delay, because a transition is complete once the next state is known.",
            )
        rows, y = _rows(X), as_answers(y)
        if len(y) != len(rows):
            raise not_as_many(y, len(rows), "transitions", of="states")
        with self.lock:
            given = self._weights(w, len(rows))
            worth = in_pieces(len(rows), lambda part: self._learn_rows(rows[part], y[part], given[part]))
        return Predictions(np.array([one for piece in worth for one in piece]))

    def _learn_rows(
        self, rows: Sequence[Mapping[Any, Any]], transitions: Sequence[Any], weights: Sequence[float]
    ) -> list[float]:
        worth = []
        for x, transition, w in zip(rows, transitions, weights, strict=True):
            worth.append(self.value(x))
            self._learn(x, *_parts(transition), w)
        return worth

    def predict_batch(self, X: Any) -> Predictions:
        """Return the values of states, without changing anything."""
        return Predictions(np.array([self.value(x) for x in _rows(X)]))

    def check_transition(self, transition: Any) -> None:
        """Raise DataError for a transition that ``learn_many`` would reject.

        Raises
        ------
        DataError
            If the action or the reward is invalid, or the next state is missing.
        """
        try:
            action, reward, following, terminated, _ = _parts(transition)
        except DataError as error:
            raise _no_transition(error.got) from error
        ends = (
            [transition.get(name) for name in ("terminated", "truncated")] if isinstance(transition, Mapping) else [""]
        )
        if (
            self._actions.number(action) is None
            or not abs(_number(reward)) <= FARTHEST
            or not (terminated or following is not None)
            or not all(isinstance(end, bool | int | None) for end in ends)
        ):
            raise _no_transition(f"{transition!r:.80}")

    # ---- state and metrics ------------------------------------------------------------------------------------------

    def resume(self, *, notes: dict[str, Any], **state: Any) -> None:
        """Restore the saved state of a learner with the same settings, and take the last state out of its notes.

        Raises
        ------
        ValueError
            If the state contains something that an agent doesn't have.
        """
        own = dict(notes)
        seen = own.pop(SEEN, None)
        super().resume(notes=own, **state)
        self._seen = seen if isinstance(seen, dict) else None

    @property
    def written_notes(self) -> dict[str, Any]:
        """The notes for a file, with the last state, on which a page of the file opens."""
        seen = None if self._seen is None else as_note(self._seen)
        return self.notes if seen is None else {**self.notes, SEEN: seen}

    @property
    def last_state(self) -> Mapping[Any, Any] | None:
        """The state that was learned from last, None before the first."""
        return self._seen

    @property
    def episodes(self) -> int:
        """Number of finished episodes."""
        return 0 if self._engine is None else int(self._engine.core.array("agent_numbers")[EPISODES])

    @property
    def returns(self) -> NDArray[np.float64]:
        """Sums of rewards of the last 200 episodes, oldest first."""
        return self._of_episodes("agent_returns")

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Numbers of steps of the last 200 episodes, oldest first."""
        return self._of_episodes("agent_lengths")

    def _of_episodes(self, name: str) -> NDArray[np.float64]:
        if self._engine is None:
            return np.zeros(0)
        kept, n = np.array(self._engine.core.array(name)), self.episodes
        return kept[:n] if n < len(kept) else np.roll(kept, -(n % len(kept)))

    @property
    def experts_(self) -> list[dict[str, Any]]:
        """The nets with the number of steps each has taken."""
        if self._engine is None:
            return []
        taken = self._engine.core.array("agent_numbers")[TAKEN:].tolist()
        names = ("values",) if self.has_action_values else ("values", "policy")
        experts = [{"expert": name, "steps": int(steps)} for name, steps in zip(names, taken, strict=False)]
        table = self._engine.core.array("tile_numbers")
        return [*experts, {"expert": "table", "steps": int(table[TABLE_STEPS])}] if len(table) else experts

    def explain_one(self, x: Any, action: Any = None) -> Any:
        """Attribute the value of an action to the features of a state, as ``explain_worth`` in this folder."""
        return self.kind.explain(self, x, action)

    def _about(self) -> dict[str, Any]:
        return describe(self._setup, self._engine) | {"episodes": self.episodes}


EPISODES, TAKEN = 11, 16
"""Indices of the episode count and of each net's steps in ``agent_numbers``."""
TABLE_STEPS = 2
"""Index of the table's steps in ``tile_numbers``."""


def _check(agent: Agent) -> None:
    """Raise ConfigError for invalid settings."""
    ranges: tuple[tuple[str, float, float, bool], ...] = (
        ("hidden", 1, 1 << 12, True),
        ("gamma", 0, 1, False),
        ("trace", 0, 1, False),
        ("explore", 0, 10**15, True),
        ("epsilon", 0, 1, False),
        ("entropy", 0, 1e6, False),
        ("max_rows", LEAST_ROWS, 1 << 30, True),
        ("seed", 0, (1 << 64) - 1, True),
    )
    for name, least, most, whole in ranges:
        value = getattr(agent, name)
        good = (
            isinstance(value, int if whole else int | float) and not isinstance(value, bool) and least <= value <= most
        )
        if not good:
            kind = "a whole number" if whole else "a number"
            raise ConfigError(
                expected=f"{kind} from {least:,} to {most:,}",
                got=repr(value),
                at=f"{name} of Agent",
                help="Leave it out for the default.",
            )
    _check_choices(agent)


def _check_choices(agent: Agent) -> None:
    kappa: Any = agent.kappa
    two = isinstance(kappa, tuple | list) and len(kappa) == 2
    choices: tuple[tuple[str, str, bool], ...] = (
        ("kappa", "two numbers above 0", two and all(isinstance(k, int | float) and 0 < k <= 1e6 for k in kappa)),
        ("method", "None, 'q' or 'ac'", agent.method is None or agent.method in METHODS),
        ("adaptive", "True or False", isinstance(agent.adaptive, bool)),
        ("bootstrap", "True or False", isinstance(agent.bootstrap, bool)),
        ("table", "True or False", isinstance(agent.table, bool)),
        ("dtype", "'float32' or 'float64'", agent.dtype in ("float32", "float64")),
    )
    for name, expected, good in choices:
        if not good:
            at, got = f"{name} of Agent", repr(getattr(agent, name))
            raise ConfigError(expected=expected, got=got, at=at, help="Leave it out for the default.")
    agent.kappa = (float(kappa[0]), float(kappa[1]))


def _number(value: Any) -> float:
    """Return a reward as a float, or NaN if it is invalid."""
    if missing(value) or kind_of(value) != FLOAT:
        return math.nan
    return float(as_float(value))


def _no_transition(got: str) -> DataError:
    return DataError(
        expected="a transition with one of the agent's actions, its reward and the next state",
        got=got,
        at="y",
        help='Send {"action": 1, "reward": 0.5, "next": {…}, "terminated": false}. Nothing was learned.',
    )


def _parts(transition: Any) -> tuple[Any, Any, Mapping[Any, Any] | None, bool, bool]:
    """Return action, reward, next state and the two end flags, with no action for an invalid transition."""
    if not isinstance(transition, Mapping):
        return None, math.nan, None, False, False
    following = transition.get("next")
    if following is not None:
        following = as_state(following)
    ends = (bool(transition.get("terminated")), bool(transition.get("truncated")))
    return transition.get("action"), transition.get("reward"), following, *ends


def _rows(X: Any) -> list[Mapping[Any, Any]]:
    """Return validated states as dicts."""
    X = as_samples(X)
    check_rows(X)
    return as_dicts(X)
