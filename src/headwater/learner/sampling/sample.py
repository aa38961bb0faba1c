"""The diagnosis sample, a log of probed predictions and a sample of rows, collected while learning.

The learner feeds the sample, and ``headwater.diagnose`` interprets it. Which rows are *probed* depends only on their number, so
block sizes have no effect. Probed are the first 128 rows, then two consecutive ones in every 64, decreasing to two in every 512,
and the 16 before each measurement, which comes at four times the row of the previous one. For the last 512 probed rows the sample
keeps the label, the issued prediction and its loss. For fewer it keeps the row itself. These are the last ones, to see what
learning them changed, and a sample of older ones.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import gt
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from headwater.learner.kind import of_classes
from headwater.types import Metrics, Predictions, ScoredRows, nw

from .measure import cost, losses_of

__all__ = ["DiagnosisSample", "Probe", "SampledRow"]

FRESH = 16  # last rows, measured again right after they were learned
SAMPLE = 256  # older rows kept
DENSE = 128  # first rows, all probed
NEAR, FAR = 64, 512  # then two rows are probed in every NEAR, decreasing to two in every FAR
RECENT = 128  # losses that describe the present
LOG = 512  # probed rows with label and prediction
_SIZED = 1024  # factor of rows between two measurements of the weights
_FADE = 0.4  # weight of the latest measurement in an exponential mean
# Rows to the first measurement, and maximum rows between two. Each comes at four times the row of the previous one.
_SOONEST, _LATEST = 128, 32768

Probe: TypeAlias = tuple[int, Any, Any, float, float]
"""A probed row as number, label, prediction, loss, and the prediction's probability (negative if wrong, NaN if unknown)."""
Outcome: TypeAlias = tuple[Any, Any, float, float]
"""A `Probe` without its number."""


class SampledRow(NamedTuple):
    """A stored row with its sample, label, prediction loss and number."""

    x: Any
    y: Any
    loss: float
    row: int


