"""A coordinator as a process of its own: python coordinator.py ADDRESS MANIFEST [SOURCE …]. It prints each round's number."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from headwater.cluster import Cluster
from headwater.cluster.ray import RayWorkers
from support.processes.rounds import ROUNDS, make, stream


class Told(RayWorkers):
    def learn(self, updates, blocks, deadline):
        print(updates[1]().version, flush=True)
        return super().learn(updates, blocks, deadline)


if __name__ == "__main__":
    address, manifest, *sources = sys.argv[1:]
    options = ROUNDS | {"partition": "sources" if sources else "blocks"}
    with Cluster(make(), engine=Told(2, address=address), manifest=manifest, **options) as cluster:
        cluster.run(*((sources, "answer") if sources else (stream(8000),)))
    print(cluster.learner.engine.core.digest(), flush=True)
