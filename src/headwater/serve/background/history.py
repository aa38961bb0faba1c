"""History of each model for the page, one point per second, kept by the server so that a reload loses nothing.

A point holds the rate of rows, the latency of requests and the experts' weights. Recording also measures feature importance (iPFI,
``headwater.explain.Importance``) on a few of the rows just learned. It never changes the learner's state. The points are saved in
the store each minute and at a stop, so a restart continues them and a crash loses at most a minute. Importances start anew with
each start.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from itertools import count
from typing import Any, TypedDict

import msgspec

from headwater.errors import StoreError
from headwater.explain import Importance
from headwater.learner.kind import kind_of
from headwater.serve.http.schemas import label_key
from headwater.serve.monitoring.measures import Measures
from headwater.store.service import Service
from headwater.store.service.model import Model

EVERY_S = 1.0
TIMED = ("predict", "learn", "label", "forecast")
POINTS = 300
SAVED_EVERY = 60
"""Points between two saves in the store."""
_ROWS = 4  # rows per second used to measure importances
_ASKED_S = 0.01  # maximum seconds per row, because other requests wait for the model meanwhile
_log = logging.getLogger("headwater.serve")


class ColumnImportance(TypedDict):
    """How far the loss rises without a column, or the outputs move with it."""

    name: str
    rise: float


class SavedCurve(msgspec.Struct, frozen=True):
    """A saved curve, and the learner it belongs to."""

    champion: int
    every: int
    n: int
    points: list[dict[str, Any]]


class Curve:
    """A bounded curve over time that drops every second point whenever it is full.

    Examples
    --------
    >>> curve = Curve(most=4)
    >>> for i in range(20):
    ...     curve.add({"t": i})
    >>> [point["t"] for point in curve.points]
    [0, 8, 16]
    """

    def __init__(self, most: int = POINTS) -> None:
        self.points: list[dict[str, Any]] = []
        self._most, self._every, self._n = most, 1, 0

    def saved(self, champion: int) -> SavedCurve:
        """Return what to save."""
        return SavedCurve(champion, self._every, self._n, self.points)

    def resume(self, saved: SavedCurve) -> None:
        """Continue from a saved curve."""
        self.points, self._every, self._n = saved.points[: self._most], max(saved.every, 1), saved.n

    def add(self, point: dict[str, Any]) -> None:
        """Add a point if it falls on the current stride."""
        if self._n % self._every == 0:
            self.points = [*self.points, point]  # a new list, because another thread may be encoding the old one
        self._n += 1
        if len(self.points) > self._most:
            self.points, self._every = self.points[::2], self._every * 2


class ModelHistory:
    """The history of one model.

    Parameters
    ----------
    model : Model
        The model.
    saved : bytes
        Result of ``to_bytes`` from before a restart.
    """

    def __init__(self, model: Model, saved: bytes = b"") -> None:
        self.model = model
        self.now: dict[str, Any] = {"t": 0, "rate": 0.0, "latency": {}, "experts": []}
        self.series: dict[str, Any] | None = None
        """The last values of a forecaster's series, and its forecast."""
        self.happened: list[dict[str, Any]] = []
        """How the stream changed, as the learner's kind tells it."""
        self.columns_ahead: tuple[int, list[dict[str, Any]]] = (0, [])
        """Features of the times after a sequence, from the last forecast request."""
        self._begin()
        try:
            before = msgspec.msgpack.decode(saved, type=SavedCurve) if saved else None
        except (msgspec.DecodeError, ValueError):
            _log.warning(
                "the history of a model is unreadable and starts anew", extra={"fields": {"model": model.name}}
            )
            return
        if before is not None and before.champion == self._champion:
            self.curve.resume(before)

    def _begin(self) -> None:
        self._champion, self._seq, self._forgettings = self.model.champion.id, 0, self.model.forgettings
        self._n, self._at = self.model.champion.scores.n, time.perf_counter()
        self.curve, self._importance = Curve(), Importance()
        self.happened, self._looked = [], 0

    def to_bytes(self) -> bytes:
        """Serialize the points to MessagePack."""
        return msgspec.msgpack.encode(self.curve.saved(self._champion))

    def record(self, latency: dict[str, Any]) -> None:
        """Record the model's current metrics, with the ``latency`` percentiles of recent requests by name."""
        if self.model.champion.id != self._champion:  # another learner was promoted, so start a new history
            self._begin()
        if self.model.forgettings != self._forgettings:  # importances are measured on rows, so they begin anew
            self._forgettings, self._importance = self.model.forgettings, Importance()
        with self.model.lock:
            n, at = self.model.champion.scores.n, time.perf_counter()
            learned = self.model.champion.learner.n_learned
            weights = [round(expert["weight"], 4) for expert in experts_of(self.model.champion.learner)]
            fresh = [item for item in self.model.recent if item[0] > self._seq][-_ROWS:]
        rate = max(n - self._n, 0) / max(at - self._at, 1e-9)
        self._n, self._at = n, at
        self.now = {"t": int(time.time() * 1000), "rate": round(rate, 1), "latency": latency, "experts": weights}
        self.curve.add(self.now)
        kind = kind_of(self.model.champion.learner)
        if kind.series is not None:
            with self.model.lock:
                learner, seq, scores = self.model.champion.learner, self.model.seq, self.model.champion.scores
                self.series = {"seq": seq, **kind.series(learner, scores, self._known_ahead(seq))}
        if kind.happened is not None:
            self._look_back(kind.happened, learned)
        if "losses" not in kind.can:
            return
        for seq, event, _ in fresh:
            self._seq = seq
            asks = len(event.x) * self.model.price.predicting(1, len(event.x))
            if event.x and asks <= _ASKED_S and event.y is not None and event.y == event.y:
                with self.model.lock:
                    self._importance.update(event.x, event.y, self.model.champion.learner)

    def _look_back(self, happened: Any, n: int) -> None:
        """Ask how the stream changed, after each eighth more rows learned, since that looks at all rows that are kept."""
        if n >= self._looked + max(self._looked // 8, 1):
            self._looked, self.happened = n, happened(self.model.champion.learner)

    def _known_ahead(self, seq: int) -> list[dict[str, Any]]:
        """Return the known features of the times after a sequence, without those already past."""
        since, xs = self.columns_ahead
        return xs[max(seq - since, 0) :]

    def importance(self, most: int = 12) -> list[ColumnImportance]:
        """Return the most important features, by the rise of the loss when their values are permuted."""
        return most_important(self._importance.values, most)


def most_important(rises: Mapping[Any, float], most: int) -> list[ColumnImportance]:
    """Return the first features of some that are sorted by importance."""
    return [
        {"name": name if isinstance(name, str) else label_key(name), "rise": float(f"{rise:.4g}")}
        for name, rise in list(rises.items())[:most]
    ]


def experts_of(learner: Any) -> list[dict[str, Any]]:
    """Return the experts of a learner's mixture, empty for a learner without layers."""
    return list(learner.experts_) if "layers" in kind_of(learner).can else []


class Histories:
    """The history of every model, recorded once a second and saved regularly.

    Parameters
    ----------
    service : Service
        The open store.
    measures : Measures
        Request counters.
    """

    def __init__(self, service: Service, measures: Measures) -> None:
        self.service, self._measures = service, measures
        self._by_model: dict[int, ModelHistory] = {}

    def of(self, model: Model) -> ModelHistory:
        """Return the history of a model."""
        if model.id not in self._by_model:
            self._by_model[model.id] = ModelHistory(model, self._saved(model))
        return self._by_model[model.id]

    async def run(self) -> None:
        """Record every model each second until cancelled, saving regularly."""
        for i in count(1):
            try:
                await asyncio.to_thread(self.record)
                if i % SAVED_EVERY == 0:
                    await asyncio.to_thread(self.save)
            except Exception:  # noqa: BLE001 - the page must never stop the service
                _log.exception("the models' history could not be recorded")
            await asyncio.sleep(EVERY_S)

    def record(self) -> None:
        """Record the current metrics of every model."""
        latency = {name: found for name in TIMED if (found := self._measures.percentiles(name)) is not None}
        for model in list(self.service.models.by_name.values()):
            self.of(model).record(latency)

    def save(self) -> None:
        """Save the history of every model in the store."""
        self.service.store_history({number: history.to_bytes() for number, history in list(self._by_model.items())})

    def _saved(self, model: Model) -> bytes:
        try:
            return self.service.history(model.id)
        except StoreError as error:  # the page must never stop the service
            _log.warning("the history of a model can't be read", exc_info=error)
            return b""


__all__ = ["EVERY_S", "SAVED_EVERY", "Curve", "Histories", "ModelHistory", "SavedCurve", "experts_of"]
