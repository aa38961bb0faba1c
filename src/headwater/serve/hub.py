"""The state of a running server: its store and writer, its limits, what it measures and who listens."""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from headwater.errors import HeadwaterError, StoreError
from headwater.store.member import Model
from headwater.store.service import Service

from .access import Access
from .endpoint import Paused
from .play import Playgrounds
from .watching import Watch
from .writer import Writer

_REFUSED = 8
_log = logging.getLogger("headwater.serve")


class Measures:
    """Counts and latencies of requests, for ``/metrics`` and the page."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds: Counter[str] = Counter()
        self.recent: dict[str, deque[float]] = {}
        self.refused: deque[dict[str, Any]] = deque(maxlen=_REFUSED)
        """The last requests that were refused, and why."""

    def count(self, name: str, status: int, seconds: float) -> None:
        """Note one request."""
        self.requests[name, status] += 1
        self.seconds[name] += seconds  # type: ignore[assignment]
        recent = self.recent.get(name)
        if recent is None:
            recent = self.recent[name] = deque(maxlen=1000)
        recent.append(seconds)

    def refuse(self, name: str, status: int, error: HeadwaterError) -> None:
        """Note why a request was refused."""
        why = error.as_dict()
        said = {"error": why["error"][:200], "at": why["at"][:100], "code": why["code"]}
        self.refused.append({"t": int(time.time() * 1000), "endpoint": name, "status": status, **said})

    def percentiles(self, name: str) -> dict[str, float] | None:
        """Return the median and the 99th percentile of the last thousand, in ms."""
        times = sorted(self.recent.get(name, ()))
        if not times:
            return None
        places = {"p50": len(times) // 2, "p99": min(len(times) - 1, int(len(times) * 0.99))}
        return {name: round(1e3 * times[place], 3) for name, place in places.items()}


@dataclass(slots=True)
class Hub:
    """What every handler reaches.

    Parameters
    ----------
    service : Service
        The open store.
    writer : Writer
        Who changes it.
    access : Access
        Who may do what.
    body_limit, body_s
        The largest body in bytes, and how long one may take.
    most_rows
        Rows of one request.
    """

    service: Service
    writer: Writer
    access: Access = field(default_factory=Access)
    body_limit: int = 8 << 20
    body_s: float = 20.0
    most_rows: int = 100_000
    measures: Measures = field(default_factory=Measures)
    playgrounds: Playgrounds = field(default_factory=Playgrounds)
    watches: dict[int, Watch] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    default: str = "default"
    streams: int = 0
    ends: Callable[[], bool] = lambda: False
    """Whether the process was told to stop: pages are let go then, since their streams never end by themselves."""

    def model(self, name: str = "") -> Model:
        """Return a model by name, or the default one."""
        return self.service.models.named(name or self.default)

    def watched(self, model: Model) -> Watch:
        """Return what was seen of a model."""
        if model.id not in self.watches:
            self.watches[model.id] = Watch(model, self._kept(model))
        return self.watches[model.id]

    def _kept(self, model: Model) -> bytes:
        try:
            return self.service.look(model.id)
        except StoreError as error:  # what is shown must never stop what is served
            _log.warning("what was seen of a model can't be read", exc_info=error)
            return b""

    def learning(self, name: str) -> Model:
        """Return a model that takes examples.

        Raises
        ------
        Paused
            If it does not, for now.
        """
        model = self.model(name)
        if model.paused:
            raise Paused(
                expected="a model that learns",
                got="a paused one",
                at=model.name,
                help="Nothing was learned; send it again when it goes on.",
            )
        return model


__all__ = ["Hub", "Measures"]
