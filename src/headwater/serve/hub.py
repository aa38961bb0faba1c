"""The state of a running server: its store and writer, its limits, what it measures and who listens."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from headwater.store.member import Model
from headwater.store.service import Service

from .access import Access
from .endpoint import Paused
from .play import Playgrounds
from .writer import Writer


class Measures:
    """Counts and latencies of requests, for ``/metrics`` and the page."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds: Counter[str] = Counter()
        self.recent: dict[str, deque[float]] = {}

    def count(self, name: str, status: int, seconds: float) -> None:
        """Note one request."""
        self.requests[name, status] += 1
        self.seconds[name] += seconds  # type: ignore[assignment]
        recent = self.recent.get(name)
        if recent is None:
            recent = self.recent[name] = deque(maxlen=1000)
        recent.append(seconds)

    def percentiles(self, name: str) -> dict[str, float] | None:
        """Return the median and the 99th percentile of the last thousand, in ms."""
        times = sorted(self.recent.get(name, ()))
        if not times:
            return None
        return {"p50": 1e3 * times[len(times) // 2], "p99": 1e3 * times[min(len(times) - 1, int(len(times) * 0.99))]}


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
    started: float = field(default_factory=time.time)
    default: str = "default"
    streams: int = 0
    ends: Callable[[], bool] = lambda: False
    """Whether the process was told to stop: pages are let go then, since their streams never end by themselves."""

    def model(self, name: str = "") -> Model:
        """Return a model by name, or the default one."""
        return self.service.models.named(name or self.default)

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
