"""Train one model on several machines, in rounds of parallel learning followed by a merge.

`Cluster` and `learn` are the public interface. `merge`, `delta`, `plan` and `worker` are pure; `coordinator` runs the rounds
and `manifest` saves them; `local` and `ray` run the workers. Only ``ray.py`` imports Ray, which is the extra ``ray``.
"""

from .coordinator import Cluster, Workers, learn
from .merge import merge
from .progress import Progress

__all__ = ["Cluster", "Progress", "Workers", "learn", "merge"]
