"""Recursive least squares: the linear forecast that fits all of the past best, brought up to date answer by answer.

Features g say what is known at a time: how far the last answers lie from the newest, and 1. For each horizon h a row of W says
how far y_{t+h} will lie from the newest answer. Least squares over the past,

    W_h = argmin Σ_t (y_{t+h} − newest_t − w·g_t)² + ρ‖w − w₀‖²,

need no past to be kept: P, the inverse of ρ + Σ g gᵀ, holds all that matters of it. All horizons share P, since it is made of
features alone:

    k = P g,  d = λ + gᵀ k,  gain = k/d;   P ← (P − k kᵀ/d)/λ;   W_h ← W_h + gain·(y_{t+h} − newest_t − W_h·g)

λ = 1 forgets nothing. w₀, where W begins, lies half way from the newest answer to the season's; ρ = 500, with answers in units of
their deviation, is what many correlated features need before there are many answers, and soon next to nothing. The gain is due
at time t, and the answer h times later: so gains wait beside their features, and a horizon is learned from only after it has
passed, but then at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["LeastSquares", "features"]

RIDGE = 500.0
"""ρ."""
HALF = 0.5
"""The first weight of the season's answer."""
LARGEST = 1e3
"""Times its first trace P may reach; beyond that nothing is forgotten: what features don't stir up would grow as 1/λᵗ."""


def features(answers: NDArray[np.float64], lags: int, season: int, horizon: int, scale: float) -> NDArray[np.float64]:
    """Return how far answers lie from the newest: the last ones, those seven seasons before what is ahead; and 1.

    Parameters
    ----------
    answers : ndarray (t,)
        All until now; where one is needed from before them, it counts as the newest.
    lags, season, horizon : int
        Of the forecaster.
    scale : float
        The unit of all differences.

    Returns
    -------
    ndarray (lags + min(horizon, season),)

    Examples
    --------
    >>> features(np.array([1.0, 2.0, 4.0]), lags=3, season=1, horizon=1, scale=2.0)
    array([-1. , -1.5,  0. ,  1. ])
    """
    t, far = len(answers) - 1, 7 * season
    times = [*(t - i for i in range(1, lags)), *(t + h - far for h in range(1, min(horizon, season) + 1))]
    known = [answers[i] - answers[t] if i >= 0 else 0.0 for i in times]
    return np.array([*(d / scale for d in known), 1.0])


@dataclass(slots=True)
class LeastSquares:
    """W and P of one series.

    Parameters
    ----------
    size, horizon : int
        Features, and rows of W.
    forgetting : float
        λ.

    Examples
    --------
    >>> fit = LeastSquares(size=2, horizon=1)
    >>> for x in [0.0, 100.0, 200.0, 300.0] * 50:
    ...     g = np.array([x, 100.0])
    ...     fit.learn(1, g, fit.gain(g), 3 * x + 100)
    >>> fit.weights.round(2).tolist()
    [[3.0, 1.0]]

    References
    ----------
    Plackett 1950; Haykin, Adaptive Filter Theory.
    """

    size: int
    horizon: int
    forgetting: float = 1.0
    weights: NDArray[np.float64] = field(init=False)
    inverse: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.weights, self.inverse = np.zeros((self.horizon, self.size)), np.eye(self.size) / RIDGE

    @classmethod
    def begin(cls, lags: int, season: int, horizon: int, forgetting: float = 1.0) -> LeastSquares:
        """Return those of a forecaster, which begin half way from the newest answer to the season's."""
        fit = cls(lags + min(horizon, season), horizon, forgetting)
        for h in range(1, horizon + 1):
            back = -(-h // season) * season - h  # from the newest answer to the season's
            if 1 <= back < lags:
                fit.weights[h - 1, back - 1] = HALF
        return fit

    def gain(self, g: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far the weights go for an error of 1 with features g; P now knows of them."""
        k = self.inverse @ g
        d = self.forgetting + g @ k
        grow = 1 / self.forgetting if np.trace(self.inverse) <= LARGEST / RIDGE * self.size else 1.0
        self.inverse = (self.inverse - np.outer(k, k) / d) * grow
        return np.asarray(k / d)

    def learn(self, h: int, g: NDArray[np.float64], gain: NDArray[np.float64], y: float) -> None:
        """Learn what came at horizon h of features g."""
        self.weights[h - 1] += gain * (y - self.weights[h - 1] @ g)
