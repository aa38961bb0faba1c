"""``hw.Anomaly()`` with its defaults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import headwater as hw

PACKAGES = ("headwater", "numpy")


def make(name: str, d: int, seed: int) -> Callable[[Any], float]:
    """Return a function that scores a row and then learns it."""
    del name
    model = hw.Anomaly(seed=seed)
    names = [f"x{j}" for j in range(d)]

    def step(row: Any) -> float:
        x = dict(zip(names, row.tolist(), strict=True))
        score = model.score_one(x)
        model.learn_one(x)
        return score

    return step
