"""The single writer, which commits queued requests in groups, learns them, and then replies."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
import time
from collections import deque
from itertools import chain, islice, repeat
from operator import call, itemgetter
from typing import Any

from headwater.errors import HeadwaterError, StoreError
from headwater.serve.http.errors import Busy
from headwater.store.journal.requests import LabelRequest, LearnRequest, PendingRequest, StepRequest
from headwater.store.service import Service

Command = LearnRequest | PendingRequest | LabelRequest | StepRequest
_Item = tuple[list[Command], int, asyncio.Future[Any]]
_EVENTS = itemgetter(1)
_GROUP = 4096  # maximum events per commit, which bounds the wait of the first
_log = logging.getLogger("headwater.serve")


class Writer:
    """The thread that makes all changes to the store.

    Parameters
    ----------
    service : Service
        The open store.
    limit : int
        Maximum number of queued events, beyond which requests are rejected as busy.
    """

    def __init__(self, service: Service, *, limit: int = 200_000) -> None:
        self.service, self.limit = service, limit
        self.queued = self.done = 0
        """Events so far, the first written by the event loop alone, the second by the thread."""
        self.learn_s = 0.0
        self.groups = 0
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="headwater-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread."""
        self._loop = loop
        self._thread.start()

    def run(self, commands: list[Command], events: int) -> asyncio.Future[list[HeadwaterError | None]]:
        """Commit and learn commands, and give None or the error of its rejection for each, once they are done.

        Awaiting the future raises Busy if the queue is full, and StoreError if writing failed.
        """
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        waiting = self.queued - self.done
        if waiting + events > self.limit and waiting:
            future.set_exception(
                Busy(
                    expected=f"at most {self.limit} waiting events",
                    got="more",
                    at="queue",
                    help="Try again a little later.",
                )
            )
            return future
        self.queued += events
        self._queue.put((commands, events, future))
        return asyncio.shield(future)  # whose client may leave, while this one is given the outcome all the same

    @property
    def waiting(self) -> int:
        """Number of queued events that are not learned yet."""
        return self.queued - self.done

    @property
    def works(self) -> bool:
        """Whether the thread runs, so that what is queued will be committed."""
        return self._thread.is_alive()

    async def stop(self) -> None:
        """Finish what is queued, then end."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        going = True
        while going:
            group = [self._queue.get()]
            size = 0
            while group[-1] is not None and size < _GROUP:
                size += group[-1][1]
                try:
                    group.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            going = group[-1] is not None
            if whole := list(filter(None, group)):
                started = time.perf_counter()
                answers = self._commit(whole)
                self.learn_s = time.perf_counter() - started
                self.groups += 1
                self.done += sum(map(_EVENTS, whole))
                if self._loop is not None:
                    self._deliver(self._loop, whole, answers)

    @staticmethod
    def _deliver(loop: asyncio.AbstractEventLoop, group: list[_Item], answers: list[Any]) -> None:
        """Let the event loop give each request its outcome, all of them in one call."""
        setters = [
            future.set_exception if isinstance(answer, HeadwaterError) else future.set_result
            for (_, _, future), answer in zip(group, answers, strict=True)
        ]
        loop.call_soon_threadsafe(deque, map(call, setters, answers), 0)

    def _commit(self, group: list[_Item]) -> list[Any]:
        """Commit a group together, or one by one if something in it fails, so that only that one is rejected."""
        before = self.service.commits
        try:
            outcomes = iter(self.service.commit(list(chain.from_iterable(map(itemgetter(0), group)))))
            return list(map(list, map(islice, repeat(outcomes), map(len, map(itemgetter(0), group)))))
        except StoreError as error:
            return [error] * len(group)
        except Exception as error:  # noqa: BLE001 - the waiting clients must get a reply
            _log.warning("a group could not be committed", exc_info=error)
            if len(group) == 1 or self.service.commits > before:  # already written, so a retry would learn it twice
                return [_unexpected(error)] * len(group)
        for commands, _, _ in group:
            for command in commands:
                command.answers = []  # discard replies of the rolled-back commit
        return [self._commit([item])[0] for item in group]


def _unexpected(error: Exception) -> StoreError:
    return StoreError(
        expected="a request that can be committed",
        got=f"{type(error).__name__}: {error}"[:300],
        at="store",
        help="Report this, with the request.",
    )


__all__ = ["Command", "Writer"]
