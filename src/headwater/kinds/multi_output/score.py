"""Scores of several answers a row, next to simple baselines, over all rows and over a window."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headwater.kinds.multi_output.sums import BASELINES, OutputSums, Usual, names_of
from headwater.types import Predictions, Scores

__all__ = ["OutputsWatch"]

Row = tuple[Mapping[Any, Any], dict[str, Mapping[Any, Any]]]


class OutputsWatch:
    """Score a learner of several answers a row; the size of the blocks can't change a result.

    Parameters
    ----------
    window
        How many of the last rows the window scores are over.
    delay
        Not used: answers come with their rows.

    Examples
    --------
    >>> watch = OutputsWatch()
    >>> watch.update([{"a": "x", "b": 2.0}], [{"a": "x", "b": 3.0}], [1.0])
    >>> watch.names, watch.scores()["model"]["mae"]
    (('exact_match', 'accuracy', 'mae', 'rmse'), 1.0)
    """

    needs_answers = True

    def __init__(self, *, window: int = 1000, delay: int = 0) -> None:
        self.n = 0
        self.unscored = 0
        self._sums = {name: OutputSums() for name in ("model", *BASELINES)}
        self._usual = Usual()
        self._window: deque[Row] = deque(maxlen=window)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the scores that there are, the most telling first."""
        return names_of(self._sums["model"].scores())

    @staticmethod
    def problem(answer: Any) -> str:
        """Return why an answer can't be scored, or the empty string."""
        return "" if isinstance(answer, Mapping) and len(answer) else "answer is no dict of outputs"

    def score(self, y: Sequence[Any], forecast: Predictions, X: Any = ()) -> list[float]:
        """Score rows that were predicted just now; no probability is told of a whole row."""
        self.update(y, forecast.y_pred, ())
        return [math.nan] * len(y)

    def update(self, y: Sequence[Any], y_pred: Iterable[Any], proba: Iterable[float]) -> None:
        """Score some rows: their answers, and what was predicted."""
        for answer, said in zip(y, y_pred, strict=True):
            if not said:  # nothing was known of any output
                self.unscored += 1
                self._usual.add(answer, said)
                continue
            row = {"model": said, **self._usual.say()}
            for name, sums in self._sums.items():
                sums.add(answer, row[name])
            self._usual.add(answer, said)
            self._window.append((answer, row))
            self.n += 1

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the scores of ``"model"`` and of each baseline, over all rows or over the window."""
        sums = self._sums
        if window:
            sums = {name: OutputSums() for name in self._sums}
            for answer, row in self._window:
                for name, own in sums.items():
                    own.add(answer, row[name])
        keep = self.names
        return {name: {key: own.scores()[key] for key in keep} for name, own in sums.items()}
