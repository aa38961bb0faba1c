"""One pass over a stream: predict each row, and learn each answer when it comes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from benchmarks.accuracy.streams import Integers, Stream

LOOK = 32  # rows between two looks at the clock


class Learner(Protocol):
    """A learner bound to a stream: rows are named by their index."""

    def predict(self, i: int) -> Any:
        """Return probabilities (k,), or None where it has no opinion; a number for regression."""

    def learn(self, i: int) -> None:
        """Learn row i with its answer."""

    def step(self, i: int) -> Any:
        """Predict row i, then learn it."""


class Clock:
    """Time since it was made: on the wall, and of this process on its core, threads of a Java machine included."""

    def __init__(self, cap_s: float) -> None:
        """Start; the cap is on the processor's time, so that a busy machine stops nobody."""
        self._cap_s = cap_s
        self._start, self._cpu = time.perf_counter(), time.process_time()

    def spent(self) -> tuple[float, float]:
        """Return seconds on the wall and of the processor."""
        return time.perf_counter() - self._start, time.process_time() - self._cpu

    def over(self) -> bool:
        """Return whether it took longer than the cap."""
        return time.process_time() - self._cpu > self._cap_s


@dataclass(frozen=True)
class Walk:
    """What a pass gave: predictions, the rows done, the time."""

    out: npt.NDArray[Any]  # (n, k) probabilities, or (n,) numbers
    rows: int
    seconds: float
    cpu_s: float
    lower: npt.NDArray[np.float64] | None = None
    upper: npt.NDArray[np.float64] | None = None


def blank(stream: Stream) -> npt.NDArray[Any]:
    """Return room for predictions: NaN until there is one."""
    n, k = len(stream.y), len(stream.classes)
    return np.full((n, k), np.nan, np.float32) if stream.task == "classify" else np.full(n, np.nan)


def arrivals(due: Integers) -> tuple[Integers, Integers]:
    """Return the rows in the order in which their answers come, and after which row each does."""
    order = np.argsort(due, kind="stable")
    return order, due[order]


def walk(learner: Learner, stream: Stream, cap_s: float) -> Walk:
    """Walk a learner over a stream, strictly one by one; stop once it has taken longer than the cap."""
    out = blank(stream)
    n = len(stream.y)
    at_once = bool((stream.due == np.arange(n)).all())
    order, when = (array.tolist() for array in arrivals(stream.due))
    next_answer = 0
    clock = Clock(cap_s)
    for i in range(n):
        said = learner.step(i) if at_once else learner.predict(i)
        if said is not None:
            out[i] = said
        while not at_once and next_answer < n and when[next_answer] <= i:
            learner.learn(order[next_answer])
            next_answer += 1
        if i % LOOK == 0 and clock.over():
            return Walk(out, i + 1, *clock.spent())
    return Walk(out, n, *clock.spent())
