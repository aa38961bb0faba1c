"""The few numbers that a diagnosis needs, kept while a learner learns.

Nothing here judges. A few rows are *looked at*, by their number alone, so that blocks change nothing: the first 256, then
two neighbours in every 64, later in every 256, and the 8 before each measurement; and the longer a learner has learned,
the rarer it is measured. Of these rows it keeps the loss of the prediction that was given, the labels' counts and how the
baselines did; of fewer the row itself: the last ones, to see what learning them changed, and a sample of older ones. The
rest is measured when somebody asks (`headwater.diagnose`).

What the loss is: −ln p(y) for a classifier (p at least 10⁻⁶), |y − y_pred| for a regressor.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import eq
from typing import Any, NamedTuple, TypeAlias

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from headwater.classifier import Classifier
from headwater.nn import trace
from headwater.nn.program import Program
from headwater.regressor import Regressor
from headwater.types import Event, Forecast, Record, join
from headwater.watch.changes import as_mapping
from headwater.watch.classify import proba_given
from headwater.watch.seen import Seen
from headwater.watch.tally import Look

__all__ = [
    "Health",
    "Kept",
    "best_hidden",
    "effective_rank",
    "health_of",
    "losses_again",
    "losses_of",
    "rows_kept",
    "watched",
    "weight_size",
]

FLOOR = 1e-6
FRESH = 16  # last rows, measured again just after they were learned
SAMPLE = 256  # older rows that are kept
DENSE = 256  # first rows, all looked at
NEAR, FAR = 64, 512  # then two rows in so many are looked at, ever fewer, until it is two in so many
RECENT = 128  # losses that tell how it goes now
LOG = 512  # rows looked at whose answer and prediction are kept
_RANKED = 64  # rows that the effective rank is measured on
_SIZED = 9  # the weights are measured when there are so many times as many rows
_FADE = 0.2  # weight of the newest measurement in a fading mean
_SOONEST, _LATEST = 128, 32768  # rows to the first measurement, and at most between two: each comes at thrice the row


class Kept(NamedTuple):
    """A row that is kept: its sample, its answer, what its prediction had cost, and its number."""

    x: Any
    y: Any
    loss: float
    row: int


Told: TypeAlias = tuple[list[Any], list[Any], list[float], list[float]]
"""What a `Look` has besides its number, of some rows: answers, predictions, losses, and how sure."""


class Health:
    """What is kept of a learner's health: by its own ``step_many`` and ``learn_one``, and saved with it.

    Notes
    -----
    Cost: measured in benchmarks/NOTES.md; and some 260 rows of memory.

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
        self.sizes: list[tuple[int, float, float]] = []  # row, mean square weight, effective rank; at eightfold rows

    @property
    def recent(self) -> NDArray[np.float64]:
        """The losses of the last rows looked at, at most 128."""
        return np.array([loss for *_, loss, _ in self.log[-RECENT:]])

    def see(self, seen: Seen, learner: Any) -> Sequence[Event]:
        """Take notice of some rows, as a watcher does: for answers that come late."""
        losses = losses_of(seen.task, seen.y, seen.y_pred, seen.proba).tolist()
        plain = float if seen.task == "regress" else lambda label: label
        i = 0
        while i < len(seen):
            first, count = i, min(len(seen) - i, self.due - self.n)

            def told(at: list[int], first: int = first) -> Told:
                own = [first + i for i in at]
                return (
                    [plain(seen.y[i]) for i in own],
                    [plain(seen.y_pred[i]) for i in own],
                    [losses[i] for i in own],
                    [math.nan] * len(own),
                )

            self._take(seen.task, seen.X, first, count, None, told)
            self._settle(seen.task, learner)
            i += count
        return ()

    def take(self, learner: Any, X: Any, first: int, y: Any, good: NDArray[np.bool_], said: Forecast) -> None:
        """Take notice of the rows of X from ``first`` on, just learned; ``good``: whose answer can be one."""

        def told(at: list[int]) -> Told:
            return _classes(said, [y[i] for i in at], at) if learner.task == "classify" else _numbers(said, y[at], at)

        self._take(learner.task, X, first, len(y), good, told)
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
        classify = learner.task == "classify"
        loss = _cost(p) if classify else abs(y - said)
        told = ([y if classify else float(y)], [said], [loss], [-sure if classify and y != said else sure])
        self._take(learner.task, [x], 0, 1, None, lambda at: told)
        self._settle(learner.task, learner)

    def _take(
        self,
        task: str,
        X: Any,
        first: int,
        count: int,
        good: NDArray[np.bool_] | None,
        told: Callable[[list[int]], Told],
    ) -> None:
        """Look at some of ``count`` rows, those of X from ``first`` on."""
        start, due = self.n, self.due
        self.n += count
        at = [row - start - 1 for row in _looks(start, start + count, due)]
        at = at if good is None else [i for i in at if good[i]]
        if not at:
            return
        answers, said, losses, sure = told(at)
        rows = [start + 1 + i for i in at]
        self.log += zip(rows, answers, said, losses, sure, strict=True)
        del self.log[:-LOG]
        self.looks += len(at)
        if task == "classify":
            self.labels.update(answers)
        else:
            for y in answers:  # one by one: `sum` would round otherwise for other blocks
                self.total += y
        keep = [j for j, row in enumerate(rows) if row % NEAR == 0 or row <= SAMPLE or row > due - FRESH]
        for j, x in zip(keep, _rows(X, [first + at[j] for j in keep]), strict=True):
            self._keep(Kept(x, answers[j], losses[j], rows[j]))

    def _keep(self, one: Kept) -> None:
        """Keep a row: among the last ones, and in the sample."""
        if one.row > self.due - FRESH:
            self.fresh = [kept for kept in self.fresh if kept.row > self.due - FRESH] + [one]
        if len(self.sample) < SAMPLE:
            self.sample.append(one)
        elif one.row % NEAR == 0:
            self.sample[(one.row * 2_654_435_761 >> 8) % SAMPLE] = one  # by the row: the same however blocks are cut

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
        self.due += min(2 * self.due, _LATEST)

    def _measure(self, task: str, learner: Any) -> None:
        """Predict the last rows again, now that they are learned."""
        after = losses_again(task, learner, self.fresh)
        before = np.array([kept.loss for kept in self.fresh])
        news = (float(before.mean()), float(after.mean()), float((after > before).mean()))
        olds = (self.before, self.after, self.worse)
        mixed = [new if math.isnan(old) else old + _FADE * (new - old) for old, new in zip(olds, news, strict=True)]
        self.before, self.after, self.worse = mixed
        if learner._engine is not None and self.n >= (_SIZED * self.sizes[-1][0] if self.sizes else 0):
            self.sizes.append((self.n, weight_size(learner._engine.program), self.rank(learner)))

    def rank(self, learner: Any) -> float:
        """Return the effective rank of the last hidden layer of the best expert that has one, on the sample; or NaN."""
        program = learner._engine.program
        e = best_hidden(program)
        if e is None:
            return math.nan
        some = self.sample[:_RANKED]
        block = learner._engine.encode(rows_kept(some), np.zeros(len(some), bool))
        values = trace.forward(program, e, trace.read(program, e, trace.entries(program, block)))
        return effective_rank(values[-2])


