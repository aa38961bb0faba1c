"""Metrics of an anomaly model, compared with the z-norm.

Every row counts with the score issued before it was learned. Labels (1 or True for an anomaly, 0 or False otherwise) are optional and
used only here. The model never sees them. The metrics::

    auc                 how often an anomaly scores higher than another row
    average_precision   mean precision over the anomalies, from the highest score down
    alarms              share of rows with a score above 1 − rate, at the rate 0.001
    mean_score          mean score, about 0.5 while rows resemble earlier ones

and the baseline, if the rows themselves are given::

    z-norm              mean over the numeric columns of clip(z, ±10)², without alarms

Over the window AUC and precision are exact. Over all rows they come from a histogram with 128 bins per octave (`Ranking`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from headwater.errors import TargetError
from headwater.learner.schema.labels import values_of
from headwater.route.curve import mean
from headwater.route.score import Score
from headwater.types import Comparison, Predictions, Scores, Span

from .ranking import Ranking, auc, average_precision, ranked
from .znorm import ZNorm

__all__ = ["RATE", "AnomalyScore", "checked_label", "label_of", "last_scores"]

SHOWN = 200
"""Last scores that a page draws."""
RATE = 0.001
"""Expected share of alarms while rows resemble earlier ones."""

_LABELLED = ("auc", "average_precision", "alarms", "mean_score")
_UNLABELLED = ("alarms", "mean_score")
_PREDICTORS = ("model", "z-norm")

_Row: TypeAlias = tuple[float, float, int | None]
"""A scored row as model score, z-norm score, and label (None if unknown)."""


class AnomalyScore(Score):
    """Score an anomaly model.

    Notes
    -----
    Takes some 3 µs per row of five numbers, nearly all of it for the z-norm.

    Examples
    --------
    >>> score = AnomalyScore()
    >>> score.update([0, 0, 1], [0.2, 0.4, 0.9995], X=[{"a": 1.0}, {"a": 1.1}, {"a": 1.0}])
    >>> scores = score.scores()
    >>> scores["model"]["auc"], scores["z-norm"]["auc"], round(scores["model"]["alarms"], 3)
    (1.0, 0.5, 0.333)
    """

    needs_labels = False

    def _begin(self, delay: int, learner: Any) -> None:
        self._znorm = ZNorm()
        self._rankings = (Ranking(), Ranking())
        self._labelled = False
        self._alarms = 0
        self._sum = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the metrics, including those that need labels once a label has arrived."""
        return _LABELLED if self._labelled else _UNLABELLED

    @staticmethod
    def problem(label: Any) -> str:
        """Return why a label is invalid, or "". A row without a label is scored without it."""
        return "" if label_of(label) is not None or _missing(label) else "label is neither 0 nor 1"

    def score(self, y: Sequence[Any], predictions: Predictions, X: Any = ()) -> list[float]:
        """Score rows just predicted and their z-norm, returning NaN per row since scores are not probabilities."""
        self.update(y, values_of(predictions), X=X)
        return [math.nan] * len(y)

    def update(
        self,
        y: Sequence[Any],
        y_pred: Iterable[float],
        proba: Iterable[float] = (),
        p_pred: Iterable[float] = (),
        *,
        X: Iterable[Any] = (),
    ) -> None:
        """Score rows, given labels (None if unknown), issued scores, and the rows for the z-norm."""
        rows = iter(X)
        for label, given in zip(map(label_of, y), y_pred, strict=True):
            x = next(rows, None)
            self._add(float(given), 0.0 if x is None else self._znorm.score(x), label)

    def _add(self, given: float, z: float, label: int | None) -> None:
        self.n += 1
        self._sum += given
        self._alarms += given > 1.0 - RATE
        self._window.append((given, z, label))
        if label is not None:
            self._labelled = True
            for ranking, value in zip(self._rankings, (given, z), strict=True):
                ranking.add(value, label)
        self._follow(given)

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the metrics of ``"model"`` and ``"z-norm"``, over all rows or over the window."""
        n, alarms, total = self.n, float(self._alarms), self._sum
        counts = [ranking.counts() for ranking in self._rankings]
        if window:
            n = len(self._window)
            alarms, total = (math.fsum(values) for values in self._shares())
            known = [row for row in self._window if row[2] is not None]
            labels = [label for *_, label in known]
            counts = [ranked([row[i] for row in known], labels) for i in range(2)]
        own = (alarms / n, total / n) if n else (math.nan, math.nan)
        rest = (own, (math.nan, math.nan))
        return {
            name: {
                "auc": auc(counts[i]),
                "average_precision": average_precision(counts[i]),
                "alarms": rest[i][0],
                "mean_score": rest[i][1],
            }
            for i, name in enumerate(_PREDICTORS)
        }

    def _shares(self) -> tuple[list[float], list[float]]:
        given = [row[0] for row in self._window]
        return [float(score > 1.0 - RATE) for score in given], given

    def comparisons(self) -> tuple[Comparison, ...]:
        """Return the AUC beside the z-norm's where labels are known, else the share of alarms beside what is expected."""
        if self._labelled:
            auc = replace(super().comparisons()[0], phrase="auc", more_is_better=True)
            if math.isfinite(auc.overall.model):
                return (auc,)
        whole, window = self.scores(), self.scores(window=True)
        recent, overall = (
            Span(n, scores["model"]["alarms"], {"expected": RATE})
            for n, scores in ((len(self._window), window), (self.n, whole))
        )
        return (Comparison("alarms", "alarms", None, "rows", recent, overall),)

    def shown(self) -> list[float]:
        """Return the last scores."""
        return [row[0] for row in list(self._window)[-SHOWN:]]

    def _extra(self) -> dict[str, Any]:
        return {"alarms": self._alarms}

    def _point(self) -> list[float]:
        alarms, given = self._shares()
        return [self.n, mean(given), mean(alarms)]

    def _sums(self) -> dict[str, Any]:
        return {
            "alarms": self._alarms,
            "total": self._sum,
            "labelled": self._labelled,
            "rankings": [ranking.bins() for ranking in self._rankings],
            "z_norm": self._znorm.columns(),
        }

    def _go_on(self, sums: dict[str, Any]) -> None:
        self._alarms, self._sum, self._labelled = sums["alarms"], sums["total"], sums["labelled"]
        self._rankings = (Ranking(sums["rankings"][0]), Ranking(sums["rankings"][1]))
        self._znorm = ZNorm(sums["z_norm"])

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        self.n, self._alarms, self._sum = saved["n"], saved["alarms"], saved["total"]
        self._window.extend((given, 0.0, label) for given, label in saved["window"])


def last_scores(learner: Any, scores: Any, xs: Any) -> dict[str, Any]:
    """Return the last scores of an anomaly model and the one above which an alarm is given, as a page draws them."""
    return {"scores": scores.shown() if isinstance(scores, AnomalyScore) else [], "alarm": 1.0 - RATE}


def label_of(answer: Any) -> int | None:
    """Return a label as 0 or 1, or None if it is unknown or invalid."""
    if isinstance(answer, bool | int | float | np.bool_ | np.number) and (answer == 0 or answer == 1):
        return int(answer)
    return None


def checked_label(answer: Any, learner: Any = None) -> int:
    """Validate a label, returning 0 or 1.

    Raises
    ------
    TargetError
        If the label is invalid.
    """
    label = label_of(answer)
    if label is None:
        raise TargetError(
            expected="0, 1, true, false or no label",
            got=f"{answer!r:.50}",
            at="y",
            help="Labels are used only for metrics.",
        )
    return label


def _missing(answer: Any) -> bool:
    return answer is None or (isinstance(answer, float | np.floating) and math.isnan(answer))
