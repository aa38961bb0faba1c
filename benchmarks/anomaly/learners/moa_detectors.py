"""CapyMOA's HalfSpaceTrees and OnlineIsolationForest with its defaults; for its trees numbers are brought to 0 … 1 as they stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from capymoa.anomaly import HalfSpaceTrees, OnlineIsolationForest
from capymoa.core import LabeledInstance
from capymoa.stream import Schema

PACKAGES = ("capymoa", "numpy")


def make(name: str, d: int, seed: int) -> Callable[[Any], float]:
    """Return a function that scores a row and then learns it."""
    columns = [f"x{j}" for j in range(d)]
    schema = Schema.from_custom([*columns, "y"], "y", categories={"y": ["0", "1"]}, name="rows")
    model = (HalfSpaceTrees if name == "moa-hst" else OnlineIsolationForest)(schema, random_seed=seed)
    low, high = np.full(d, np.inf), np.full(d, -np.inf)

    def step(row: Any) -> float:
        np.minimum(low, row, out=low)
        np.maximum(high, row, out=high)
        span = high - low
        scaled = np.divide(row - low, span, out=np.zeros(d), where=span > 0)
        instance = LabeledInstance.from_array(
            schema, scaled, 0
        )  # its trees learn no row without a label: all are ordinary
        score = float(model.score_instance(instance))
        model.train(instance)
        return score

    return step
