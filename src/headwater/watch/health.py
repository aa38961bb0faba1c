"""The few numbers that a diagnosis needs, kept while a session learns.

Nothing here judges. Per row it keeps the loss of the prediction that was given out, and the labels' counts; of a few
rows it keeps the rows themselves: the last ones, to see what learning them changed, and a sample of older ones. The
rest is measured when somebody asks (`headwater.diagnose`).

What the loss is: −ln p(y) for a classifier (p at least 10⁻⁶), |y − y_pred| for a regressor.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.classifier import Classifier
from headwater.nn import trace
from headwater.nn.program import Program
from headwater.regressor import Regressor
from headwater.types import Event, Record
from headwater.watch.classify import proba_given
from headwater.watch.seen import Seen

__all__ = [
    "Health",
    "Kept",
    "best_hidden",
    "effective_rank",
    "health_of",
    "losses_again",
    "losses_of",
    "rows_kept",
    "weight_size",
]

FLOOR = 1e-6
FRESH = 16  # last rows, measured again just after they were learned
SAMPLE = 256  # older rows that are kept
EVERY = 32  # once the sample is full, one row in so many takes the place of another
RECENT = 1024  # rows whose loss is kept
_RANKED = 96  # rows that the effective rank is measured on
_FADE = 0.2  # weight of the newest measurement in a fading mean
_SOONEST, _LATEST = 128, 4096  # rows between two measurements


class Kept(NamedTuple):
    """A row that is kept: its sample, its answer, what its prediction had cost, and its number."""

    x: Any
    y: Any
    loss: float
    row: int


class Health:
    """Watch a learner's health: a watcher that `Session` brings along for every `Classifier` and `Regressor`.

    Notes
    -----
    Cost: 0.3 to 0.5 µs a row in blocks of 1024 (benchmarks/NOTES.md), and some 300 rows of memory.

    Examples
    --------
    >>> health = Health()
    >>> _ = health.see(Seen(1, [{"a": 1.0}], ["yes"], ["no"], [0.5], "classify"), None)
    >>> round(float(health.recent.mean()), 3), health.due
    (0.693, 128)
    """

    def __init__(self) -> None:
        self.n = 0
        self.due: int | None = _SOONEST
        self.record: Record | None = None
        self.labels: Counter[Any] = Counter()
        self.chunks: list[float] = []  # mean loss of each RECENT rows, from the first on
        self.sample: list[Kept] = []
        self.fresh: deque[Kept] = deque(maxlen=FRESH)
        self.before = self.after = self.worse = math.nan  # fading means over the measurements
        self.measured = 0
        self.sizes: list[tuple[int, float, float]] = []  # row, mean square weight, effective rank; at trebling rows
        self._recent = np.zeros(RECENT)
        self._rng = np.random.default_rng(0)

    @property
    def recent(self) -> NDArray[np.float64]:
        """The losses of the last rows, at most 1024, in no order."""
        return self._recent[: min(self.n, RECENT)]

    def see(self, seen: Seen, learner: Any) -> Sequence[Event]:
        """Take notice of some rows."""
        losses = losses_of(seen.task, seen.y, seen.y_pred, seen.proba)
        if seen.task == "classify":
            self.labels.update(seen.y)
        self._keep(seen, losses)
        self._sum(losses)
        if self.due is not None and self.n >= self.due:
            if learner is not None:
                self._measure(seen.task, learner)
            self.due = self.n + min(max(self.n // 8, _SOONEST), _LATEST)
        return ()

    def _keep(self, seen: Seen, losses: NDArray[np.float64]) -> None:
        """Keep the last rows and a sample of all, by the number of the row."""
        self.fresh.extend(_kept(seen, losses, i) for i in range(max(0, len(seen) - FRESH), len(seen)))
        first = min(SAMPLE - len(self.sample), len(seen))
        self.sample.extend(_kept(seen, losses, i) for i in range(first))
        for i in range(first + -(self.n + first) % EVERY, len(seen), EVERY):
            self.sample[int(self._rng.integers(SAMPLE))] = _kept(seen, losses, i)

    def _sum(self, losses: NDArray[np.float64]) -> None:
        """Add losses to the ring of the last ones and to the means of whole chunks."""
        while len(losses):
            at = self.n % RECENT
            part, losses = losses[: RECENT - at], losses[RECENT - at :]
            self._recent[at : at + len(part)] = part
            self.n += len(part)
            if self.n % RECENT == 0:
                self.chunks.append(float(self._recent.mean()))

    def _measure(self, task: str, learner: Any) -> None:
        """Predict the last rows again, now that they are learned."""
        after = losses_again(task, learner, self.fresh)
        before = np.array([kept.loss for kept in self.fresh])
        news = (float(before.mean()), float(after.mean()), float((after > before).mean()))
        olds = (self.before, self.after, self.worse)
        mixed = [new if math.isnan(old) else old + _FADE * (new - old) for old, new in zip(olds, news, strict=True)]
        self.before, self.after, self.worse = mixed
        self.measured += 1
        if learner._engine is not None and self.n >= (3 * self.sizes[-1][0] if self.sizes else 128):
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
    health = learner._health if isinstance(learner._health, Health) else Health()
    learner._health = health
    return health


def losses_of(task: str, y: Sequence[Any], y_pred: Sequence[Any], proba: Sequence[float]) -> NDArray[np.float64]:
    """Return the loss of each row: −ln p(y), p at least 10⁻⁶, or |y − y_pred|."""
    if task == "regress":
        return np.abs(np.asarray(y, np.float64) - np.asarray(y_pred, np.float64))
    p = np.asarray(proba, np.float64)
    return np.asarray(-np.log(np.minimum(np.maximum(np.nan_to_num(p), FLOOR), 1.0)))


def rows_kept(rows: Iterable[Kept]) -> Any:
    """Return the samples of some rows in a form that learners take: an array, or a list of dicts."""
    X = [kept.x for kept in rows]
    return np.stack(X) if isinstance(X[0], np.ndarray) else X


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
    sizes = np.linalg.svd(H, compute_uv=False)
    shares = sizes[sizes > 1e-12 * max(float(sizes.max(initial=0.0)), 1e-300)]
    shares = shares / shares.sum() if len(shares) else shares
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0


def _kept(seen: Seen, losses: NDArray[np.float64], i: int) -> Kept:
    x = seen.X[i]
    return Kept(x.copy() if isinstance(x, np.ndarray) else x, seen.y[i], float(losses[i]), seen.first + i)
