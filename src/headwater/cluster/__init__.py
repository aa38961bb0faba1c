"""Train one model on several machines, in rounds of parallel learning followed by a merge, or spread the keys of a fleet over them.

`Cluster` and `learn` are the public interface. `merge`, `delta`, `plan` and `worker` are pure; `coordinator` runs the rounds
and `manifest` saves them; `local` and `ray` run the workers. ``fleet`` has fleets, whose members are never merged. Only
``ray.py`` imports Ray, which is the extra ``ray``.
"""

from typing import TYPE_CHECKING

from headwater.types import lazily

from .coordinator import Cluster, Workers, learn
from .merge import merge
from .progress import Progress

if TYPE_CHECKING:
    from .fleet import PartitionedFleet, ShardedFleet

__all__ = ["Cluster", "PartitionedFleet", "Progress", "ShardedFleet", "Workers", "learn", "merge"]

__getattr__ = lazily(__name__, {".fleet": "PartitionedFleet ShardedFleet"})
