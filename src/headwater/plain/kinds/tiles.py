"""Linear action values for small worlds, beside the net of an agent.

A net reads 500 states of a taxi as 500 rows that share all hidden units, and what it learns of one state disturbs the others. A
table has a number per state and action, which nothing else moves. Of categories alone, a state is one row of the table. Of a few
numbers, each of 8 tilings cuts their range so far into bins, and a state is one row of each tiling. A missing number is read as the
mean so far:

    q(s, a) = Σₖ w[rowₖ(s), a],   w ← w + α δ z / tilings
    δ = r + γ v(s′) − q(s, a),   v(s) = (1 − ε) maxₐ q(s, a) + ε meanₐ q(s, a)

ε is the share of random actions that remains. v is the value of the policy that is followed, which keeps away from cliffs. Traces z
are replacing ones, cut after an action that was not the best. Of categories α falls with the fourth root of the visits, and there
are no traces. A transition of weight w has a step of wα/(1 − α + wα) in place of α, so that it goes no farther than to its target;
with w = 0 nothing moves but the traces.

Of the net and a table of numbers, the one with the larger returns takes the actions. While most actions are random, the table gets
80 % of the episodes. Then returns start anew, and the worse reader gets the share max(0.02, ½ exp(−2 gap / deviation)). An episode
whose return falls three deviations below the other's mean is handed over. The table learns from its own episodes alone, since those
of a net that fails would teach it states which it never meets (MountainCar −130, else −112).

References
----------
Watkins 1989; van Seijen et al. 2009 for expected values; Singh & Sutton 1996 for replacing traces; Miller & Glanz 1996 for displaced
tilings; Sutton & Barto 2018, chapters 9 and 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.plain.kinds.agent import Moments

__all__ = ["PlainTable", "PlainTrials"]

Array = NDArray[np.float64]
Key = tuple[Any, ...]
FAINT, TRACES = 0.02, 512
NET, TABLE = 0, 1
OFTEN_RANDOM, FIRST_SHARE, LEAST_SHARE, LEAST_TRIALS, TRIAL_PACE, HOPELESS = 0.2, 0.8, 0.02, 3, 0.05, 3.0


@dataclass
class PlainTable:
    """Q(λ) over a table of states, or over tilings of their numbers.

    Parameters
    ----------
    actions : int
        Number of actions.
    gamma, epsilon : float
        Discount factor, and share of random actions that remains.
    tilings, bins, step, trace, first
        As the agent declares them.

    Examples
    --------
    >>> table = PlainTable(2, gamma=0.5, epsilon=0.0)
    >>> for _ in range(20):
    ...     _ = table.learn({"room": "a"}, 1, 1.0, {"room": "b"}, False)
    >>> table.look({"room": "a"}).round(2).tolist()
    [0.0, 1.0]
    """

    actions: int
    gamma: float = 0.99
    epsilon: float = 0.01
    tilings: int = 8
    bins: int = 8
    step: float = 0.2
    trace: float = 0.9
    first: float = 0.5
    columns: dict[str, Moments] = field(default_factory=dict)
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    values: dict[Key, Array] = field(default_factory=dict)
    visits: dict[tuple[Key, int], int] = field(default_factory=dict)
    traces: dict[tuple[Key, int], float] = field(default_factory=dict)

    def keys(self, x: Mapping[str, Any]) -> list[Key]:
        """Return the rows of a state."""
        words = tuple(sorted((name, value) for name, value in x.items() if isinstance(value, str)))
        numbers = {name: x.get(name, moments.mean) for name, moments in self.columns.items()}
        return [
            (k, words, tuple(self._bin(name, k, value) for name, value in numbers.items()))
            for k in range(self.tilings if self.columns else 1)
        ]

    def _bin(self, name: str, k: int, value: float) -> int:
        low, high = self.ranges.get(name, (0.0, 0.0))
        part = min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.0
        j = list(self.columns).index(name)
        return int(part * self.bins + (2 * j + 1) * k % self.tilings / self.tilings)

    def look(self, x: Mapping[str, Any]) -> Array:
        """Return the value of each action in a state."""
        rows = [self.values.get(key, np.zeros(self.actions)) for key in self.keys(x)]
        return np.asarray(np.sum(rows, axis=0))

    def value(self, x: Mapping[str, Any]) -> float:
        """Return the value of a state."""
        said = self.look(x)
        return float((1 - self.epsilon) * said.max() + self.epsilon * said.mean())

    def see(self, x: Mapping[str, Any]) -> None:
        """Append the number columns of a state, before its transition is learned."""
        for name in sorted(x):
            if not isinstance(x[name], str):
                self.columns.setdefault(name, Moments())

    def count(self, x: Mapping[str, Any]) -> None:
        """Update the means of the columns, once the transition is learned."""
        for name in self.columns.keys() & x.keys():
            self.columns[name].standardise(x[name], True)

    def learn(self, x: Mapping[str, Any], action: int, reward: float, later: Any, ended: bool, w: float = 1.0) -> float:
        """Learn a transition of weight w to the state ``later``, or to one of the value ``later``, and return δ."""
        following = later if isinstance(later, float) else self.value(later)
        self.see(x)
        for name in self.columns.keys() & x.keys() if w > 0 else ():
            low, high = self.ranges.get(name, (x[name], x[name]))
            self.ranges[name] = (min(low, x[name]), max(high, x[name]))
        keys, said = self.keys(x), self.look(x)
        delta = reward + self.gamma * following - float(said[action])
        self._fade(keys, action)
        alpha = self._step(keys, action, w) if w > 0 else 0.0
        for (key, which), z in self.traces.items():
            self.values.setdefault(key, np.zeros(self.actions))[which] += alpha * delta * z
        if ended or said[action] < said.max():
            self.traces = {}
        return delta

    def _fade(self, keys: Sequence[Key], action: int) -> None:
        factor = self.gamma * self.trace if self.columns else 0.0
        faded = {place: z * factor for place, z in self.traces.items() if z * factor >= FAINT}
        kept = {place: z for place, z in faded.items() if place[0] not in keys or place[1] != action}
        self.traces = dict(list(kept.items())[-(TRACES - len(keys)) :]) | {(key, action): 1.0 for key in keys}

    def _step(self, keys: Sequence[Key], action: int, w: float) -> float:
        for key in keys:
            self.visits[key, action] = self.visits.get((key, action), 0) + 1
        alpha = self.step if self.columns else self.first / float(self.visits[keys[0], action]) ** 0.25
        return w * alpha / (1 - alpha + w * alpha) / len(keys)


@dataclass
class PlainTrials:
    """Choice between the net and the table by the returns of their episodes, which are trials.

    Examples
    --------
    >>> trials = PlainTrials(settled=True)
    >>> for reader in (NET, TABLE) * 5:
    ...     trials.reader = reader
    ...     trials.follow(float(reader), 0.01, True, 0.5)
    >>> round(trials.share(), 2)
    0.98
    """

    reader: int = TABLE
    handed: bool = False
    settled: bool = False
    total: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0, 0])
    means: list[float] = field(default_factory=lambda: [0.0, 0.0])
    variances: list[float] = field(default_factory=lambda: [0.0, 0.0])

    @property
    def acting(self) -> int:
        """The reader that takes the next action."""
        return 1 - self.reader if self.handed else self.reader

    def share(self) -> float:
        """Return the share of trials that the table gets."""
        if not self.settled:
            return FIRST_SHARE
        if min(self.counts) < LEAST_TRIALS:
            return 0.5
        gap = self.means[TABLE] - self.means[NET]
        worse = max(LEAST_SHARE, 0.5 * float(np.exp(-2 * abs(gap) / (np.sqrt(sum(self.variances) / 2) + 1e-12))))
        return 1 - worse if gap > 0 else worse

    def follow(self, reward: float, random: float, ended: bool, u: float) -> None:
        """Go on by a step, where ``random`` is the share of random actions and ``u`` a draw from 0 to 1."""
        self.total += reward
        other = 1 - self.reader
        if ended:
            self._end(random, u)
        elif self.settled and min(self.counts) >= LEAST_TRIALS and self.means[other] > self.means[self.reader]:
            low = self.means[other] - HOPELESS * float(np.sqrt(self.variances[other]))
            self.handed = self.handed or self.total < low

    def _end(self, random: float, u: float) -> None:
        r = self.reader
        self.counts[r] += 1
        pace, d = max(1 / self.counts[r], TRIAL_PACE), self.total - self.means[r]
        self.means[r] += pace * d
        self.variances[r] = (1 - pace) * (self.variances[r] + pace * d * d)
        if not self.settled and random <= OFTEN_RANDOM:
            self.settled, self.counts, self.means, self.variances = True, [0, 0], [0.0, 0.0], [0.0, 0.0]
        self.reader, self.handed, self.total = TABLE if u < self.share() else NET, False, 0.0
