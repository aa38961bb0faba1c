"""Measure weight size and effective rank of a learner on a few rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.learner.engine import Engine
from headwater.nn import inspect
from headwater.nn.core import Core

from .losses import as_rows

__all__ = ["best_hidden", "effective_rank", "rank", "size_and_rank", "weight_size"]

_RANKED = 64  # rows used to measure the effective rank


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
    weights = inspect.mixture_weights(core)
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
    taken = inspect.entries(engine.core, engine.rows(as_rows(some)), len(some))
    values = inspect.forward(engine.core, e, inspect.read(engine.core, e, taken), taken.carried)
    return effective_rank(values[-2])
