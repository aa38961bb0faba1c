"""Say how following a broker goes: its state and why, how far it is behind, and what was counted; and log each outage once."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from headwater.errors import HeadwaterError

__all__ = ["RETRIED", "Followed", "Monitor", "State", "Status"]

RETRIED = ("source", "sink", "restart")
"""What is tried again: a source, a sink, and following as a whole."""
_log = logging.getLogger("headwater.sources")


class State(StrEnum):
    """What a follower is doing."""

    RUNNING = "running"
    WAITING_FOR_SOURCE = "waiting for source"
    WAITING_FOR_SINK = "waiting for sink"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Followed:
    """What a store knows of a followed source.

    Parameters
    ----------
    source
        Its name in the store.
    read, learned
        Messages that were read, and rows that were learned, since the store first followed it.
    waiting
        Rows that wait for their answer.
    early
        Answers that wait for their row.
    counts
        What else was counted: refused messages by reason, repeated ones, and rows whose answer never came.
    predictions, dead_letters
        Predictions and refused messages that were written to be sent.
    unsent
        How many of both the brokers don't have yet.
    """

    source: str
    read: int
    learned: int
    waiting: int = 0
    early: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    predictions: int = 0
    dead_letters: int = 0
    unsent: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """How following goes, at one moment.

    Parameters
    ----------
    state
        What it is doing.
    reason
        Why it is not running.
    since
        When the state began, in seconds since 1970.
    retries
        How often a source or a sink was asked in vain, and how often following was begun again, since the start.
    lag
        Messages that the source has and that were not read when it was last asked; None where the broker can't tell.
    followed
        What the store knows of the source; None before it was first opened.
    """

    state: State
    reason: HeadwaterError | None = None
    since: float = 0.0
    retries: Mapping[str, int] = field(default_factory=dict)
    lag: int | None = None
    followed: Followed | None = None


class Monitor:
    """Publishes the status of a follower as one object that is replaced whole, so that readers need no lock.

    An outage is logged twice, however long it takes: when it begins and when it has ended.

    Parameters
    ----------
    source : str
        The name of the source.
    """

    def __init__(self, source: str) -> None:
        self._source, self._retries = source, Counter[str]()
        self._outage: State | None = None
        self._began = 0.0
        self.status = Status(State.WAITING_FOR_SOURCE, since=time.time())
        """The newest status."""

    def running(self) -> None:
        """Note that all is well."""
        self._enter(State.RUNNING, None)
        if self._outage is not None:
            self._outage, took = None, time.monotonic() - self._began
            self._tell(logging.WARNING, f"followed again after {took:.1f} s")

    def waiting(self, state: State, reason: HeadwaterError) -> None:
        """Note that a broker is away, and was asked in vain once more."""
        self._retries[state.removeprefix("waiting for ")] += 1
        self._enter(state, reason)
        if self._outage is None:
            self._outage, self._began = state, time.monotonic()
            self._tell(logging.WARNING, f"{state}: {reason}")

    def failed(self, reason: HeadwaterError) -> None:
        """Note that following has ended; whoever began it may begin it again."""
        self._enter(State.FAILED, reason)
        if self._outage is None:
            self._began = time.monotonic()
        if self._outage is not State.FAILED:
            self._outage = State.FAILED
            self._tell(logging.ERROR, f"failed: {reason}")

    def ended(self) -> None:
        """Note that following is over, as it was asked for."""
        self._enter(State.ENDED, None)

    def restarted(self) -> None:
        """Note that following is begun again after it has failed."""
        self._retries["restart"] += 1
        self.status = replace(self.status, retries=dict(self._retries))

    def publish(self, followed: Followed, lag: int | None) -> None:
        """Publish what the store knows now, and how far the source is ahead."""
        self.status = replace(self.status, followed=followed, lag=lag)

    def _enter(self, state: State, reason: HeadwaterError | None) -> None:
        since = self.status.since if state is self.status.state else time.time()
        self.status = replace(self.status, state=state, reason=reason, since=since, retries=dict(self._retries))

    def _tell(self, level: int, what: str) -> None:
        _log.log(level, f"{self._source}: {what}", extra={"fields": {"source": self._source}})
