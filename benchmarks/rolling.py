"""Rolling aggregates: what they are worth where a card is stolen, what they cost, and whether they are DuckDB's.

    python -m benchmarks.rolling [memory | duckdb | speed | fraud | table]

The stream is made up: cards with a rhythm of their own buy at a few shops. A stolen card is used at other shops in quick succession, a
small amount first. One payment tells little: amounts and shops of thieves are those of others. AUC is of all rows after the first
tenth, each predicted before it is learned. Memory is what the process holds more; times are processor time.
What is measured goes into ``results/rolling.json``, and the tables into benchmarks/README.md.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks.anomaly.sets import auc
from benchmarks.report import bold, write
from benchmarks.results import entries_in, keep_entries, written_by
from headwater.learner.settings.rolling import Aggregates

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "rolling.json"
Rows = tuple[list[dict[str, Any]], list[bool]]
OF = {"amount": ("sum", "mean"), "shop": ("distinct", "since")}
ROLLING = hw.Rolling(key="card", time="at", over=("1h", "24h"), of=OF)
DAY = 86_400.0
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "alone": ("`hw.Classifier()`, rows alone", {}),
    "memory": ('the same, `memory=32, by="card"`', {"memory": 32, "by": "card", "time": "at"}),
    "rolling": ("the same, `rolling=` over 1 h and 24 h", {"rolling": ROLLING}),
    "linear": ("`hw.Classifier(hidden=())`, rows alone", {"hidden": ()}),
    "linear-rolling": ("the same, `rolling=`", {"hidden": (), "rolling": ROLLING}),
}
STREAMS = {0: "first", 1: "second", 2: "third"}
"""Streams by their seeds."""
Entries = dict[str, dict[str, Any]]


def payments(rows: int, seed: int = 0, cards: int = 2_000) -> Rows:
    """Return payments in the order of their times, and which of them were made by thieves."""
    draw = np.random.default_rng(seed)
    favourites = draw.integers(0, 400, (cards, 5))
    level, rhythm = draw.lognormal(3.0, 0.6, cards), draw.gamma(2.0, 0.5, cards)
    whose = draw.choice(cards, rows, p=rhythm / rhythm.sum())
    at = np.sort(draw.random(rows) * DAY * rows / cards / 1.5)
    found: list[tuple[float, dict[str, Any], bool]] = []
    for card, second in zip(whose.tolist(), at.tolist(), strict=True):
        known = draw.random() < 0.8
        shop = favourites[card, draw.integers(5)] if known else draw.integers(400)
        amount = float(level[card] * draw.lognormal(0, 0.7))
        found.append((second, {"card": f"c{card}", "amount": round(amount, 2), "shop": f"s{shop}"}, False))
        if draw.random() < 0.004:
            found += list(_theft(draw, card, second, float(level[card])))
    found.sort(key=lambda one: one[0])
    return [{"at": second, **x} for second, x, _ in found], [stolen for *_, stolen in found]


def _theft(
    draw: np.random.Generator, card: int, second: float, level: float
) -> Iterator[tuple[float, dict[str, Any], bool]]:
    for i in range(int(draw.integers(3, 9))):
        second += float(draw.exponential(600.0))
        amount = level * float(draw.lognormal(-0.5 if i == 0 else 0.3, 0.7))
        yield second, {"card": f"c{card}", "amount": round(amount, 2), "shop": f"s{draw.integers(400)}"}, True


def score(model: Any, X: list[dict[str, Any]], y: list[bool]) -> tuple[float, float]:
    """Return the AUC, and microseconds a row."""
    said, start = np.zeros(len(X)), time.process_time()
    for i, (x, label) in enumerate(zip(X, y, strict=True)):
        said[i] = model.predict_proba_one(x).get(True, 0.0)
        model.learn_one(x, label)
    spent = (time.process_time() - start) / len(X) * 1e6
    first = len(X) // 10
    return auc(np.array(y)[first:], said[first:]), spent


def fraud(rows: int = 60_000) -> Entries:
    """Measure AUC with and without aggregates."""
    entries: Entries = {}
    for seed in STREAMS:
        X, y = payments(rows, seed)
        entries[f"fraud/{seed}"] = {"rows": len(X), "stolen": round(float(np.mean(y)), 6)}
        for name, (_, settings) in MODELS.items():
            found, spent = score(hw.Classifier(diagnosis=False, **settings), X, y)
            entries[f"fraud/{seed}"][name] = {"auc": round(found, 6), "us": round(spent, 2)}
    return entries


def speed(rows: int = 300_000) -> Entries:
    """Measure microseconds a row, without a net, for keys with few and many rows within the windows."""
    found: list[tuple[int, float]] = []
    for cards, days in ((100_000, 3.0), (10_000, 3.0), (1_000, 3.0), (300, 1.0)):
        draw, step = np.random.default_rng(0), days * DAY / rows
        keys, amounts, shops = draw.integers(cards, size=rows), draw.random(rows), draw.integers(400, size=rows)
        X = [
            {"card": f"c{key}", "at": i * step, "amount": amount, "shop": f"s{shop}"}
            for i, (key, amount, shop) in enumerate(zip(keys.tolist(), amounts.tolist(), shops.tolist(), strict=True))
        ]
        own = Aggregates(ROLLING)
        start = time.process_time()
        for x in X:
            own.enter(x)
        spent = (time.process_time() - start) / rows * 1e6
        kept = own.counts()
        found.append((round(kept["events"] / kept["keys"]), round(spent, 2)))
    return {"speed": {"aggregates": len(ROLLING.columns), "us_by_rows_a_key": found}}


def memory(keys: int = 1_000_000, each: int = 8) -> Entries:
    """Measure what so many keys take; before the other parts, whose freed memory would be used again."""
    found: list[tuple[int, int, int]] = []
    own = Aggregates(hw.Rolling("card", "at", of=OF, max_bytes=1_000_000_000))
    before = _held()
    for turn in range(each):
        for i in range(keys):
            own.enter({"card": i, "at": turn * 7_200.0 + i * 1e-3, "amount": 1.0, "shop": i % 400})
        if turn in (3, each - 1):
            found.append((turn + 1, round(_held() - before), round(own.counts()["bytes"] / 1e6)))
    return {"memory": {"keys": keys, "mb_and_counted_mb_by_rows": found}}


def _held() -> float:
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1e3


def duckdb(rows: int = 60_000) -> Entries:
    """Measure how far the aggregates are from DuckDB's window functions over the same rows."""
    import duckdb as base

    X, _ = payments(rows)
    own, said = Aggregates(ROLLING), []
    start = time.process_time()
    for x in X:
        said.append(own.enter(x))
    spent = time.process_time() - start
    columns = [[x[name] for x in X] for name in ("card", "at", "amount", "shop")]
    over = "PARTITION BY card ORDER BY moment RANGE BETWEEN INTERVAL {} HOUR PRECEDING AND CURRENT ROW"
    ask = ", ".join(
        f"{what} OVER ({over.format(hours)})"
        for what in ("count(*)", "sum(amount)", "avg(amount)", "count(DISTINCT shop)")
        for hours in (1, 24)
    )
    base.execute("CREATE TABLE rows (i BIGINT, card VARCHAR, moment TIMESTAMP, amount DOUBLE, shop VARCHAR)")
    base.execute(
        "INSERT INTO rows SELECT unnest(?), unnest(?), make_timestamp(round(unnest(?) * 1e6)::BIGINT), unnest(?), unnest(?)",
        [list(range(len(X))), *columns],
    )
    begun = time.process_time()
    found = base.execute(f"SELECT {ask} FROM rows ORDER BY i").fetchnumpy()
    theirs = np.array([np.asarray(column, np.float64) for column in found.values()]).T
    theirs_s, apart = time.process_time() - begun, {}
    for i, of in enumerate(("card count", "amount sum", "amount mean", "shop distinct")):
        ours = np.array([[row[f"{of} {hours}"] for hours in ("1h", "24h")] for row in said])
        both = theirs[:, 2 * i : 2 * i + 2]
        apart[of] = float(f"{(np.abs(ours - both).max(0) / np.abs(both).max(0)).max():.1e}")
    return {"duckdb": {"rows": len(X), "s": round(spent, 3), "duckdb_s": round(theirs_s, 3), "apart": apart}}


