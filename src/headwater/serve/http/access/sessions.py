"""Browser sessions, which map a random cookie to a token's scope."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import Counter

from headwater.serve.http.access.client import client_key

SESSION_S = 12 * 3600
_MOST, _MOST_PER_CLIENT = 10_000, 16


class Sessions:
    """Open sessions, by the digest of their cookie.

    Examples
    --------
    >>> sessions = Sessions()
    >>> cookie = sessions.add("read", "192.0.2.1")
    >>> sessions.scope(cookie), sessions.scope("another")
    ('read', None)
    """

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, str, float]] = {}

    def add(self, scope: str, client: str) -> str:
        """Begin a session, evicting one of the same client, or of the client with the most, if there are too many."""
        key, now = client_key(client), time.time()
        self._open = {name: one for name, one in self._open.items() if one[2] > now}
        held = Counter(one[1] for one in self._open.values())
        if held[key] >= _MOST_PER_CLIENT:
            self._push_out(key)
        elif len(self._open) >= _MOST:
            self._push_out(held.most_common(1)[0][0])
        cookie = secrets.token_urlsafe(32)
        self._open[digest(cookie)] = scope, key, now + SESSION_S
        return cookie

    def scope(self, cookie: str) -> str | None:
        """Return the scope of a cookie, or None without a session."""
        scope, _, until = self._open.get(digest(cookie), ("", "", 0.0))
        return scope if until > time.time() else None

    def remove(self, cookie: str) -> None:
        """End a session."""
        self._open.pop(digest(cookie), None)

    def _push_out(self, client: str) -> None:
        del self._open[next(name for name, one in self._open.items() if one[1] == client)]


def digest(secret: str) -> str:
    """Return the SHA-256 of a token or cookie, stored and compared instead of the secret itself."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


__all__ = ["SESSION_S", "Sessions", "digest"]
