"""What related series have in common, and the past that it suggests for a new one.

With v_j(t) the values of the other series and m_j the mean of their last values, the others' profile is

    P(t) = mean_j v_j(t)/m_j − 1      where nothing is negative, else      P(t) = mean_j v_j(t) − m_j

A new series with the values y(t) lies at a + b·P(t), fitted by least squares with weights that fade by 0.15 a value, and a ridge
towards b = a (or b = 1), as strong as three values. Its invented past is a + b·P(t) over the three seasons before its first value. A
forecaster that has learned it knows the season, its trend and whom to believe. Its errors there say nothing, since a mean of many
series is smooth: in their place stand those of the others, in units of their level, half as large again, as if two had been seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from headwater.kinds.forecaster.state import SPEAKERS
from headwater.plain.outputs.widths import NORMAL

__all__ = ["Common", "Other", "common", "errors", "placed", "take_sizes"]

FADES, RIDGE = 0.15, 3.0
MOST_TIMES = 10.0
"""A value beyond so many times its level counts as that."""
CLOSED = 0.25
"""Below this share of their level the others say nothing of a level."""
UNSURE, UNKNOWN = 1e-8, 1e-4
"""Weights of such a value, and of the others' median level."""
WIDER, SEEN = 1.5, 2.0
"""Factor of the others' errors, and how many of them count as seen."""


class Other(NamedTuple):
    """A series that has learned for a while."""

    values: NDArray[np.float64]
    """Its own last values, oldest first."""
    end: int
    """Time of the last of them."""
    sizes: NDArray[np.float64]
    """Mean absolute error of each horizon."""
    whole: bool
    """Whether all values are whole numbers."""


class Common(NamedTuple):
    """What others have in common over the times before a new series and those that it has."""

    profile: NDArray[np.float64]
    level: float
    """The median of their levels."""
    multiplied: bool
    """Whether the profile is relative to a level."""
    sizes: NDArray[np.float64]
    """Mean absolute error of each horizon, relative to a level if the profile is."""
    whole: bool


def common(others: Sequence[Other], first: int, n: int, season: int, seasons: int, *, signed: bool) -> Common | None:
    """Return what other series have in common, None if none was there for a season before.

    Parameters
    ----------
    others : sequence of Other
        The other series.
    first, n : int
        Time of the new series' first value, and how many values it has.
    season, seasons : int
        The period, and how many of them to go back.
    signed : bool
        Whether the new series has negative values.
    """
    reach = max(seasons * season, 12)
    table = np.full((len(others), reach + n), math.nan)
    for row, other in zip(table, others, strict=True):
        begin = other.end - len(other.values) + 1 - (first - reach)
        low, high = max(begin, 0), min(begin + len(other.values), reach + n)
        if low < high:
            row[low:high] = other.values[low - begin : high - begin]
    means = np.array([one.values[-max(4 * season, 24) :].mean() for one in others])
    sizes, whole = np.array([one.sizes for one in others]), all(one.whole for one in others)
    multiplied = not signed and not bool((table < 0).any()) and bool((means > 0).any())
    if multiplied:
        there = means > 0
        table, means, sizes = table[there], means[there], sizes[there]
    units = (means if multiplied else np.ones(len(means)))[:, None]
    off = (table - means[:, None]) / units
    profile = _mean(np.minimum(off, MOST_TIMES - 1) if multiplied else off)
    known = np.flatnonzero(profile == profile)
    if not known.size or known[0] > reach - season:
        return None
    past = _filled(profile[known[0] :], season)
    return Common(past, float(np.median(means)), multiplied, (sizes / units).mean(axis=0), whole)


