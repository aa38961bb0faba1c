"""One small model a key, or one model for all: flights by carrier, both on the same rows.

A fleet has a net for each carrier, which learns from that carrier's flights alone. One model with the carrier as a category learns
from all of them. Carriers are much alike, so the one model wins here; where keys truly differ it is the other way round.
"""

from pathlib import Path

import headwater as hw

with hw.read(Path(__file__).parent / "flights.csv", target="late") as flights:
    ROWS = list(flights)


def accuracy(learner):
    return hw.evaluate(learner, ROWS).record.scores["accuracy"]


fleet = hw.Fleet(lambda: hw.Classifier(hidden=(8,), seed=1), key="carrier")
print(f"one model, the carrier is a category: {accuracy(hw.Classifier(seed=1)):.1%}")
print(f"one net of 8 units for each carrier:  {accuracy(fleet):.1%}")
for carrier in sorted(fleet, key=lambda carrier: -fleet.score(carrier)["rows"])[:3]:
    score = fleet.score(carrier)
    print(f"  {carrier}: {score['accuracy']:.1%} of {score['rows']} flights")
