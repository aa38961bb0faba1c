"""What a diagnosis needs, kept while a learner learns: a few probed rows, and a sample of the rows themselves.

Nothing here judges, and nothing here asks the learner: the learner feeds it. Which rows are *probed* follows from their
number alone, so that the size of blocks changes nothing: the first 128, then two neighbours in every 64, ever fewer until
it is two in every 512, and the 16 before each measurement, which comes at four times the row of the one before. Of the last
512 probed rows it keeps the answer, the prediction that was given out and its loss; of fewer the row itself: the last ones,
to see what learning them changed, and a sample of older ones. ``headwater.diagnose`` makes everything else of these.
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import gt
from typing import Any, NamedTuple, TypeAlias

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from headwater.types import Predictions, Record, ScoredRows

from .measure import cost, losses_of

__all__ = ["DiagnosisSample", "Probe", "SampledRow"]

FRESH = 16  # last rows, measured again just after they were learned
SAMPLE = 256  # older rows that are kept
DENSE = 128  # first rows, all probed
NEAR, FAR = 64, 512  # then two rows in so many are probed, ever fewer, until it is two in so many
RECENT = 128  # losses that tell how it goes now
LOG = 512  # probed rows whose answer and prediction are kept
_SIZED = 1024  # the weights are measured when there are so many times as many rows
_FADE = 0.4  # weight of the newest measurement in a fading mean
# Rows to the first measurement, and at most between two: each comes at four times the row of the one before.
_SOONEST, _LATEST = 128, 32768

Probe: TypeAlias = tuple[int, Any, Any, float, float]
"""A probed row: its number, answer, prediction and loss, and how sure the prediction was: its probability, as a negative
number where it was wrong, NaN where it isn't known."""
Outcome: TypeAlias = tuple[Any, Any, float, float]
"""What a `Probe` has besides its number."""


class SampledRow(NamedTuple):
    """A row that is kept: its sample, its answer, what its prediction had cost, and its number."""

    x: Any
    y: Any
    loss: float
    row: int


