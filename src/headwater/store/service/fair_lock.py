"""A lock that is given in the order of asking."""

from __future__ import annotations

import threading
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

    def __enter__(self) -> None:
        with self._gate:  # who waits for the lock keeps the gate, so nobody overtakes
            self._lock.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._lock.release()
