"""Fleet over a cluster, with keys spread over shards that each have their own store.

`sharded` routes rows to the shards of their keys (`places`), and with `partitioned` each shard reads a partition of its own.
Both ask shards by `client`. `shard` runs one, and `actors` runs them in this process or as Ray actors.
"""

from .partitioned import PartitionedFleet
from .sharded import ShardedFleet

__all__ = ["PartitionedFleet", "ShardedFleet"]
