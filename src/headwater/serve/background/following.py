"""A thread that lets the served model follow a broker, beside the requests of clients, and begins again whenever that fails."""

from __future__ import annotations

import logging
import math
import threading
import time
from functools import partial
from typing import Any

from headwater.errors import HeadwaterError, SourceError
from headwater.store.service import Service
from headwater.store.service.model import Model
from headwater.store.sources.follower import Follower
from headwater.store.sources.retrying import Patience
from headwater.store.sources.status import Monitor, State, Status
from headwater.streams.brokers import read_address

__all__ = ["Following"]

_log = logging.getLogger("headwater.serve")
_LONG_S = 60.0
"""Seconds of following after which the next failure is a new one: it is tried again at once."""
_PATIENCE = Patience(limit_s=math.inf, from_the_start=True)
"""A server waits for its brokers for ever: whoever runs it sees by ``/health/ready`` that it does."""


class Following:
    """A model of a server that follows a broker until the server ends, whatever fails meanwhile.

    What comes from the broker and what clients send is committed in turns; each commit is whole.

    Parameters
    ----------
    service, model
        The open store, and the model in it.
    source : str
        The broker's address.
    patience : Patience
        How brokers that are away are waited for, and how long it rests before it begins again after a failure.
    how
        ``target``, ``predictions`` and so on, as `Follower` takes them.
    """

    def __init__(
        self, service: Service, model: Model, source: str, *, patience: Patience = _PATIENCE, **how: Any
    ) -> None:
        self.name, self.model, self._patience = read_address(source).name, model.name, patience
        self._monitor = Monitor(self.name)
        how |= {"patience": patience, "monitor": self._monitor}
        self._make = partial(Follower, service, model, source, **how)
        self._next: Follower | None = self._make()  # what can't be is said before the server answers
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="headwater-following", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let it finish the commit under way, and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def status(self) -> Status:
        """How it goes; reading it waits for nobody."""
        return self._monitor.status

    def problem(self) -> HeadwaterError | None:
        """Return why the model does not learn from the source now; None while it does."""
        status = self.status
        if status.state in (State.RUNNING, State.ENDED):
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
        """Follow until the server ends; return what that failed of."""
        try:
            if self._next is None:
                self._monitor.restarted()
            follower, self._next = self._next or self._make(), None
            follower.run(ends=self._ended.is_set)
        except HeadwaterError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a thread that dies would stop learning without a word
            _log.exception("following raised")
            got = f"{type(error).__name__}: {error}"[:300]
            return SourceError(expected="a source that can be followed", got=got, at=self.name, help="Report this.")
        return None
