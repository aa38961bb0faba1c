"""Concept drift detection on prediction costs or inputs, with a ranking of the changed features.

The detectors' input is bounded. It is ``1 − p(y)`` for a classifier, ``e/(e + s)`` for a regressor, with e = |y − y_pred| and s the
mean |y − mean(y)| of the rows so far, and the score itself for an anomaly model. Only a rise of the cost counts as drift, because a
fall is learning.

References
----------
Bifet & Gavaldà 2007 (ADWIN); Page 1954 (Page–Hinkley); Raab, Heusinger & Schleif 2020 (KSWIN).
"""

from __future__ import annotations

import copy
import math
from collections import deque
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from headwater.errors import ConfigError
from headwater.learner.kind import kind_of
from headwater.route.changes import Change, changes
from headwater.route.drift.clocks import ClockColumns
from headwater.route.drift.costs import Costs, costs_of
from headwater.types import Event, ScoredRows, as_mapping

from .adwin import Adwin
from .kswin import Kswin
from .names import DETECTORS
from .page_hinkley import PageHinkley

__all__ = ["DriftWatch"]

_REFERENCE = 300  # rows in the sample of the past
_RECENT = 80  # rows in the sample of the present, about the detection delay
_TOLD = 3  # features named in an event
_WORTH = 0.2  # smaller distances occur by chance between samples of these sizes
_SETTLE, _CLIP = 50, 5.0


