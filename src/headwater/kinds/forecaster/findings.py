"""Diagnosis of a forecaster and its series, with measurements and rules.

A forecaster's own state holds the values of the last seven seasons, so no sample of rows is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from headwater.diagnose.finding import Finding
from headwater.errors import DataError
from headwater.kinds.forecaster.learner import Forecaster
from headwater.kinds.forecaster.state import answers_of, numbers_of

__all__ = ["ForecasterMeasures", "RULES", "diagnose_forecaster", "measure_forecaster"]

_SEEN = 100  # minimum values to report a constant series
_ALIKE = 0.9  # for noise, without any season, the ratio is about 1
_MORE_ALIKE = 0.5  # another season is reported if its difference is below this share of the declared one's
_GAPS = 0.05  # share of missing values
_FAR = 0.01  # share of clipped values


@dataclass(frozen=True, slots=True)
class ForecasterMeasures:
    """Measurements that the rules for forecasters read.

    Parameters
    ----------
    task, rows
        ``"forecast"``, and time steps so far.
    answers
        Number of time steps with a value.
    bounded
        Number of values clipped to ten deviations from the mean.
    season
        The declared season.
    constant
        Number of stored values if all are the same, else 0.
    alike
        Mean squared difference of detrended values a season apart, divided by its median over all lags up to two seasons. NaN below
        four seasons.
    other
        A lag at which values are much more alike than a season apart and than at nearby lags, 0 for none.
    """

    task: str
    rows: int
    answers: int = 0
    bounded: int = 0
    season: int = 1
    constant: int = 0
    alike: float = float("nan")
    other: int = 0


def measure_forecaster(model: Forecaster) -> ForecasterMeasures:
    """Return the current measurements without changing the model.

    Raises
    ------
    DataError
        If the model has learned nothing.
    """
    if model.engine is None or not model.engine.learned:
        raise DataError(
            expected="a forecaster that has learned",
            got="one that has seen no answer",
            at="Forecaster",
            help="Call learn_many first.",
        )
    numbers, y = numbers_of(model), answers_of(model)
    constant = len(y) if len(y) >= _SEEN and np.ptp(y) == 0 else 0
    season, enough = model.season, len(y) >= max(4 * model.season, _SEEN)
    alike, other = _seasons(y, season) if enough and season > 1 and not constant else (float("nan"), 0)
    counts = {"rows": numbers.times, "answers": numbers.answers, "bounded": numbers.bounded}
    return ForecasterMeasures(model.task, **counts, season=season, constant=constant, alike=alike, other=other)


def _seasons(y: NDArray[np.float64], season: int) -> tuple[float, int]:
    """Return the relative difference of values a season apart, and a lag with much smaller differences (or 0)."""
    t = np.arange(len(y))
    y = y - np.polynomial.Polynomial.fit(t, y, 1)(t)
    most = len(y) // 3
    apart = np.array([0.0, *(((y[lag:] - y[:-lag]) ** 2).mean() for lag in range(1, max(most, 2 * season) + 1))])
    around = np.delete(apart[1 : 2 * season], season - 1)
    usual = float(np.median(around)) if len(around) else 0.0
    own = float(apart[season])
    for lag in range(2, most):
        lower = apart[lag] <= min(apart[lag - 1], apart[lag + 1])
        if lower and apart[lag] < _MORE_ALIKE * min(own, float(np.median(np.delete(apart[1 : 2 * lag], lag - 1)))):
            return own / usual if usual else float("nan"), lag
    return own / usual if usual else float("nan"), 0


def constant_series(m: ForecasterMeasures) -> Finding | None:
    """Report that all stored values are the same."""
    if not m.constant:
        return None
    return Finding(
        "constant_series",
        "warning",
        f"The last {m.constant:,} answers are one and the same.",
        "Check what measures them. There is nothing to forecast, and the intervals have no width.",
        {"answers": float(m.constant)},
    )


def season_without_use(m: ForecasterMeasures) -> Finding | None:
    """Report that values a season apart are no more alike than others, and a better lag if there is one."""
    if not (m.alike >= _ALIKE or m.other):
        return None
    if m.other:
        text = f"Answers {m.other:,} times apart are much more alike than those a season of {m.season:,} apart."
        remedy = f"Try Forecaster(season={m.other})."
    else:
        text = f"Answers a season of {m.season:,} apart differ as much as others: {m.alike:.2f} times as much."
        remedy = "Try another season, or season=1 for none."
    return Finding("season_without_use", "warning", text, remedy, {"alike": m.alike, "other": float(m.other)})


def gaps(m: ForecasterMeasures) -> Finding | None:
    """Report that many values are missing."""
    missing = m.rows - m.answers
    if not missing > _GAPS * m.rows:
        return None
    return Finding(
        "gaps",
        "warning" if missing > m.answers else "note",
        f"{missing:,} of {m.rows:,} times had no answer; a forecast of it stands in its place.",
        "Learn at larger steps of time, or fill gaps from what is known.",
        {"missing": float(missing)},
    )


def far_answers(m: ForecasterMeasures) -> Finding | None:
    """Report that many values were clipped as outliers."""
    if not m.bounded > max(_FAR * m.answers, 3):
        return None
    return Finding(
        "far_answers",
        "note",
        f"{m.bounded:,} of {m.answers:,} answers lay more than ten deviations from the mean, and counted as if they lay there.",
        "If they are right, learn the logarithm of the answers; if not, leave them out as gaps.",
        {"answers": float(m.bounded)},
    )


def few_answers(m: ForecasterMeasures) -> Finding | None:
    """Report fewer than two seasons of values, so that only the last ones are useful."""
    if m.answers >= max(2 * m.season, _SEEN):
        return None
    return Finding(
        "few_answers",
        "note",
        f"{m.answers:,} answers were learned: two seasons are {2 * m.season:,}.",
        "Let it learn more, or choose a shorter season.",
        {"answers": float(m.answers)},
    )


RULES = (constant_series, season_without_use, gaps, far_answers, few_answers)


def diagnose_forecaster(model: Forecaster) -> tuple[ForecasterMeasures, list[Finding | None]]:
    """Return the measurements and the finding of each rule."""
    measures = measure_forecaster(model)
    return measures, [rule(measures) for rule in RULES]
