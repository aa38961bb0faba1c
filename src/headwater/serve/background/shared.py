"""Run work once for all concurrent requests, and cache what models publish."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Any, Generic, TypeVar

from headwater.serve.background.workers import Workers
from headwater.store.service.model import Model

__all__ = ["Published", "Shared", "View"]

T = TypeVar("T")
_KEPT_BYTES = 64 << 20
"""Maximum bytes of results cached until their model changes."""


class Shared(Generic[T]):
    """Work of which one run serves all who wait for it.

    Each caller gets the result of a run that began after the call. So one run is active, and at most one more waits.

    Parameters
    ----------
    work : callable
        The work.
    """

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self._work = work
        self._now: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    @property
    def idle(self) -> bool:
        """Whether no run is active or waiting."""
        return self._now is None and self._next is None

    async def get(self) -> T:
        """Return the result of the next run."""
        if self._next is None:
            self._next = asyncio.create_task(self._run(self._now))
            self._next.add_done_callback(_looked_at)
        return await asyncio.shield(self._next)  # shielded, since others may wait for it when this client leaves

    async def _run(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._now, self._next = self._next, None
        try:
            return await self._work()
        finally:
            self._now = None


def _looked_at(task: asyncio.Task[Any]) -> None:
    """Retrieve the error of a run whose clients have all left, which would otherwise be reported as unhandled."""
    if not task.cancelled():
        task.exception()


class View:
    """Bytes computed from a model's state for all who ask for it.

    Parameters
    ----------
    data : bytes or memoryview
        The bytes.
    seq : int
        Sequence of the state.
    """

    def __init__(self, data: bytes | memoryview, seq: int) -> None:
        self.data = data
        self.seq = seq
        self._digest: asyncio.Task[str] | None = None

    def __len__(self) -> int:
        return len(self.data)

    async def digest(self, workers: Workers) -> str:
        """Return the SHA-256 of the bytes, which the workers compute once, at the first call."""
        if self._digest is None:
            self._digest = asyncio.create_task(workers.run(partial(_sha256, self.data)))
            self._digest.add_done_callback(self._retry)
        return await asyncio.shield(self._digest)

    def _retry(self, task: asyncio.Task[str]) -> None:
        """Compute it at the next call if this one failed, for example because the workers were full."""
        _looked_at(task)
        if task.cancelled() or task.exception() is not None:
            self._digest = None


def _sha256(data: bytes | memoryview) -> str:
    return hashlib.sha256(data).hexdigest()


class Published:
    """Results computed once for all requests and cached until the model changes."""

    def __init__(self) -> None:
        self._runs: dict[Hashable, Shared[Any]] = {}
        self._kept: OrderedDict[Hashable, tuple[Any, Any]] = OrderedDict()
        self._bytes = 0

    async def once(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Run work once for all concurrent requests with the same key."""
        shared = self._runs.get(key)
        if shared is None:
            shared = self._runs[key] = Shared(work)
        try:
            found: T = await shared.get()
            return found
        finally:
            if shared.idle:
                self._runs.pop(key, None)

    async def of(self, key: Hashable, model: Model, work: Callable[[], Awaitable[T]]) -> T:
        """Return a model's result for a key, recomputed if the model has changed.

        Parameters
        ----------
        key : hashable
            Name of the result.
        model : Model
            The model.
        work : callable
            Computes the result from the current model.
        """
        key = (model.id, key)

        async def made() -> T:
            version = _version(model)
            found = await work()
            self._keep(key, version, found)
            return found

        kept = self._kept.get(key)
        if kept is not None and kept[0] == _version(model):
            self._kept.move_to_end(key)
            found: T = kept[1]
            return found
        return await self.once(key, made)

    def _keep(self, key: Hashable, version: Any, found: Any) -> None:
        self._drop(key)
        if _size(found) > _KEPT_BYTES // 4:
            return
        self._kept[key] = version, found
        self._bytes += _size(found)
        while self._bytes > _KEPT_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._bytes -= _size(before[1])


def _size(found: Any) -> int:
    return len(found) if isinstance(found, bytes | View) else 1000


def _version(model: Model) -> tuple[Any, ...]:
    """Return a value that changes whenever a model does."""
    names = tuple((state.id, state.champion) for state in model.learners)
    return model.seq, model.paused, model.forgettings, names
