"""The few numbers that a diagnosis needs, kept while a learner learns.

Nothing here judges. A few rows are *looked at*, by their number alone, so that blocks change nothing: the first 128, then
two neighbours in every 64, ever fewer until it is two in every 512, and the 16 before each measurement, which comes at
four times the row of the one before. Of the last 512 of these rows it keeps the answer, the prediction that was given and its
loss; of fewer the row itself: the last ones, to see what learning them changed, and a sample of older ones. Everything
else is made of these when somebody asks (`headwater.diagnose`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import gt
from typing import Any, TypeAlias

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from headwater.classifier import Classifier
from headwater.errors import DataError
from headwater.regressor import Regressor
from headwater.types import Event, Forecast, Record, join
from headwater.watch.probe import Kept, cost, losses_again, losses_of, rank, weight_size
from headwater.watch.seen import Seen
from headwater.watch.tally import Look

__all__ = ["Health", "health_of", "kept_by", "watched"]

FRESH = 16  # last rows, measured again just after they were learned
SAMPLE = 256  # older rows that are kept
DENSE = 128  # first rows, all looked at
NEAR, FAR = 64, 512  # then two rows in so many are looked at, ever fewer, until it is two in so many
RECENT = 128  # losses that tell how it goes now
LOG = 512  # rows looked at whose answer and prediction are kept
_SIZED = 1024  # the weights are measured when there are so many times as many rows
_FADE = 0.4  # weight of the newest measurement in a fading mean
_SOONEST, _LATEST = (
    128,
    32768,
)  # rows to the first measurement, and at most between two: each comes at four times the row


Told: TypeAlias = tuple[Any, Any, float, float]
"""What a `Look` has besides its number: answer, prediction, loss, and how sure."""


class Health:
    """What is kept of a learner's health: by its own ``step_many`` and ``learn_one``, and saved with it.

    Notes
    -----
    Cost: measured in benchmarks/NOTES.md; and some 270 rows of memory.

    Examples
    --------
    >>> health = Health()
    >>> _ = health.see(Seen(1, [{"a": 1.0}], ["yes"], ["no"], [0.5], "classify"), None)
    >>> round(float(health.recent.mean()), 3), health.due
    (0.693, 128)
    """

    def __init__(self) -> None:
        self.n = 0  # rows so far
        self.learned = 0  # rows that the engine had learned when it was last asked
        self.due = _SOONEST  # the row after which is measured again
        self.record: Record | None = None  # the last one of a session,
        self.recorded = 0  # at this row
        self.labels: Counter[Any] = Counter()
        self.total, self.looks = 0.0, 0  # of all rows looked at: the sum of their answers (numbers), and how many
        self.log: list[Look] = []  # the last rows looked at, the newest last
        self.sample: list[Kept] = []
        self.fresh: list[Kept] = []
        self.before = self.after = self.worse = math.nan  # fading means over the measurements
        # row, mean square weight, effective rank; at the first measurement, then at 1,024-fold rows
        self.sizes: list[tuple[int, float, float]] = []

    @property
    def recent(self) -> NDArray[np.float64]:
        """The losses of the last rows looked at, at most 128."""
        return np.array([loss for *_, loss, _ in self.log[-RECENT:]])

    def see(self, seen: Seen, learner: Any) -> Sequence[Event]:
        """Take notice of some rows, as a watcher does: for answers that come late."""
        losses = losses_of(seen.task, seen.y, seen.y_pred, seen.proba).tolist()
        done = 0
        while done < len(seen):
            count = min(len(seen) - done, self.due - self.n)
            at = [done + row - self.n - 1 for row in _looks(self.n, self.n + count, self.due)]
            told = [(seen.y[i], seen.y_pred[i]) for i in at]
            if seen.task == "regress":
                told = [(float(y), float(said)) for y, said in told]
            self._take(
                seen.task, seen.X, done, at, [(*one, losses[i], math.nan) for one, i in zip(told, at, strict=True)]
            )
            done += count
            self.n += count
            self._settle(seen.task, learner)
        return ()

    def take(self, learner: Any, X: Any, first: int, y: Any, good: NDArray[np.bool_], said: Forecast) -> None:
        """Take notice of the rows of X from ``first`` on, just learned; ``good``: whose answer can be one."""
        at = [i for row in _looks(self.n, self.n + len(y), self.due) if good[i := row - self.n - 1]]
        if at:
            told = _classes(said, [y[i] for i in at], at) if learner.task == "classify" else _numbers(said, y[at], at)
            self._take(learner.task, X, first, [first + i for i in at], told)
        self.n += len(y)
        self._settle(learner.task, learner)

    def catch_up(self, learned: int) -> None:
        """Count the rows that went the short way since."""
        self.n += learned - self.learned
        self.learned = learned
        while self.n >= self.due:
            self._next_due()

    def look(self, learner: Any, x: Any, y: Any, said: Any, p: float, sure: float) -> None:
        """Take notice of a row that ``learn_one`` learned by its short way.

        Of a classifier p is the probability of y, and ``sure`` that of what was said.
        """
        self.n += learner._engine.learned - self.learned - 1
        task = learner.task
        if _next(self.n, self.due) == self.n + 1:
            classify = task == "classify"
            loss = cost(p) if classify else abs(y - said)
            y = y if classify else float(y)
            if self._add(classify, y, said, loss, -sure if classify and y != said else sure, self.n + 1):
                self._keep(Kept(_copy(x), y, loss, self.n + 1))
        self.n += 1
        self._settle(task, learner)

    def _take(self, task: str, X: Any, first: int, at: list[int], told: Iterable[Told]) -> None:
        """Look at the rows of X at some places; its row ``first`` is the next one, number ``n`` + 1."""
        start, classify = self.n + 1 - first, task == "classify"
        keep = [(i, one) for i, one in zip(at, told, strict=True) if self._add(classify, *one, start + i)]
        if keep:
            for x, (i, (y, _, loss, _)) in zip(_rows(X, [i for i, _ in keep]), keep, strict=True):
                self._keep(Kept(x, y, loss, start + i))

    def _add(self, classify: bool, y: Any, said: Any, loss: float, sure: float, row: int) -> bool:
        """Add a row to those looked at; return whether the row itself is to be kept."""
        self.log.append((row, y, said, loss, sure))
        if len(self.log) > LOG:
            del self.log[0]
        self.looks += 1
        if classify:
            self.labels[y] += 1
        else:
            self.total += y
        return row % NEAR == 0 or row <= DENSE or len(self.sample) < SAMPLE or row > self.due - FRESH

    def _keep(self, one: Kept) -> None:
        """Keep a row: among the last ones, and in the sample."""
        if one.row > self.due - FRESH:
            self.fresh = [kept for kept in self.fresh if kept.row > self.due - FRESH] + [one]
        if len(self.sample) < SAMPLE:
            self.sample.append(one)
        elif one.row % NEAR == 0:
            self.sample[(one.row * 2_654_435_761 >> 16) % SAMPLE] = one  # by the row: the same however blocks are cut

    def _settle(self, task: str, learner: Any) -> None:
        """Measure if it is due, and say when the learner is to show a row next."""
        while self.n >= self.due:
            if learner is not None and self.fresh:
                self._measure(task, learner)
            self._next_due()
        if learner is not None:
            self.learned = learner.n_learned
            learner._look = self.learned + _next(self.n, self.due) - self.n

    def _next_due(self) -> None:
        self.due += min(3 * self.due, _LATEST)

    def _measure(self, task: str, learner: Any) -> None:
        """Predict the last rows again, now that they are learned."""
        after = losses_again(task, learner, self.fresh).tolist()
        before, n = [kept.loss for kept in self.fresh], len(self.fresh)
        news = (math.fsum(before) / n, math.fsum(after) / n, sum(map(gt, after, before)) / n)
        olds = (self.before, self.after, self.worse)
        mixed = [new if math.isnan(old) else old + _FADE * (new - old) for old, new in zip(olds, news, strict=True)]
        self.before, self.after, self.worse = mixed
        if learner._engine is not None and self.n >= (_SIZED * self.sizes[-1][0] if self.sizes else 0):
            self.sizes.append((self.n, weight_size(learner._engine.program), rank(learner, self.sample)))


def health_of(learner: Any) -> Health | None:
    """Return what is kept of a learner's health, beginning now if nothing is yet; None where nothing is to be."""
    if not isinstance(learner, Classifier | Regressor) or not learner.diagnosis:
        return None
    health = learner._health
    if not isinstance(health, Health):
        health = learner._health = Health()
        health.learned = learner.n_learned
    health.catch_up(learner.n_learned)
    return health