class DiagnosisSample:
    """The rows and statistics that a learner collects for its diagnosis and saves with itself.

    Parameters
    ----------
    task
        ``"classify"`` or ``"regress"``.

    Notes
    -----
    Needs memory for some 270 rows. benchmarks/NOTES.md has the measured time.

    Examples
    --------
    >>> sample = DiagnosisSample("classify")
    >>> sample.take_scored(ScoredRows(1, [{"a": 1.0}], ["yes"], ["no"], [0.5], "classify"), 0, 1, learned=1)
    >>> round(float(sample.recent.mean()), 3), sample.due
    (0.693, 128)
    """

    def __init__(self, task: str) -> None:
        self.task, self.of_classes = task, of_classes(task)
        self.n = 0  # rows so far
        self.learned = 0  # rows learned at the last feeding
        self.due = _SOONEST  # row of the next measurement
        self.next_probe = 1  # next row to probe
        self.record: Metrics | None = None  # last record of a session,
        self.recorded = 0  # at this row
        self.labels: Counter[Any] = Counter()
        self.total, self.probed = 0.0, 0  # sum of numeric targets and number of all probed rows
        self.log: list[Probe] = []  # latest probed rows, newest last
        self.rows: list[SampledRow] = []
        self.fresh: list[SampledRow] = []
        self.before = self.after = self.worse = math.nan  # exponential means over the measurements
        # row, mean square weight and effective rank, at the first measurement and whenever rows grow 1,024-fold
        self.sizes: list[tuple[int, float, float]] = []

    def frozen(self) -> DiagnosisSample:
        """Return an independent copy that shares the immutable rows."""
        other = copy.copy(self)
        other.labels, other.log, other.rows = self.labels.copy(), self.log.copy(), self.rows.copy()
        other.fresh, other.sizes = self.fresh.copy(), self.sizes.copy()
        return other

    @property
    def recent(self) -> NDArray[np.float64]:
        """Losses of the last 128 or fewer probed rows."""
        return np.array([loss for *_, loss, _ in self.log[-RECENT:]])

    @property
    def next_learned(self) -> int:
        """Number of learned rows at which the learner must feed this sample again."""
        return self.learned + self.next_probe - self.n

    # ---- feeding ----------------------------------------------------------------------------------------------------

    def take(self, X: Any, first: int, y: Any, good: NDArray[np.bool_], forecast: Predictions, *, learned: int) -> int:
        """Take rows of a block that were just learned, none of them after ``due``.

        Parameters
        ----------
        X
            The samples of the whole block.
        first
            Index of the first learned sample.
        y, good
            Labels (n,) of the learned rows, and which of them are valid.
        forecast
            Predictions of the learned rows.
        learned
            Number of rows learned so far.

        Returns
        -------
        int
            ``next_learned``.
        """
        end = self.n + len(y)
        if self.next_probe <= end:
            rows = [i for row in probed_rows(self.n, end, self.due) if good[i := row - self.n - 1]]
            rows = [i for i in rows if forecast.y_pred[i] is not None]  # None before any class was known
            if rows:
                outcomes = _of_classes if self.of_classes else _of_numbers
                self._probe(X, first, [first + i for i in rows], outcomes(forecast, [y[i] for i in rows], rows))
        self.n, self.learned = end, learned
        if self.next_probe <= end:
            self.next_probe = next_probe(end, self.due)
        return learned + self.next_probe - end

    def take_one(self, x: Any, y: Any, y_pred: Any, p: float, sure: float, *, learned: int) -> None:
        """Take a row learned by ``learn_one``, with a classifier's probability p of y and ``sure`` of y_pred."""
        row = self.n + learned - self.learned
        self.n = row - 1
        if row == next_probe(row - 1, self.due):
            classify = self.of_classes
            loss = cost(p) if classify else abs(y - y_pred)
            y = y if classify else float(y)
            if self._add(y, y_pred, loss, -sure if classify and y != y_pred else sure, row):
                self._keep(SampledRow(_copy(x), y, loss, row))
        self._count(row, learned)

    def take_scored(self, rows: ScoredRows, start: int, stop: int, *, learned: int) -> None:
        """Take rows ``start`` … ``stop`` with delayed labels, which were predicted earlier."""
        end = self.n + stop - start
        at = [start + row - self.n - 1 for row in probed_rows(self.n, end, self.due)]
        at = [i for i in at if rows.y_pred[i] is not None]  # None before any class was known
        y, y_pred = [rows.y[i] for i in at], [rows.y_pred[i] for i in at]
        if not self.of_classes:
            y, y_pred = list(map(float, y)), list(map(float, y_pred))
        losses = losses_of(self.task, y, y_pred, [rows.proba[i] for i in at]).tolist()
        self._probe(rows.X, start, at, zip(y, y_pred, losses, [math.nan] * len(at), strict=True))
        self._count(end, learned)

    def catch_up(self, learned: int) -> None:
        """Count rows learned since the last feeding without sampling them."""
        self._count(self.n + learned - self.learned, learned)
        while self.n >= self.due:
            if self.due >= _LATEST:  # from here steps are equal, so skip all of them at once
                self.due += (self.n - self.due) // _LATEST * _LATEST
            self._next_due()

    def keep_record(self, record: Metrics) -> None:
        """Store a session's latest metrics."""
        self.record, self.recorded = record, self.n

    def measured(self, after: Sequence[float], core_numbers: tuple[float, float] | None) -> None:
        """Record the losses of the last rows after learning them, and schedule the next measurement.

        Parameters
        ----------
        after
            Losses of ``fresh``.
        core_numbers
            Mean square weight and effective rank, if ``wants_size``.
        """
        before, n = [kept.loss for kept in self.fresh], len(self.fresh)
        if n:
            news = (math.fsum(before) / n, math.fsum(after) / n, sum(map(gt, after, before)) / n)
            olds = (self.before, self.after, self.worse)
            mixed = [new if math.isnan(old) else old + _FADE * (new - old) for old, new in zip(olds, news, strict=True)]
            self.before, self.after, self.worse = mixed
        if n and core_numbers is not None:
            self.sizes.append((self.n, *core_numbers))
        self._next_due()

    @property
    def wants_size(self) -> bool:
        """Whether this measurement also needs the weight size."""
        return self.n >= (_SIZED * self.sizes[-1][0] if self.sizes else 0)

    # ---- sampling ---------------------------------------------------------------------------------------------------

    def _count(self, n: int, learned: int) -> None:
        self.n, self.learned = n, learned
        if self.next_probe <= n:
            self.next_probe = next_probe(n, self.due)

    def _next_due(self) -> None:
        self.due += min(3 * self.due, _LATEST)
        self.next_probe = next_probe(self.n, self.due)

    def _probe(self, X: Any, first: int, at: list[int], outcomes: Iterable[Outcome]) -> None:
        """Probe the rows of X at the given indices, where row ``first`` has number ``n`` + 1."""
        start = self.n + 1 - first
        keep = [(i, one) for i, one in zip(at, outcomes, strict=True) if self._add(*one, start + i)]
        if keep:
            for x, (i, (y, _, loss, _)) in zip(_rows(X, [i for i, _ in keep]), keep, strict=True):
                self._keep(SampledRow(x, y, loss, start + i))

    def _add(self, y: Any, y_pred: Any, loss: float, sure: float, row: int) -> bool:
        """Add a probed row and return whether to store the row itself."""
        self.log.append((row, y, y_pred, loss, sure))
        if len(self.log) > LOG:
            del self.log[0]
        self.probed += 1
        if self.of_classes:
            self.labels[y] += 1
        else:
            self.total += y
        return row % NEAR == 0 or row <= DENSE or len(self.rows) < SAMPLE or row > self.due - FRESH

    def _keep(self, one: SampledRow) -> None:
        """Store a row among the last ones and in the sample."""
        if one.row > self.due - FRESH:
            self.fresh = [kept for kept in self.fresh if kept.row > self.due - FRESH] + [one]
        if len(self.rows) < SAMPLE:
            self.rows.append(one)
        elif one.row % NEAR == 0:
            self.rows[(one.row * 2_654_435_761 >> 16) % SAMPLE] = one  # by row number, whatever the blocks


