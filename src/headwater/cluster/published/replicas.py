"""Replicas that predict from a state published by one writer, whose age is bounded.

The writer is a server with its store, or a cluster run that writes its manifest after each round (`published.RunStates`).
Each second its state is published if rows were learned, or else the time at which it was the newest. A reply includes the
age of the replica's state. If that exceeds the bound or no replica replies, the caller predicts itself.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TypeAlias

from headwater.cluster.worker import unpack
from headwater.learner.base import Learner
from headwater.store.model_file import SavedModel
from headwater.store.service.model import predict_rows

__all__ = ["Pool", "Replica", "Replicas"]

Rows: TypeAlias = list[tuple[Any, dict[Any, float] | None]]

PATIENCE, PATIENCE_A_ROW = 0.5, 0.02
"""Seconds that a request waits for a replica, and more for each of its rows."""
TRIED_EACH = 1.0
"""Seconds between two tries, beside the requests, of replicas that did not reply."""


class Replica:
    """Predictor from the last published state."""

    def __init__(self) -> None:
        self.seq, self.as_of = -1, 0.0
        self._learner: Learner | None = None

    def take(self, seq: int, as_of: float, saved: SavedModel | None) -> None:
        """Set a new state, or only the time at which the current one was the newest."""
        if saved is not None:
            self._learner = unpack(saved)
        self.seq, self.as_of = seq, as_of

    def predict(self, X: list[Any]) -> tuple[Rows, int, float] | None:
        """Return the rows' predictions with number and time of the state, or None before the first state."""
        if self._learner is None:
            return None
        return predict_rows(self._learner, X), self.seq, self.as_of


class Pool(Protocol):
    """Executor of replicas, implemented by ``ray.ReplicaPool``."""

    def publish(self, seq: int, as_of: float, saved: SavedModel | None) -> None:
        """Publish a state, or None if the last one is still the newest."""

    async def predict(self, X: list[Any]) -> tuple[Rows, int, float] | None:
        """Predict with a replica, or return None if none replies."""

    def close(self) -> None:
        """Stop the replicas."""


class Replicas:
    """Publish a learner's states, and predict with replicas whose state is recent enough.

    Parameters
    ----------
    pool : Pool
        Executor of the replicas.
    source : callable
        source(number of the last published state): the current state's number, the time when it was the newest, and the
        state, or None if it is the same.
    every : float
        Seconds between publications.
    oldest : float
        Maximum age of a state, in seconds.
    keep : bool
        Whether to keep a local replica too, and predict with it if no other replies.
    """

    def __init__(
        self,
        pool: Pool,
        source: Callable[[int], tuple[int, float, SavedModel | None]],
        *,
        every: float = 1.0,
        oldest: float = 10.0,
        keep: bool = False,
    ) -> None:
        self.pool, self._source, self._every, self.oldest = pool, source, every, oldest
        self.age = 0.0
        """Age of the state behind the last prediction, in seconds."""
        self.here = 0
        """Number of requests without a reply from a recent enough state."""
        self._seq, self._as_of = -1, 0.0
        self._away = False  # whether no replica replied to the last request that asked for one
        self._tried_at = 0.0
        self._trial: asyncio.Task[Any] | None = None
        self._kept = Replica() if keep else None
        self._ended = threading.Event()
        self._publish()
        self._thread = threading.Thread(target=self._work, name="headwater-publish", daemon=True)
        self._thread.start()

    async def predict(self, X: list[Any]) -> tuple[Rows, int] | None:
        """Return predictions and the number of their state, or None if the caller must predict itself."""
        found = self._new_enough(None if self._away else await self._asked(X))
        if self._away:
            self._try_again(X[:1])
        if found is None:
            self.here += 1
            found = self._new_enough(None if self._kept is None else self._kept.predict(X))
        return found

    async def _asked(self, X: list[Any]) -> tuple[Rows, int, float] | None:
        """Ask a replica, for as long as an answer may take."""
        found = None
        with suppress(TimeoutError):
            found = await asyncio.wait_for(self.pool.predict(X), PATIENCE + PATIENCE_A_ROW * len(X))
        self._away = found is None
        return found

    def _try_again(self, X: list[Any]) -> None:
        """Ask a replica beside the requests, which don't wait for it, until one replies."""
        busy = self._trial is not None and not self._trial.done()
        if not busy and time.monotonic() - self._tried_at >= TRIED_EACH:
            self._tried_at = time.monotonic()
            self._trial = asyncio.get_running_loop().create_task(self._asked(X))

    @property
    def newest_age(self) -> float:
        """Seconds since the last published state was the newest."""
        return time.monotonic() - self._as_of

    def _new_enough(self, found: tuple[Rows, int, float] | None) -> tuple[Rows, int] | None:
        if found is None:
            return None
        rows, seq, as_of = found
        age = time.monotonic() - as_of
        if age > self.oldest:
            return None
        self.age = age
        return rows, seq

    def close(self) -> None:
        """Stop publishing, and stop the replicas."""
        self._ended.set()
        self._thread.join()
        self.pool.close()

    def _publish(self) -> None:
        self._seq, self._as_of, saved = self._source(self._seq)
        if self._kept is not None:
            self._kept.take(self._seq, self._as_of, saved)
        self.pool.publish(self._seq, self._as_of, saved)

    def _work(self) -> None:
        while not self._ended.wait(self._every):
            self._publish()
