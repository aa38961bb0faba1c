"""Assign shards to nodes as nodes join and leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

__all__ = ["assigned"]


def assigned(shards: Sequence[str], homes: Mapping[str, str], nodes: Mapping[str, int]) -> dict[str, str]:
    """Return the node of each shard, including new and without removed shards.

    A shard stays on its node. A shard whose node is gone moves to a node with room and keeps its keys, or is removed if
    there is none. Remaining room gets new shards.

    Parameters
    ----------
    shards : sequence of str
        Existing shards.
    homes : dict
        Node of each shard, except of those never started.
    nodes : dict
        Number of shards that each current node has room for. Without any room nothing changes.

    Examples
    --------
    A node joins, another takes the place of one that is gone, one is gone:

    >>> assigned(["shard-0"], {"shard-0": "a"}, {"a": 1, "b": 1})
    {'shard-0': 'a', 'shard-1': 'b'}
    >>> assigned(["shard-0", "shard-1"], {"shard-0": "a", "shard-1": "b"}, {"b": 1, "c": 1})
    {'shard-0': 'c', 'shard-1': 'b'}
    >>> assigned(["shard-0", "shard-1"], {"shard-0": "a", "shard-1": "b"}, {"b": 1})
    {'shard-1': 'b'}
    """
    room = Counter({node: count for node, count in nodes.items() if count > 0})
    if not room:
        return {name: homes.get(name, "") for name in shards}
    found = {}
    for name in shards:
        home = homes.get(name, "")
        if room[home] > 0:
            found[name] = home
            room[home] -= 1
    free, homeless = list(room.elements()), [name for name in shards if name not in found]
    found |= dict(zip(homeless, free, strict=False))
    new = [name for name in (f"shard-{i}" for i in range(len(shards) + len(free))) if name not in shards]
    more = dict(zip(new, free[len(homeless) :], strict=False))
    return {name: found[name] for name in shards if name in found} | more
