"""Beyond one machine: several workers that learn one model in rounds, and a merge behind each.

`Cluster` and `learn` are the face. `merge`, `delta`, `plan` and `worker` are pure; `coordinator` runs the rounds and `manifest`
keeps them; `local` and `ray` are where blocks are learned. Only ``ray.py`` imports Ray, which is the extra ``ray``.
"""

from .coordinator import Cluster, Workers, learn
from .merge import merge
from .progress import Progress

__all__ = ["Cluster", "Progress", "Workers", "learn", "merge"]
