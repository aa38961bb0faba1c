"""7 ADAPT: what should change because of what was watched, decided from a record and nothing else.

Drift is told as an event first; changing how the learner learns is a choice, made by giving a `Session` policies. On
most streams doing nothing is hard to beat (benchmarks/NOTES.md has the comparison): a learner that learns each row with
a step that doesn't vanish follows drift by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from headwater.engine import Engine
from headwater.errors import ConfigError
from headwater.kernels import _op as col
from headwater.nn import Dense
from headwater.nn.program import bias, weights
from headwater.nn.schedules import as_schedule
from headwater.types import Event, Record
from headwater.watch.seen import Seen

__all__ = ["Adaptation", "Policy", "Reinitialise", "Replay", "StepUp", "decide"]

_STAGES = 4  # in which the step comes back


@dataclass(frozen=True, slots=True)
class StepUp:
    """Raise the step size, then bring it back in four even stages: lr·factor^¾, ^½, ^¼ and lr again.

    Parameters
    ----------
    factor
        What the step is multiplied by at first.
    rows
        Rows until it is back.
    on
        The kind of event that asks for it.

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
    """Learn the newest rows once more: they are what the new concept has shown of itself so far.

    Parameters
    ----------
    rows
        How many.
    on
        The kind of event that asks for it.

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
    """Draw all weights anew and forget the rule's state; names, classes and the inputs' statistics stay.

    Parameters
    ----------
    on
        The kind of event that asks for it.

    Examples
    --------
    >>> Reinitialise().on
    'drift_detected'
    """

    on: str = "drift_detected"


Policy: TypeAlias = StepUp | Replay | Reinitialise


def decide(record: Record, policies: Sequence[Policy]) -> tuple[Policy, ...]:
    """Return the policies that the events of a record ask for, re-initialising first, replaying last.

    Examples
    --------
    >>> record = Record(rows=9, scored=9, window=9, events=(Event(9, "drift_detected", "The loss rose."),))
    >>> decide(record, [Replay(), Reinitialise()])
    (Reinitialise(on='drift_detected'), Replay(rows=300, on='drift_detected'))
    """
    kinds = {event.kind for event in record.events}
    order = (Reinitialise, StepUp, Replay)
    asked = [policy for policy in policies if policy.on in kinds]
    return tuple(sorted(asked, key=lambda policy: order.index(type(policy))))


class Adaptation:
    """Carry out what was decided: what a `Session` does with its ``adapt``.

    Parameters
    ----------
    policies
        What to do.
    every
        Rows between two decisions; the session cuts its blocks there, so that their size changes nothing.

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
        self._raised: tuple[int, StepUp] | None = None  # at which row, and how
        self._resets = 0
        newest = max((policy.rows for policy in self.policies if isinstance(policy, Replay)), default=0)
        self._newest: deque[tuple[Any, Any]] = deque(maxlen=newest)

    def see(self, seen: Seen, events: Sequence[Event], learner: Any) -> list[Event]:
        """Take notice of rows and of what was found in them; decide and act when it is due."""
        first = max(0, len(seen) - (self._newest.maxlen or 0))
        self._newest.extend((seen.X[i], seen.y[i]) for i in range(first, len(seen)))
        self._waiting += events
        if seen.last < self.due or learner._engine is None:
            return []
        self.due += self.every
        record = Record(rows=seen.last, scored=seen.last, window=0, events=tuple(self._waiting))
        self._waiting = []
        self._settle(seen.last, learner)
        return [self._do(policy, seen.last, learner) for policy in decide(record, self.policies)]

    def _settle(self, row: int, learner: Any) -> None:
        """Bring a raised step back by the stage it has reached."""
        if self._raised is None:
            return
        since, policy = self._raised
        left = 1 - min(_STAGES, (row - since) * _STAGES // policy.rows) / _STAGES
        set_step(learner._engine, policy.factor**left)
        if left == 0:
            self._raised = None

    def _do(self, policy: Policy, row: int, learner: Any) -> Event:
        engine: Engine = learner._engine
        if isinstance(policy, StepUp):
            self._raised = (row, policy)
            set_step(engine, policy.factor)
            return Event(row, "step_raised", f"The step is {policy.factor:g} times as large for {policy.rows:,} rows.")
        if isinstance(policy, Replay):
            X, y = zip(*self._newest, strict=True)
            learner.step_many(np.stack(X) if isinstance(X[0], np.ndarray) else list(X), list(y))
            return Event(row, "replayed", f"The last {len(y):,} rows were learned once more.")
        self._resets += 1
        redraw(engine, self._resets)
        return Event(row, "reinitialised", "All weights were drawn anew.")


def set_step(engine: Engine, factor: float) -> None:
    """Set the step size of every expert to a multiple of its own."""
    program = engine.program
    for e, expert in enumerate(program.experts):
        lr = as_schedule(expert.optimizer.lr, "lr").numbers()[1]
        program.xc[e * col.CONSTANT_WIDTH + col.LR] = lr * factor


def redraw(engine: Engine, draw: int) -> None:
    """Draw all weights anew, the output layer's included, and forget the rule's state.

    Parameters
    ----------
    engine
        Whose weights.
    draw
        The number of this draw: part of the seed, so that each differs and all repeat.
    """
    program = engine.program
    rng = np.random.default_rng([engine.setup.seed, 2, draw])
    program.s[:] = 0
    program.run[col.T :: col.RUNNING_WIDTH] = 0
    program.run[col.SCALE :: col.RUNNING_WIDTH] = 1
    program.run[col.PRODUCT :: col.RUNNING_WIDTH] = 1
    for place in program.places:
        layer = program.experts[place.expert].layers[place.layer]
        if not isinstance(layer, Dense):
            continue
        block = weights(program, place)
        if place.table:
            keys = rng.integers(1, 2**63, len(block), dtype=np.uint64)
            block[:] = layer.start().rows(keys, max(engine.fan_in, 1), place.m)
        else:
            block[:] = layer.start().matrix(rng, place.n, place.m)
        shifts = bias(program, place)
        if shifts is not None:
            shifts[:] = 0


def _positive(at: str, **numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ConfigError(
                expected=f"{name} above 0", got=repr(number), at=f"{at}({name}=…)", help="Give a positive number."
            )
