"""Pool of exponential smoothing, whose members are averaged by the inverse of their past errors.

A member forecasts l + b·r(h) of a series x from which a season was taken, and the season's index is put back. With a gain g of at
least 1/n, so that a young level is a mean, and a season s that is none, added (x = y − s) or multiplied (x = y/s):

    smoothing   l ← l + g(x − l),                                        r = 0,  g ∈ {0.1, 0.3, 0.5, 0.8}
    Theta       l + ½·slope·(h + age): half the slope of a line through all x, from the mean age of what l averages
    Holt        e = x − l − φb,  l ← l + φb + ge,  b ← φb + βge,        r(h) = φ + φ² + … + φʰ

and four simple ones: the last value, with drift, the value a season before, with drift. The index of a phase is a running mean of
what values lie off the mean of the season around them, as a difference or as a ratio, known half a season later.

The loss of a member at a horizon is its mean absolute error L, with a rate of at least 0.01. It counts relative to the median
member's, R = L/median, and is drawn towards its mean over horizons as if that were 10 errors. Members weigh 1/R¹². The second level
is the same for four: this bank, least squares with nets, least squares without season, and the season before, with a rate of 0.005.
There, losses of 0.5, 1, 1, 1.2 are believed at first, as if 80 errors had shown them.

A value of weight w moves each state, index and loss by w·g/(1 − g + w·g) in place of g, the gain of a mean of squared errors whose
last counts w times (`weighed`), and so do the products below. The line learns w in the same way with the lever of its last point.
A value of weight 0 is part of the past, and moves nothing.

Weights of the second level start from these, s, and follow what members miss together (`Joint`). With P the mean products of what
two of them miss, over the median of those with themselves, they are (P + diag(c/2s))⁻¹·1, normalised, where c = 0.005·(1 + 8000/n)
after n errors. A member below 0 is left out, and the others are weighed again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bank", "Joint", "shares", "weighed"]

RATES = (0.1, 0.3, 0.5, 0.8)
HOLT = tuple(
    (gain, beta, phi)
    for beta, phi in ((0.05, 0.98), (0.3, 0.98), (0.1, 0.9), (0.3, 0.9), (0.1, 1.0))
    for gain in (0.2, 0.5, 0.8)
)
FADES, SHRINKS, INDEX, POWER = 0.01, 10.0, 0.15, 12
JOINT_FADES, RECENT, SMALL, YOUNG, LEAST, PULL = 0.0005, 2.0, 0.2, 8000.0, 1e-9, 0.005
"""Of `Joint`: the first errors are those of young members, so that later ones count more. An error below a share of the mean size
counts by its square, a larger one by its size. The pull to the first weights is larger while there are few errors."""
UNIT = 0.001
"""Differences of losses below this share of the mean error count as none."""


def weighed(rate: Any, w: float) -> Any:
    """Return how far a value of weight w moves what one of weight 1 moves by ``rate``.

    Examples
    --------
    >>> float(weighed(0.5, 1.0)), float(weighed(0.5, 3.0)), float(weighed(1.0, 0.1))
    (0.5, 0.75, 1.0)
    """
    return rate if w == 1 else w * rate / (1 - rate + w * rate)


def shares(
    losses: NDArray[np.float64], counts: NDArray[np.float64], h: int, none: float | NDArray[np.float64] = 0.0
) -> NDArray[np.float64]:
    """Return the weights of members at a horizon.

    Parameters
    ----------
    losses : ndarray (horizons, members)
        Mean absolute errors, of horizons that have some.
    counts : ndarray (horizons,)
        How many errors each horizon has.
    h : int
        The horizon, from 1. It may have no errors yet.
    none : float or ndarray (horizons, 1)
        A difference of losses that counts as none.

    Examples
    --------
    >>> shares(np.array([[1.0, 2.0, 4.0]]), np.array([50.0]), 1).round(4).tolist()
    [0.9998, 0.0002, 0.0]
    """
    relative = (losses + none) / (np.sort(losses, axis=1)[:, [losses.shape[1] // 2]] + none)
    n = min(float(counts[h - 1]), 1 / FADES) if h <= len(counts) else 0.0
    own = relative[h - 1] if h <= len(relative) else 0.0
    weights = ((n * own + SHRINKS * relative.mean(0)) / (n + SHRINKS)) ** -POWER
    return np.asarray(weights / weights.sum())


class Joint:
    """What the members of a horizon miss together, and the weights that follow.

    Parameters
    ----------
    members : int
        How many there are.

    Examples
    --------
    >>> joint = Joint(2)
    >>> for i in range(4000):
    ...     joint.learn(np.array([1.0, -1.0]) * (-1) ** i, own=0.5, size=1.0)
    >>> joint.weights(np.array([0.9, 0.1])).round(2).tolist()  # they miss apart: the mean of both misses nothing
    [0.5, 0.5]

    References
    ----------
    Bates & Granger 1969, the combination of forecasts.
    """

    def __init__(self, members: int) -> None:
        self.products, self.n = np.zeros((members, members)), 0

    def learn(self, missed: NDArray[np.float64], own: float, size: float, w: float = 1.0) -> None:
        """Count what the members missed, where all together missed ``own`` and usually miss ``size``, with weight w."""
        small = SMALL * size
        counts = small / abs(own) if abs(own) > small else 1.0
        rate = weighed(max(RECENT / (self.n + RECENT), JOINT_FADES), w)
        self.products += rate * (counts * np.outer(missed, missed) - self.products)
        self.n += 1

    def weights(self, first: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights of members, given those by their single errors."""
        unit = float(np.median(self.products.diagonal()))
        if not unit > 0:
            return first
        drawn = np.maximum(first, LEAST)
        pull = PULL * (1 + YOUNG / self.n) / 2 * drawn.sum() / drawn
        speaks, v = np.ones(len(first), bool), np.zeros(len(first))
        for _ in range(2):
            some = np.ix_(speaks, speaks)
            v[speaks] = np.linalg.solve((self.products / unit + np.diag(pull))[some], np.ones(speaks.sum()))
            speaks, v = v > 0, np.maximum(v, 0)
        return np.asarray(v / v.sum())


