"""What a rival speaks: a scenario as one line of JSON in, one pass over it as one line of JSON out.

An adapter is a process in an environment of its own. It reads lines until its input closes and answers each
with one line. The first line about a scenario prepares it (data, compilation, warm-up), which is not timed;
the same line again runs one more pass with a fresh learner. So the runner can go round the rivals, A B C A B C,
with every one ready, and slow drifts of the machine fall on all of them alike.

The answer holds ``id, rival, rows, seconds, us_per_row, score, score_name, versions, detail``. An adapter that fails
dies with its traceback on standard error; the runner reports its last line and goes on with the others.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One timed pass: how long, over how many rows, and a score that proves that the work was done."""

    seconds: float
    rows: int
    score: float | None = None
    score_name: str = "log-loss"
    detail: dict[str, Any] = field(default_factory=dict)


Spec: TypeAlias = dict[str, Any]
Run: TypeAlias = Callable[[], Pass]
Prepare: TypeAlias = Callable[[Spec], Run]


def serve(rival: str, packages: Sequence[str], kinds: Mapping[str, Prepare]) -> None:
    """Answer scenarios from standard input until it closes.

    A library that prints must not break the contract, so file descriptor 1 is pointed at standard error and
    the answers go out over a copy of the original.
    """
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    versions = {"python": sys.version.split()[0]} | {name: importlib.metadata.version(name) for name in packages}
    ready: dict[str, Run] = {}
    for text in sys.stdin:
        spec = json.loads(text)
        key = json.dumps(spec, sort_keys=True)
        if key not in ready:
            ready[key] = kinds[spec["kind"]](spec)
        gc.collect()
        result = ready[key]()
        answer: dict[str, Any] = {"id": spec["id"], "rival": rival, "versions": versions}
        answer |= asdict(result) | {"us_per_row": result.seconds / result.rows * 1e6}
        out.write(json.dumps(answer) + "\n")
