"""What a request to each address may take, declared per address."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

from headwater.serve.http.limits import ServerLimits

ANY = sys.maxsize
"""Limited only by the server's limits."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Limits of one request to an address, without defaults so that each is considered.

    Parameters
    ----------
    body : int
        Maximum bytes of its body, 0 for none.
    cells : int
        Maximum values in its rows, 0 for none.
    work_s : float
        Fixed seconds of processor time, to which its body and rows add.
    lock_s : float
        Maximum seconds it may hold a model's lock at once, 0 if it never does.
    """

    body: int
    cells: int
    work_s: float
    lock_s: float

    def within(self, limits: ServerLimits) -> Cost:
        """Return the cost within a server's limits."""
        body, lock_s = min(self.body, limits.body_bytes), min(self.lock_s, limits.lock_s)
        return replace(self, body=body, lock_s=lock_s)


AT_HAND = Cost(body=0, cells=0, work_s=0.0, lock_s=0.0)
"""Returns known values without reading a model."""
PUBLISHED = Cost(body=0, cells=0, work_s=1e-3, lock_s=0.0)
"""Reads a model's published result, computed once for all requests."""
AHEAD = Cost(body=0, cells=0, work_s=1e-3, lock_s=0.25)
"""Forecasts a series without rows of the times to come."""
FORM = Cost(body=16 << 10, cells=0, work_s=1e-3, lock_s=0.0)
"""Reads a few fields."""
CHANGE = Cost(body=64 << 10, cells=0, work_s=0.1, lock_s=0.25)
"""Changes models or their files."""
COPY = Cost(body=0, cells=0, work_s=1.0, lock_s=0.0)
"""Copies the whole store."""
SAMPLE = Cost(body=4 << 20, cells=1000, work_s=1e-3, lock_s=0.25)
"""Analyzes one sample."""
LESSON = Cost(body=1 << 20, cells=ANY, work_s=1e-4, lock_s=0.25)
"""Asks or teaches the rows of one object, which is decoded whole."""
ROWS = Cost(body=ANY, cells=ANY, work_s=1e-4, lock_s=0.25)
"""Predicts or learns rows."""


__all__ = ["AHEAD", "ANY", "AT_HAND", "CHANGE", "COPY", "FORM", "LESSON", "PUBLISHED", "ROWS", "SAMPLE", "Cost"]
