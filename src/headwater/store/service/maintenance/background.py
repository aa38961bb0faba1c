"""The background thread for maintenance between requests."""

from __future__ import annotations

import threading
import weakref

from headwater.store.service.maintenance.retention import RetentionJob

__all__ = ["Background"]

TICK_S = 30.0
"""Seconds between two runs without a wake-up, because predictions expire by the clock."""


class Background:
    """A thread that runs a `RetentionJob` on wake-up and every half minute.

    Parameters
    ----------
    retention_job : RetentionJob
        The maintenance to run.
    """

    def __init__(self, retention_job: RetentionJob) -> None:
        self._retention_job = weakref.ref(retention_job)  # weak, so that a store dropped without close is collected
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
            retention_job = self._retention_job()
            if retention_job is None:
                return
            if not self._ended:
                retention_job.work()
            del retention_job