def can_be_due(due: int) -> bool:
    """Return whether a measurement can be due at this row."""
    found = _SOONEST
    while found < min(due, _LATEST):
        found += min(3 * found, _LATEST)
    return found == due or (due >= _LATEST and due % _LATEST == 0)


def next_probe(row: int, due: int) -> int:
    """Return the next row to probe after ``row``, given the next measurement at ``due``."""
    if row < DENSE:
        return row + 1
    stride = min(max(NEAR, 1 << (row.bit_length() - 6)), FAR)  # at least 32 pairs per doubling of the rows
    found = row + 1 if (row + 1) % stride < 2 else row + stride - row % stride
    return min(found, max(row + 1, due - FRESH + 1))


def probed_rows(start: int, stop: int, due: int) -> list[int]:
    """Return the probed rows among start + 1 … stop."""
    rows = []
    row = next_probe(start, due)
    while row <= stop:
        rows.append(row)
        row = next_probe(row, due)
    return rows


def _rows(X: Any, at: list[int]) -> list[Any]:
    """Return copies of rows."""
    if isinstance(X, np.ndarray):
        return [X[i].copy() for i in at]
    if isinstance(X, Sequence):
        return [_copy(X[i]) for i in at]
    return list(nw.from_native(X, eager_only=True)[at].rows(named=True))


def _copy(x: Any) -> Any:
    return dict(x) if isinstance(x, Mapping) else x.copy()


def _of_classes(forecast: Predictions, y: list[Any], at: list[int]) -> Iterator[Outcome]:
    """Yield the outcomes of rows ``at`` of a classifier's predictions."""
    column = {label: j for j, label in enumerate(forecast.classes)}
    proba = np.asarray(forecast.proba)
    for i, label in zip(at, y, strict=True):
        y_pred, p = forecast.y_pred[i], proba[i].tolist()
        sure = max(p)
        yield label, y_pred, cost(p[column[label]]), sure if y_pred == label else -sure


def _of_numbers(forecast: Predictions, y: list[Any], at: list[int]) -> Iterator[Outcome]:
    """Yield the outcomes of rows ``at`` of a regressor's predictions."""
    answers, y_pred = np.array(y, np.float64), np.asarray(forecast.y_pred)[at]
    losses = np.abs(answers - y_pred).tolist()
    return zip(answers.tolist(), y_pred.tolist(), losses, [math.nan] * len(at), strict=True)