class Bank:
    """The bank of one series.

    Parameters
    ----------
    season, horizon : int
        Settings of the forecaster, with a season of at least 2.

    Examples
    --------
    >>> bank = Bank(season=2, horizon=2)
    >>> for i in range(40):
    ...     bank.learn(10.0 + 5 * (i % 2))
    >>> [round(y) for y in bank.forecast()]
    [10, 15]

    References
    ----------
    Gardner & McKenzie 1985 (damped trends); Assimakopoulos & Nikolopoulos 2000 (Theta).
    """

    def __init__(self, season: int, horizon: int) -> None:
        self.season, self.horizon, self.past, self.row_weights, self.n = (
            season,
            horizon,
            list[float](),
            list[float](),
            0,
        )
        self.indices, self.visits = np.stack([np.zeros(season), np.zeros(season)]), np.zeros(season)
        self.levels, self.ages = np.zeros((3, len(RATES))), np.zeros(len(RATES))
        self.holt, self.lines = np.zeros((3, len(HOLT), 2)), np.zeros((3, 2))
        self.losses, self.origins = np.zeros((horizon, 73)), list[NDArray[np.float64]]()

    def _index(self, i: int) -> tuple[float, float]:
        """Return what the phase of time i adds, and what it multiplies by."""
        known, phase = self.visits > 0, i % self.season
        if not known[phase]:
            return 0.0, 1.0
        added, times = self.indices
        ratio = float(np.clip(times[phase] / times[known].mean(), 0.02, 50)) if min(self.past) >= 0 else 1.0
        return float(added[phase] - added[known].mean()), ratio

    def learn(self, y: float, w: float = 1.0) -> None:
        """Score what was forecast of the next value, then learn it with weight w. The first one's is above 0."""
        t = len(self.past)
        self.past.append(y)
        self.row_weights.append(w)
        if w > 0:
            self._learn(t, y, w)
        else:
            self.holt[:, :, 1] *= [phi for _, _, phi in HOLT]
            self.holt[:, :, 0] += self.holt[:, :, 1]
        self._learn_season(t)
        self.origins.append(self._origin(t))

    def _learn(self, t: int, y: float, w: float) -> None:
        for h in range(1, min(self.horizon, t) + 1):
            rate = weighed(max(1 / (t - h + 1), FADES), w)
            self.losses[h - 1] += rate * (np.abs(y - self._said(t - h, h)) - self.losses[h - 1])
        self.n += 1
        added, times = self._index(t)
        for kind, x in enumerate((y, y - added, y / times)):
            self._learn_states(kind, x, self.n, w)
        self.ages = (1 - weighed(np.maximum(RATES, 1 / self.n), w)) * (self.ages + 1)

    def _drawn(self, kind: int, x: float, n: int, w: float) -> float:
        """Return what the line of unweighted values learns in the place of the last, x, to become that of weighted ones."""
        if w == 1 or n < 3:
            return x
        mean, moment = self.lines[kind]
        said = mean + moment / ((n - 1) * (n * n - 2 * n) / 12) * n / 2
        lever = (4 * n - 2) / (n * (n + 1))
        return float(said + weighed(lever, w) / lever * (x - said))

    def _learn_states(self, kind: int, x: float, n: int, w: float) -> None:
        self.levels[kind] += weighed(np.maximum(RATES, 1 / n), w) * (x - self.levels[kind])
        for state, (rate, beta, phi) in zip(self.holt[kind], HOLT, strict=True):
            gain, trend = weighed(max(rate, 1 / n), w), phi * state[1]
            error = x - state[0] - trend
            state[:] = (state[0] + trend + gain * error, trend + beta * gain * error) if n > 1 else (x, 0.0)
        x = self._drawn(kind, x, n, w)
        self.lines[kind, 0] += (x - self.lines[kind, 0]) / n
        self.lines[kind, 1] += n / 2 * (x - self.lines[kind, 0])

    def _learn_season(self, t: int) -> None:
        m, centre = self.season, t - self.season // 2
        if t < m or not self.row_weights[centre] > 0:
            return
        mean = (
            float(np.mean(self.past[t - m + 1 :]))
            if m % 2
            else (sum(self.past[t - m + 1 :]) + sum(self.past[t - m : t])) / (2 * m)
        )
        phase, y = centre % m, self.past[centre]
        gain = weighed(max(1 / (self.visits[phase] + 1), INDEX), self.row_weights[centre])
        self.indices[0, phase] += gain * (y - mean - self.indices[0, phase])
        ratio = min(y / mean, 50.0) if mean > 0 and y >= 0 else self.indices[1, phase] or 1.0
        self.indices[1, phase] += gain * (ratio - self.indices[1, phase])
        self.visits[phase] += 1

    def _origin(self, t: int) -> NDArray[np.float64]:
        """Return levels and trends (73, 2) of all members, levels from the newest value."""
        n, y = self.n, self.past[t]
        slopes = self.lines[:, 1] / (n * (n * n - 1) / 12) if n > 1 else np.zeros(3)
        rows = []
        for kind in range(3):
            half = slopes[kind] / 2
            rows += [(level - y, 0.0) for level in self.levels[kind]]
            rows += [(level - y + half * age, half) for level, age in zip(self.levels[kind], self.ages, strict=True)]
            rows += [(level - y, trend) for level, trend in self.holt[kind]]
        drift = (y - self.past[0]) / (n - 1) if n > 1 else 0.0
        return np.array([*rows, (0, 0), (0, drift), (0, 0), (0, slopes[1])], np.float64)

    def _said(self, o: int, h: int) -> NDArray[np.float64]:
        """Return what members said at time o of time o + h."""
        level, trend = self.origins[o].T
        reach = np.array([sum(phi**i for i in range(1, h + 1)) for _, _, phi in HOLT])
        steps = np.tile([*[0.0] * len(RATES), *[float(h)] * len(RATES), *reach], 3)
        base, (added, times) = self.past[o], self._index(o + h)
        x = (base + level[:69] + trend[:69] * steps).reshape(3, 23)
        back = -(-h // self.season) * self.season
        before = self.past[o + h - back] if o + h >= back else base
        return np.concatenate(
            [x[0], x[1] + added, x[2] * times, [base, base + h * trend[70], before, before + back * trend[72]]]
        )

    def forecast(self, sizes: NDArray[np.float64] | float = 0.0) -> list[float]:
        """Return the bank's forecast of each horizon, given the mean error of the whole pool at each."""
        o = len(self.past) - 1
        counts = np.array([o - h + 1 for h in range(1, min(self.horizon, o) + 1)], float)
        if not o:
            return [float(self._said(o, h).mean()) for h in range(1, self.horizon + 1)]
        none = UNIT * np.broadcast_to(sizes, self.horizon)[: len(counts), None]
        found = [shares(self.losses[: len(counts)], counts, h, none) for h in range(1, self.horizon + 1)]
        return [float(weights @ self._said(o, h)) for h, weights in enumerate(found, 1)]
