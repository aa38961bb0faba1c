"""Ask a broker that is away again: sources and sinks alike, with one backoff and one patience."""

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
"""Seconds between two looks at whether to stop: a server that ends waits for this."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How a broker that is away is waited for.

    Parameters
    ----------
    limit_s
        Seconds after which it is given up; infinity for never.
    sleeps_s
        Seconds between two tries, the last of them for all that follow.
    from_the_start
        Whether a source is waited for that the store has never read from; else that is an error at once.

    Examples
    --------
    >>> [Patience().delay(tries) for tries in (0, 3, 100)]
    [0.05, 0.5, 5.0]
    """

    limit_s: float = 300.0
    sleeps_s: tuple[float, ...] = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
    from_the_start: bool = False

    def delay(self, tries: int) -> float:
        """Return for how many seconds to wait after so many tries before."""
        return self.sleeps_s[min(tries, len(self.sleeps_s) - 1)]


PATIENCE = Patience()


class Stopped(Exception):
    """Leave a wait, since following is to end."""


class Retrying:
    """Does what needs a broker, again and again while the broker is away.

    Parameters
    ----------
    patience : Patience
        For how long.
    monitor : Monitor
        What hears of it.
    """

    def __init__(self, patience: Patience, monitor: Monitor) -> None:
        self._patience, self._monitor = patience, monitor
        self._nap = threading.Event()
        self.ends: Callable[[], bool] = lambda: False
        """Asked whether to end while it waits."""

    def run(self, waiting: State, attempt: Callable[[], _T]) -> _T:
        """Return what an attempt gives once it succeeds; each attempt has to open anew what it needs.

        Raises
        ------
        BrokerGone
            If the broker stayed away for longer than the patience lasts.
        Stopped
            If following is to end meanwhile.
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
        """Wait.

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
