"""The few numbers that a diagnosis needs, kept while a learner learns.

Nothing here judges. A few rows are *looked at*, by their number alone, so that blocks change nothing: the first 256, the
8 before each measurement, then two neighbours in every 64, beyond row 8,192 in every 256. Of these it keeps the loss of
the prediction that was given, the labels' counts and how the baselines did; of fewer the row itself: the last ones, to
see what learning them changed, and a sample of older ones. The rest is measured when somebody asks
(`headwater.diagnose`).

What the loss is: −ln p(y) for a classifier (p at least 10⁻⁶), |y − y_pred| for a regressor.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

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
from headwater.watch.tally import Tally

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
FRESH = 8  # last rows, measured again just after they were learned
SAMPLE = 256  # older rows that are kept
DENSE = 256  # first rows, all looked at
NEAR, FAR, FROM = 64, 256, 8192  # then two rows in so many are looked at, and beyond that row in so many
RECENT = 128  # losses that are kept
_CHUNKS = 4  # means of so many losses that are kept
_RANKED = 64  # rows that the effective rank is measured on
_FADE = 0.2  # weight of the newest measurement in a fading mean
_SOONEST, _LATEST = 128, 8192  # rows between two measurements


class Kept(NamedTuple):
    """A row that is kept: its sample, its answer, what its prediction had cost, and its number."""

    x: Any
    y: Any
    loss: float
    row: int


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
        self.looks = 0
        self.chunks: list[float] = []  # mean loss of each RECENT rows looked at, the last few
        self.sample: list[Kept] = []
        self.fresh: list[Kept] = []
        self.before = self.after = self.worse = math.nan  # fading means over the measurements
        self.sizes: list[tuple[int, float, float]] = []  # row, mean square weight, effective rank; at fourfold rows
        self.losses: list[float] = []  # of the last rows looked at, the oldest overwritten
        self.tally = Tally()
        self.last: tuple[int, Any] = (-1, None)  # row and answer of the last one looked at

    @property
    def recent(self) -> NDArray[np.float64]:
        """The losses of the last rows looked at, at most 128, in no order."""
        return np.array(self.losses)

    def see(self, seen: Seen, learner: Any) -> Sequence[Event]:
        """Take notice of some rows, as a watcher does: for answers that come late."""
        losses = losses_of(seen.task, seen.y, seen.y_pred, seen.proba)
        self._take(seen.task, seen.X, 0, seen.y, None, seen.y_pred, losses.tolist().__getitem__)
        self._settle(seen.task, learner)
        return ()

    def take(self, learner: Any, X: Any, first: int, y: Any, good: NDArray[np.bool_], said: Forecast) -> None:
        """Take notice of the rows of X from ``first`` on, just learned; ``good``: whose answer can be one."""
        column = {label: j for j, label in enumerate(said.classes)}

        def loss(i: int) -> float:
            return _loss(
                learner.task, y[i], said.y_pred[i], said.proba[i, column[y[i]]] if said.proba is not None else 0
            )

        self._take(learner.task, X, first, y, good, said.y_pred, loss)
        self._settle(learner.task, learner)

    def catch_up(self, learned: int) -> None:
        """Count the rows that went the short way since."""
        self.n += learned - self.learned
        self.learned = learned
        while self.n >= self.due:
            self._next_due()

    def look(self, learner: Any, x: Any, y: Any, said: Any, p: float) -> None:
        """Take notice of a row that ``learn_one`` learned by its short way; p: the probability of y (classes)."""
        self.n += learner._engine.learned - self.learned - 1
        if _next(self.n, self.due) == self.n + 1:
            self._take(learner.task, [x], 0, [y], None, [said], lambda i: _loss(learner.task, y, said, p))
        else:
            self.n += 1
        self._settle(learner.task, learner)

    def _take(
        self,
        task: str,
        X: Any,
        first: int,
        y: Sequence[Any] | NDArray[Any],
        good: NDArray[np.bool_] | None,
        said: Sequence[Any] | NDArray[Any],
        loss: Callable[[int], float],
    ) -> None:
        start, kept, count = self.n, [], len(y)
        row = _next(start, self.due)
        while row <= start + count:
            i = row - start - 1
            if good is None or good[i]:
                cost = loss(i)
                self._add(task, row, y[i] if task == "classify" else float(y[i]), said[i], cost)
                if row <= SAMPLE or row % (NEAR if row <= FROM else FAR) == 0 or row > self.due - FRESH:
                    kept.append((first + i, Kept(None, self.last[1], cost, row)))
            row = _next(row, self.due)
        if kept:
            for x, (_, one) in zip(_rows(X, [i for i, _ in kept]), kept, strict=True):
                self._keep(one._replace(x=x))
        self.n += count

    def _add(self, task: str, row: int, y: Any, said: Any, loss: float) -> None:
        """Add what a prediction cost, and how it and the baselines did."""
        at = self.looks % RECENT
        self.losses[at : at + 1] = [loss]
        self.looks += 1
        if at == RECENT - 1:
            self.chunks = [*self.chunks[1 - _CHUNKS :], math.fsum(self.losses) / RECENT]
        if self.last[0] == row - 1:
            self.tally.add(task, y, said if task == "classify" else float(said), self.last[1])
        if task == "classify":
            self.labels[y] += 1
        self.tally.learn(task, y, self.labels)
        self.last = (row, y)

    def _keep(self, one: Kept) -> None:
        """Keep a row: among the last ones, and in the sample."""
        if one.row > self.due - FRESH:
            self.fresh = [kept for kept in self.fresh if kept.row > self.due - FRESH] + [one]
        if len(self.sample) < SAMPLE:
            self.sample.append(one)
        elif one.row % (NEAR if one.row <= FROM else FAR) == 0:
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
        self.due += min(max(self.due // 2, _SOONEST), _LATEST)

    def _measure(self, task: str, learner: Any) -> None:
        """Predict the last rows again, now that they are learned."""
        after = losses_again(task, learner, self.fresh)
        before = np.array([kept.loss for kept in self.fresh])
        news = (float(before.mean()), float(after.mean()), float((after > before).mean()))
        olds = (self.before, self.after, self.worse)
        mixed = [new if math.isnan(old) else old + _FADE * (new - old) for old, new in zip(olds, news, strict=True)]
        self.before, self.after, self.worse = mixed
        if learner._engine is not None and self.n >= (4 * self.sizes[-1][0] if self.sizes else 256):
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
    stride = NEAR if row < FROM else FAR
    found = row + 1 if (row + 1) % stride < 2 else row + stride - row % stride
    return min(found, max(row + 1, due - FRESH + 1))


def _rows(X: Any, at: list[int]) -> list[Any]:
    """Return copies of rows."""
    if isinstance(X, np.ndarray):
        return list(X[at])
    if isinstance(X, Sequence):
        return [dict(X[i]) if isinstance(X[i], Mapping) else X[i].copy() for i in at]
    return list(nw.from_native(X, eager_only=True)[at].rows(named=True))


def _loss(task: str, y: Any, said: Any, p: float) -> float:
    if task == "regress":
        return float(abs(y - said))
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