class DiagnosisSample:
    """The rows and numbers that a learner keeps for its diagnosis, and saves with itself.

    Parameters
    ----------
    task
        ``"classify"`` or ``"regress"``.

    Notes
    -----
    Cost: measured in benchmarks/NOTES.md; and some 270 rows of memory.

    Examples
    --------
    >>> sample = DiagnosisSample("classify")
    >>> sample.take_scored(ScoredRows(1, [{"a": 1.0}], ["yes"], ["no"], [0.5], "classify"), 0, 1, learned=1)
    >>> round(float(sample.recent.mean()), 3), sample.due
    (0.693, 128)
    """

    def __init__(self, task: str) -> None:
        self.task = task
        self.n = 0  # rows so far
        self.learned = 0  # rows that the learner had learned when it last fed this
        self.due = _SOONEST  # the row after which the learner measures again
        self.next_probe = 1  # the row that is probed next
        self.record: Record | None = None  # the last one of a session,
        self.recorded = 0  # at this row
        self.labels: Counter[Any] = Counter()
        self.total, self.probed = 0.0, 0  # of all probed rows: the sum of their answers (numbers), and how many
        self.log: list[Probe] = []  # the last probed rows, the newest last
        self.rows: list[SampledRow] = []
        self.fresh: list[SampledRow] = []
        self.before = self.after = self.worse = math.nan  # fading means over the measurements
        # row, mean square weight, effective rank; at the first measurement, then at 1,024-fold rows
        self.sizes: list[tuple[int, float, float]] = []

    def frozen(self) -> DiagnosisSample:
        """Return a copy that stays as it is while this one is fed; the rows themselves are shared, since they never change."""
        other = copy.copy(self)
        other.labels, other.log, other.rows = self.labels.copy(), self.log.copy(), self.rows.copy()
        other.fresh, other.sizes = self.fresh.copy(), self.sizes.copy()
        return other

    @property
    def recent(self) -> NDArray[np.float64]:
        """The losses of the last probed rows, at most 128."""
        return np.array([loss for *_, loss, _ in self.log[-RECENT:]])

    @property
    def next_learned(self) -> int:
        """How many rows the learner will have learned when it is to feed this again."""
        return self.learned + self.next_probe - self.n

    # ---- feeding ----------------------------------------------------------------------------------------------------

    def take(self, X: Any, first: int, y: Any, good: NDArray[np.bool_], forecast: Predictions, *, learned: int) -> int:
        """Take rows of a block that were just learned; none lies behind ``due``.

        Parameters
        ----------
        X
            The samples of the whole block.
        first
            Which of them is the first that was learned.
        y, good
            Answers (n,) of the rows that were learned, and which of them can be one.
        forecast
            What was predicted for the rows that were learned.
        learned
            How many rows the learner has learned by now.

        Returns
        -------
        int
            How many it will have learned when it is to feed this again: ``next_learned``.
        """
        end = self.n + len(y)
        if self.next_probe <= end:
            rows = [i for row in probed_rows(self.n, end, self.due) if good[i := row - self.n - 1]]
            rows = [i for i in rows if forecast.y_pred[i] is not None]  # asked before any class was known
            if rows:
                outcomes = _of_classes if self.task == "classify" else _of_numbers
                self._probe(X, first, [first + i for i in rows], outcomes(forecast, [y[i] for i in rows], rows))
        self._count(end, learned)
        return learned + self.next_probe - end

    def take_one(self, x: Any, y: Any, y_pred: Any, p: float, sure: float, *, learned: int) -> None:
        """Take a row that ``learn_one`` learned; of a classifier p is the probability of y, ``sure`` that of y_pred."""
        row = self.n + learned - self.learned
        self.n = row - 1
        if row == next_probe(row - 1, self.due):
            classify = self.task == "classify"
            loss = cost(p) if classify else abs(y - y_pred)
            y = y if classify else float(y)
            if self._add(y, y_pred, loss, -sure if classify and y != y_pred else sure, row):
                self._keep(SampledRow(_copy(x), y, loss, row))
        self._count(row, learned)

    def take_scored(self, rows: ScoredRows, start: int, stop: int, *, learned: int) -> None:
        """Take rows ``start`` … ``stop`` of those whose prediction was given out earlier: late answers."""
        end = self.n + stop - start
        at = [start + row - self.n - 1 for row in probed_rows(self.n, end, self.due)]
        at = [i for i in at if rows.y_pred[i] is not None]  # asked before any class was known
        y, y_pred = [rows.y[i] for i in at], [rows.y_pred[i] for i in at]
        if self.task == "regress":
            y, y_pred = list(map(float, y)), list(map(float, y_pred))
        losses = losses_of(self.task, y, y_pred, [rows.proba[i] for i in at]).tolist()
        self._probe(rows.X, start, at, zip(y, y_pred, losses, [math.nan] * len(at), strict=True))
        self._count(end, learned)

    def catch_up(self, learned: int) -> None:
        """Count the rows that were learned since without being fed."""
        self._count(self.n + learned - self.learned, learned)
        while self.n >= self.due:
            if self.due >= _LATEST:  # from here on the steps are even: all at once, however many rows there were
                self.due += (self.n - self.due) // _LATEST * _LATEST
            self._next_due()

    def keep_record(self, record: Record) -> None:
        """Keep how a session says that learning stands."""
        self.record, self.recorded = record, self.n

    def measured(self, after: Sequence[float], core_numbers: tuple[float, float] | None) -> None:
        """Take the losses of the last rows now that they are learned, and go on to the next measurement.

        Parameters
        ----------
        after
            A loss for each of ``fresh``.
        core_numbers
            Mean square weight and effective rank, where ``wants_size``.
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
        """Whether the weights are to be measured too, at this measurement."""
        return self.n >= (_SIZED * self.sizes[-1][0] if self.sizes else 0)

    # ---- keeping ----------------------------------------------------------------------------------------------------

    def _count(self, n: int, learned: int) -> None:
        self.n, self.learned = n, learned
        if self.next_probe <= n:
            self.next_probe = next_probe(n, self.due)

    def _next_due(self) -> None:
        self.due += min(3 * self.due, _LATEST)
        self.next_probe = next_probe(self.n, self.due)

    def _probe(self, X: Any, first: int, at: list[int], outcomes: Iterable[Outcome]) -> None:
        """Probe the rows of X at some places; its row ``first`` is the next one, number ``n`` + 1."""
        start = self.n + 1 - first
        keep = [(i, one) for i, one in zip(at, outcomes, strict=True) if self._add(*one, start + i)]
        if keep:
            for x, (i, (y, _, loss, _)) in zip(_rows(X, [i for i, _ in keep]), keep, strict=True):
                self._keep(SampledRow(x, y, loss, start + i))

    def _add(self, y: Any, y_pred: Any, loss: float, sure: float, row: int) -> bool:
        """Add a row to those probed; return whether the row itself is to be kept."""
        self.log.append((row, y, y_pred, loss, sure))
        if len(self.log) > LOG:
            del self.log[0]
        self.probed += 1
        if self.task == "classify":
            self.labels[y] += 1
        else:
            self.total += y
        return row % NEAR == 0 or row <= DENSE or len(self.rows) < SAMPLE or row > self.due - FRESH

    def _keep(self, one: SampledRow) -> None:
        """Keep a row: among the last ones, and in the sample."""
        if one.row > self.due - FRESH:
            self.fresh = [kept for kept in self.fresh if kept.row > self.due - FRESH] + [one]
        if len(self.rows) < SAMPLE:
            self.rows.append(one)
        elif one.row % NEAR == 0:
            self.rows[(one.row * 2_654_435_761 >> 16) % SAMPLE] = one  # by the row: the same however blocks are cut


def can_be_due(due: int) -> bool:
    """Say whether a measurement may be due after so many rows."""
    found = _SOONEST
    while found < min(due, _LATEST):
        found += min(3 * found, _LATEST)
    return found == due or (due >= _LATEST and due % _LATEST == 0)


def next_probe(row: int, due: int) -> int:
    """Return the row that is probed next after a row, where the next measurement is due at ``due``."""
    if row < DENSE:
        return row + 1
    stride = min(max(NEAR, 1 << (row.bit_length() - 6)), FAR)  # 32 pairs and more while the rows double
    found = row + 1 if (row + 1) % stride < 2 else row + stride - row % stride
    return min(found, max(row + 1, due - FRESH + 1))


def probed_rows(start: int, stop: int, due: int) -> list[int]:
    """Return the rows in start + 1 … stop that are probed."""
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
    """Yield how rows ``at`` of a forecast came out, for classes."""
    column = {label: j for j, label in enumerate(forecast.classes)}
    proba = np.asarray(forecast.proba)
    for i, label in zip(at, y, strict=True):
        y_pred, p = forecast.y_pred[i], proba[i].tolist()
        sure = max(p)
        yield label, y_pred, cost(p[column[label]]), sure if y_pred == label else -sure


def _of_numbers(forecast: Predictions, y: list[Any], at: list[int]) -> Iterator[Outcome]:
    """Yield how rows ``at`` of a forecast came out, for numbers."""
    answers, y_pred = np.array(y, np.float64), np.asarray(forecast.y_pred)[at]
    losses = np.abs(answers - y_pred).tolist()
    return zip(answers.tolist(), y_pred.tolist(), losses, [math.nan] * len(at), strict=True)
