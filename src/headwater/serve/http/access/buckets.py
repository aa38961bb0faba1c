"""Rate limits by client, with token buckets."""

from __future__ import annotations

import time

from headwater.serve.http.access.client import client_key

_CLIENTS = 10_000


class Buckets:
    """Token buckets by client, refilled at a rate.

    Parameters
    ----------
    rate : float
        Tokens per second.
    burst : float
        Capacity of a bucket.

    Examples
    --------
    >>> buckets = Buckets(rate=1, burst=2)
    >>> [buckets.take("192.0.2.1") for _ in range(3)]
    [True, True, False]
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, max(burst, 1.0)
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, client: str) -> bool:
        """Take a client's token and return whether there was one."""
        key, now = client_key(client), time.monotonic()
        left, before = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - before) * self._rate)
        while len(self._left) >= _CLIENTS:  # drop the longest idle client, whose bucket is the fullest
            self._left.pop(next(iter(self._left)))
        self._left[key] = max(left - 1, 0.0) if left >= 1 else left, now
        return left >= 1


__all__ = ["Buckets"]
