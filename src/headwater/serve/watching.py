"""What the page shows over time, kept here so that a reload loses none of it: a look at every model each second.

A look notes how many rows came, how long requests took, and the experts' weights; and it asks which features the predictions
hang on (iPFI, ``headwater.explain.Importance``), on a few of the rows that have just been learned. Looking changes nothing:
the learner's state is the same with and without it. The points are kept in the store each minute and at a stop, so that a restart
goes on with them; of a crash the last minute is lost. Importances begin anew with each start.
"""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.explain import Importance
from headwater.store.member import Model

from .wire import label_key

if TYPE_CHECKING:
    from .hub import Hub

EVERY_S = 1.0
TIMED = ("predict", "learn", "label")
POINTS = 300
KEPT_EVERY = 60
"""Looks between two that are kept in the store."""
_ROWS = 4  # whose importances are measured at a look
_CELLS = 20_000  # of a row's features, squared: beyond, asking would cost more than learning
_log = logging.getLogger("headwater.serve")


class Kept(msgspec.Struct, frozen=True):
    """A curve as the store keeps it, and which learner's it is."""

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

    def kept(self, champion: int) -> Kept:
        """Return what is to be kept."""
        return Kept(champion, self._every, self._n, self.points)

    def go_on(self, kept: Kept) -> None:
        """Go on from what was kept."""
        self.points, self._every, self._n = kept.points[: self._most], max(kept.every, 1), kept.n

    def add(self, point: dict[str, Any]) -> None:
        """Note a point, if its turn has come."""
        if self._n % self._every == 0:
            self.points = [*self.points, point]  # a new list: whoever is writing the old one out is not disturbed
        self._n += 1
        if len(self.points) > self._most:
            self.points, self._every = self.points[::2], self._every * 2


class Watch:
    """What was seen of one model.

    Parameters
    ----------
    model : Model
        Which.
    kept : bytes
        What ``to_bytes`` gave before the server was started anew.
    """

    def __init__(self, model: Model, kept: bytes = b"") -> None:
        self.model = model
        self.now: dict[str, Any] = {"t": 0, "rate": 0.0, "latency": {}, "experts": []}
        self._begin()
        try:
            before = msgspec.msgpack.decode(kept, type=Kept) if kept else None
        except (msgspec.DecodeError, ValueError):
            _log.warning(
                "what was seen of a model can't be read, and begins anew", extra={"fields": {"model": model.name}}
            )
            return
        if before is not None and before.champion == self._champion:
            self.curve.go_on(before)

    def _begin(self) -> None:
        self._champion, self._seq = self.model.champion.id, 0
        self._n, self._at = self.model.champion.scores.sums.n, time.perf_counter()
        self.curve, self._importance = Curve(), Importance()

    def to_bytes(self) -> bytes:
        """Return the points as MessagePack."""
        return msgspec.msgpack.encode(self.curve.kept(self._champion))

    def look(self, latency: dict[str, Any]) -> None:
        """Note how the model stands now; ``latency`` is of the last requests, by name."""
        if self.model.champion.id != self._champion:  # another learner was promoted: its past is another one
            self._begin()
        with self.model.turns.turn():
            n, at = self.model.champion.scores.sums.n, time.perf_counter()
            weights = [round(expert["weight"], 4) for expert in self.model.champion.learner.experts_]
            fresh = [item for item in self.model.recent if item[0] > self._seq][-_ROWS:]
        rate = max(n - self._n, 0) / max(at - self._at, 1e-9)
        self._n, self._at = n, at
        self.now = {"t": int(time.time() * 1000), "rate": round(rate, 1), "latency": latency, "experts": weights}
        self.curve.add(self.now)
        for seq, event, _ in fresh:
            self._seq = seq
            if 0 < len(event.x) * (len(event.x) + 1) <= _CELLS and event.y is not None and event.y == event.y:
                with self.model.turns.turn():
                    self._importance.update(event.x, event.y, self.model.champion.learner)

    def importance(self, most: int = 12) -> list[dict[str, Any]]:
        """Return the features that matter most so far: by how much the loss rises when their values are exchanged."""
        return [
            {"name": name if isinstance(name, str) else label_key(name), "rise": float(f"{rise:.4g}")}
            for name, rise in list(self._importance.values.items())[:most]
        ]


async def watch(hub: Hub) -> None:
    """Look at every model each second, until cancelled, and keep what was seen now and then."""
    for i in count(1):
        try:
            await asyncio.to_thread(_look, hub)
            if i % KEPT_EVERY == 0:
                await asyncio.to_thread(keep, hub)
        except Exception:  # noqa: BLE001 - what is shown must never stop what is served
            _log.exception("a look at the models failed")
        await asyncio.sleep(EVERY_S)


def keep(hub: Hub) -> None:
    """Keep in the store what was seen of every model."""
    hub.service.keep_looks({number: watch.to_bytes() for number, watch in list(hub.watches.items())})


def _look(hub: Hub) -> None:
    latency = {name: found for name in TIMED if (found := hub.measures.percentiles(name)) is not None}
    for model in list(hub.service.models.by_name.values()):
        hub.watched(model).look(latency)


__all__ = ["EVERY_S", "KEPT_EVERY", "Curve", "Kept", "Watch", "keep", "watch"]
