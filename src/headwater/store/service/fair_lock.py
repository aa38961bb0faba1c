"""A lock that is given in the order of asking."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from types import TracebackType

__all__ = ["FairLock"]


class FairLock:
    """A lock that is given in the order of asking, so that neither readers nor the writer starve.

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
        """Be free in a forked process, where the thread that holds it does not exist."""
        self._gate, self._lock = threading.Lock(), threading.Lock()

    def __enter__(self) -> None:
        with self._gate:  # who waits for the lock keeps the gate, so nobody overtakes
            self._lock.acquire()

    def take_now(self) -> bool:
        """Take it if nobody has it or waits for it; say whether it was taken. ``release`` gives it back."""
        if not self._gate.acquire(blocking=False):
            return False
        try:
            return self._lock.acquire(blocking=False)
        finally:
            self._gate.release()

    def release(self) -> None:
        """Give it back."""
        self._lock.release()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._lock.release()


_ALL: weakref.WeakSet[FairLock] = weakref.WeakSet()


def _renew_all() -> None:
    for lock in _ALL:
        lock.renew()


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_renew_all)
