"""Drift policies, which change how a learner learns after a detected drift.

Drift by itself only produces an event. Pass policies to a `Session` to react to it. On most streams doing nothing is hard to beat
(see the comparison in benchmarks/NOTES.md), because a learner whose step size doesn't vanish follows drift by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from headwater.errors import ConfigError
from headwater.learner.engine import Engine
from headwater.types import Event, Metrics, ScoredRows

__all__ = ["Adaptation", "Policy", "Reinitialise", "Replay", "ShareUp", "StepUp", "decide"]

_STAGES = 4  # of the step size's return


@dataclass(frozen=True, slots=True)
class StepUp:
    """Raise the step size, then lower it in four even stages (lr·factor^¾, ^½, ^¼, then lr).

    Parameters
    ----------
    factor
        Initial factor on the step size.
    rows
        Rows until the step size is back to normal.
    on
        Kind of event that triggers the policy.

    Examples
    --------
    >>> StepUp(factor=4.0).rows
    1000
    """

    factor: float = 3.0
    rows: int = 1000
    on: str = "drift_detected"

    def __post_init__(self) -> None:
        _positive("StepUp", factor=self.factor, rows=self.rows)


@dataclass(frozen=True, slots=True)
class Replay:
    """Learn the newest rows once more, because they show the new concept.

    Parameters
    ----------
    rows
        Number of rows.
    on
        Kind of event that triggers the policy.

    Examples
    --------
    >>> Replay(rows=200)
    Replay(rows=200, on='drift_detected')
    """

    rows: int = 300
    on: str = "drift_detected"

    def __post_init__(self) -> None:
        _positive("Replay", rows=self.rows)


@dataclass(frozen=True, slots=True)
class Reinitialise:
    """Redraw the weights of the worst expert and reset its optimizer, keeping names, classes and statistics.

    Parameters
    ----------
    which
        ``"worst"``, the expert with the smallest mixture weight (or the only one), or ``"all"``.
    on
        Kind of event that triggers the policy.

    Examples
    --------
    >>> Reinitialise("all").on
    'drift_detected'
    """

    which: str = "worst"
    on: str = "drift_detected"

    def __post_init__(self) -> None:
        if self.which not in ("worst", "all"):
            raise ConfigError(
                expected="worst or all", got=repr(self.which), at="Reinitialise(which=…)", help="Choose one of the two."
            )


@dataclass(frozen=True, slots=True)
class ShareUp:
    """Even out the mixture weights of a pool once by w ← (1 − share)·w + share/experts.

    This lets other experts take over. Learned weights (``plain/mixture.py``) also restart with their initial large steps, so for
    some thousand rows they follow the experts' current losses ten times as fast.

    Parameters
    ----------
    share
        From 0 (no change) to 1 (equal weights).
    on
        Kind of event that triggers the policy.

    References
    ----------
    Herbster & Warmuth 1998 (the fixed share, which a pool applies at every row with 0.003).

    Examples
    --------
    >>> ShareUp(0.5).share
    0.5
    """

    share: float = 0.5
    on: str = "drift_detected"

    def __post_init__(self) -> None:
        _positive("ShareUp", share=self.share)
        if self.share > 1:
            raise ConfigError(
                expected="a share of at most 1", got=repr(self.share), at="ShareUp(share=…)", help="Give e.g. 0.5."
            )


Policy: TypeAlias = StepUp | Replay | Reinitialise | ShareUp


def decide(record: Metrics, policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """Return the policies triggered by a record's events, reinitializing first and replaying last.

    Examples
    --------
    >>> record = Metrics(rows=9, scored=9, window=9, events=(Event(9, "drift_detected", "The loss rose."),))
    >>> decide(record, [Replay(), Reinitialise()])
    (Reinitialise(which='worst', on='drift_detected'), Replay(rows=300, on='drift_detected'))
    """
    kinds = {event.kind for event in record.events}
    order = (Reinitialise, ShareUp, StepUp, Replay)
    asked = [policy for policy in policies if policy.on in kinds]
    return tuple(sorted(asked, key=lambda policy: order.index(type(policy))))


class Adaptation:
    """Apply drift policies. A `Session` uses it for ``adapt``.

    Parameters
    ----------
    policies
        The policies.
    every
        Rows between two decisions. The session splits its blocks there, so that the block size doesn't affect results.

    Examples
    --------
    >>> Adaptation([StepUp()]).due
    128
    """

    def __init__(self, policies: Sequence[Policy], *, every: int = 128) -> None:
        self.policies = tuple(policies)
        self.every = every
        self.due = every
        self._waiting: list[Event] = []
        self._raised: tuple[int, StepUp] | None = None  # row and policy of the current raise
        self._resets = 0
        newest = max((policy.rows for policy in self.policies if isinstance(policy, Replay)), default=0)
        self._newest: deque[tuple[Any, Any]] = deque(maxlen=newest)

    def see(self, rows: ScoredRows, events: Sequence[Event], learner: Any) -> list[Event]:
        """Collect rows and events, and apply triggered policies when a decision is due."""
        first = max(0, len(rows) - (self._newest.maxlen or 0))
        self._newest.extend((rows.X[i], rows.y[i]) for i in range(first, len(rows)))
        self._waiting += events
        if rows.last < self.due or learner.engine is None:
            return []
        self.due += self.every
        record = Metrics(rows=rows.last, scored=rows.last, window=0, events=tuple(self._waiting))
        self._waiting = []
        self._settle(rows.last, learner)
        return [self._do(policy, rows.last, learner) for policy in decide(record, self.policies)]

    def _settle(self, row: int, learner: Any) -> None:
        """Lower a raised step size according to the elapsed stage."""
        if self._raised is None:
            return
        since, policy = self._raised
        left = 1 - min(_STAGES, (row - since) * _STAGES // policy.rows) / _STAGES
        learner.engine.set_step(learner.engine.step, policy.factor**left)
        if left == 0:
            self._raised = None

    def _do(self, policy: Policy, row: int, learner: Any) -> Event:
        engine: Engine = learner.engine
        if isinstance(policy, StepUp):
            self._raised = (row, policy)
            engine.set_step(engine.step, policy.factor)
            return Event(row, "step_raised", f"The step is {policy.factor:g} times as large for {policy.rows:,} rows.")
        if isinstance(policy, Replay):
            X, y = zip(*self._newest, strict=True)
            rows = np.stack(X) if isinstance(X[0], np.ndarray) else list(X)
            learner.step_many(rows, list(y), ask=rows)  # with ask, so that replayed rows don't count as new evidence
            return Event(row, "replayed", f"The last {len(y):,} rows were learned once more.")
        if isinstance(policy, ShareUp):
            engine.core.learner.spread_mixture_weights(policy.share)
            return Event(row, "share_raised", f"The experts' weights were evened out by {policy.share:.0%}.")
        self._resets += 1
        weights = engine.core.mixture_weights
        experts = range(len(weights)) if policy.which == "all" else [int(np.argmin(weights))]
        for e in experts:
            engine.core.learner.reinitialise(e, _key(engine.setup.seed, self._resets))
        numbers = ", ".join(str(e + 1) for e in experts)
        return Event(row, "reinitialised", f"The weights of expert {numbers} were drawn anew.")


def _key(seed: int, count: int) -> int:
    """Return a random key that differs by seed and by count."""
    return int(np.random.SeedSequence([seed, 2, count]).generate_state(1, np.uint64)[0])


def _positive(at: str, **numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ConfigError(
                expected=f"{name} above 0", got=repr(number), at=f"{at}({name}=…)", help="Give a positive number."
            )
