"""The history of each model that the page shows: one point a second, held by the server so that a reload loses nothing.

A point holds the rate of rows, the latency of requests and the experts' weights. Recording also measures feature importance (iPFI,
``headwater.explain.Importance``) on a few of the rows just learned. It never changes the learner's state. The points are saved in
the store each minute and at a stop, so a restart continues them; a crash loses the last minute. Importances start anew with each
start.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from itertools import count
from typing import Any

import msgspec

from headwater.errors import StoreError
from headwater.explain import Importance
from headwater.kinds.forecaster.score import SHOWN, ForecastScore
from headwater.learner.kind import kind_of
from headwater.serve.http.measures import Measures
from headwater.serve.http.schemas import label_key
from headwater.store.service import Service
from headwater.store.service.model import Model

EVERY_S = 1.0
TIMED = ("predict", "learn", "label", "forecast")
POINTS = 300
SAVED_EVERY = 60
"""Points between two saves in the store."""
_ROWS = 4  # rows a second on which importances are measured
_ASKED_S = 0.01  # seconds for which a model is asked about one of them: beyond, others would wait for it
_log = logging.getLogger("headwater.serve")


class SavedCurve(msgspec.Struct, frozen=True):
    """A curve as the store keeps it, and the learner that it belongs to."""

    champion: int
    every: int
    n: int
    points: list[dict[str, Any]]


class Curve:
    """Points over time: every one, then every second, every fourth …, so that their number is bounded.

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
        """Continue from what was saved."""
        self.points, self._every, self._n = saved.points[: self._most], max(saved.every, 1), saved.n

    def add(self, point: dict[str, Any]) -> None:
        """Add a point, if its turn has come."""
        if self._n % self._every == 0:
            self.points = [*self.points, point]  # a new list: whoever is writing the old one out is not disturbed
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
        What ``to_bytes`` returned before a restart.
    """

    def __init__(self, model: Model, saved: bytes = b"") -> None:
        self.model = model
        self.now: dict[str, Any] = {"t": 0, "rate": 0.0, "latency": {}, "experts": []}
        self.series: dict[str, Any] | None = None
        """The last answers of a forecaster's series, and its forecast."""
        self.columns_ahead: tuple[int, list[dict[str, Any]]] = (0, [])
        """What is known of the times that come after a sequence, as it was last asked for with a forecast."""
        self._begin()
        try:
            before = msgspec.msgpack.decode(saved, type=SavedCurve) if saved else None
        except (msgspec.DecodeError, ValueError):
            _log.warning(
                "the history of a model can't be read, and starts anew", extra={"fields": {"model": model.name}}
            )
            return
        if before is not None and before.champion == self._champion:
            self.curve.resume(before)

    def _begin(self) -> None:
        self._champion, self._seq = self.model.champion.id, 0
        self._n, self._at = self.model.champion.scores.n, time.perf_counter()
        self.curve, self._importance = Curve(), Importance()

    def to_bytes(self) -> bytes:
        """Return the points as MessagePack."""
        return msgspec.msgpack.encode(self.curve.saved(self._champion))

    def record(self, latency: dict[str, Any]) -> None:
        """Record how the model stands now; ``latency`` holds percentiles of the last requests, by name."""
        if self.model.champion.id != self._champion:  # another learner was promoted: its past is another one
            self._begin()
        with self.model.lock:
            n, at = self.model.champion.scores.n, time.perf_counter()
            weights = [round(expert["weight"], 4) for expert in experts_of(self.model.champion.learner)]
            fresh = [item for item in self.model.recent if item[0] > self._seq][-_ROWS:]
        rate = max(n - self._n, 0) / max(at - self._at, 1e-9)
        self._n, self._at = n, at
        self.now = {"t": int(time.time() * 1000), "rate": round(rate, 1), "latency": latency, "experts": weights}
        self.curve.add(self.now)
        if "ahead" in kind_of(self.model.champion.learner).can:
            self.series = series_of(self.model, *self.columns_ahead)
        if "importance" not in kind_of(self.model.champion.learner).can:
            return
        for seq, event, _ in fresh:
            self._seq = seq
            asks = len(event.x) * self.model.price.predicting(1, len(event.x))
            if event.x and asks <= _ASKED_S and event.y is not None and event.y == event.y:
                with self.model.lock:
                    self._importance.update(event.x, event.y, self.model.champion.learner)

    def importance(self, most: int = 12) -> list[dict[str, Any]]:
        """Return the features that matter most so far: by how much the loss rises when their values are exchanged."""
        return [
            {"name": name if isinstance(name, str) else label_key(name), "rise": float(f"{rise:.4g}")}
            for name, rise in list(self._importance.values.items())[:most]
        ]


def experts_of(learner: Any) -> list[dict[str, Any]]:
    """Return the experts of a learner's mixture of nets; none of a learner that has no layers."""
    return list(learner.experts_) if "layers" in kind_of(learner).can else []


def series_of(model: Model, since: int, xs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the last answers of a forecaster's series and what comes next, as the page shows them.

    ``xs``: what is known of the times that come after sequence ``since``; those that have come by now are left out.
    """
    with model.lock:
        learner, seq, scores = model.champion.learner, model.seq, model.champion.scores
        last = scores.shown() if isinstance(scores, ForecastScore) else []
        n = min(learner.horizon, SHOWN)
        known = xs[max(seq - since, 0) :][:n]
        ahead_of = [*known, *[{}] * (n - len(known))]
        said, ends = learner.forecast(n, ahead_of), learner.forecast_interval(n, ahead_of)
    low, high = ([end[i] if math.isfinite(end[i]) else None for end in ends] for i in range(2))
    answers, before = [y for y, _ in last], [guess for _, guess in last]
    ahead = {"y_pred": said, "low": low, "high": high} if last else {"y_pred": [], "low": [], "high": []}
    return {"seq": seq, "season": learner.season, "answers": answers, "before": before, "known": len(known), **ahead}


class Histories:
    """The history of every model, recorded once a second and saved in the store now and then.

    Parameters
    ----------
    service : Service
        The open store.
    measures : Measures
        What is counted of requests.
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
        """Record every model each second, until cancelled, and save now and then."""
        for i in count(1):
            try:
                await asyncio.to_thread(self.record)
                if i % SAVED_EVERY == 0:
                    await asyncio.to_thread(self.save)
            except Exception:  # noqa: BLE001 - what is shown must never stop what is served
                _log.exception("the models' history could not be recorded")
            await asyncio.sleep(EVERY_S)

    def record(self) -> None:
        """Record how every model stands now."""
        latency = {name: found for name in TIMED if (found := self._measures.percentiles(name)) is not None}
        for model in list(self.service.models.by_name.values()):
            self.of(model).record(latency)

    def save(self) -> None:
        """Save the history of every model in the store."""
        self.service.store_history({number: history.to_bytes() for number, history in list(self._by_model.items())})

    def _saved(self, model: Model) -> bytes:
        try:
            return self.service.history(model.id)
        except StoreError as error:  # what is shown must never stop what is served
            _log.warning("the history of a model can't be read", exc_info=error)
            return b""


__all__ = ["EVERY_S", "SAVED_EVERY", "Curve", "Histories", "ModelHistory", "SavedCurve", "experts_of", "series_of"]
