"""Prediction intervals from quantiles of past errors, and the empirical coverage of sets and intervals, counted by the core."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from headwater.errors import ConfigError
from headwater.nn.core import Core

__all__ = ["LEVELS", "check_coverage", "check_guarantee", "coverage_of", "interval_ends"]

LEVELS = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Tracked nominal coverages, equal to ``HW_COVERAGE_LEVELS`` in core/parts/coverage/coverage.c."""
ROWS, COVERED, SIZE, LATELY, LATELY_SIZE, UNSEEN = range(2, 8)


def check_guarantee(guarantee: str | None) -> None:
    """Raise ConfigError for an unknown guarantee.

    Raises
    ------
    ConfigError
        If the guarantee is unknown.
    """
    if guarantee not in (None, "long-run"):
        raise ConfigError(
            expected="None or 'long-run'", got=repr(guarantee), at="guarantee", help="Choose one of the two."
        )


def coverage_of(core: Core) -> dict[float, dict[str, float]]:
    """Return the counts for each tracked nominal coverage.

    Examples
    --------
    >>> from headwater.kinds.classifier_regressor.regressor import Regressor
    >>> model = Regressor(seed=1)
    >>> for i in range(1000):
    ...     model.learn_one({"x": i % 10}, 5.0 * (i % 10) + (i * 7919) % 13)
    >>> about = coverage_of(model.engine.core)[0.9]
    >>> about["rows"], 0.88 < about["covered"] < 0.92
    (1000, True)
    """
    table = core.array("coverage").tolist()
    return {
        level: {
            "rows": int(row[ROWS]),
            "covered": row[COVERED] / row[ROWS] if row[ROWS] else float("nan"),
            "size": row[SIZE],
            "lately": row[LATELY],
            "size_lately": row[LATELY_SIZE],
            "unseen": int(row[UNSEEN]),
        }
        for level, row in zip(LEVELS, table, strict=False)
    }


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
