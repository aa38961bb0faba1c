"""What is measured on a learner and a few rows: their loss now, the size of its weights, how many directions it uses.

What the loss is: −ln p(y) for a classifier (p at least 10⁻⁶), |y − y_pred| for a regressor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.nn import trace
from headwater.nn.program import Program
from headwater.watch.changes import as_mapping

__all__ = [
    "Kept",
    "best_hidden",
    "cost",
    "effective_rank",
    "losses_again",
    "losses_of",
    "rank",
    "rows_kept",
    "weight_size",
]

FLOOR = 1e-6
_RANKED = 64  # rows that the effective rank is measured on


class Kept(NamedTuple):
    """A row that is kept: its sample, its answer, what its prediction had cost, and its number."""

    x: Any
    y: Any
    loss: float
    row: int


def cost(p: float) -> float:
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
    X, y = [kept.x for kept in rows], [kept.y for kept in rows]
    alike = all(isinstance(x, np.ndarray) for x in X)
    if task == "regress":
        said = learner.predict_many(np.stack(X)) if alike else [learner.predict_one(as_mapping(x)) for x in X]
        return np.asarray(np.abs(np.array(y) - said))
    if alike:
        column = {label: j for j, label in enumerate(learner.classes)}
        p = learner.predict_proba_many(np.stack(X))[np.arange(len(y)), [column[label] for label in y]].tolist()
    else:  # one by one, which is less work than a block where all that comes between is one by one
        p = [learner.predict_proba_one(as_mapping(x))[label] for x, label in zip(X, y, strict=True)]
    return np.array(list(map(cost, p)))


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


def rank(learner: Any, sample: Sequence[Kept]) -> float:
    """Return the effective rank of the last hidden layer of the best expert that has one, on some rows; or NaN."""
    program = learner._engine.program
    e = best_hidden(program)
    if e is None:
        return math.nan
    some = sample[:_RANKED]
    block = learner._engine.encode(rows_kept(some), np.zeros(len(some), bool))
    values = trace.forward(program, e, trace.read(program, e, trace.entries(program, block)))
    return effective_rank(values[-2])
