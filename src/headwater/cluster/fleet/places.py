"""Map keys to shards by rendezvous hashing, so that few keys move when shards are added or removed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Sequence
from typing import Any

from headwater.encode.values import as_key
from headwater.store.model_file.settings import as_json

__all__ = ["Places"]

REMEMBERED = 1_000_000
"""Maximum number of keys whose shard is cached."""
_PLAIN = frozenset((str, bytes, bool))
"""Types of keys that need no normalization."""


class Places:
    """Map of keys to shards, by the highest hash of shard name and key.

    Adding a shard to n moves one in n + 1 keys to it, and no other key.

    Parameters
    ----------
    shards : sequence of str
        Names of the shards.

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
        """Return the shard of a key. Invalid keys go to the first shard, which rejects and counts them."""
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
    """Normalize equal numbers such as 1, 1.0 and True to one key."""
    if isinstance(key, bool) or (isinstance(key, float) and key.is_integer()):
        return int(key)
    return tuple(map(_canonical, key)) if isinstance(key, tuple) else key
