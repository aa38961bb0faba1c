"""The background thread for maintenance between requests."""

from __future__ import annotations

import threading
import weakref

from headwater.store.service.maintenance.keeper import Keeper

__all__ = ["Background"]

TICK_S = 30.0
"""Seconds between two runs without a wake-up, because predictions expire by the clock."""


class Background:
    """A thread that runs a `Keeper` on wake-up and every half minute.

    Parameters
    ----------
    keeper : Keeper
        The maintenance to run.
    """

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = weakref.ref(keeper)  # weak, so that a store dropped without close is collected
        self._woken, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="headwater-store", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Run maintenance now."""
        self._woken.set()

    def end(self) -> None:
        """Finish the current run and end the thread."""
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