def health_of(learner: Any) -> Health | None:
    """Return what is kept of a learner's health, beginning now if nothing is yet; None for other kinds of learners."""
    if not isinstance(learner, Classifier | Regressor):
        return None
    health = learner._health
    if not isinstance(health, Health):
        health = learner._health = Health()
        health.learned = learner.n_learned
    health.catch_up(learner.n_learned)
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
    health = health_of(learner) or Health()
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
    stride = min(max(NEAR, 1 << (row.bit_length() - 7)), FAR)  # 64 and more pairs while the rows double
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
        return list(X[at])
    if isinstance(X, Sequence):
        return [dict(X[i]) if isinstance(X[i], Mapping) else X[i].copy() for i in at]
    return list(nw.from_native(X, eager_only=True)[at].rows(named=True))


def _classes(said: Forecast, y: list[Any], at: list[int]) -> Told:
    """Say what was told of rows, for classes."""
    proba = np.asarray(said.proba)[at]
    column = {label: j for j, label in enumerate(said.classes)}
    p = proba[np.arange(len(at)), [column[label] for label in y]].tolist()
    labels = [said.y_pred[i] for i in at]
    sure = [top if right else -top for top, right in zip(proba.max(1).tolist(), map(eq, labels, y), strict=True)]
    return y, labels, list(map(_cost, p)), sure


def _numbers(said: Forecast, y: NDArray[Any], at: list[int]) -> Told:
    """Say what was told of rows, for numbers."""
    y_pred = np.asarray(said.y_pred)[at]
    return y.tolist(), y_pred.tolist(), np.abs(y - y_pred).tolist(), [math.nan] * len(at)


def _cost(p: float) -> float:
    """Return −ln p, p between 10⁻⁶ and 1."""
    return -math.log(min(max(p, FLOOR), 1.0))


def losses_of(task: str, y: Sequence[Any], y_pred: Sequence[Any], proba: Sequence[float]) -> NDArray[np.float64]:
    """Return the loss of each row: −ln p(y), p at least 10⁻⁶, or |y − y_pred|."""
    if task == "regress":
        return np.abs(np.asarray(y, np.float64) - np.asarray(y_pred, np.float64))
    p = np.asarray(proba, np.float64)
    return np.asarray(-np.log(np.minimum(np.maximum(np.nan_to_num(p), FLOOR), 1.0)))


def rows_kept(rows: Iterable[Kept]) -> Any:
    """Return the samples of some rows in a form that learners take: an array, or a list of dicts."""
    X = [kept.x for kept in rows]
    if all(isinstance(x, np.ndarray) for x in X):
        return np.stack(X)
    return [dict(as_mapping(x)) for x in X]


def losses_again(task: str, learner: Any, rows: Iterable[Kept]) -> NDArray[np.float64]:
    """Return the loss of rows as the learner predicts them now."""
    y = [kept.y for kept in rows]
    forecast = learner.forecast(rows_kept(rows))
    proba = proba_given(forecast, y) if task == "classify" else []
    return losses_of(task, y, forecast.y_pred, proba)


def weight_size(program: Program) -> float:
    """Return the root mean square of the weights: of the dense layers and of the input table's first 256 rows."""
    end = program.dense + min(program.rows, 256) * program.stride
    return float(np.sqrt(np.mean(np.square(program.p[:end], dtype=np.float64))))


def best_hidden(program: Program) -> int | None:
    """Return the expert with a hidden layer that has the most weight in the mixture."""
    hidden = [e for e, expert in enumerate(program.experts) if len(expert.layers) > 1]
    return max(hidden, key=lambda e: float(trace.shares(program)[e]), default=None)


def effective_rank(H: NDArray[Any]) -> float:
    """Return exp(entropy of the singular values' shares) of activations H (rows, units): how many directions they use.

    References
    ----------
    Roy & Vetterli 2007; that it falls where a net loses plasticity: Lyle et al. 2022, Dohare et al. 2024.
    """
    gram = H.T @ H if H.shape[0] > H.shape[1] else H @ H.T
    sizes = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0))
    shares = sizes[sizes > 1e-6 * max(float(sizes.max(initial=0.0)), 1e-300)]
    shares = shares / shares.sum() if len(shares) else shares
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0
