"""A model that is already there, corrected online: it starts with the base's answers and learns what they miss.

The base is a model of last year, frozen. Half-way through a new depot opens, of which it knows nothing. The corrector learns that from
the rows as they come, and before that stays with the base.
"""

import random

import headwater as hw

ROWS = 4_000


def base(x):
    """Predict minutes as last year's model does."""
    return 20 + 3 * x["km"]


def deliveries():
    """Yield deliveries and their minutes; the north depot opens half-way through."""
    rng = random.Random(1)
    for i in range(ROWS):
        depot = rng.choice(["north", "south"]) if i >= ROWS / 2 else "south"
        x = {"km": rng.uniform(1, 20), "depot": depot, "hour": rng.randint(6, 20)}
        yield x, base(x) + (12 if depot == "north" else 0) + rng.gauss(0, 2)


model, errors = hw.Correct(base, hw.Regressor(seed=1)), []
for x, y in deliveries():
    errors.append((abs(y - base(x)), abs(y - model.predict_one(x))))
    model.learn_one(x, y)
for name, part in (("before the depot", errors[: ROWS // 2]), ("after", errors[ROWS // 2 :])):
    own, corrected = (sum(column) / len(part) for column in zip(*part, strict=True))
    print(f"{name}: base {own:.2f} minutes off, corrected {corrected:.2f}")
print(f"share of the correction: {model.share:.2f}")
