"""A new feature, a new category and a new class appear mid-stream, and what was learned stays, bit for bit.

With the loss "hinge" the numbers that come out are the net's own (the logits), so bits can be compared even when a
class is added: probabilities must shrink a little then, because they sum to 1. Weight 0 adds the names of a sample
and teaches nothing. Numbers are printed as hex: two that look alike are alike.
"""

import random

import headwater as hw

random.seed(1)


def fruits(n, kinds):
    """Yield fruits of those kinds: (middle of the weight in grams, colour) by name."""
    for _ in range(n):
        name = random.choice(list(kinds))
        grams, colour = kinds[name]
        yield {"grams": random.gauss(grams, 15), "colour": colour}, name


def show(when):
    """Print the outputs for one fruit; return those of the two classes known from the start."""
    out = model.predict_proba_one({"grams": 130.0, "colour": "yellow"})
    print(f"{when:<22}", *(f"{name} {value.hex()}" for name, value in out.items()))
    return out["apple"], out["lemon"]


model = hw.Classifier(loss="hinge", seed=1)
for x, y in fruits(2_000, {"apple": (180, "red"), "lemon": (110, "yellow")}):
    model.learn_one(x, y)

before = show("two classes")
model.learn_one({"grams": 150.0, "colour": "yellow", "price": 0.4}, "apple", w=0)
feature = show("a new feature, price")
model.learn_one({"grams": 150.0, "colour": "green"}, "apple", w=0)
category = show("a new category, green")
model.learn_one({"grams": 70.0, "colour": "green"}, "lime", w=0)
klass = show("a new class, lime")
print("old outputs bit-identical:", before == feature == category == klass)

kinds = {"apple": (180, "red"), "lemon": (110, "yellow"), "lime": (60, "green")}
for x, y in fruits(500, kinds):
    model.learn_one(x, y)
right = [model.predict_one(x) == y for x, y in fruits(500, kinds)]
print(f"after 500 more fruits of three kinds: {sum(right) / len(right):.1%} right")
