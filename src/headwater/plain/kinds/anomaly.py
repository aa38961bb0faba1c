"""Anomaly detection in a stream, by four detectors whose p-values are combined.

A row holds numbers and categories by name. Each detector scores it against earlier rows, each score becomes a p-value, and
the p-values are pooled into one. Training is unsupervised.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from headwater.plain.inputs.input import Statistics, standardise

FARTHEST = 10.0
"""Standardized numbers are clipped to ±10."""
FOLLOW, NEAR = 2.5e-3, 2.5
"""Minimum decay rate of the columns' statistics, and the number of deviations to which values are clipped when they update them. Near,
because heavy tails make a standard deviation unsteady, and a steady one can follow faster."""
LOG_FIRST, LOG_WIDTH, LOG_BINS = -12.0, 0.25, 100
"""Bins of a detector's scores, by their logarithm. The first is for scores of 0, the last has no end."""
POOL_WIDTH, POOL_BINS = 0.25, 193
"""Bins of the pool's raw scores, alike."""
REMEMBERED = 20_000
"""Rows after which a score counts 1/e."""
TAIL, EXCESS, EXCESSES = 0.02, 3.0, 10.0
"""Share of the pool's largest scores beyond which its p-value falls exponentially; their mean excess before any is known, and the
number of scores that this counts as."""
SMALLEST_P = 2.0**-24
"""So that 1 − p is below 1 in float32."""
NEAREST = 10
"""Number of nearest rows whose distances are averaged."""
WEIGHTS = (1.5, 1.0, 1.0, 1.0)
"""Weights of the detectors in the pool, in the order of `PlainAnomaly.scores`."""
RARE, TOGETHER = 0.001, 100
"""Rows with a smaller p-value are not learned, for at most TOGETHER rows in succession."""

Row = Mapping[str, float | str]
Vector = NDArray[np.float64]


def p_value(bins: Vector, own: int) -> float:
    """Return the share of past scores in larger bins, where those in the same bin and the score itself count half.

    This is a conformal p-value of scores that are rounded to bins. It is uniform for exchangeable rows, whatever the scores are.

    Parameters
    ----------
    bins : ndarray
        Number of past scores in each bin.
    own : int
        The bin of the score.

    Examples
    --------
    >>> p_value(np.array([0.0, 1.0, 2.0, 1.0]), 2), p_value(np.zeros(4), 3)
    (0.5, 0.5)

    References
    ----------
    Vovk, Gammerman & Shafer 2005.
    """
    return float((bins[own + 1 :].sum() + 0.5 * bins[own] + 0.5) / (bins.sum() + 1))


def tail_p_value(bins: Vector, own: int, score: float) -> float:
    """Return the p-value of the pool's raw score, which falls exponentially in the largest fiftieth of past scores.

    Beyond the edge u of that tail, p = P(tail)·exp(−(score − u)/m) with the mean excess m over u.

    Examples
    --------
    >>> bins = np.zeros(POOL_BINS)
    >>> bins[[1, 20]] = 99.0, 1.0
    >>> round(tail_p_value(bins, 20, 4.8), 5), round(tail_p_value(bins, 40, 9.8), 5)
    (0.0035, 0.00071)

    References
    ----------
    Pickands 1975 (exceedances of a high threshold).
    """
    first, inside = POOL_BINS, 0.0
    while first > 1 and inside + bins[first - 1] <= TAIL * bins.sum():
        first -= 1
        inside += bins[first]
    if not bins.any() or own < first:
        return p_value(bins, own)
    edge = (first - 1) * POOL_WIDTH
    excess = sum(bins[i] * ((i - 0.5) * POOL_WIDTH - edge) for i in range(first, POOL_BINS))
    mean = (excess + EXCESSES * EXCESS) / (inside + EXCESSES)
    return max(float((inside + 0.5) / (bins.sum() + 1)) * math.exp((edge - score) / mean), SMALLEST_P)


