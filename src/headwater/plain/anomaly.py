"""Anomalies: how unusual a row is, against those that came before it.

A row is numbers and categories by name. Four detectors score it, each score becomes a p-value, and the p-values become one.
Nobody says which rows are anomalies.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from .input import Statistics, standardise

FARTHEST = 10.0
"""A standardised number lies within ±10."""
SCORED = 2000
"""How many scores a p-value is a share of."""
NEAREST = 10
"""Rows that a distance is measured to."""
WEIGHTS = (1.5, 1.0, 1.0, 1.0)
"""Of the detectors in the pool, in the order of `PlainAnomaly.scores`."""
RARE, TOGETHER = 0.001, 100
"""A row with a smaller p-value is not learned; but no more than so many in succession."""

Row = Mapping[str, float | str]
Vector = NDArray[np.float64]


def p_value(scores: deque[float], score: float) -> float:
    """Return the share of scores that are larger; equal ones count half, and so does this one.

    Where rows come in any order it is uniform, whatever the scores are: a conformal p-value.

    Examples
    --------
    >>> p_value(deque([1.0, 2.0, 3.0]), 2.5), p_value(deque(), 7.0)
    (0.375, 0.5)

    References
    ----------
    Vovk, Gammerman & Shafer 2005.
    """
    larger = sum(old > score for old in scores) + 0.5 * sum(old == score for old in scores)
    return (larger + 0.5) / (len(scores) + 1)


class PlainAnomaly:
    """A pool of four detectors.

    Parameters
    ----------
    draw : callable
        The first weights (units,) of the autoencoder for a name: a column of numbers, or (column, category).
    units : int
        Units in the middle of the autoencoder.
    neighbours : int
        How many of the last rows are kept.
    lr : float
        Step size of the autoencoder.

    References
    ----------
    Fisher 1925 (Σ −ln p); Nagumo & Noda 1967 (normalised least mean squares).
    """

    def __init__(self, draw: Callable[[object], Vector], units: int, neighbours: int = 256, lr: float = 0.003) -> None:
        self.draw, self.lr = draw, lr
        self.statistics: dict[str, Statistics] = {}
        self.counts: Counter[object] = Counter()  # rows learned that had a name
        self.rows = 0  # learned
        self.kept: deque[dict[object, float]] = deque(maxlen=neighbours)
        self.W: dict[object, Vector] = {}  # h = tanh(b + Σ value·W[name]); ẑ = V[name]·h
        self.V: dict[object, Vector] = {}
        self.b = np.zeros(units)
        self.past = [deque[float](maxlen=SCORED) for _ in range(len(WEIGHTS) + 1)]
        self.skipped = 0

    def read(self, x: Row) -> dict[object, float]:
        """Return a row as values by name: z of a number, 1 of a category (named by its column and itself), 0 of what is new."""
        values: dict[object, float] = {}
        for column, value in x.items():
            if isinstance(value, str):
                values[column, value] = float(self.counts[column, value] > 0)
            else:
                known = self.statistics.get(column)
                values[column] = standardise(value, known, FARTHEST)[0] if known else 0.0
        return values

    def scores(self, values: Mapping[object, float]) -> list[float]:
        """Return the raw scores: z-norm, distance to the nearest rows, what the autoencoder fails to rebuild, surprise of names."""
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
        """Return the middle h of the autoencoder, and by how much it misses each number: ẑ − z."""
        for name in values.keys() - self.V.keys():
            self.W[name], self.V[name] = self.draw(name), np.zeros_like(self.b)
        h = np.tanh(self.b + sum((v * self.W[name] for name, v in values.items()), np.zeros_like(self.b)))
        return h, {name: float(self.V[name] @ h) - v for name, v in values.items() if isinstance(name, str)}

    def score_one(self, x: Row) -> float:
        """Return 1 − p: how unusual a row is."""
        return 1 - self.judge(x)[1]

    def judge(self, x: Row) -> tuple[list[float], float]:
        """Return the raw scores of the detectors and of the pool, Σ weight·(−ln p), and the pool's p."""
        raw = self.scores(self.read(x))
        pool = zip(WEIGHTS, self.past, raw, strict=False)
        raw.append(sum(-w * math.log(p_value(past, s)) for w, past, s in pool if s > 0))  # 0: nothing at all was found
        return raw, p_value(self.past[-1], raw[-1])

    def learn_one(self, x: Row) -> None:
        """Keep the scores of a row, and learn it unless it is an anomaly."""
        raw, p = self.judge(x)
        for past, score in zip(self.past, raw, strict=True):
            past.append(score)
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
                self.statistics[column] = standardise(value, self.statistics.get(column, Statistics()), FARTHEST)[1]
        self.kept.append({name: v if isinstance(name, str) else 1.0 for name, v in values.items()})

    def learn_to_rebuild(self, values: Mapping[object, float]) -> None:
        """Take one step along the gradient of ½Σ(ẑ − z)², each layer's divided by 1 + |what it reads|²."""
        h, errors = self.rebuild(values)
        back = sum((e * self.V[name] for name, e in errors.items()), np.zeros_like(self.b)) * (1 - h * h)
        for name, e in errors.items():
            self.V[name] = self.V[name] - self.lr / (1 + h @ h) * e * h
        step = self.lr / (1 + sum(v * v for v in values.values())) * back
        for name, v in values.items():
            self.W[name] = self.W[name] - v * step
        self.b = self.b - step
