"""A diagnosis says what is wrong with a model: the same stream, learned well and learned badly."""

from typing import Any

import numpy as np

import headwater as hw
from headwater import nn
from headwater.route.session import Session

rng = np.random.default_rng(0)
rows = []
for _ in range(3_000):
    x: dict[str, Any] = {"income": 50_000 + 10_000 * rng.normal(), "age": rng.normal(40, 12), "country": "IT"}
    rows.append((x, bool((x["income"] - 50_000) / 10_000 + (x["age"] - 40) / 12 + 0.5 * rng.normal() > 0)))

for title, model in {
    "the default": hw.Classifier(seed=1),
    "inputs as they are": hw.Classifier((32,), scale=False, seed=1),
    "a step far too small": hw.Classifier((32,), optimizer=nn.SGD(1e-7), seed=1),
    "a step far too large": hw.Classifier((32,), optimizer=nn.SGD(3.0), seed=1),
}.items():
    record = Session(model).run(rows)  # keeps the few numbers that a diagnosis needs
    print(f"{title}: accuracy {record.scores['accuracy']:.1%}")
    print(f"{model.diagnose()}\n")
