"""Fleet over a cluster, with keys spread over shards that each have their own store.

`places` maps keys to shards, `shard` runs one shard, `sharded` is the public interface, and `actors` runs shards in this
process or as Ray actors.
"""

from .sharded import ShardedFleet

__all__ = ["ShardedFleet"]
