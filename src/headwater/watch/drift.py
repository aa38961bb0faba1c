"""Concept drift: River's detectors on what predictions cost, or on the inputs, and which features changed.

What the detectors are fed is bounded: ``1 − p(y)`` for a classifier, ``e/(e + s)`` for a regressor, with e = |y − y_pred|
and s the mean |y − mean(y)| of the rows so far. Only a rise of the cost is drift; getting better is learning.

References
----------
Bifet & Gavaldà 2007 (ADWIN); Page 1954 (Page–Hinkley); Raab, Heusinger & Schleif 2020 (KSWIN); Kolmogorov 1933,
Smirnov 1948 (the distance of two samples).
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.types import Event
from headwater.watch.seen import Seen

__all__ = ["DETECTORS", "Change", "DriftWatch", "changes"]

DETECTORS = {"adwin": "ADWIN", "page_hinkley": "PageHinkley", "kswin": "KSWIN"}
_REFERENCE = 300  # rows that stand for the time before
_RECENT = 150  # rows that stand for now
_TOLD = 3  # features named in an event
_FEW = 20  # rows of either time without which nothing is said about a feature


@dataclass(frozen=True, slots=True)
class Change:
    """How much one feature changed.

    Parameters
    ----------
    name
        The feature.
    distance
        From 0, the same, to 1, nothing in common: for numbers the largest distance of the two distribution functions
        (Kolmogorov–Smirnov), for categories half the sum of |share before − share now|. A missing value is a value.
    text
        What changed, for a reader.

    Examples
    --------
    >>> Change("temp", 0.8, "mean 12 → 25").name
    'temp'
    """

    name: Any
    distance: float
    text: str


class DriftWatch:
    """Tell a `Session` when predictions become dearer, or when inputs change, and which features changed most.

    Parameters
    ----------
    detector
        ``"adwin"``, ``"page_hinkley"`` or ``"kswin"``, with River's defaults; or any object with River's
        ``update(value)`` and ``drift_detected``.
    on
        ``"loss"``: events ``drift_detected``. ``"inputs"``: a detector for each number among the features, events
        ``input_drift_detected``.
    every
        Feed the detectors of inputs one row in so many (KSWIN takes some 0.3 ms a value).
    seed
        Of KSWIN, which draws from its window.

    Raises
    ------
    ConfigError
        For an unknown detector or place.

    Notes
    -----
    Cost: ADWIN on the loss takes about 1 µs a row, Page–Hinkley 0.3 µs.

    Examples
    --------
    >>> watch = DriftWatch("page_hinkley")
    >>> rows = [{"temp": i % 9} for i in range(2000)]
    >>> p = [0.9] * 1000 + [0.1] * 1000
    >>> for event in watch.see(Seen(1, rows, ["a"] * 2000, ["a"] * 2000, p, "classify"), None):
    ...     print(event.kind, 1000 < event.row < 1200)
    drift_detected True
    """

    def __init__(self, detector: Any = "adwin", *, on: str = "loss", every: int = 10, seed: int = 0) -> None:
        if isinstance(detector, str) and detector not in DETECTORS:
            raise ConfigError(
                expected=f"one of {', '.join(DETECTORS)}", got=repr(detector), at="detector", help="Choose one of these."
            )
        if on not in ("loss", "inputs"):
            raise ConfigError(expected="loss or inputs", got=repr(on), at="on", help="Choose one of the two.")
        self.detector, self.on, self.every, self.seed = detector, on, every, seed
        self.due: int | None = None
        self.changes: list[Change] = []
        """What had changed most at the last event."""
        self._detectors: dict[Any, Any] = {}
        self._mean: dict[Any, float] = {}  # fading mean of what a detector is fed
        self._before: list[Any] = []
        self._now: deque[Any] = deque(maxlen=_RECENT)
        self._spread = [0, 0.0, 0.0]  # answers, their mean, mean distance from it
        self._rng = np.random.default_rng(seed)

    def see(self, seen: Seen, learner: Any) -> Sequence[Event]:
        """Feed the detectors row by row; return an event for each drift."""
        events: list[Event] = []
        costs = self._costs(seen) if self.on == "loss" else []
        for i in range(len(seen)):
            row = seen.first + i
            x = seen.X[i]
            self._remember(row, x)
            if self.on == "loss":
                events += self._feed("loss", costs[i], row)
            elif row % self.every == 0:
                events += self._feed_inputs(x, row)
        return events

    def _feed(self, name: Any, value: float, row: int) -> list[Event]:
        """Give one value to a detector; an event if it is drift."""
        if name not in self._detectors:
            self._detectors[name] = self._new(name)
            self._mean[name] = value
        detector, before = self._detectors[name], self._mean[name]
        detector.update(value)
        self._mean[name] += 0.02 * (value - before)
        if not detector.drift_detected:
            return []
        if self.on == "loss" and self._mean[name] <= self._slow(name):
            return []
        return [self._event(name, row)]

    def _slow(self, name: Any) -> float:
        """The mean of what the detector was fed before: its own, or what stood in the reference."""
        return self._long

    def _new(self, name: Any) -> Any:
        return _detector(self.detector, self.seed, one_sided=self.on == "loss")
