"""Threads for work that would hold up the event loop: few, and with a bound on what waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from headwater.serve.http.errors import Busy

T = TypeVar("T")


class Workers:
    """A few threads.

    Parameters
    ----------
    name : str
        What they work for.
    threads : int
        How many work at once.
    waiting : int
        Tasks at work or waiting; beyond, clients are told to come back.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self.name, self.most, self.waiting = name, waiting, 0
        self._pool = ThreadPoolExecutor(threads, f"headwater-{name}")

    async def run(self, work: Callable[[], T]) -> T:
        """Do something off the event loop, and return what comes of it.

        Raises
        ------
        Busy
            If too much waits.
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
        """Let the threads end."""
        self._pool.shutdown(wait=True, cancel_futures=True)


__all__ = ["Workers"]
