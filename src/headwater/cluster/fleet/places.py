"""Which shard has a key: rendezvous hashing, so that few keys move when shards come and go."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Sequence
from typing import Any

from headwater.encode.values import as_key
from headwater.store.model_file.settings import as_json

__all__ = ["Places"]

REMEMBERED = 1_000_000
"""Keys whose place is remembered, so that it need not be computed for every row."""
_PLAIN = frozenset((str, bytes, bool))
"""Types of keys that need no second look."""


class Places:
    """The shards, and which of them has a key: the one with the highest hash of its name and the key.

    Where a shard is added to n, it takes one in n + 1 keys from the others, and no other key moves.

    Parameters
    ----------
    shards : sequence of str
        Their names.

    Examples
    --------
    >>> two, three = Places(["a", "b"]), Places(["a", "b", "c"])
    >>> moved = [key for key in range(1000) if two.of(key) != three.of(key)]
    >>> {three.of(key) for key in moved}, 280 < len(moved) < 390
    ({'c'}, True)

    References
    ----------
    Thaler & Ravishankar 1998, "Using name-based mappings to increase hit rates".
    """

    def __init__(self, shards: Sequence[str]) -> None:
        self.shards = tuple(shards)
        self._known: dict[Any, str] = {}

    def of(self, key: Hashable) -> str:
        """Return the shard of a key; what can't be a key belongs to the first, which refuses and counts it."""
        own = key if type(key) in _PLAIN else as_key(key)
        found = self._known.get(own)
        if found is None:
            found = self._highest(own)
            if len(self._known) < REMEMBERED:
                self._known[own] = found
        return found

    def _highest(self, key: Any) -> str:
        if as_key(key) is ...:
            return self.shards[0]
        name = json.dumps(as_json(_canonical(key))).encode()
        return max(
            self.shards, key=lambda shard: hashlib.blake2b(name, key=shard.encode()[:64], digest_size=8).digest()
        )


def _canonical(key: Any) -> Any:
    """Return the one of equal numbers that all are written as: 1, 1.0 and True are one key."""
    if isinstance(key, bool) or (isinstance(key, float) and key.is_integer()):
        return int(key)
    return tuple(map(_canonical, key)) if isinstance(key, tuple) else key
