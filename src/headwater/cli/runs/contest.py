"""One learner over the rows of a contest, in a process of its own, so that its memory is its own.

The process reads a `Job` from its input and writes a `Found` to its output.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

__all__ = ["Found", "Job", "main"]


class Job(msgspec.Struct):
    """What one learner is to do.

    ``model`` is the file of ours, or "" for the rival numbered ``rival`` of `interop.rivals`. ``classes`` is empty for numbers.
    """

    rows: str
    classes: list[Any]
    model: str = ""
    rival: int = 0


class Found(msgspec.Struct):
    """How one learner did, with times of an event (predict and learn) in seconds, and its memory in bytes."""

    rows: int
    seconds: float
    p50: float
    p99: float
    p999: float
    worst: float
    memory: int
    score: float


def main() -> None:
    """Run the job on the input."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    with open(job.rows, "rb") as file:
        rows: list[tuple[Any, Any]] = msgspec.msgpack.decode(
            file.read(), strict=False, type=list[tuple[dict[Any, Any], Any]]
        )
    predict, learn = _ours(job.model) if job.model else _rival(job)
    before = _resident()
    took, score = _run(rows, predict, learn, numbers=not job.classes)
    sys.stdout.write(msgspec.json.encode(_found(took, score, max(_resident() - before, 0))).decode())


def _ours(path: str) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    from headwater.store.learner_file import load

    model: Any = load(path)
    return model.predict_one, model.learn_one


def _rival(job: Job) -> tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]:
    from headwater.interop.rivals import RIVALS

    return RIVALS[job.rival].make(job.classes)


def _run(
    rows: Sequence[tuple[Any, Any]], predict: Callable[[Any], Any], learn: Callable[[Any, Any], Any], *, numbers: bool
) -> tuple[list[float], float]:
    """Return the seconds of each event, and the accuracy or the mean absolute error."""
    clock, took, total = time.perf_counter, [0.0] * len(rows), 0.0
    for i, (x, y) in enumerate(rows):
        began = clock()
        said = predict(x)
        learn(x, y)
        took[i] = clock() - began
        total += abs(y - (said or 0.0)) if numbers else said == y
    return took, total / len(rows)


def _found(took: list[float], score: float, memory: int) -> Found:
    ordered, n = sorted(took), len(took)
    p50, p99, p999 = (ordered[min(int(n * share), n - 1)] for share in (0.5, 0.99, 0.999))
    return Found(n, sum(took), p50, p99, p999, ordered[-1], memory, score)


def _resident() -> int:
    """Return the memory of this process in bytes, 0 where nobody says."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return _most()


def _most() -> int:
    """Return the most memory that this process has held."""
    try:
        import resource
    except ImportError:
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    main()
