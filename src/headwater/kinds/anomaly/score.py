"""Scores of a detector of anomalies, next to the z-norm.

Every row is scored with the score that was given out for it, before it was learned. No label is needed. Where a stream has
labels (1 or True for an anomaly, 0 or False for none), they are used here and nowhere else: the detector never sees them. The
scores::

    auc                 how often an anomaly has a higher score than another row
    average_precision   the mean precision over the anomalies, from the highest score down
    alarms              share of rows with a score above 1 − rate, at the rate 0.001
    mean_score          the mean score: about 0.5 while rows are like those before

and the baseline::

    z-norm              mean over the numeric columns of clip(z, ±10)²; it gives no alarms

Over the window area and precision are exact; over all rows they come from a histogram with 128 bins an octave (`Ranking`).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np

from headwater.errors import TargetError
from headwater.kinds.anomaly.ranking import Ranking, auc, average_precision, ranked
from headwater.kinds.anomaly.znorm import ZNorm
from headwater.types import Predictions, Scores

__all__ = ["RATE", "AnomalyWatch", "checked_label", "label_of"]

RATE = 0.001
"""Alarms are given for so large a share of rows, while these are like those before."""

_LABELLED = ("auc", "average_precision", "alarms", "mean_score")
_UNLABELLED = ("alarms", "mean_score")

_Row: TypeAlias = tuple[float, float, int | None]
"""One scored row: the score of the model and of the z-norm, and its label, if it is known."""


class AnomalyWatch:
    """Score a detector row by row; the size of the blocks can't change a result.

    Parameters
    ----------
    window
        How many of the last rows the window scores are over.
    delay
        As of the other watches; labels are not learned, so none comes too late.

    Notes
    -----
    Cost: some 3 µs a row of five numbers, nearly all of it for the z-norm.

    Examples
    --------
    >>> watch = AnomalyWatch()
    >>> watch.update([0, 0, 1], [0.2, 0.4, 0.9995], X=[{"a": 1.0}, {"a": 1.1}, {"a": 1.0}])
    >>> scores = watch.scores()
    >>> scores["model"]["auc"], scores["z-norm"]["auc"], round(scores["model"]["alarms"], 3)
    (1.0, 0.5, 0.333)
    """

    needs_answers = False

    def __init__(self, *, window: int = 1000, delay: int = 0) -> None:
        self.n = 0
        self.unscored = 0  # as of a classifier: here a score there always is
        self._window: deque[_Row] = deque(maxlen=window)
        self._znorm = ZNorm()
        self._rankings = (Ranking(), Ranking())
        self._labelled = False
        self._alarms = 0
        self._sum = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the scores; those that need labels once a label came."""
        return _LABELLED if self._labelled else _UNLABELLED

    @staticmethod
    def problem(answer: Any) -> str:
        """Return why a label can't be used, or the empty string; a row without one is scored without it."""
        return "" if label_of(answer) is not None or _missing(answer) else "label is neither 0 nor 1"

    def score(self, y: Sequence[Any], forecast: Predictions, X: Any = ()) -> list[float]:
        """Score some rows that were predicted just now; of scores no probability is given: NaN for each."""
        said = forecast.y_pred
        self.update(y, said.tolist() if isinstance(said, np.ndarray) else said, X=X)
        return [math.nan] * len(y)

    def update(
        self, y: Sequence[Any], y_pred: Iterable[float], proba: Iterable[float] = (), *, X: Iterable[Any] = ()
    ) -> None:
        """Score some rows.

        Parameters
        ----------
        y
            Their labels; None where unknown.
        y_pred
            The scores that were given out.
        proba
            For classes; not used here.
        X
            The rows themselves, for the z-norm.
        """
        rows = iter(X)
        for label, said in zip(map(label_of, y), y_pred, strict=True):
            x = next(rows, None)
            self._add(float(said), 0.0 if x is None else self._znorm.score(x), label)

    def _add(self, said: float, z: float, label: int | None) -> None:
        self.n += 1
        self._sum += said
        self._alarms += said > 1.0 - RATE
        self._window.append((said, z, label))
        if label is not None:
            self._labelled = True
            for ranking, value in zip(self._rankings, (said, z), strict=True):
                ranking.add(value, label)

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the scores of ``"model"`` and ``"z-norm"``, over all rows or over the window."""
        n = len(self._window) if window else self.n
        if window:
            known = [row for row in self._window if row[2] is not None]
            labels = [label for *_, label in known if label is not None]
            counts = [ranked([said for said, *_ in known], labels), ranked([z for _, z, _ in known], labels)]
            alarms = sum(said > 1.0 - RATE for said, *_ in self._window)
            total = math.fsum(said for said, *_ in self._window)
        else:
            counts = [ranking.counts() for ranking in self._rankings]
            alarms, total = self._alarms, self._sum
        own = (alarms / n, total / n) if n else (math.nan, math.nan)
        rest = dict(zip(_UNLABELLED, own, strict=True)), dict(zip(_UNLABELLED, repeat(math.nan, 2), strict=True))
        return {name: self._ranks(counts[i]) | rest[i] for i, name in enumerate(("model", "z-norm"))}

    @staticmethod
    def _ranks(counts: Any) -> Scores:
        return {"auc": auc(counts), "average_precision": average_precision(counts)}


def label_of(answer: Any) -> int | None:
    """Return a label as 0 or 1; None where it is unknown or is no label."""
    if isinstance(answer, bool | int | float | np.bool_ | np.number) and (answer == 0 or answer == 1):
        return int(answer)
    return None


def checked_label(answer: Any, learner: Any = None) -> int:
    """Return a label as 0 or 1.

    Raises
    ------
    TargetError
        If it is neither.
    """
    label = label_of(answer)
    if label is None:
        raise TargetError(
            expected="a label: 0, 1, true, false or none",
            got=f"{answer!r:.50}",
            at="y",
            help="It is for the scores alone.",
        )
    return label


def _missing(answer: Any) -> bool:
    return answer is None or (isinstance(answer, float | np.floating) and math.isnan(answer))
