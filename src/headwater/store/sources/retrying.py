"""Retry unavailable brokers, sources and sinks alike, with one backoff policy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from headwater.store.sources.status import Monitor, State
from headwater.streams.brokers import BrokerGone

__all__ = ["PATIENCE", "Patience", "Retrying", "Stopped"]

_T = TypeVar("_T")
_LOOK_S = 0.05
"""Seconds between two checks whether to stop, which a server's shutdown waits for."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Retry policy for unavailable brokers.

    Parameters
    ----------
    limit_s
        Seconds after which to give up, infinity for never.
    sleeps_s
        Seconds between tries. The last value repeats.
    from_the_start
        Whether to wait also for a source that the store has never read from. Otherwise that is an immediate error.

    Examples
    --------
    >>> [Patience().delay(tries) for tries in (0, 3, 100)]
    [0.05, 0.5, 5.0]
    """

    limit_s: float = 300.0
    sleeps_s: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
    from_the_start: bool = False

    def delay(self, tries: int) -> float:
        """Return the seconds to wait after the given number of failed tries."""
        return self.sleeps_s[min(tries, len(self.sleeps_s) - 1)]


PATIENCE = Patience()


class Stopped(Exception):
    """Raised to leave a wait when following is to end."""


class Retrying:
    """Retries an operation while its broker is unavailable.

    Parameters
    ----------
    patience : Patience
        The retry policy.
    monitor : Monitor
        Receives the status.
    """

    def __init__(self, patience: Patience, monitor: Monitor) -> None:
        self._patience, self._monitor = patience, monitor
        self._nap = threading.Event()
        self.ends: Callable[[], bool] = lambda: False
        """Polled during waits, true to end."""

    def run(self, waiting: State, attempt: Callable[[], _T]) -> _T:
        """Return the result of the first successful attempt. Each attempt must reopen what it needs.

        Raises
        ------
        BrokerGone
            If the broker stayed unavailable for longer than ``patience.limit_s``.
        Stopped
            If following is to end.
        """
        since, tries = time.monotonic(), 0
        while True:
            try:
                done = attempt()
            except BrokerGone as error:
                self._monitor.waiting(waiting, error)
                if time.monotonic() - since >= self._patience.limit_s:
                    raise
                self.pause(self._patience.delay(tries))
                tries += 1
            else:
                if tries:
                    self._monitor.running()
                return done

    def pause(self, seconds: float) -> None:
        """Sleep, unless following is to end.

        Raises
        ------
        Stopped
            If following is to end.
        """
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.ends():
                raise Stopped
            self._nap.wait(min(left, _LOOK_S))