def _mean(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each column's known values, NaN where there are none."""
    known = table == table
    counts = known.sum(axis=0)
    return np.asarray(np.where(counts > 0, np.where(known, table, 0.0).sum(axis=0) / np.maximum(counts, 1), math.nan))


def _filled(profile: NDArray[np.float64], season: int) -> NDArray[np.float64]:
    """Return the profile with the value a season before where nobody's is known, or 0."""
    out = profile.copy()
    for i in np.flatnonzero(out != out).tolist():
        out[i] = out[i - season] if i >= season else 0.0
    return out


def placed(shared: Common, values: Sequence[float]) -> NDArray[np.float64]:
    """Return the invented past of a series with these values, NaN where one is missing, and with it its error sizes.

    Returns
    -------
    ndarray (past + horizon,)
        The past, oldest first, then the mean absolute error of each horizon.

    Examples
    --------
    >>> week = np.array([-0.5, 0.5, -0.5, 0.5])
    >>> shared = Common(week, level=70.0, multiplied=True, sizes=np.array([0.1]), whole=False)
    >>> placed(shared, [5.0]).round(2).tolist()
    [1.67, 5.0, 1.67, 0.5]
    """
    n = len(values)
    y = np.array(values, float)
    past, beside = shared.profile[: len(shared.profile) - n], shared.profile[len(shared.profile) - n :]
    a, b = _fit(shared, y, beside)
    sizes = WIDER * shared.sizes * (abs(a) if shared.multiplied else 1.0)
    line = a + b * past
    line = np.maximum(line, 0.0) if shared.multiplied else line
    return np.concatenate([np.round(line) if shared.whole else line, sizes])


def _fit(shared: Common, y: NDArray[np.float64], p: NDArray[np.float64]) -> tuple[float, float]:
    """Return the level a and the share b of the profile, by weighted least squares in closed form."""
    known = y == y
    y, p = y[known], p[known]
    w = (1 - FADES) ** np.arange(len(y) - 1.0, -1.0, -1.0)
    if shared.multiplied:
        w = np.where(p < CLOSED - 1, w * UNSURE, w)
    ridge = RIDGE * float((p * p).sum()) / max(len(y), 1) + 1e-9
    aa, ab, bb = (float(s.sum()) for s in (w, w * p, w * p * p))
    ay, by = float((w * y).sum()) + UNKNOWN * shared.level, float((w * p * y).sum())
    aa, bb = aa + UNKNOWN, bb + ridge
    if shared.multiplied:
        aa, ab = aa + ridge, ab - ridge
    else:
        by += ridge
    det = aa * bb - ab * ab
    return (ay * bb - by * ab) / det, (aa * by - ab * ay) / det


def take_sizes(learner: Any, sizes: NDArray[np.float64]) -> None:
    """Put the others' errors in the place of those over an invented past."""
    state = {name: np.array(array) for name, array in learner.engine.state().items()}
    horizon = len(sizes)
    seen = np.minimum(state["forecast_errors"][:, 0], SEEN)
    state["forecast_errors"][:, 0] = seen
    state["forecast_levels"][:] = 0
    state["forecast_levels"][:, -1] = seen
    for name in ("forecast_happened", "forecast_width_visits", "forecast_width_errors"):
        state[name][:] = 0
    state["forecast_pool_losses"][:, len(SPEAKERS) :] = 0  # what they miss together is of the invented past
    state["forecast_width_shapes"][:] = math.sqrt(math.pi / 2) * NORMAL
    state["forecast_width_sizes"][:] = sizes
    state["forecast_pool_given"].reshape(horizon, horizon, 3)[:, :, 2] = sizes
    learner.resume(engine=learner.new_engine(state), refused=learner.refused, notes=learner.notes)


def errors(said: Sequence[Sequence[float]], values: Sequence[float], last: int) -> float:
    """Return the mean absolute error of forecasts made after each value, of the last values alone, 0 where none has come true.

    Examples
    --------
    >>> errors([[2.0, 3.0], [5.0, 5.0]], [1.0, 3.0], last=7)
    1.0
    """
    off = [
        abs(y - values[i + h])
        for i, ahead in enumerate(said)
        for h, y in enumerate(ahead, 1)
        if max(len(values) - last, 0) <= i + h < len(values) and values[i + h] == values[i + h]
    ]
    return sum(off) / len(off) if off else 0.0
