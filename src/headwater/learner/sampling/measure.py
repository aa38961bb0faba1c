"""Measures of a learner on a few sampled rows: losses, weight size and effective rank.

The loss is −ln p(y) for a classifier (p at least 10⁻⁶) and |y − y_pred| for a regressor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from headwater.learner.kind import has_classes
from headwater.types import as_mapping

if TYPE_CHECKING:
    from headwater.learner.engine import Engine
    from headwater.nn.core import Core

__all__ = ["as_rows", "best_hidden", "cost", "effective_rank", "losses_of", "rank", "size_and_rank", "weight_size"]

FLOOR = 1e-6
_RANKED = 64  # rows used to measure the effective rank


def cost(p: float) -> float:
    """Return −ln p with p clipped to [10⁻⁶, 1]."""
    return -math.log(min(max(p, FLOOR), 1.0))


def losses_of(task: str, y: Sequence[Any], y_pred: Sequence[Any], proba: Sequence[float]) -> NDArray[np.float64]:
    """Return the loss of each row, −ln p(y) with p at least 10⁻⁶, or |y − y_pred|."""
    if not has_classes(task):
        return np.abs(np.asarray(y, np.float64) - np.asarray(y_pred, np.float64))
    p = np.asarray(proba, np.float64)
    return np.asarray(-np.log(np.minimum(np.maximum(np.nan_to_num(p), FLOOR), 1.0)))


def as_rows(samples: Sequence[Any]) -> Any:
    """Return samples as an array if all are arrays, else as a list of dicts."""
    if all(isinstance(x, np.ndarray) for x in samples):
        return np.stack(samples)
    return [dict(as_mapping(x)) for x in samples]


def size_and_rank(engine: Engine, samples: Sequence[Any]) -> tuple[float, float]:
    """Return the weight size, and the effective rank on samples."""
    return weight_size(engine.core), rank(engine, samples)


def weight_size(core: Core) -> float:
    """Return the root mean square of the dense weights and of the input table's first 256 rows."""
    about = core.sizes()
    end = about["dense"] + min(about["rows"], 256) * about["stride"]
    return float(np.sqrt(np.mean(np.square(core.parameters[:end], dtype=np.float64))))


def best_hidden(core: Core) -> int | None:
    """Return the expert with a hidden layer that has the largest mixture weight."""
    hidden = [e for e, expert in enumerate(core.experts) if len(expert.layers) > 1]
    weights = core.mixture_weights
    return max(hidden, key=lambda e: float(weights[e]), default=None)


def effective_rank(H: NDArray[Any]) -> float:
    """Return the effective rank of activations H (rows, units), exp(entropy of the singular values' shares).

    It measures how many directions the units use. NaN if an activation is not finite.

    References
    ----------
    Roy & Vetterli 2007. Lyle et al. 2022 and Dohare et al. 2024 show that it falls when a net loses plasticity.
    """
    largest = float(np.abs(H).max(initial=0.0))
    if not math.isfinite(largest):
        return math.nan
    H = H / np.float64(largest) if largest > 1e15 else H  # avoid overflow of the squares
    gram = H.T @ H if H.shape[0] > H.shape[1] else H @ H.T
    sizes = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0))
    shares = sizes[sizes > 1e-6 * max(float(sizes.max(initial=0.0)), 1e-300)]
    shares = shares / shares.sum() if len(shares) else shares
    return float(np.exp(-(shares * np.log(shares)).sum())) if len(shares) else 0.0


def rank(engine: Engine, samples: Sequence[Any]) -> float:
    """Return the effective rank of the best expert's last hidden layer on samples, or NaN without one."""
    e = best_hidden(engine.core)
    if e is None:
        return math.nan
    some = samples[:_RANKED]
    hidden = engine.core.learner.hidden(engine.rows(as_rows(some)), 0, len(some), e)
    return effective_rank(np.frombuffer(hidden).reshape(len(some), -1))
