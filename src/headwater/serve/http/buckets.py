"""How often a client may do something: token buckets, by client."""

from __future__ import annotations

import time

from headwater.serve.http.client import client_key

_CLIENTS = 10_000


class Buckets:
    """One bucket for each client: it fills at a rate, and each request takes one token out of it.

    Parameters
    ----------
    rate : float
        Tokens a second.
    burst : float
        How many a bucket holds.

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
        """Take a token of a client; say whether there was one."""
        key, now = client_key(client), time.monotonic()
        left, before = self._left.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - before) * self._rate)
        while len(self._left) >= _CLIENTS:  # the one that has been silent longest: its bucket is the fullest
            self._left.pop(next(iter(self._left)))
        self._left[key] = max(left - 1, 0.0) if left >= 1 else left, now
        return left >= 1


__all__ = ["Buckets"]
