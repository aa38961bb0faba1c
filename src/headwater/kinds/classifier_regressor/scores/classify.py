"""Prequential scores of a classifier, next to two predictors that hardly learn.

Every row is scored with the prediction that was given out for it, before it was learned (A. P. Dawid 1984, Present
position and potential developments: some personal views: statistical theory: the prequential approach). A row that was
predicted before any class was known, so that the prediction is None, is not scored: neither for the model nor for the
baselines. The scores::

    accuracy           share of rows predicted right
    balanced_accuracy  mean over the classes of their recall
    kappa              (acc − acc_chance) / (1 − acc_chance), chance: labels drawn as often as predicted   (Cohen 1960)
    kappa_temporal     (acc − acc_no_change) / (1 − acc_no_change); below 0 the last label alone says more
    kappa_m            (acc − acc_majority) / (1 − acc_majority)
    log_loss           mean of −log p(y), p at least 1e-15: what a class costs that was not known yet

and the baselines, which know only labels that had arrived when the row was predicted::

    no-change   the last label
    majority    the label seen most often (a tie leaves the one that led before); its log-loss is that of the
                labels' shares so far

References
----------
A. Bifet, G. de Francisci Morales, J. Read, G. Holmes, B. Pfahringer (2015): Efficient online evaluation of big data
stream classifiers, KDD (kappa_temporal, kappa_m).
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Sequence
from importlib import import_module
from typing import Any, TypeAlias

from headwater.types import Label, Predictions, Scores

__all__ = ["ClassifyWatch"]

_FLOOR = 1e-15  # River's and scikit-learn's bound for a probability inside a logarithm
_NAMES = ("accuracy", "kappa", "kappa_temporal", "kappa_m", "balanced_accuracy", "log_loss")


_Row: TypeAlias = tuple[Label, Label, Label, Label, float, float]
"""One scored row: its label, what the model, no-change and majority said, and what the label cost the model and majority."""


class ClassifyWatch:
    """Score a classifier row by row; the size of the blocks can't change a result.

    Parameters
    ----------
    window
        How many of the last rows the window scores are over.
    delay
        How many rows later than its prediction a label arrives.

    Notes
    -----
    Cost: 1.4 µs a row; a report takes 0.1 ms for each hundred different pairs of label and prediction.

    Examples
    --------
    >>> watch = ClassifyWatch(window=2)
    >>> watch.update(["a", "b", "b"], ["a", "a", "b"], [0.9, 0.2, 0.6])
    >>> [round(scores["accuracy"], 3) for scores in watch.scores().values()]
    [0.667, 0.333, 0.0]
    >>> watch.scores()["model"]["kappa_temporal"], watch.scores(window=True)["model"]["accuracy"]
    (0.5, 0.5)
    """

    names = _NAMES
    needs_answers = True

    def __init__(self, *, window: int = 1000, delay: int = 0) -> None:
        self.n = 0
        self.unscored = 0
        """Rows that were predicted before any class was known."""
        self._window: deque[_Row] = deque(maxlen=window)
        self._late: deque[Label] = deque([None] * (delay + 1))  # labels on their way; None before the first
        self._seen: dict[Label, int] = {}  # labels that have arrived, for the majority
        self._n_seen = 0
        self._majority: Label = None
        self._pairs: tuple[Counter[tuple[Label, Label]], ...] = (Counter(), Counter(), Counter())
        self._losses = [0.0, 0.0]

    @staticmethod
    def problem(answer: Any) -> str:
        """Return why an answer can't be scored, or the empty string."""
        if answer is None or (isinstance(answer, float) and math.isnan(answer)):
            return "answer unknown"
        return "" if isinstance(answer, Hashable) else "answer can't be a class"

    def score(self, y: Sequence[Label], forecast: Predictions, X: Any = ()) -> list[float]:
        """Score some rows that were predicted just now; return the probability that was given to each label."""
        proba = forecast.proba_of(y)
        self.update(y, forecast.y_pred, proba)
        return proba

    def update(self, y: Sequence[Label], y_pred: Iterable[Label], proba: Iterable[float]) -> None:
        """Score some rows.

        Parameters
        ----------
        y
            Their labels.
        y_pred
            What was predicted; None where no class was known yet.
        proba
            The probability that was given to each label; NaN where none was.
        """
        of_model, of_no_change, of_majority = self._pairs
        for label, said, p in zip(y, y_pred, proba, strict=True):
            arrived = self._late.popleft()
            self._late.append(label)
            if arrived is not None:
                self._n_seen += 1
                count = self._seen[arrived] = self._seen.get(arrived, 0) + 1
                if count > self._seen.get(self._majority, 0):
                    self._majority = arrived
            if said is None:
                self.unscored += 1
                continue
            majority = self._majority
            share = self._seen.get(label, 0) / self._n_seen if self._n_seen else 0.0
            # math.log and a plain sum, one row after the other: NumPy's log and sum round differently for other lengths.
            loss, majority_loss = -math.log(_FLOOR if p < _FLOOR else p), -math.log(max(share, _FLOOR))
            self._losses[0] += loss
            self._losses[1] += majority_loss
            of_model[label, said] += 1
            of_no_change[label, arrived] += 1
            of_majority[label, majority] += 1
            self._window.append((label, said, arrived, majority, loss, majority_loss))
            self.n += 1

    def scores(self, *, window: bool = False) -> dict[str, Scores]:
        """Return the scores of ``"model"``, ``"no-change"`` and ``"majority"``, over all rows or over the window."""
        pairs = _count(self._window) if window else self._pairs
        n = len(self._window) if window else self.n
        loss, majority_loss = _sum_losses(self._window) if window else self._losses
        accuracy = [_accuracy(counted, n) for counted in pairs]
        losses = (loss, math.nan, majority_loss)  # no-change gives no probabilities
        return {
            name: _scores(pairs[i], accuracy[i], losses[i] / n if n else math.nan, accuracy[1], accuracy[2])
            for i, name in enumerate(("model", "no-change", "majority"))
        }


