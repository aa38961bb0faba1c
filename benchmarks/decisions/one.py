"""One learner on one stream in one process: ``python -m benchmarks.decisions.one LEARNER STREAM SEED`` prints a line of JSON."""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
from typing import Any

from benchmarks.decisions.learners import make
from benchmarks.decisions.streams import read, standardised

PACKAGES = ("coba", "vowpalwabbit", "river", "numpy")


def play(name: str, stream: str, seed: int) -> dict[str, Any]:
    """Play a stream in coba's sequential evaluator; return the mean reward in percent, and the time a row."""
    from coba.environments import Environments
    from coba.evaluators import SequentialCB

    X, y = read(stream)
    learner, raw = make(name, seed)
    environment = Environments.from_supervised(X if raw else standardised(X), y, label_type="c")[0]
    begin = time.process_time()
    rewards = [float(told["reward"]) for told in SequentialCB(seed=seed).evaluate(environment, learner)]
    spent = time.process_time() - begin
    versions = {"python": sys.version.split()[0]} | {one: importlib.metadata.version(one) for one in PACKAGES}
    return {
        "rows": len(rewards),
        "actions": len(set(y)),
        "reward": round(100 * sum(rewards) / len(rewards), 3),
        "us_per_row": round(spent / len(rewards) * 1e6, 1),
        "versions": versions,
    }


def main() -> None:
    """Answer over a copy of standard output, since libraries print."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    name, stream, seed = sys.argv[1:]
    out.write(json.dumps(play(name, stream, int(seed))) + "\n")


if __name__ == "__main__":
    main()