def table_of_thefts(entries: Entries) -> list[str]:
    """Return the table of AUC: a model a row, a stream a column, and the mean time."""
    streams = [entries[f"fraud/{seed}"] for seed in STREAMS]
    about = [f"{one['rows']:,} ({100 * one['stolen']:.1f} %)" for one in streams]
    columns = [bold([one[name]["auc"] for name in MODELS], ".4f") for one in streams]
    us = [float(np.mean([one[name]["us"] for one in streams])) for name in MODELS]
    cells = zip((title for title, _ in MODELS.values()), *columns, bold(us, low=True), strict=True)
    head = [f"| AUC | {' | '.join(STREAMS.values())} | µs a row |", "|---" * (len(STREAMS) + 2) + "|"]
    return [*head, f"| payments (of thieves) | {' | '.join(about)} | |", *(f"| {' | '.join(row)} |" for row in cells)]


def table_of_costs(one: dict[str, Any]) -> list[str]:
    """Return the table of times by how many rows of a key are kept."""
    found, n = one["us_by_rows_a_key"], one["aggregates"]
    return [
        f"| rows of a key that are kept | {' | '.join(str(rows) for rows, _ in found)} |",
        "|---" * (len(found) + 1) + "|",
        f"| µs a row, {n} aggregates | {' | '.join(f'{us:.2f}' for _, us in found)} |",
        f"| µs a row and aggregate | {' | '.join(f'{us / n:.2f}' for _, us in found)} |",
    ]


def render(whole: dict[str, Any]) -> str:
    """Return the tables in Markdown, and what keys take and DuckDB says."""
    entries = whole["entries"]
    kept, other = entries["memory"], entries["duckdb"]
    taken = " and ".join(
        f"{mb} MB with {rows} rows each ({counted} MB counted against `max_bytes`)"
        for rows, mb, counted in kept["mb_and_counted_mb_by_rows"]
    )
    apart = ", ".join(f"{name} {far:g}" for name, far in other["apart"].items())
    lines = [
        *table_of_thefts(entries),
        "",
        *table_of_costs(entries["speed"]),
        "",
        f"{kept['keys']:,} keys take {taken}.",
    ]
    lines.append(
        f"Over {other['rows']:,} payments in order aggregates differ from DuckDB's by at most this much of the largest: {apart}. "
        f"They take {other['s']:.2f} s of the processor (DuckDB: {other['duckdb_s']:.2f} s for all rows at once)."
    )
    return "\n".join([*lines, "", written_by("python -m benchmarks.rolling", whole)])


def main(parts: list[str]) -> None:
    """Measure the parts, unless only the table is asked for, and write."""
    for part in parts or ["memory", "duckdb", "speed", "fraud"]:
        if part != "table":
            entries = {"fraud": fraud, "speed": speed, "memory": memory, "duckdb": duckdb}[part]()
            print(entries, flush=True)
            keep_entries(RESULTS, entries, *(["duckdb"] if part == "duckdb" else []))
    write(HERE / "README.md", "rolling", render(entries_in(RESULTS)))


if __name__ == "__main__":
    main(sys.argv[1:])