def kept_by(learner: Classifier | Regressor, *, help: str) -> Health:  # noqa: A002  as in the errors
    """Return what a learner has kept; ``help``: what to do where it has learned nothing.

    Raises
    ------
    DataError
        When it kept no rows.
    """
    if not learner.diagnosis:
        raise DataError(
            expected="a model that keeps some rows for this",
            got="diagnosis=False",
            at=type(learner).__name__,
            help="Leave it out when the model is made: what was never kept can't be told later.",
        )
    health = learner._health
    if learner._engine is None or not isinstance(health, Health) or not health.sample:
        raise DataError(
            expected="a model that has learned", got="one that kept no rows", at=type(learner).__name__, help=help
        )
    return health


def watched(
    learner: Classifier | Regressor,
    X: Any,
    y: Sequence[Any] | NDArray[Any],
    good: NDArray[np.bool_],
    learn: Callable[[slice], Forecast],
) -> Forecast:
    """Let a learner learn rows, cut where something is to be measured, and keep what a diagnosis needs.

    Parameters
    ----------
    learner
        A `Classifier` or `Regressor`.
    X, y
        Samples and answers.
    good
        Shape (n,): whose answer can be one.
    learn
        What predicts and learns the rows of a slice.
    """
    health = health_of(learner)
    if health is None:
        return learn(slice(0, len(y)))
    done: list[Forecast] = []
    i, n = 0, len(y)
    while not done or i < n:
        part = slice(i, min(n, i + health.due - health.n))
        done.append(learn(part))
        health.take(learner, X, i, y[part], good[part], done[-1])
        i = part.stop
    if len(done) > 1 and done[0].proba is None:
        return Forecast(np.concatenate([np.asarray(forecast.y_pred) for forecast in done]))
    return join(done)


