"""Prediction intervals from quantiles of past errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError

__all__ = ["check_coverage", "interval_ends"]


def check_coverage(coverage: Any) -> None:
    """Raise ConfigError unless a coverage is between 0 and 1.

    Raises
    ------
    ConfigError
        If the coverage is invalid.
    """
    if not isinstance(coverage, float | int | np.floating) or not 0 < coverage < 1:
        raise ConfigError(expected="a share between 0 and 1", got=repr(coverage), at="coverage", help="Give e.g. 0.9.")


def interval_ends(scores: NDArray[Any], coverage: float) -> tuple[float, float]:
    """Return the interval of past scores with the given coverage, ±∞ for too few scores.

    The bounds are the scores of rank ⌊(n + 1)·α/2⌋ from below and from above among n scores, with α = 1 − coverage. If all n + 1
    scores are exchangeable, the next one is outside with a probability of at most α.

    Parameters
    ----------
    scores : ndarray (n,)
        Past errors.
    coverage : float
        Between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper bound.

    Examples
    --------
    >>> interval_ends(np.arange(1.0, 20.0), 0.9)
    (1.0, 19.0)

    References
    ----------
    Vovk, Gammerman & Shafer 2005 (conformal prediction).
    """
    n = len(scores)
    rank = math.floor(round((n + 1) * (1 - coverage) / 2, 9))  # rounded so that (19 + 1)·0.05 gives 1
    if rank < 1:
        return -math.inf, math.inf
    kept = np.partition(scores, (rank - 1, n - rank))
    return float(kept[rank - 1]), float(kept[n - rank])
