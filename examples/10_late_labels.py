"""Answers that come late: predict now, learn when the answer arrives, score what was given out.

Whether a customer pays shows only after a while. A session keeps the rows whose answer is on its way, learns each
when it arrives, and scores it with the prediction that was given out for it, never with a fresh one. The delay is
counted in rows. Here what matters turns round in the middle, and the model hears of it late.
"""

import random

import headwater as hw
from headwater.route.session import Session

DELAYS, ROWS = (0, 100, 1_000), 10_000


def customers():
    """Yield customers and whether they pay; half-way through, the sign of what tells is turned round."""
    rng = random.Random(1)
    for i in range(ROWS):
        x = {"orders": rng.gauss(0, 1), "country": rng.choice(["AT", "CN", "PT"])}
        sign = 1 if i < ROWS / 2 else -1
        yield x, sign * (x["orders"] + 0.3 * (x["country"] == "PT")) > 0


session = Session(hw.Classifier(seed=1), delay=3)
for x, y in list(customers())[:5]:
    given_out = session.step([x], [y])
    record = session.record()
    arrived = record.scored + record.unscored  # what was asked before any class was known isn't scored
    print(f"row {record.rows}: predicted {given_out.y_pred[0]!s:<5}  answers that have arrived: {arrived}")
print(f"at the end the last ones arrive: {session.finish().scored} scored")

for delay in DELAYS:
    record = Session(hw.Classifier(seed=1), delay=delay).run(customers())
    score, guess = record.scores["accuracy"], record.baselines["majority"]["accuracy"]
    print(f"delay {delay:,}: {score:.1%} right, majority {guess:.1%}, over {record.scored:,} rows")
