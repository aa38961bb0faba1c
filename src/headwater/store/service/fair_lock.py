"""A ticket lock, granted in order of request."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from types import TracebackType

__all__ = ["FairLock"]


class FairLock:
    """A lock granted in order of request, so that neither readers nor the writer starve.

    Examples
    --------
    >>> lock = FairLock()
    >>> with lock:
    ...     print("held")
    held
    """

    def __init__(self) -> None:
        self._gate, self._lock = threading.Lock(), threading.Lock()
        _ALL.add(self)

    def renew(self) -> None:
        """Reset the lock in a forked process, where the holding thread doesn't exist."""
        self._gate, self._lock = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._gate:  # a waiter holds the gate, so nobody overtakes it
            self._lock.acquire()

    def take_now(self) -> bool:
        """Take the lock if it is free and nobody waits, and return whether it was taken.

        Release it with ``release``.
        """
        if not self._gate.acquire(blocking=False):
            return False
        try:
            return self._lock.acquire(blocking=False)
        finally:
            self._gate.release()

    def release(self) -> None:
        """Release the lock."""
        self._lock.release()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._lock.release()


_ALL: weakref.WeakSet[FairLock] = weakref.WeakSet()


def _renew_all() -> None:
    for lock in _ALL:
        lock.renew()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_renew_all)