def detector_bin(score: float) -> int:
    """Return the bin of a detector's score."""
    return min(max(int((math.log(score) - LOG_FIRST) // LOG_WIDTH), 1), LOG_BINS - 1) if score > 0 else 0


def pool_bin(score: float) -> int:
    """Return the bin of the pool's raw score."""
    return min(int(score / POOL_WIDTH) + 1, POOL_BINS - 1) if score > 0 else 0


class PlainAnomaly:
    """Pool of four anomaly detectors.

    Parameters
    ----------
    draw : callable
        Returns the autoencoder's initial weights (units,) for a name: a numeric column, or (column, category).
    units : int
        Hidden units of the autoencoder.
    neighbours : int
        Number of recent rows kept for distances.
    lr : float
        Learning rate of the autoencoder.

    References
    ----------
    Fisher 1925 (Σ −ln p); Nagumo & Noda 1967 (normalised least mean squares).
    """

    def __init__(self, draw: Callable[[object], Vector], units: int, neighbours: int = 256, lr: float = 0.003) -> None:
        self.draw, self.lr = draw, lr
        self.statistics: dict[str, Statistics] = {}
        self.counts: Counter[object] = Counter()  # learned rows with each name
        self.rows = 0  # learned rows
        self.kept: deque[dict[object, float]] = deque(maxlen=neighbours)
        self.W: dict[object, Vector] = {}  # h = tanh(b + Σ value·W[name]); ẑ = V[name]·h
        self.V: dict[object, Vector] = {}
        self.b = np.zeros(units)
        self.past = [np.zeros(LOG_BINS) for _ in WEIGHTS]
        self.past_of_pool = np.zeros(POOL_BINS)
        self.scored = self.skipped = 0

    def read(self, x: Row) -> dict[object, float]:
        """Return a row's values by name, z for numbers, 1 for known categories (column, category), 0 for new names."""
        values: dict[object, float] = {}
        for column, value in x.items():
            if isinstance(value, str):
                values[column, value] = float(self.counts[column, value] > 0)
            else:
                known = self.statistics.get(column)
                values[column] = standardise(value, known, FARTHEST, FOLLOW, NEAR)[0] if known else 0.0
        return values

    def scores(self, values: Mapping[object, float]) -> list[float]:
        """Return the raw scores of the four detectors.

        They are the mean of z², the mean distance to the nearest rows, the autoencoder's reconstruction error, and the
        surprisal of the names.
        """
        known = [name for name in values if name in self.statistics]
        n = max(len(known), 1)
        apart = sorted(math.sqrt(sum((values.get(k, 0.0) - v) ** 2 for k, v in old.items())) for old in self.kept)[
            :NEAREST
        ]
        _, errors = self.rebuild(values)
        shares = [(self.counts[name] + 0.5) / (self.rows + 1) for name in values if name not in known]
        return [
            sum(values[name] ** 2 for name in known) / n,
            sum(apart) / max(len(apart), 1),
            sum(errors[name] ** 2 for name in known) / n,
            sum(max(0.0, -math.log(share)) for share in shares),
        ]

    def rebuild(self, values: Mapping[object, float]) -> tuple[Vector, dict[object, float]]:
        """Return the autoencoder's hidden layer h and the error ẑ − z of each number."""
        for name in values.keys() - self.V.keys():
            self.W[name], self.V[name] = self.draw(name), np.zeros_like(self.b)
        h = np.tanh(self.b + sum((v * self.W[name] for name, v in values.items()), np.zeros_like(self.b)))
        return h, {name: float(self.V[name] @ h) - v for name, v in values.items() if isinstance(name, str)}

    def score_one(self, x: Row) -> float:
        """Return 1 − p, the anomaly score of a row."""
        return 1 - self.judge(x)[1]

    def judge(self, x: Row) -> tuple[list[float], float]:
        """Return the raw scores of the detectors and of the pool, Σ weight·(−ln p), and the pool's p-value."""
        raw = self.scores(self.read(x))
        pool = zip(WEIGHTS, self.past, raw, strict=True)
        score = sum(-w * math.log(p_value(past, detector_bin(s))) for w, past, s in pool if s > 0)  # 0 is no evidence
        return [*raw, score], tail_p_value(self.past_of_pool, pool_bin(score), score)

    def learn_one(self, x: Row) -> None:
        """Record the scores of a row, and learn it unless it is an anomaly."""
        raw, p = self.judge(x)
        bins = [*map(detector_bin, raw[:-1]), pool_bin(raw[-1])]
        for past, own in zip((*self.past, self.past_of_pool), bins, strict=True):
            if self.scored >= REMEMBERED:
                past *= 1 - 1 / REMEMBERED
            past[own] += 1
        self.scored += 1
        if p < RARE and self.skipped < TOGETHER:
            self.skipped += 1
            return
        self.skipped = 0
        values = self.read(x)
        self.learn_to_rebuild(values)
        for name in values:
            self.counts[name] += 1
        self.rows += 1
        for column, value in x.items():
            if not isinstance(value, str):
                before = self.statistics.get(column, Statistics())
                self.statistics[column] = standardise(value, before, FARTHEST, FOLLOW, NEAR)[1]
        self.kept.append({name: v if isinstance(name, str) else 1.0 for name, v in values.items()})

    def learn_to_rebuild(self, values: Mapping[object, float]) -> None:
        """Take one gradient step on ½Σ(ẑ − z)², with each layer's step divided by 1 + |input|²."""
        h, errors = self.rebuild(values)
        back = sum((e * self.V[name] for name, e in errors.items()), np.zeros_like(self.b)) * (1 - h * h)
        for name, e in errors.items():
            self.V[name] = self.V[name] - self.lr / (1 + h @ h) * e * h
        step = self.lr / (1 + sum(v * v for v in values.values())) * back
        for name, v in values.items():
            self.W[name] = self.W[name] - v * step
        self.b = self.b - step
