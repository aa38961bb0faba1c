"""Scores in service of a learner of several answers a row, next to simple baselines."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec

from headwater.kinds.multi_output.sums import BASELINES, OutputSums, Usual, names_of
from headwater.learner.labels import values_of
from headwater.route.curve import MARKS, WINDOW, add_point, detector
from headwater.types import Predictions

__all__ = ["LiveOutputs"]

Dict = dict[Any, Any]


class Sums(msgspec.Struct):
    """What is kept: counts over all rows, the rows of the window, and the curve."""

    whole: dict[str, OutputSums] = msgspec.field(
        default_factory=lambda: {name: OutputSums() for name in ("model", *BASELINES)}
    )
    usual: Usual = msgspec.field(default_factory=Usual)
    window: list[tuple[Dict, dict[str, Dict]]] = []
    unscored: int = 0
    every: int = 1
    """Rows between two points of the curve; it doubles when the curve is full."""
    curve: list[list[float]] = []
    """Points of the window's scores: n, and the cost of the model and of each baseline: wrong classes, or the MAE."""
    marks: list[int] = []
    """Rows at which the share of wrong classes was found to have risen: drift."""


class LiveOutputs:
    """Score a learner of several answers a row in service.

    Parameters
    ----------
    saved : bytes, optional
        What ``to_bytes`` gave, to go on from.

    Examples
    --------
    >>> scores = LiveOutputs()
    >>> scores.update([{"a": "x"}, {"a": "x"}], [{}, {"a": "x"}])
    >>> scores.report()["model"], scores.report()["unscored"]
    ({'exact_match': 1.0, 'accuracy': 1.0}, 1)
    """

    task = "multioutput"

    def __init__(self, saved: bytes = b"", learner: Any = None) -> None:
        self.sums = msgspec.msgpack.decode(saved, type=Sums) if saved else Sums()
        self._window = deque(self.sums.window, maxlen=WINDOW)
        self._detector = detector()

    @property
    def n(self) -> int:
        """Rows scored so far."""
        return self.sums.whole["model"].n

    def score(self, y: Sequence[Any], forecast: Predictions) -> None:
        """Score rows that were predicted just now."""
        self.update(y, values_of(forecast))

    def update(
        self, y: Sequence[Any], said: Sequence[Any], p_y: Sequence[float] = (), p_said: Sequence[float] = ()
    ) -> None:
        """Score rows.

        Parameters
        ----------
        y
            Answers, a dict each.
        said
            What was predicted, a dict each.
        p_y, p_said
            For classes; not used here.
        """
        for answer, one in zip(y, said, strict=True):
            self._row(dict(answer or {}), one)

    def _row(self, answer: Dict, said: Dict) -> None:
        sums = self.sums
        if not said:  # nothing was known of any output
            sums.unscored += 1
            return
        row = {"model": said, **sums.usual.say()}
        for name, own in sums.whole.items():
            own.add(answer, row[name])
        sums.usual.add(answer, said)
        self._window.append((answer, row))
        wrong = OutputSums()
        wrong.add(answer, said)
        accuracy = wrong.scores()["accuracy"]
        if accuracy == accuracy:
            self._detector.update(1.0 - accuracy)
            if self._detector.drift_detected:
                sums.marks = [*sums.marks[1 - MARKS :], self.n]
        if self.n % sums.every == 0:
            scores = self._of_window()
            key = "accuracy" if scores["model"]["accuracy"] == scores["model"]["accuracy"] else "mae"
            point: list[float] = [self.n, *(round(_known(own[key]) or 0.0, 6) for own in scores.values())]
            sums.curve, sums.every = add_point(sums.curve, point, sums.every)

    def _of_window(self) -> dict[str, dict[str, float]]:
        sums = {name: OutputSums() for name in self.sums.whole}
        for answer, row in self._window:
            for name, own in sums.items():
                own.add(answer, row[name])
        return {name: own.scores() for name, own in sums.items()}

    def report(self) -> dict[str, Any]:
        """Return the scores as plain dicts, over all rows and (``window``) over the last.

        Returns
        -------
        dict
            ``n``, ``unscored``, ``model``, the baselines, and ``window`` with its own.
        """
        whole = {name: own.scores() for name, own in self.sums.whole.items()}
        keep = names_of(whole["model"])
        window = {name: _shown(own, keep) for name, own in self._of_window().items()}
        shown = {name: _shown(own, keep) for name, own in whole.items()}
        return {"n": self.n, "unscored": self.sums.unscored, **shown, "window": {"n": len(self._window), **window}}

    def history(self) -> dict[str, Any]:
        """Return the curve of the window's scores so far, and the rows at which drift was found."""
        return {"every": self.sums.every, "points": self.sums.curve, "drift": self.sums.marks}

    def to_bytes(self) -> bytes:
        """Return everything as MessagePack."""
        self.sums.window = list(self._window)
        return msgspec.msgpack.encode(self.sums)


def _shown(scores: dict[str, float], keep: tuple[str, ...]) -> dict[str, float | None]:
    return {name: _known(scores[name]) for name in keep}


def _known(value: float) -> float | None:
    return value if value == value else None
