"""What is wrong with a forecaster and its series: numbers from its state, and what the rules make of them.

A forecaster keeps the answers of the last seven seasons and a little more. So this needs no rows of their own.
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

_SEEN = 100  # answers before the series is said to be constant
_ALIKE = 0.9  # of noise, whose seasons say nothing, this ratio is around 1
_MORE_ALIKE = 0.5  # times the declared season's difference: so much smaller is that of another that is named
_GAPS = 0.05  # share of times without an answer
_FAR = 0.01  # share of answers that were held within ten deviations


@dataclass(frozen=True, slots=True)
class ForecasterMeasures:
    """The numbers that findings on a forecaster are made from.

    Parameters
    ----------
    task, rows
        ``"forecast"``, and times so far.
    answers
        How many of the times had an answer.
    bounded
        How many answers were held within ten deviations from the mean.
    season
        As declared.
    constant
        How many of the last answers are all that are kept, and one and the same; 0 where they differ.
    alike
        How far answers a season apart lie from each other, among those at all distances up to two seasons: the mean square of
        their difference (without the straight trend) over the median of these; NaN while there are less than four seasons.
    other
        A distance at which answers are much more alike than a season apart and than at those around it; 0 for none.
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
    """Return the numbers as they stand now; the model is only asked.

    Raises
    ------
    DataError
        When it has learned nothing.
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
    """Return how alike answers a season apart are among those at other distances, and a distance where they are far more so."""
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
    """Say when all answers that are kept are the same."""
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
    """Say when answers a season apart are no more alike than others, and where they are."""
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
    """Say when many times had no answer."""
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
    """Say when many answers lay so far off that they were held within bounds."""
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
    """Say when there are less than two seasons of answers, so that nothing but the last ones is known."""
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
    """Return what was measured and what each rule found."""
    measures = measure_forecaster(model)
    return measures, [rule(measures) for rule in RULES]