def _count(rows: Iterable[_Row]) -> tuple[Counter[tuple[Label, Label]], ...]:
    """Count the pairs of label and prediction, for the model and for each baseline."""
    said = list(rows)
    return tuple(Counter((row[0], row[i]) for row in said) for i in (1, 2, 3))


def _sum_losses(rows: Iterable[_Row]) -> list[float]:
    costs = [row[4:] for row in rows]
    return [math.fsum(cost) for cost in zip(*costs, strict=True)] or [0.0, 0.0]


def _accuracy(pairs: Counter[tuple[Label, Label]], n: int) -> float:
    return sum(count for (y, y_pred), count in pairs.items() if y == y_pred) / n if n else math.nan


def _scores(
    pairs: Counter[tuple[Label, Label]], accuracy: float, log_loss: float, no_change: float, majority: float
) -> Scores:
    """Return all scores of one predictor, given its accuracy and that of the two baselines."""
    scores = _river_scores(pairs) | {
        "accuracy": accuracy,
        "kappa_temporal": _skill(accuracy, no_change),
        "kappa_m": _skill(accuracy, majority),
        "log_loss": log_loss,
    }
    return {name: scores[name] for name in _NAMES}


def _skill(accuracy: float, baseline: float) -> float:
    """Return how much of what the baseline leaves wrong is right; NaN where it leaves nothing."""
    return (accuracy - baseline) / (1 - baseline) if baseline < 1 else math.nan


def _river_scores(pairs: Counter[tuple[Label, Label]]) -> Scores:
    if not pairs:
        return {"kappa": math.nan, "balanced_accuracy": math.nan}
    metrics: Any = import_module("river.metrics")  # 0.75 s, so not before the first report; and it has no types
    matrix = metrics.ConfusionMatrix()
    for (y, y_pred), count in pairs.items():
        matrix.update(y, y_pred, count)
    return {"kappa": metrics.CohenKappa(matrix).get(), "balanced_accuracy": metrics.BalancedAccuracy(matrix).get()}
