"""Prequential metrics of a classifier, compared with two simple baselines.

A row predicted before any class was known (prediction None) is scored for neither the model nor the baselines. The metrics::

    accuracy           share of rows predicted right
    balanced_accuracy  mean over the classes of their recall
    kappa              (acc − acc_chance) / (1 − acc_chance), chance being labels drawn as often as predicted   (Cohen 1960)
    kappa_temporal     (acc − acc_no_change) / (1 − acc_no_change), below 0 if repeating the last label is better
    kappa_m            (acc − acc_majority) / (1 − acc_majority)
    log_loss           mean of −log p(y), with p at least 1e-15, the value for a class not known yet

and the baselines, which use only labels that had arrived when the row was predicted::

    no-change   the last label
    majority    the most frequent label (in a tie the previous leader), with the log-loss of the label frequencies

References
----------
A. Bifet, G. de Francisci Morales, J. Read, G. Holmes, B. Pfahringer (2015): Efficient online evaluation of big data
stream classifiers, KDD (kappa_temporal, kappa_m).
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import eq, itemgetter
from typing import Any, TypeAlias

from headwater.learner.validation import can_be_class
from headwater.route.curve import History
from headwater.route.score import Score
from headwater.types import Label, Predictions, Scores

__all__ = ["BINS", "ClassScore"]

BINS = 10
"""Bins of the calibration, by the probability of the prediction."""
_LOSS = itemgetter(4)
_FLOOR = 1e-15  # lower bound of a probability inside a logarithm, as in River and scikit-learn
_MANY = 10_000  # maximum distinct classes, to bound memory
_NAMES = ("accuracy", "kappa", "kappa_temporal", "kappa_m", "balanced_accuracy", "log_loss")
_PREDICTORS = ("model", "no-change", "majority")

_Row: TypeAlias = tuple[Label, Label, Label, Label, float, float]
"""A scored row as label, predictions of model, no-change and majority, and log-losses of model and majority."""
_Counts: TypeAlias = dict[Label, list[int]]
"""By class, the rows with that label, and per predictor the rows so predicted and the correct ones."""


class ClassScore(Score):
    """Score a classifier.

    Notes
    -----
    Takes about 1.5 µs per row.

    Examples
    --------
    >>> score = ClassScore(window=2)
    >>> score.update(["a", "b", "b"], ["a", "a", "b"], [0.9, 0.2, 0.6])
    >>> [round(scores["accuracy"], 3) for scores in score.scores().values()]
    [0.667, 0.333, 0.0]
    >>> score.scores()["model"]["kappa_temporal"], score.scores(window=True)["model"]["accuracy"]
    (0.5, 0.5)
    """

    names = _NAMES
    more_is_better = True
    phrase = "share"
    of_classes = True

    def _begin(self, delay: int, learner: Any) -> None:
        self._late: deque[Label] = deque([None] * (delay + 1))  # delayed labels, None before the first
        self._seen: dict[Label, int] = {}  # counts of arrived labels, for the majority
        self._n_seen = 0
        self._majority: Label = None
        self._counts: _Counts = {}
        self._losses = [0.0, 0.0]
        self._bins: list[list[float]] = [[0, 0.0, 0] for _ in range(BINS)]
        self._right = [0, 0, 0]  # rows of the window that each predictor has right, where a curve is kept
        self._right_before = [0, 0, 0]  # correct rows from version 0.2, without further detail
        self._n_before = 0

    @staticmethod
    def problem(label: Any) -> str:
        """Return why a label can't be scored, or ""."""
        if label is None or (isinstance(label, float) and math.isnan(label)):
            return "answer unknown"
        return "" if can_be_class(label) else "answer can't be a class"

    def score(self, y: Sequence[Label], predictions: Predictions, X: Any = ()) -> list[float]:
        """Score rows just predicted and return the predicted probability of each label."""
        proba, classes, given = predictions.proba, predictions.classes, None
        shares = [] if proba is None or not classes else proba.tolist()
        if len(shares) == 1 == len(y) and predictions.y_pred[0] is not None:  # a row alone, as servers learn it
            given = [shares[0][classes.index(y[0])] if y[0] in classes else 0.0]
        else:
            given = predictions.proba_of(y)
        if self._history is None:
            self.update(y, predictions.y_pred, given)
        else:
            self.update(y, predictions.y_pred, given, map(max, shares) if shares else repeat(0.0))
        return given

    def update(
        self, y: Sequence[Label], y_pred: Iterable[Label], proba: Iterable[float] = (), p_pred: Iterable[float] = ()
    ) -> None:
        """Score rows, given labels, predictions (None before any class was known), and both probabilities."""
        calibration = iter(p_pred or repeat(math.nan))
        for label, predicted, p in zip(y, y_pred, proba, strict=True):
            sure = next(calibration)
            if label is None or label != label:
                continue
            arrived = self._late.popleft()
            self._late.append(label)
            if arrived is not None and (arrived in self._seen or len(self._seen) < _MANY):
                self._n_seen += 1
                count = self._seen[arrived] = self._seen.get(arrived, 0) + 1
                if count > self._seen.get(self._majority, 0):
                    self._majority = arrived
            if predicted is None:
                self.unscored += 1
                continue
            share = self._seen.get(label, 0) / self._n_seen if self._n_seen else 0.0
            # math.log and a plain sum per row, because NumPy's log and sum round differently for different lengths.
            loss, majority_loss = -math.log(_FLOOR if p < _FLOOR else p), -math.log(max(share, _FLOOR))
            row = (label, predicted, arrived, self._majority, loss, majority_loss)
            self._losses[0] += loss
            self._losses[1] += majority_loss
            _count(self._counts, row)
            self.n += 1
            if self._history is None:
                self._window.append(row)
            else:
                self._trace(self._history, row, p, sure)

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the metrics of ``"model"``, ``"no-change"`` and ``"majority"``, over all rows or over the window."""
        counts, n, before, losses = self._counts, self.n, self._right_before, self._losses
        if window:
            counts, n, before = {}, len(self._window), [0, 0, 0]
            for row in self._window:
                _count(counts, row)
            losses = [math.fsum(row[i] for row in self._window) for i in (4, 5)]
        known = n if window else n - self._n_before
        right = [before[i] + sum(own[2 + 2 * i] for own in counts.values()) for i in range(3)]
        accuracy = [count / n if n else math.nan for count in right]
        loss = [value / n if n else math.nan for value in (losses[0], math.nan, losses[1])]
        return {
            name: {
                "accuracy": accuracy[i],
                "kappa": _kappa(counts, i, known),
                "kappa_temporal": _skill(accuracy[i], accuracy[1]),
                "kappa_m": _skill(accuracy[i], accuracy[2]),
                "balanced_accuracy": _mean_recall(counts, i),
                "log_loss": loss[i],
            }
            for i, name in enumerate(_PREDICTORS)
        }

    def margins(self, last: int) -> dict[str, list[float]]:
        """Return for each baseline 1 where only the model was right in the last rows of the window, −1 where only it was wrong."""
        rows = list(self._window)[max(len(self._window) - last, 0) :]
        return {
            name: [float((row[1] == row[0]) - (row[i] == row[0])) for row in rows]
            for i, name in enumerate(_PREDICTORS[1:], 2)
        }

    def guess(self, baseline: str) -> Label | None:
        """Return the last label, or the most frequent one."""
        last = self._late[0] if self._late else None
        return {"no-change": last, "majority": last if self._majority is None else self._majority}.get(baseline)

    def _extra(self) -> dict[str, Any]:
        cells = [[int(c), p / c if c else None, right / c if c else None] for c, p, right in self._bins]
        return {"calibration": cells}

    def _point(self) -> list[float]:
        n = len(self._window)
        model, same, majority = self._right
        return [self.n, model / n, same / n, majority / n, math.fsum(map(_LOSS, self._window)) / n]

    def _trace(self, history: History, row: _Row, p: float, sure: float) -> None:
        """Add a row to the window, the calibration and the curve.

        Which predictors are right in the window is counted as it moves, since counting anew takes as long as it is.
        """
        right, window = self._right, self._window
        label, model, same, majority, *_ = row
        if sure == sure:
            cell = self._bins[min(int(sure * BINS), BINS - 1)]
            cell[0], cell[1], cell[2] = cell[0] + 1, cell[1] + sure, cell[2] + (label == model)
        right[0], right[1], right[2] = (
            right[0] + (model == label),
            right[1] + (same == label),
            right[2] + (majority == label),
        )
        if len(window) == window.maxlen:
            label, model, same, majority, *_ = window[0]
            right[0], right[1], right[2] = (
                right[0] - (model == label),
                right[1] - (same == label),
                right[2] - (majority == label),
            )
        window.append(row)
        if history.rises(1.0 - p if p == p else 0.0):
            history.mark(self.n)
        if self.n % history.every == 0:
            history.add(self._point())

    def _sums(self) -> dict[str, Any]:
        return {
            "seen": list(self._seen.items()),
            "majority": self._majority,
            "late": list(self._late),
            "counts": list(self._counts.items()),
            "losses": self._losses,
            "bins": self._bins,
            "before": [self._n_before, *self._right_before],
        }

    def _go_on(self, sums: dict[str, Any]) -> None:
        self._seen, self._majority = _pairs(sums["seen"]), sums["majority"]
        self._n_seen, self._late = sum(self._seen.values()), deque(sums["late"])
        self._counts, self._losses, self._bins = _pairs(sums["counts"]), sums["losses"], sums["bins"]
        self._n_before, *self._right_before = sums["before"]
        labels, *said = list(zip(*self._window, strict=True))[:4] or [()] * 4
        self._right = [sum(map(eq, labels, one)) for one in said]

    def _go_on_from_02(self, saved: dict[str, Any]) -> None:
        self.n = self._n_before = saved["n"]
        self.unscored = saved["unscored"]
        self._right_before = list(map(int, saved["first"]))
        self._losses = [saved["second"][0], math.nan]
        self._bins, self._majority, self._late = saved["bins"], saved["majority"], deque([saved["last"]])
        self._seen = _pairs(saved["counts"])
        self._n_seen = sum(self._seen.values())


def _count(counts: _Counts, row: _Row) -> None:
    """Count a row by its label and by each predictor's prediction."""
    label, model, before, majority = row[:4]
    own = counts.get(label) or _new(counts, label)
    own[0] += 1
    if model == label:
        own[1] += 1
        own[2] += 1
    else:
        (counts.get(model) or _new(counts, model))[1] += 1
    if before == label:
        own[3] += 1
        own[4] += 1
    else:
        (counts.get(before) or _new(counts, before))[3] += 1
    if majority == label:
        own[5] += 1
        own[6] += 1
    else:
        (counts.get(majority) or _new(counts, majority))[5] += 1


