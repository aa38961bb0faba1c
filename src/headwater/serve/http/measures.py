"""What the server counts of its requests: how many, how long, and what was refused."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter, deque
from typing import Any

from headwater.errors import HeadwaterError

_REFUSED = 8
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Ends of the histogram of request times, in seconds."""


class Timed:
    """How long the requests of one endpoint took: a histogram for ever, and the last thousand."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        """Requests that took up to each end of `BUCKETS` and longer than the one before; the last, longer than all."""
        self.total = 0.0
        self.recent: deque[float] = deque(maxlen=1000)

    def add(self, seconds: float) -> None:
        """Note one request."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds
        self.recent.append(seconds)


class Measures:
    """Counts and latencies of requests, for ``/metrics`` and the page."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        self.timed: dict[str, Timed] = {}
        self.refused: deque[dict[str, Any]] = deque(maxlen=_REFUSED)
        """The last requests that were refused, and why."""
        self.given_out: Counter[int] = Counter()
        """By model: predictions that were given out with an id for their answers, since the start."""

    def count(self, name: str, status: int, seconds: float) -> None:
        """Note one request."""
        self.requests[name, status] += 1
        timed = self.timed.get(name)
        if timed is None:
            timed = self.timed[name] = Timed()
        timed.add(seconds)

    def refuse(self, name: str, status: int, error: HeadwaterError) -> None:
        """Note why a request was refused."""
        why = error.as_dict()
        brief = {"error": why["error"][:200], "at": why["at"][:100], "code": why["code"]}
        self.refused.append({"t": int(time.time() * 1000), "endpoint": name, "status": status, **brief})

    def percentiles(self, name: str) -> dict[str, float] | None:
        """Return the median and the 99th percentile of the last thousand, in ms."""
        timed = self.timed.get(name)
        if timed is None:
            return None
        times = sorted(timed.recent)
        places = {"p50": len(times) // 2, "p99": min(len(times) - 1, int(len(times) * 0.99))}
        return {name: round(1e3 * times[place], 3) for name, place in places.items()}


__all__ = ["BUCKETS", "Measures", "Timed"]
