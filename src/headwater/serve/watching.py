"""What the page shows over time, kept here so that a reload loses none of it: a look at every model each second.

A look notes how many rows came, how long requests took, and the experts' weights; and it asks which features the predictions
hang on (iPFI, ``headwater.explain.Importance``), on a few of the rows that have just been learned. Looking changes nothing:
the learner's state is the same with and without it. It begins anew with each start of the server.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from headwater.explain import Importance
from headwater.store.member import Model

from .wire import label_key

if TYPE_CHECKING:
    from .hub import Hub

EVERY_S = 1.0
TIMED = ("predict", "learn", "label")
POINTS = 300
_ROWS = 4  # whose importances are measured at a look
_CELLS = 20_000  # of a row's features, squared: beyond, asking would cost more than learning
_log = logging.getLogger("headwater.serve")


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
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.now: dict[str, Any] = {"t": 0, "rate": 0.0, "latency": {}, "experts": []}
        self._begin()

    def _begin(self) -> None:
        self._champion, self._seq = self.model.champion.id, 0
        self._n, self._at = self.model.champion.scores.sums.n, time.perf_counter()
        self.curve, self._importance = Curve(), Importance()

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
    """Look at every model each second, until cancelled."""
    while True:
        try:
            await asyncio.to_thread(_look, hub)
        except Exception:  # noqa: BLE001 - what is shown must never stop what is served
            _log.exception("a look at the models failed")
        await asyncio.sleep(EVERY_S)


def _look(hub: Hub) -> None:
    latency = {name: found for name in TIMED if (found := hub.measures.percentiles(name)) is not None}
    for model in list(hub.service.models.by_name.values()):
        hub.watched(model).look(latency)


__all__ = ["EVERY_S", "Curve", "Watch", "watch"]
