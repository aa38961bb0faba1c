"""Scores of a detector of anomalies in service: how many alarms it gave, and how it ranks rows whose label is known.

Over all rows, and over the last ``WINDOW``. Every row counts with the score that was given out for it. Labels (1 or True for an
anomaly, 0 or False for none) may come with some rows; they are used here alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.kinds.anomaly.ranking import auc, average_precision, ranked
from headwater.kinds.anomaly.score import RATE, label_of
from headwater.learner.labels import values_of
from headwater.route.curve import MARKS, WINDOW, add_point, detector, mean
from headwater.types import Predictions

__all__ = ["LiveAnomalies"]


class Sums(msgspec.Struct):
    """What is kept: counts and sums over all rows, and the rows of the window."""

    n: int = 0
    alarms: int = 0
    total: float = 0.0
    """Σ of the scores."""
    window: list[tuple[float, int | None]] = []
    """Score and label, where it is known."""
    every: int = 1
    """Rows between two points of the curve; it doubles when the curve is full."""
    curve: list[list[float]] = []
    """Points of the window's scores: n, the mean score, the share of alarms."""
    marks: list[int] = []
    """Rows at which scores were found to have risen: drift."""


class LiveAnomalies:
    """Score a detector in service.

    Parameters
    ----------
    saved : bytes, optional
        What ``to_bytes`` gave, to go on from.

    Examples
    --------
    >>> scores = LiveAnomalies()
    >>> scores.update([None, 0, 1], [0.1, 0.5, 0.9999])
    >>> scores.report()["alarms"], scores.report()["window"]["model"]["auc"]
    (1, 1.0)
    """

    task = "anomaly"

    def __init__(self, saved: bytes = b"", learner: Any = None) -> None:
        self.sums = msgspec.msgpack.decode(saved, type=Sums) if saved else Sums()
        self._window = deque(self.sums.window, maxlen=WINDOW)
        self._detector = detector()

    @property
    def n(self) -> int:
        """Rows scored so far."""
        return self.sums.n

    def score(self, y: Sequence[Any], forecast: Predictions) -> None:
        """Score rows that were predicted just now."""
        self.update(y, values_of(forecast))

    def update(
        self, y: Sequence[Any], said: Sequence[float], p_y: Sequence[float] = (), p_said: Sequence[float] = ()
    ) -> None:
        """Score rows.

        Parameters
        ----------
        y
            Labels; None where unknown.
        said
            The scores that were given out.
        p_y, p_said
            For classes; not used here.
        """
        sums = self.sums
        for label, score in zip(map(label_of, y), said, strict=True):
            sums.n += 1
            sums.total += score
            sums.alarms += score > 1.0 - RATE
            self._window.append((score, label))
            self._detector.update(score)
            if self._detector.drift_detected:
                sums.marks = [*sums.marks[1 - MARKS :], sums.n]
            if sums.n % sums.every == 0:
                sums.curve, sums.every = add_point(sums.curve, self._point(), sums.every)

    def _point(self) -> list[float]:
        scores = [score for score, _ in self._window]
        return [self.sums.n, round(mean(scores) or 0.0, 6), round(_alarms(scores) or 0.0, 6)]

    def report(self) -> dict[str, Any]:
        """Return the scores as plain dicts: over all rows and (``window``) over the last.

        Returns
        -------
        dict
            ``n``, ``alarms`` (how many), ``model``, and ``window`` with its ``n`` and ``model``; area and average precision
            stand in the window's once labels of both kinds are in it.
        """
        sums, rows = self.sums, list(self._window)
        scores = [score for score, _ in rows]
        known = [(score, label) for score, label in rows if label is not None]
        counts = ranked([score for score, _ in known], [label for _, label in known])
        window: dict[str, float | None] = {"alarms": _alarms(scores), "mean_score": mean(scores)}
        if len({label for _, label in known}) == 2:
            window |= {"auc": auc(counts), "average_precision": average_precision(counts)}
        whole = {
            "alarms": sums.alarms / sums.n if sums.n else None,
            "mean_score": sums.total / sums.n if sums.n else None,
        }
        return {
            "n": sums.n,
            "unscored": 0,
            "alarms": sums.alarms,
            "model": whole,
            "window": {"n": len(rows), "model": window},
        }

    def history(self) -> dict[str, Any]:
        """Return the curve of the window's scores so far, and the rows at which scores rose."""
        return {"every": self.sums.every, "points": self.sums.curve, "drift": self.sums.marks}

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""
        self.sums.window = list(self._window)
        return msgspec.msgpack.encode(self.sums)


def _alarms(scores: Sequence[float]) -> float | None:
    return mean([float(score > 1.0 - RATE) for score in scores])
