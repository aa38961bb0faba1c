"""Off-policy evaluation, which estimates a policy's mean reward from a log of decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError, DataError, counted
from headwater.kinds.bandit.decision import Decision, as_decision
from headwater.plain.kinds.policy_value import doubly_robust, explored, ips, plausible, snips
from headwater.route.verdict.numbers import figure

__all__ = ["Estimate", "Policy", "PolicyValue", "estimate_value", "estimate_values"]


@runtime_checkable
class Chooses(Protocol):
    """Interface of a bandit that the estimators use."""

    @property
    def rewards(self) -> tuple[float, float]:
        """The lowest and the highest reward."""

    @property
    def known_classes(self) -> list[Any]:
        """The known actions."""

    def probabilities(self, x: Mapping[Any, Any], actions: Any = None) -> dict[Any, float]:
        """Return the probability of drawing each action."""

    def expected_rewards(self, x: Mapping[Any, Any], actions: Any = None) -> dict[Any, float]:
        """Return the expected reward of each action."""

    def learn(self, x: Mapping[Any, Any], action: Any, reward: float, p: float = 1.0, actions: Any = None) -> None:
        """Learn the reward of an action."""


Policy: TypeAlias = Chooses | Callable[[Mapping[Any, Any], Sequence[Any]], Any]
"""A bandit, or a function of a row and the offered actions that returns an action or the probability of each."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{figure(self.value)} ({figure(self.low)} to {figure(self.high)})"


@dataclass(frozen=True, slots=True)
class PolicyValue:
    """Estimated mean reward of a policy on the rows of a log.

    Parameters
    ----------
    n : int
        Rows of the log.
    logged : Estimate
        Mean reward of the logged actions.
    ips, snips, dr : Estimate
        Inverse propensity, self-normalized and doubly robust estimates, as in ``plain.kinds.policy_value``.
    matched : float
        Effective sample size (Σ w)²/Σ w², the equivalent number of the policy's own rows. If it is small, trust none of the three.
    explored : bool
        Whether the log explored enough for this policy. If not, all intervals are those of empirical likelihood, which hold anyway.

    Examples
    --------
    >>> value = PolicyValue(2, *[Estimate(0.5, 0.25, 0.75)] * 4, matched=2.0)
    >>> print(value)
    mean reward over 2 rows
      logged  0.5 (0.25 to 0.75)
      IPS     0.5 (0.25 to 0.75)
      SNIPS   0.5 (0.25 to 0.75)
      DR      0.5 (0.25 to 0.75)
      worth 2 rows of its own
    """

    n: int
    logged: Estimate
    ips: Estimate
    snips: Estimate
    dr: Estimate
    matched: float
    explored: bool = True

    def __str__(self) -> str:
        rows = {"logged": self.logged, "IPS": self.ips, "SNIPS": self.snips, "DR": self.dr}
        lines = [f"  {name:<7} {value}" for name, value in rows.items()]
        lines += [f"  worth {self.matched:,.0f} rows of its own"]
        lines += [] if self.explored else ["  The log explored too little for this policy: trust the intervals alone."]
        return "\n".join([f"mean reward over {counted(self.n, 'row')}", *lines])


def estimate_value(
    log: Iterable[tuple[Mapping[Any, Any], Any]], policy: Policy, model: Chooses, known: Sequence[Any] = ()
) -> PolicyValue:
    """Estimate a policy's mean reward, as ``estimate_values`` does for one policy."""
    return estimate_values(log, {"": policy}, model, known)[""]


def estimate_values(
    log: Iterable[tuple[Mapping[Any, Any], Any]],
    policies: Mapping[str, Policy],
    model: Chooses,
    known: Sequence[Any] = (),
) -> dict[str, PolicyValue]:
    """Estimate the mean rewards of several policies.

    Parameters
    ----------
    log : iterable of (x, decision)
        Rows with their `Decision`, or a tuple (action, reward, p, actions).
    policies : mapping
        By name, a bandit in its current state, or a function of a row and the list of its actions that returns an action or a dict
        of probabilities.
    model : Bandit
        A new bandit that learns the log while it is read. Its predictions before learning each row are the values of DR.
    known : sequence
        Actions offered if a decision doesn't list them.

    Returns
    -------
    dict of PolicyValue

    Raises
    ------
    DataError
        If a row of the log is not a decision, or the log is empty.
    ConfigError
        If a policy is invalid, or returns invalid probabilities.
    """
    rewards: list[float] = []
    shares: list[float] = []
    rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in policies}
    for i, (x, y) in enumerate(log):
        decision = as_decision(y)
        if decision is None:
            raise DataError(
                expected="(action, reward, p), p above 0 and at most 1",
                got=repr(y)[:80],
                at=f"row {i} of the log",
                help="Leave it out.",
            )
        actions = _offer_of(decision, (*known, *model.known_classes))
        said = model.expected_rewards(x, actions)
        for name, policy in policies.items():
            share = _probabilities(policy, x, actions)
            expected = sum(p * said[action] for action, p in share.items() if action in said)
            weight = share.get(decision.action, 0.0) / decision.p
            rows[name].append((weight, expected, said[decision.action]))
        rewards.append(decision.reward)
        shares.append(decision.p)
        model.learn(x, *decision)
    if not rewards:
        raise DataError(expected="a log of decisions", got="none", at="log", help="Learn some decisions first.")
    r, p = np.array(rewards), np.array(shares)
    ends = min(model.rewards[0], float(r.min())), max(model.rewards[1], float(r.max()))
    return {name: _value_of(r, p, np.array(own, np.float64), ends) for name, own in rows.items()}


def _offer_of(decision: Decision, known: Sequence[Any]) -> Any:
    """Return the actions that were offered, or the features of each."""
    if isinstance(decision.actions, dict):
        return decision.actions
    return list(dict.fromkeys((*(decision.actions or known), decision.action)))


def _value_of(
    r: NDArray[np.float64], p: NDArray[np.float64], rows: NDArray[np.float64], ends: tuple[float, float]
) -> PolicyValue:
    w, expected, of_taken = rows.T
    low, high = plausible(w, r, *ends)
    enough = explored(w, p)
    robust = Estimate(*doubly_robust(w, r, expected, of_taken))
    return PolicyValue(
        len(r),
        logged=Estimate(*ips(np.ones(len(r)), r)),
        ips=_within(ips(w, r)[0], low, high),
        snips=_within(snips(w, r)[0], low, high),
        dr=robust if enough else _within(robust.value, low, high),
        matched=float(w.sum() ** 2 / (w @ w)) if w.any() else 0.0,
        explored=enough,
    )


def _within(value: float, low: float, high: float) -> Estimate:
    """Return an estimate with an interval that holds it."""
    return Estimate(value, min(low, value), max(high, value))


def _probabilities(policy: Any, x: Mapping[Any, Any], actions: Any) -> Mapping[Any, float]:
    """Return the probability with which a policy takes each action."""
    given: Any
    if isinstance(policy, Chooses):
        given = policy.probabilities(x, actions)
    elif callable(policy):
        given = policy(x, actions)
    else:
        raise ConfigError(
            expected="a bandit, or a function of a row and its actions",
            got=type(policy).__name__,
            at="policy",
            help="Give e.g. lambda x, actions: actions[0].",
        )
    if not isinstance(given, Mapping):
        return {given: 1.0}
    if any(not p >= 0 for p in given.values()) or not abs(sum(given.values()) - 1) < 1e-6:
        raise ConfigError(
            expected="probabilities that sum to 1", got=repr(given)[:80], at="policy", help="Divide them by their sum."
        )
    return given
