"""River's HalfSpaceTrees on numbers from 0 to 1, as its documentation shows it, and LODA on standardised numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from river import anomaly, preprocessing

PACKAGES = ("river", "numpy")


def make(name: str, d: int, seed: int) -> Callable[[Any], float]:
    """Return a function that scores a row and then learns it."""
    if name == "river-hst":
        model = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=seed)
    else:
        model = preprocessing.StandardScaler() | anomaly.LODA(seed=seed)
    names = [f"x{j}" for j in range(d)]

    def step(row: Any) -> float:
        x = dict(zip(names, row.tolist(), strict=True))
        try:
            score = model.score_one(x)
        except (ZeroDivisionError, IndexError):  # before the first row was learned
            score = 0.0
        model.learn_one(x)
        return float(score)

    return step
