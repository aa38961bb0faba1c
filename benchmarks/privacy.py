"""What differential privacy costs: accuracy and AUC of private learners beside the same model without noise and the default pool.

    python -m benchmarks.privacy [rows] [seeds]

Bounds are round numbers from what the columns mean. "no noise" is the private model with its noise taken away.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.units import stream
from headwater import Privacy

WEATHER = {
    "Temperature": (-40, 120),
    "DewPoint": (-40, 100),
    "SeaLevelPressure": (950, 1050),
    "Visibility": (0, 20),
    "AverageWindSpeed": (0, 50),
    "MaximumSustainedWindSpeed": (0, 80),
    "MaximumTemperature": (-40, 130),
    "MinimumTemperature": (-50, 110),
}
ELEC2 = {
    **dict.fromkeys(("date", "period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"), (0, 1)),
    "day": (1, 7),
}
BOUNDS: dict[str, dict[str, Any]] = {"elec2": ELEC2, "weather": WEATHER}
PROMISES = (8.0, 3.0, 1.0)


def auc(p: Any, y: Any) -> float:
    """Return the share of pairs of both classes that are ranked right."""
    order = np.sort(p[y == 0])
    below, up_to = (np.searchsorted(order, p[y == 1], side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(order))


def scored(model: Any, X: list[dict[str, Any]], y: list[str], classes: list[str]) -> tuple[float, float, float]:
    """Return accuracy and AUC in %, and microseconds of processor a row."""
    began = time.process_time()
    said = model.step_many(X, y)
    spent = time.process_time() - began
    proba, truth = np.asarray(said.proba), np.array(y) == classes[1]
    column = list(said.classes).index(classes[1])
    right = np.mean(np.array([str(label) for label in said.y_pred]) == np.array(y))
    return 100 * float(right), 100 * auc(proba[:, column], truth), 1e6 * spent / len(X)


def main(rows: int = 45_312, seeds: int = 3) -> None:
    """Print a table."""
    for name, bounds in BOUNDS.items():
        X, _, y = stream(name, rows)
        classes = sorted(set(y))
        made = {"default pool": lambda: hw.Classifier(seed=1)}
        for epsilon in PROMISES:
            promise = Privacy(epsilon=epsilon, bounds=bounds, classes=classes)
            made[f"epsilon {epsilon:g}"] = lambda promise=promise: hw.Classifier(privacy=promise)
        for label, make in made.items():
            found = [scored(make(), X, y, classes) for _ in range(seeds if label != "default pool" else 1)]
            print(
                f"{name:8} {label:13} {'{:.2f} % · AUC {:.2f} · {:.1f} µs a row'.format(*np.mean(found, axis=0))}",
                flush=True,
            )
            if label == "default pool":
                continue
            quiet = make()
            quiet.engine.noise_scale = 0.0
            print(
                f"{name:8} {'  no noise':13} {'{:.2f} % · AUC {:.2f}'.format(*scored(quiet, X, y, classes))}",
                flush=True,
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
