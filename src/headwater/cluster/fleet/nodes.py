"""Which shard runs on which node, when nodes come and go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

__all__ = ["assigned"]


def assigned(shards: Sequence[str], homes: Mapping[str, str], nodes: Mapping[str, int]) -> dict[str, str]:
    """Return the shards that there are to be, and the node of each.

    A shard stays where it is. One whose node is gone goes to a node with room, and takes its keys along; where there is none, it
    ends. Room that is left gets new shards.

    Parameters
    ----------
    shards : sequence of str
        Those that there are.
    homes : dict
        The node of each; a shard that was never started has none.
    nodes : dict
        The nodes that are there, and how many shards each has room for. Without any room all stays as it is.

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
