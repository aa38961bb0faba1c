"""Between which errors the next one will lie: quantiles of those of the past."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError

__all__ = ["check_coverage", "interval_ends"]


def check_coverage(coverage: Any) -> None:
    """Refuse a coverage that is no share between 0 and 1.

    Raises
    ------
    ConfigError
        If it is none.
    """
    if not isinstance(coverage, float | int | np.floating) or not 0 < coverage < 1:
        raise ConfigError(expected="a share between 0 and 1", got=repr(coverage), at="coverage", help="Give e.g. 0.9.")


def interval_ends(scores: NDArray[Any], coverage: float) -> tuple[float, float]:
    """Return the scores between which that share of the next ones lies, ±∞ while there are too few to tell.

    Of n scores they are those of rank ⌊(n + 1)·α/2⌋ from below and from above, α = 1 − coverage: if all n + 1 come in a random
    order, the next one lies outside with a probability of α at most.

    Parameters
    ----------
    scores : ndarray (n,)
        Errors of the past.
    coverage : float
        Between 0 and 1.

    Returns
    -------
    tuple of float
        Lower and upper end.

    Examples
    --------
    >>> interval_ends(np.arange(1.0, 20.0), 0.9)
    (1.0, 19.0)

    References
    ----------
    Vovk, Gammerman & Shafer 2005 (conformal prediction).
    """
    n = len(scores)
    rank = math.floor(round((n + 1) * (1 - coverage) / 2, 9))  # the rounding keeps (19 + 1)·0.05 at 1
    if rank < 1:
        return -math.inf, math.inf
    kept = np.partition(scores, (rank - 1, n - rank))
    return float(kept[rank - 1]), float(kept[n - rank])
