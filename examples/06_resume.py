"""Stop, save, load and go on: the same bits as without a stop, for every update rule, moments and counters included.

One model learns 1,000 rows. Another learns 500, is saved and thrown away; the loaded one learns the other 500.
Their files must then hold the same bytes.
"""

import random
import tempfile
from pathlib import Path
from typing import Any

import headwater as hw
from headwater import nn

random.seed(1)
rows = []
for _ in range(1_000):
    x: dict[str, Any] = {
        "size": random.gauss(0, 1),
        "colour": random.choice(["red", "blue", "green"]),
        "shop": random.randrange(50),
    }
    rows.append((x, x["size"] > 0 or x["colour"] == "red"))

equal = 0
with tempfile.TemporaryDirectory() as folder:
    one, half, two = (Path(folder) / name for name in ("one.hw", "half.hw", "two.hw"))
    rule: Any
    model: Any
    for name, rule in nn.OPTIMIZERS.items():
        model = hw.Classifier(hidden=(16,), dropout=0.1, optimizer=rule(), seed=1)  # dropout draws random numbers
        for x, y in rows:
            model.learn_one(x, y)
        model.save(one)

        model = hw.Classifier(hidden=(16,), dropout=0.1, optimizer=rule(), seed=1)
        for x, y in rows[:500]:
            model.learn_one(x, y)
        model.save(half)
        model = hw.load(half)
        for x, y in rows[500:]:
            model.learn_one(x, y)
        model.save(two)

        same = one.read_bytes() == two.read_bytes()
        equal += same
        print(f"{name:<10} {'same bytes' if same else 'DIFFERENT'}")
print(f"{equal} of {len(nn.OPTIMIZERS)} update rules resume exactly")
