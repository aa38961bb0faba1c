"""Last year lies in a Parquet file, and the stream begins today: learn the file once, then go on with the stream, durably.

Each row of the file is predicted before it is learned, so the file says beforehand what live use brings. This year a bridge is closed;
the model that knows last year learns only that.
"""

import random
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import headwater as hw

rng = random.Random(1)
SLOW = {f"street {i}": rng.gauss(0, 6) for i in range(300)}


def trips(n, detour):
    """Yield trips with their minutes."""
    for _ in range(n):
        x = {"km": rng.uniform(1, 20), "bridge": rng.random() < 0.3, "to": rng.choice(list(SLOW))}
        yield {**x, "minutes": 10 + 2 * x["km"] + SLOW[x["to"]] + detour * x["bridge"] + rng.gauss(0, 2)}


with tempfile.TemporaryDirectory() as folder:
    history = Path(folder, "last-year.parquet")
    pq.write_table(pa.Table.from_pylist(list(trips(30_000, detour=0))), history)
    model = hw.Regressor(seed=1)
    found = hw.evaluate(model, history, "minutes")
    print(f"last year, at the end: {found.record.window_scores['mae']:.1f} minutes off")
    errors: dict[str, list[float]] = {"from last year": [], "from nothing": []}
    with hw.open(Path(folder, "live.db"), model) as live, hw.open(Path(folder, "new.db"), hw.Regressor(seed=1)) as new:
        for row in trips(1_000, detour=15):
            y = row.pop("minutes")
            for name, one in (("from last year", live), ("from nothing", new)):
                errors[name].append(abs(y - one.predict_one(row)))
                one.learn_one(row, y)
for name, own in errors.items():
    print(f"{name}: {sum(own[:200]) / 200:.1f} minutes off over 200 trips, then {sum(own[-200:]) / 200:.1f}")
