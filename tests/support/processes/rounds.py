"""What the tests of clusters learn: rows of numbers and names, and a net that takes its time."""

from __future__ import annotations

import random
from pathlib import Path

import headwater as hw
from headwater.cluster.local import LocalWorkers


def stream(n: int, *, classes: int = 3) -> list:
    draw = random.Random(5)
    rows = []
    for i in range(n):
        x = {"hour": i % 24, "load": draw.gauss(0, 1), "site": f"s{draw.randrange(40)}"}
        rows.append((x, f"c{(i // 500) % classes if x['load'] < 0.4 else int(x['site'][1:]) % classes}"))
    return rows


def write(path: Path, rows: list, *, odd: dict[int, str] | None = None) -> Path:
    """Write rows as a table, some lines of which may be anything."""
    lines = [f"{x['hour']},{x['load']!r},{x['site']},{y}" for x, y in rows]
    for i, line in (odd or {}).items():
        lines[i] = line
    path.write_text("hour,load,site,answer\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def make() -> hw.Classifier:
    return hw.Classifier(seed=1, hidden=(256, 256), optimizer=hw.nn.SGD(0.05), diagnosis=False)


ROUNDS = {"workers": 2, "block": 100, "warm_up": 4000}
"""So that each round but the first has two blocks."""


class Crash(Exception):
    pass


class Mortal(LocalWorkers):
    """Workers whose coordinator dies in the middle of a round."""

    def __init__(self, dies_in: int) -> None:
        super().__init__()
        self.rounds, self.dies_in = 0, dies_in

    def learn(self, updates, blocks, deadline):
        self.rounds += 1
        done = super().learn(updates, blocks, deadline)
        if self.rounds == self.dies_in:
            raise Crash
        return done


class Forgetful(LocalWorkers):
    """Workers that are started again before every block: they have no state and no open source, and are asked backwards."""

    def learn(self, updates, blocks, deadline):
        done = []
        for block in reversed(blocks):
            fresh = LocalWorkers()
            done += fresh.learn(updates, [block], deadline)
            fresh.close()
        return done
