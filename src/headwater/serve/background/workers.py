"""Bounded thread pools for work that would block the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from headwater.serve.http.errors import Busy

T = TypeVar("T")


class Workers:
    """A thread pool with a bounded queue.

    Parameters
    ----------
    name : str
        Name of the pool.
    threads : int
        Number of threads.
    waiting : int
        Maximum number of running and queued tasks, beyond which requests are rejected as busy.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self.name, self.most, self.waiting = name, waiting, 0
        self._pool = ThreadPoolExecutor(threads, f"headwater-{name}")

    async def run(self, work: Callable[[], T]) -> T:
        """Run work on a thread and return its result.

        Raises
        ------
        Busy
            If the queue is full.
        """
        if self.waiting >= self.most:
            raise Busy(
                expected=f"at most {self.most} requests at work at once",
                got="more",
                at=self.name,
                help="Try again a little later.",
            )
        self.waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self.waiting -= 1

    def close(self) -> None:
        """Shut the pool down."""
        self._pool.shutdown(wait=True, cancel_futures=True)


__all__ = ["Workers"]