class DriftWatch:
    """Detect drift of prediction costs or of inputs in a `Session`, naming the features that changed most.

    Parameters
    ----------
    detector
        ``"adwin"``, ``"page_hinkley"`` or ``"kswin"`` with River's defaults (KSWIN with α = 10⁻⁴), or any object with River's
        ``update(value)`` and ``drift_detected``.
    on
        ``"loss"`` gives events ``drift_detected``. ``"inputs"`` uses a detector per numeric feature and gives events
        ``input_drift_detected``.
    every
        Rows between two updates of the input detectors (KSWIN takes some 60 µs per value).
    seed
        Seed of KSWIN, which samples from its window.

    Raises
    ------
    ConfigError
        For an unknown ``detector`` or ``on``.

    Notes
    -----
    On the loss, ADWIN and Page–Hinkley take about 4 µs per row, KSWIN 60 µs.

    Examples
    --------
    >>> watch = DriftWatch("page_hinkley")
    >>> rows = [{"temp": i % 9} for i in range(2000)]
    >>> p = [0.9] * 1000 + [0.1] * 1000
    >>> for event in watch.see(ScoredRows(1, rows, ["a"] * 2000, ["a"] * 2000, p, "classify"), None):
    ...     print(event.kind, 1000 < event.row < 1200)
    drift_detected True
    """

    def __init__(self, detector: Any = "adwin", *, on: str = "loss", every: int = 10, seed: int = 0) -> None:
        if isinstance(detector, str) and detector not in DETECTORS:
            raise ConfigError(
                expected=f"one of {', '.join(DETECTORS)}",
                got=repr(detector),
                at="detector",
                help="Choose one of these.",
            )
        if on not in ("loss", "inputs"):
            raise ConfigError(expected="loss or inputs", got=repr(on), at="on", help="Choose one of the two.")
        self.detector, self.on, self.every, self.seed = detector, on, every, seed
        self.due: int | None = None
        self.changes: list[Change] = []
        """Feature changes at the last event, without clocks and counters, which always change."""
        self._feeds: dict[Any, _Feed] = {}
        self._before: list[Any] = []  # a uniform sample of the rows since the last event
        self._passed = 0  # number of rows sampled from
        self._now: deque[Any] = deque(maxlen=_RECENT)
        self._clocks = ClockColumns()
        self._costs: Costs | None = None
        self._rng = np.random.default_rng(seed)

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Feed the detectors row by row and return an event for each drift."""
        events: list[Event] = []
        if self._costs is None:
            self._costs = costs_of(kind_of(rows))
        costs = self._costs.of(rows) if self.on == "loss" else []
        for i in range(len(rows)):
            row, x = rows.first + i, rows.X[i]
            self._remember(x)
            if costs:
                events += self._loss(costs[i], row, self._costs.rose)
            elif self.on == "inputs" and row % self.every == 0:
                moved = [name for name, value in _numbers(x) if self._feed(name, value)]
                clocks = self._clocks.among(self._before) if moved else ()
                events += [self._input(name, row) for name in moved if name not in clocks]
        return events

    def _remember(self, x: Any) -> None:
        """Store the newest rows, and a uniform sample of earlier ones (Vitter 1985, algorithm R)."""
        if self._now:
            self._clocks.update(self._now[-1], x)
        if len(self._now) == _RECENT:
            self._passed += 1
            at = len(self._before) if self._passed <= _REFERENCE else int(self._rng.integers(self._passed))
            if at < _REFERENCE:
                self._before[at : at + 1] = [self._now[0]]
        self._now.append(x.copy() if isinstance(x, np.ndarray) else x)

    def _loss(self, cost: float, row: int, what: str) -> list[Event]:
        if "" not in self._feeds:
            self._feeds[""] = _Feed(_detector(self.detector, self.seed, rise=True))
        before = self._feeds[""].slow
        if not self._feeds[""].rose(cost):
            return []
        now = self._feeds[""].fast
        text = f"{what}: {'mean' if what.startswith('Scores') else 'cost'} {before:.2f} → {now:.2f}"
        return [self._event(row, "drift_detected", text, size=now - before)]

    def _feed(self, name: Any, value: float) -> bool:
        """Feed a number of an input to its detector, standardized by its first values."""
        if name not in self._feeds:
            self._feeds[name] = _Feed(_detector(self.detector, self.seed, rise=False))
        return self._feeds[name].changed(value)

    def _input(self, name: Any, row: int) -> Event:
        return self._event(row, "input_drift_detected", f"The input {name} changed")

    def _event(self, row: int, kind: str, what: str, size: float | None = None) -> Event:
        clocks = self._clocks.among(self._before)
        self.changes = [change for change in changes(self._before, list(self._now)) if change.name not in clocks]
        if size is None:
            size = self.changes[0].distance if self.changes else 0.0
        self._before, self._passed = [], 0
        most = [f"{change.name} ({change.text})" for change in self.changes[:_TOLD] if change.distance > _WORTH]
        return Event(row, kind, f"{what}; most changed: {', '.join(most)}." if most else f"{what}.", size)


class _Feed:
    """A detector with running means of its input."""

    def __init__(self, detector: Any) -> None:
        self.detector = detector
        self.n, self.slow, self.fast = 0, 0.0, 0.0
        self._first: list[float] = []
        self._centre, self._scale = 0.0, 1.0

    def rose(self, value: float) -> bool:
        """Feed a cost and return whether it drifted upwards, where ``slow`` is the mean since the last change."""
        slow, self.n = self.slow, self.n + 1
        self.slow += (value - slow) / self.n
        self.fast += (value - self.fast) / min(self.n, 50)
        self.detector.update(value)
        if not self.detector.drift_detected:
            return False
        self.n = 0
        return self.fast > slow

    def changed(self, value: float) -> bool:
        """Feed a number standardized by the first 50 and return whether it drifted."""
        if len(self._first) < _SETTLE:
            self._first.append(value)
            self._centre = float(np.mean(self._first))
            self._scale = float(np.std(self._first)) or max(abs(self._centre), 1.0)
            return False
        z = min(max((value - self._centre) / self._scale, -_CLIP), _CLIP)
        self.detector.update(z / (2 * _CLIP))  # scaled to a range of 1 like costs, which the detectors' defaults assume
        if not self.detector.drift_detected:
            return False
        self._first.clear()
        return True


def _numbers(x: Any) -> list[tuple[Any, float]]:
    return [(name, float(v)) for name, v in as_mapping(x).items() if isinstance(v, Real) and math.isfinite(v)]


def _detector(name: Any, seed: int, *, rise: bool) -> Any:
    """Return a new detector by name, or a copy of the user's."""
    if name == "adwin":
        return Adwin()
    if name == "page_hinkley":
        return PageHinkley(rise_only=rise)
    if name == "kswin":
        return Kswin(seed)
    return name.clone() if callable(getattr(name, "clone", None)) else copy.deepcopy(name)
