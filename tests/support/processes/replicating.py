"""Serve with two replicas: python replicating.py STORE [MANIFEST]. It prints its address, and for each line the replicas' processes."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from pathlib import Path

from headwater import Classifier, load
from headwater.cli.options.replicas import ReplicaOptions, start_replicas
from headwater.serve.run import listen, make_state, run


async def processes(pool) -> list[int]:
    found: set[int] = set()
    while len(found) < 2:
        found.add(await pool.pid())
    return sorted(found)


def tell(state) -> None:
    for _ in sys.stdin:
        print(json.dumps(asyncio.run(processes(state.replicas.pool))), flush=True)


if __name__ == "__main__":
    state = make_state(Path(sys.argv[1]))
    rounds = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    state.service.change(
        state.service.models.create, "default", load(rounds) if rounds else Classifier(hidden=(8,), seed=3)
    )
    state.replicas = start_replicas(state, ReplicaOptions(replicas=2, rounds=rounds, oldest=600.0))
    threading.Thread(target=tell, args=(state,), daemon=True).start()
    sock = listen("127.0.0.1", 0)
    run(state, host="127.0.0.1", port=0, sock=sock, ready=lambda address: print(address, flush=True))
