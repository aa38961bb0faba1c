"""Counters of requests (number, latency, rejections)."""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from typing import Any

from headwater.errors import HeadwaterError
from headwater.store.service.service import COMMIT_BUCKETS

_REFUSED = 8
BUCKETS = COMMIT_BUCKETS
"""Bounds of the histogram of request times, in seconds."""


class Timed:
    """Request times of one endpoint, as a histogram and as the last thousand."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        """Requests per bucket of `BUCKETS`, with a last bucket for longer ones."""
        self.total = 0.0
        self.recent: deque[float] = deque(maxlen=1000)


class Measures:
    """Counters and latencies of requests, for ``/metrics`` and the page."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, int]] = Counter()
        """Requests by endpoint and status."""
        self.timed: defaultdict[str, Timed] = defaultdict(Timed)
        """Request times by endpoint."""
        self.codes: Counter[tuple[str, str]] = Counter()
        """Rejected requests by endpoint and error code."""
        self.refused: deque[dict[str, Any]] = deque(maxlen=_REFUSED)
        """The last rejected requests with their errors."""
        self.given_out: Counter[int] = Counter()
        """Predictions issued with an id since the start, by model."""

    def refuse(self, name: str, status: int, error: HeadwaterError) -> None:
        """Record a rejected request."""
        why = error.as_dict()
        self.codes[name, why["code"]] += 1
        brief = {"error": why["error"][:200], "at": why["at"][:100], "code": why["code"]}
        self.refused.append({"t": int(time.time() * 1000), "endpoint": name, "status": status, **brief})

    def percentiles(self, name: str) -> dict[str, float] | None:
        """Return the median and the 99th percentile of the last thousand requests, in ms."""
        timed = self.timed.get(name)
        if timed is None:
            return None
        times = sorted(timed.recent)
        places = {"p50": len(times) // 2, "p99": min(len(times) - 1, int(len(times) * 0.99))}
        return {name: round(1e3 * times[place], 3) for name, place in places.items()}


__all__ = ["BUCKETS", "Measures", "Timed"]
