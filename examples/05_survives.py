"""Poison in a stream is refused or clipped by stated rules and counted by reason; what was learned stays.

Two models see the same stream; one of them also sees values of every kind that should not be there. Both must end
with a small error, and every prediction must be finite.
"""

import math
import random
from typing import Any

import headwater as hw

random.seed(1)
inf, nan = math.inf, math.nan
POISON: list[Any] = [
    ({"a": nan, "b": 1.0}, 90.0),  # a missing value
    ({"a": inf, "b": 1.0}, 90.0),  # infinite: read as missing
    ({"a": 1e300, "b": 1.0}, 90.0),  # huge: read as 1e30
    ({"a": 1e6, "b": -1e6}, 90.0),  # a million deviations: counts as five
    ({"a": object(), "b": 1.0}, 90.0),  # no feature at all
    ({"a": "one", "b": "2"}, 90.0),  # texts among numbers: "2" is 2, "one" is a category
    ({}, 90.0),  # no value: teaches the bias
    ({"a": 1.0, "b": 1.0}, nan),  # not an answer
    ({"a": 1.0, "b": 1.0}, inf),
    ({"a": 1.0, "b": 1.0}, "ten"),
    ({"a": 1.0, "b": 1.0}, None),
    ({"a": 1.0, "b": 1.0}, 1e29),  # an outlier among the answers: counts as ten deviations
]


def rows(n):
    """Yield samples with the answer 100 + 3a − 2b."""
    for _ in range(n):
        a, b = random.gauss(0, 1), random.gauss(5, 2)
        yield {"a": a, "b": b}, 100 + 3 * a - 2 * b


clean, poisoned = hw.Regressor(seed=1), hw.Regressor(seed=1)
finite, undone = True, 0
for i, (x, y) in enumerate(rows(20_000)):
    clean.learn_one(x, y)
    if i % 500 == 250:
        before = poisoned.rejected.get("diverged", 0)
        poisoned.learn_one(*POISON[i // 500 % len(POISON)])
        undone += poisoned.rejected.get("diverged", 0) - before
    finite = finite and math.isfinite(poisoned.predict_one(x))
    poisoned.learn_one(x, y)

print("every prediction finite:", finite)
print("rejected:", poisoned.rejected)
print(
    f"steps undone: {undone} at poison; in all {poisoned.rejected['diverged']}, and {clean.rejected['diverged']} without it"
)
last = list(rows(1_000))
for name, model in (("clean", clean), ("poisoned", poisoned)):
    print(f"mean error, {name:<9} {sum(abs(model.predict_one(x) - y) for x, y in last) / len(last):.3f}")
