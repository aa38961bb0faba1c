"""Learning from a stream: predict, see the answer, learn, one parcel at a time.

A depot wants to know which parcels will be late. A parcel is a dict: texts, numbers, and gaps where nobody wrote
anything down. Nothing is declared beforehand, nothing is one-hot encoded, scaled or filled in.
"""

import random

import headwater as hw

random.seed(1)


def parcels(n):
    """Yield parcels, late or not: heavy ones by bike are, and those that leave for the hills after 17 h."""
    for _ in range(n):
        by, to = random.choice(["bike", "van", "truck"]), random.choice(["harbour", "hills", "old town"])
        kilos, hour = random.uniform(0, 10), random.uniform(6, 20)
        x = {"by": by, "to": to, "kilos": kilos, "hour": hour}
        if random.random() < 0.1:
            x["kilos"] = None  # the scales were broken
        yield x, (by == "bike" and kilos > 5) or (to == "hills" and hour > 17)


model = hw.Classifier(seed=1)
right = []
for x, y in parcels(8_000):
    y_pred = model.predict_one(x)  # None as long as no class is known
    right.append(y_pred == y)  # scored with the prediction that was given out
    model.learn_one(x, y)

for start in range(0, 8_000, 2_000):
    print(f"parcels {start:>5,} … {start + 1_999:>5,}: {sum(right[start : start + 2_000]) / 2_000:.1%} right")
print("a heavy parcel by bike is late with probability", end=" ")
print(f"{model.predict_proba_one({'by': 'bike', 'to': 'harbour', 'kilos': 9.0, 'hour': 9.0})[True]:.3f}")
