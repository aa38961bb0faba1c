"""The one writer: requests of all clients queue here, are committed in groups, learned, and only then answered."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from typing import Any

from headwater.errors import HeadwaterError, StoreError
from headwater.store.requests import Keep, Label, Learn, SetStep
from headwater.store.service import Service

Request = Learn | Keep | Label | SetStep
_GROUP = 4096  # events committed at once: beyond, the first would wait for the last


class Busy(HeadwaterError):
    """Report a queue that is full."""

    code = "busy"


class Writer:
    """A thread that owns the store's changes.

    Parameters
    ----------
    service : Service
        The open store.
    limit : int
        Events that may wait; beyond, clients are told to come back.
    """

    def __init__(self, service: Service, *, limit: int = 200_000) -> None:
        self.service, self.limit = service, limit
        self.waiting = 0
        self.learn_s = 0.0
        self.groups = 0
        self._queue: queue.SimpleQueue[tuple[list[Request], int, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="headwater-writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin."""
        self._loop = loop
        self._thread.start()

    async def run(self, requests: list[Request], events: int) -> list[HeadwaterError | None]:
        """Commit requests and learn what they bring; return for each None, or why it was refused.

        Raises
        ------
        Busy
            If too much is waiting.
        StoreError
            If it could not be written.
        """
        if self.waiting + events > self.limit and self.waiting:
            raise Busy(
                expected=f"at most {self.limit} waiting events",
                got="more",
                at="queue",
                help="Try again a little later.",
            )
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting += events
        self._queue.put((requests, events, future))
        done: list[HeadwaterError | None] = await future
        return done

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
            self._commit([item for item in group if item is not None])

    def _commit(self, group: list[tuple[list[Request], int, asyncio.Future[Any]]]) -> None:
        if not group:
            return
        started = time.perf_counter()
        answers: list[Any] = []
        try:
            outcomes = self.service.commit([request for requests, _, _ in group for request in requests])
            at = 0
            for requests, _, _ in group:
                answers.append(outcomes[at : at + len(requests)])
                at += len(requests)
        except StoreError as error:
            answers = [error] * len(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            answers = [_unexpected(error)] * len(group)
        self.learn_s = time.perf_counter() - started
        self.groups += 1
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._deliver, group, answers)

    def _deliver(self, group: list[tuple[list[Request], int, asyncio.Future[Any]]], answers: list[Any]) -> None:
        for (_, events, future), answer in zip(group, answers, strict=True):
            self.waiting -= events
            if future.done():  # its client has gone
                continue
            if isinstance(answer, HeadwaterError):
                future.set_exception(answer)
            else:
                future.set_result(answer)


def _unexpected(error: Exception) -> StoreError:
    return StoreError(
        expected="a commit",
        got=f"{type(error).__name__}: {error}",
        at="store",
        help="Report this; nothing was learned.",
    )


__all__ = ["Busy", "Request", "Writer"]
