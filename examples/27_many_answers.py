"""How many solar flares of three sizes will a region of the sun have? Three numbers and a class, in one answer."""

from river import datasets

import headwater as hw

SIZES = ("c-class-flares", "m-class-flares", "x-class-flares")
ROWS = [(dict(x), {**y, "quiet": not any(y.values())}) for x, y in datasets.SolarFlare()]

model = hw.MultiOutput(seed=1)
record = hw.evaluate(model, ROWS).record
usual = record.baselines["majority"]
print(f"flares: off by {record.scores['mae']:.3f} on average, the mean so far by {usual['mae']:.3f}")
print(f"quiet or not: {record.scores['accuracy']:.1%} right, always the more frequent {usual['accuracy']:.1%}")

x = ROWS[-1][0]
said, p = model.predict_one(x), model.predict_proba_one(x)["quiet"]
print(
    f"the last region: quiet with {p[True]:.0%}; "
    + ", ".join(f"{said[name]:.2f} of {name[0].upper()}" for name in SIZES)
)

model.learn_one(x, {"c-class-flares": 1, "storm": True})  # an output more; the others are not known this time
print(f"outputs: {', '.join(model.predict_one(x))}")
