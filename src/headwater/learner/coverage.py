"""Empirical coverage of issued prediction sets and intervals, counted by the core."""

from __future__ import annotations

from headwater.errors import ConfigError
from headwater.nn.core import Core

__all__ = ["LEVELS", "check_guarantee", "coverage_of"]

LEVELS = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.99)
"""Tracked nominal coverages, equal to ``HW_COVERAGE_LEVELS`` in core/parts/coverage.c."""
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
