"""Publish the status of following a broker (state, lag, counters) and log each outage once."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from headwater.errors import HeadwaterError

__all__ = ["RETRIED", "Followed", "Monitor", "State", "Status"]

RETRIED = ("source", "sink", "restart")
"""Kinds of retries (of a source, a sink, or following as a whole)."""
_log = logging.getLogger("headwater.sources")


class State(StrEnum):
    """State of a follower."""

    RUNNING = "running"
    WAITING_FOR_SOURCE = "waiting for source"
    WAITING_FOR_SINK = "waiting for sink"
    PAUSED = "paused"
    FAILED = "failed"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Followed:
    """Counters of a followed source in the store.

    Parameters
    ----------
    source
        Name of the source in the store.
    read, learned
        Messages read and rows learned since the store first followed the source.
    waiting
        Rows that wait for their label.
    early
        Labels that wait for their row.
    counts
        Other counters, such as rejected messages by reason, repeated ones, and rows whose label never came.
    predictions, dead_letters
        Predictions and rejected messages written to the outbox.
    unsent
        Messages in the outbox that are not sent yet.
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
    """Status of a follower at one moment.

    Parameters
    ----------
    state
        The current state.
    reason
        Why it is not running.
    since
        When the state began, in seconds since 1970.
    retries
        Failed tries of a source or a sink, and restarts of following, since the start.
    lag
        Unread messages of the source at the last check, None if the broker doesn't report it.
    newest
        When the last committed message was sent, or read where the broker doesn't say, in seconds since 1970, 0 before the first.
    followed
        The store's counters of the source, None before it was first opened.
    """

    state: State
    reason: HeadwaterError | None = None
    since: float = 0.0
    retries: Mapping[str, int] = field(default_factory=dict)
    lag: int | None = None
    newest: float = 0.0
    followed: Followed | None = None


class Monitor:
    """Publishes the status of a follower as one immutable object, so that readers need no lock.

    An outage is logged twice, at its beginning and at its end, however long it lasts.

    Parameters
    ----------
    source : str
        The name of the source.
    model : str
        The name of the model that follows it.
    """

    def __init__(self, source: str, model: str = "") -> None:
        self._source, self._retries = source, Counter[str]()
        self._about: dict[str, Any] = {"source": source, **({"model": model} if model else {})}
        self._outage: State | None = None
        self._began = 0.0
        self.status = Status(State.WAITING_FOR_SOURCE, since=time.time())
        """The latest status."""

    def running(self) -> None:
        """Record that the follower is running."""
        self._enter(State.RUNNING, None)
        if self._outage is not None:
            self._outage, took = None, time.monotonic() - self._began
            self._tell(logging.WARNING, f"followed again after {took:.1f} s")

    def paused(self) -> None:
        """Record that the follower reads nothing until it is resumed."""
        self._enter(State.PAUSED, None)

    def waiting(self, state: State, reason: HeadwaterError) -> None:
        """Record a failed try of an unavailable broker."""
        self._retries[state.removeprefix("waiting for ")] += 1
        self._enter(state, reason)
        if self._outage is None:
            self._outage, self._began = state, time.monotonic()
            self._tell(logging.WARNING, f"{state}: {reason}")

    def failed(self, reason: HeadwaterError) -> None:
        """Record that following has failed. It may be restarted."""
        self._enter(State.FAILED, reason)
        if self._outage is None:
            self._began = time.monotonic()
        if self._outage is not State.FAILED:
            self._outage = State.FAILED
            self._tell(logging.ERROR, f"failed: {reason}")

    def ended(self) -> None:
        """Record that following has ended as requested."""
        self._enter(State.ENDED, None)

    def restarted(self) -> None:
        """Record a restart after a failure."""
        self._retries["restart"] += 1
        self.status = replace(self.status, retries=dict(self._retries))

    def committed(self, newest: float, positions: Mapping[str, str], messages: int) -> None:
        """Record that messages are learned, and the time of the last of them."""
        self.status = replace(self.status, newest=newest or time.time())
        if _log.isEnabledFor(logging.DEBUG):
            self._tell(logging.DEBUG, "committed", positions=positions, messages=messages)

    def rejected(self, position: str, reason: str) -> None:
        """Record that a message can't be used. Its contents are not logged."""
        self._tell(logging.INFO, f"rejected: {reason}", position=position)

    def publish(self, followed: Followed, lag: int | None) -> None:
        """Publish the store's current counters and the lag."""
        self.status = replace(self.status, followed=followed, lag=lag)

    def _enter(self, state: State, reason: HeadwaterError | None) -> None:
        since = self.status.since if state is self.status.state else time.time()
        self.status = replace(self.status, state=state, reason=reason, since=since, retries=dict(self._retries))

    def _tell(self, level: int, what: str, **about: Any) -> None:
        _log.log(level, f"{self._source}: {what}", extra={"fields": self._about | about})
