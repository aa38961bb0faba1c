"""Why this prediction, what matters now, and what changed: explanation by feature name, while learning."""

from typing import Any

import numpy as np

import headwater as hw
from headwater import explain
from headwater.route.drift import DriftWatch
from headwater.route.session import Session


def rents(n, seed=0):
    """Rents follow the area; after two thirds of the stream they follow the city."""
    rng = np.random.default_rng(seed)
    for i in range(n):
        x = {"area": rng.uniform(20, 120), "city": ["Rome", "Oslo"][rng.integers(2)], "noise": rng.normal()}
        late = i > 2 * n / 3
        yield x, (4 if late else 12) * x["area"] + (900 if late else 100) * (x["city"] == "Oslo") + 20 * rng.normal()


model = hw.Regressor(seed=1)
importance = explain.Importance("isage", every=16, a=0.01)
events: list[Any] = []
session = Session(
    model, watch=[importance, DriftWatch()], every=1_000, on_record=lambda record: events.extend(record.events)
)
session.run(rents(9_000))

print(model.explain_one({"area": 100.0, "city": "Oslo", "noise": 0.1}), "\n")
before = next(values for row, values in importance.history if row > 5_000)
for title, values in {"before": before, "now": importance.values}.items():
    print(f"what matters {title}:", ", ".join(f"{name} {value:.0f}" for name, value in values.items()))
for event in events:
    print(f"row {event.row:,}: {event.text}")
