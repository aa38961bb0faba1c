"""A fleet over a cluster: keys spread over shards, each a fleet with a store of its own.

`places` says which shard has a key, `shard` is what runs at such a place, `sharded` the face, `actors` where shards are: in this
process, or as Ray actors.
"""

from .sharded import ShardedFleet

__all__ = ["ShardedFleet"]
