"""Replicas that predict from a state that one writer publishes; it is never older than a bound.

The writer learns as ever: a server with its store, or a cluster run that writes its manifest behind each round
(`published.RunStates`). Each second its state is handed on, if rows were learned, or else the news of when it was the newest. A
replica's answer says of when its state is. Where that is too long ago, or no replica answers, the caller predicts itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from headwater.learner.supervised import SupervisedLearner
from headwater.store.model_file import SavedModel
from headwater.store.service.learner_state import predict_rows

from .worker import unpack

__all__ = ["Pool", "Replica", "Replicas"]

Rows: TypeAlias = list[tuple[Any, dict[Any, float] | None]]


class Replica:
    """What predicts from the last state that it was given."""

    def __init__(self) -> None:
        self.seq, self.as_of = -1, 0.0
        self._learner: SupervisedLearner | None = None

    def take(self, seq: int, as_of: float, saved: SavedModel | None) -> None:
        """Take a state, or the news that the one that is there was still the newest at that time."""
        if saved is not None:
            self._learner = unpack(saved)
        self.seq, self.as_of = seq, as_of

    def predict(self, X: list[Any]) -> tuple[Rows, int, float] | None:
        """Return the prediction of each row, and number and time of the state; None before the first state."""
        if self._learner is None:
            return None
        return predict_rows(self._learner.task, self._learner, X), self.seq, self.as_of


class Pool(Protocol):
    """Where replicas run: ``ray.ReplicaPool``."""

    def publish(self, seq: int, as_of: float, saved: SavedModel | None) -> None:
        """Hand on a state; None: the one before is still the newest."""

    async def predict(self, X: list[Any]) -> tuple[Rows, int, float] | None:
        """Let a replica predict; None where none answers."""

    def close(self) -> None:
        """End the replicas."""


class Replicas:
    """Publish a learner's states, and predict with replicas that have one that is new enough.

    Parameters
    ----------
    pool : Pool
        Where they run.
    source : callable
        Of the number of the last state that was published: the number of the state now, when it was the newest, and that state;
        None in its place if it is the same.
    every : float
        Seconds between two states.
    oldest : float
        Seconds that a state may be old.
    keep : bool
        Whether to keep the states here as well, and predict from them where no replica answers.
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
        """Seconds: how old the state was that the last answer came from."""
        self.here = 0
        """Requests that no replica has answered from a state that is new enough."""
        self._seq, self._as_of = -1, 0.0
        self._kept = Replica() if keep else None
        self._ended = threading.Event()
        self._publish()
        self._thread = threading.Thread(target=self._work, name="headwater-publish", daemon=True)
        self._thread.start()

    async def predict(self, X: list[Any]) -> tuple[Rows, int] | None:
        """Return predictions and the number of their state; None where the caller must predict itself."""
        found = self._new_enough(await self.pool.predict(X))
        if found is None:
            self.here += 1
            found = self._new_enough(None if self._kept is None else self._kept.predict(X))
        return found

    @property
    def newest_age(self) -> float:
        """Seconds: how old the state is now that was published last."""
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
        """End publishing, and the replicas."""
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
