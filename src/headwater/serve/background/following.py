"""A thread in which the served model follows a broker, restarting after failures."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any, TypedDict

from headwater.errors import ConfigError, HeadwaterError, SourceError
from headwater.store.service import Service
from headwater.store.service.model import Model
from headwater.store.sources.follower import Follower
from headwater.store.sources.retrying import Patience
from headwater.store.sources.status import Followed, Monitor, State, Status
from headwater.streams.brokers import read_address

__all__ = ["Following", "SourceSummary", "check_names"]

_log = logging.getLogger("headwater.serve")
_LONG_S = 60.0
"""Seconds of following after which the backoff is reset."""
_PATIENCE = Patience(limit_s=math.inf, from_the_start=True)
"""A server waits for its brokers forever. ``/health/ready`` reports it."""


def check_names(sources: Sequence[str]) -> None:
    """Raise if two sources have one name, under which positions are kept.

    Raises
    ------
    ConfigError
        Naming it.
    """
    names = [read_address(source).name for source in sources]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                expected="sources of different names",
                got=f"{name} twice",
                at="--source",
                help="Leave one out, or tell two clusters' topics apart by name= in the address.",
            )


class SourceSummary(TypedDict):
    """A followed source with its positions, the messages behind it and its counters."""

    name: str
    model: str
    state: State
    paused: bool
    lag: int | None
    newest: float | None
    positions: dict[str, str]
    followed: Followed | None


class Following:
    """Let a served model follow a broker until the server ends, whatever fails meanwhile.

    Commits of the broker's messages and of clients' requests alternate, each atomic.

    Parameters
    ----------
    service, model
        The open store, and the model in it.
    source : str
        The broker's address.
    patience : Patience
        Retry policy for unavailable brokers, and backoff between restarts.
    how
        ``target``, ``predictions`` and so on, as `Follower` takes them.
    """

    def __init__(
        self, service: Service, model: Model, source: str, *, patience: Patience = _PATIENCE, **how: Any
    ) -> None:
        self.name, self.model, self._patience = read_address(source).name, model.name, patience
        self._monitor = Monitor(self.name, model.name)
        self._service, self._of = service, (model.id, self.name)
        self.paused = self.name in service.sources.paused(model.id)
        """Whether nothing is read from the source until it is resumed."""
        how |= {"patience": patience, "monitor": self._monitor, "pauses": lambda: self.paused}
        self._make = partial(Follower, service, model, source, **how)
        self._next: Follower | None = self._make()  # invalid arguments raise before the server starts
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headwater-following", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def end(self) -> None:
        """Let the thread end after the current commit."""
        self._ended.set()

    def stop(self) -> None:
        """Finish the current commit and end the thread."""
        self.end()
        if self._thread.is_alive():
            self._thread.join()

    def pause(self, paused: bool) -> None:
        """Stop reading after the current commit, or go on there. The store remembers it over restarts."""
        self._service.change(self._service.sources.pause, *self._of, paused)
        self.paused = paused

    def about(self) -> SourceSummary:
        """Return the source's state, position and counters."""
        status, sources = self.status, self._service.sources
        return {
            "name": self.name,
            "model": self.model,
            "state": status.state,
            "paused": self.paused,
            "lag": status.lag,
            "newest": status.newest or None,
            "positions": sources.positions(*self._of),
            "followed": status.followed,
        }

    @property
    def status(self) -> Status:
        """The current status, read without waiting."""
        return self._monitor.status

    def problem(self) -> HeadwaterError | None:
        """Return why the model is not learning from the source, or None if it is."""
        status = self.status
        if self.paused or status.state in (State.RUNNING, State.ENDED):
            return None
        return status.reason or SourceError(
            expected="a source that is followed", got="one that is not open yet", at=self.name, help="Ask again."
        )

    def _run(self) -> None:
        tries = 0
        while not self._ended.is_set():
            began = time.monotonic()
            failure = self._follow()
            if failure is None:
                self._monitor.ended()
                return
            self._monitor.failed(failure)
            tries = 0 if time.monotonic() - began > _LONG_S else tries
            self._ended.wait(self._patience.delay(tries))
            tries += 1

    def _follow(self) -> HeadwaterError | None:
        """Follow until the server ends, returning the error on failure."""
        try:
            if self._next is None:
                self._monitor.restarted()
            follower, self._next = self._next or self._make(), None
            follower.run(ends=self._ended.is_set)
        except HeadwaterError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a dead thread would stop learning silently
            _log.exception("following raised")
            got = f"{type(error).__name__}: {error}"[:300]
            return SourceError(expected="a source that can be followed", got=got, at=self.name, help="Report this.")
        return None
