"""The thread that does what is due beside the requests."""

from __future__ import annotations

import threading
import weakref

from .keeper import Keeper

__all__ = ["Background"]

TICK_S = 30.0
"""Seconds after which it looks by itself: predictions expire by the clock."""


class Background:
    """A thread that lets a `Keeper` work whenever it is woken, and every half a minute.

    Parameters
    ----------
    keeper : Keeper
        What works.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = weakref.ref(keeper)  # a store that is dropped without close is let go, and its lock with it
        self._woken, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="headwater-store", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Let it look now."""
        self._woken.set()

    def end(self) -> None:
        """Let it finish what it is doing, and end."""
        self._ended = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended:
            self._woken.wait(TICK_S)
            self._woken.clear()
            keeper = self._keeper()
            if keeper is None:
                return
            if not self._ended:
                keeper.work()
            del keeper
