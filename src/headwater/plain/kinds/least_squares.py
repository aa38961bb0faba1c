"""Recursive least squares, the linear forecast that fits the whole past best, updated label by label.

Features g describe the past at a time: differences of the last labels from the newest, and 1. For each horizon h a row of W
predicts the difference of y_{t+h} from the newest label. Least squares over the past,

    W_h = argmin Σ_t (y_{t+h} − newest_t − w·g_t)² + ρ‖w − w₀‖²,

needs no past to be stored: P, the inverse of ρ + Σ g gᵀ, is a sufficient statistic. All horizons share P, since it depends on
the features alone:

    k = P g,  d = λ + gᵀ k,  gain = k/d;   P ← (P − k kᵀ/d)/λ;   W_h ← W_h + gain·(y_{t+h} − newest_t − W_h·g)

A label of weight w counts its squared error w times. With s = gᵀ gain, the lever of its row, the gain becomes gain·w/(1 + (w−1)s),
and P, which was updated before the label came, P + (1−w)/(1 + (w−1)s)·gain gainᵀ. P is shared, so it takes the weight of the label
that came next: horizon 1 is weighted least squares to rounding, and longer horizons are where weights change slowly.

λ = 1 forgets nothing. The initial w₀ is half way from the newest label to the season's. ρ = 500, with labels in units of
their deviation, stabilizes many correlated features at first and soon has little effect. The gain is computed at time t and
the label arrives h steps later, so gains are stored beside their features, and a horizon is learned as soon as it has
passed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["LeastSquares", "features"]

RIDGE = 500.0
"""ρ."""
HALF = 0.5
"""Initial weight of the season's label."""
LARGEST = 1e3
"""Maximum trace of P relative to its first. Beyond it nothing is forgotten, since unexcited directions grow as 1/λᵗ."""


def features(answers: NDArray[np.float64], lags: int, season: int, horizon: int, scale: float) -> NDArray[np.float64]:
    """Return differences of the last labels and of those seven seasons before each horizon from the newest, and 1.

    Parameters
    ----------
    answers : ndarray (t,)
        All labels so far. Labels before the first count as the newest.
    lags, season, horizon : int
        Settings of the forecaster.
    scale : float
        Unit of all differences.

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
    """Weights W and inverse P of one series.

    Parameters
    ----------
    size, horizon : int
        Number of features, and of rows of W.
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
        """Return the initial state of a forecaster, half way from the newest label to the season's."""
        fit = cls(lags + min(horizon, season), horizon, forgetting)
        for h in range(1, horizon + 1):
            back = -(-h // season) * season - h  # steps from the newest label back to the season's
            if 1 <= back < lags:
                fit.weights[h - 1, back - 1] = HALF
        return fit

    def gain(self, g: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gain for an error of 1 with features g, and update P by them."""
        k = self.inverse @ g
        d = self.forgetting + g @ k
        grow = 1 / self.forgetting if np.trace(self.inverse) <= LARGEST / RIDGE * self.size else 1.0
        self.inverse = (self.inverse - np.outer(k, k) / d) * grow
        return np.asarray(k / d)

    def learn(self, h: int, g: NDArray[np.float64], gain: NDArray[np.float64], y: float, w: float = 1.0) -> None:
        """Update the weights by the label y of weight w at horizon h, for features g and their gain."""
        self.weights[h - 1] += gain * w / (1 + (w - 1) * (g @ gain)) * (y - self.weights[h - 1] @ g)

    def reweigh(self, g: NDArray[np.float64], gain: NDArray[np.float64], w: float) -> None:
        """Update P where the label after features g has weight w, once for all horizons."""
        self.inverse = self.inverse + (1 - w) / (1 + (w - 1) * (g @ gain)) * np.outer(gain, gain)