def _new(counts: _Counts, label: Label) -> list[int]:
    """Return the counts of a label seen for the first time."""
    own = counts[label] = [0] * 7
    return own


def _pairs(saved: Sequence[tuple[Any, Any]]) -> dict[Any, Any]:
    try:
        return dict(saved)
    except TypeError:  # among the labels are tuples, which JSON has as lists
        return {tuple(key) if isinstance(key, list) else key: value for key, value in saved}


def _kappa(counts: _Counts, i: int, n: int) -> float:
    """Return Cohen's kappa of a predictor."""
    if not n:
        return math.nan
    chance = sum(own[0] * own[1 + 2 * i] for own in counts.values()) / (n * n)
    accuracy = sum(own[2 + 2 * i] for own in counts.values()) / n
    return (accuracy - chance) / (1 - chance) if chance < 1 else 0.0


def _mean_recall(counts: _Counts, i: int) -> float:
    """Return the mean recall of the observed classes."""
    met = [own for own in counts.values() if own[0]]
    return sum(own[2 + 2 * i] / own[0] for own in met) / len(met) if met else math.nan


def _skill(accuracy: float, baseline: float) -> float:
    """Return the share of the baseline's errors that is avoided, NaN if it has none."""
    return (accuracy - baseline) / (1 - baseline) if baseline < 1 else math.nan
