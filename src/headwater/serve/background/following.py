"""A thread that lets the served model follow a broker, beside the requests of clients."""

from __future__ import annotations

import logging
import threading

from headwater.errors import HeadwaterError
from headwater.store.service import Service
from headwater.store.service.model import Model
from headwater.store.sources.follower import Followed, Follower

__all__ = ["Following"]

_log = logging.getLogger("headwater.serve")


class Following:
    """A model of a server that follows a broker until the server ends.

    What comes from the broker and what clients send is committed in turns; each commit is whole.

    Parameters
    ----------
    service, model
        The open store, and the model in it.
    source : str
        The broker's address.
    target : str
        The column of the answers.
    predictions : str, optional
        The address that predictions go to.
    """

    def __init__(self, service: Service, model: Model, source: str, *, target: str, predictions: str | None) -> None:
        self._follower = Follower(service, model, source, target=target, predictions=predictions)
        self._ended = threading.Event()
        self.failure: HeadwaterError | None = None
        """Why it follows no longer; None while it does."""
        self._thread = threading.Thread(target=self._run, name="headwater-following", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let it finish the commit under way, and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def state(self) -> Followed:
        """Return how the source stands."""
        return self._follower.state()

    def _run(self) -> None:
        try:
            self._follower.run(ends=self._ended.is_set)
        except HeadwaterError as error:
            self.failure = error
            _log.error("a source is followed no longer", extra={"fields": {"why": str(error)}})