def _next(row: int, due: int) -> int:
    """Return the row that is looked at next after a row."""
    if row < DENSE:
        return row + 1
    stride = min(max(NEAR, 1 << (row.bit_length() - 6)), FAR)  # 32 pairs and more while the rows double
    found = row + 1 if (row + 1) % stride < 2 else row + stride - row % stride
    return min(found, max(row + 1, due - FRESH + 1))


def _looks(start: int, stop: int, due: int) -> list[int]:
    """Return the rows in start + 1 … stop that are looked at."""
    rows = []
    row = _next(start, due)
    while row <= stop:
        rows.append(row)
        row = _next(row, due)
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


def _classes(said: Forecast, y: list[Any], at: list[int]) -> Iterator[Told]:
    """Say what was told of rows, for classes."""
    column = {label: j for j, label in enumerate(said.classes)}
    proba = np.asarray(said.proba)
    for i, label in zip(at, y, strict=True):
        own, p = said.y_pred[i], proba[i].tolist()
        sure = max(p)
        yield label, own, cost(p[column[label]]), sure if own == label else -sure


def _numbers(said: Forecast, y: NDArray[Any], at: list[int]) -> Iterator[Told]:
    """Say what was told of rows, for numbers."""
    y_pred = np.asarray(said.y_pred)[at]
    return zip(y.tolist(), y_pred.tolist(), np.abs(y - y_pred).tolist(), [math.nan] * len(at), strict=True)
