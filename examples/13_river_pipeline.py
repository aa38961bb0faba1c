"""A net as the last step of a River pipeline, with labels that come late and a detector that watches its errors.

What River users have already runs as it is: transformers in front, prequential evaluation, metrics and drift detectors.
"""

import datetime as dt
import random
from typing import Any

from river import compose, drift, evaluate, metrics, preprocessing

import headwater as hw

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def rides(n=4_000):
    """Rides that are shared when it is cheap; halfway the meaning of the price turns round."""
    chance = random.Random(1)
    for i in range(n):
        x = {"when": START + dt.timedelta(minutes=i), "price": chance.gauss(20, 5), "zone": chance.choice("ABCD")}
        yield x, (x["price"] < 20) == (i < n // 2) or x["zone"] == "D"


def pipeline():
    """Prices standardised by River; zones go into the net as they are, it needs no encoder."""
    prices = compose.Select("price") | preprocessing.StandardScaler()
    return (prices + compose.Select("zone")) | hw.Classifier(seed=1)


late: dict[str, Any] = {"moment": "when", "delay": dt.timedelta(hours=2)}
for name, timing in {"at once": {}, "two hours late": late}.items():
    score = evaluate.progressive_val_score(rides(), pipeline(), metrics.Accuracy(), **timing)
    print(f"right with labels {name}: {score.get():.1%}")

# The learner follows the change within a few rows. One that stopped learning doesn't, and River's detector sees it.
model, detector = pipeline(), drift.ADWIN()
for i, (x, y) in enumerate(rides(), 1):
    if i <= 1_000:
        model.learn_one(x, y)
        continue
    detector.update(model.predict_one(x) != y)
    if detector.drift_detected:
        print("the price turns round at row 2,000; ADWIN sees it at row:", f"{i:,}")
        break
