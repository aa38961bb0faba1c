"""Rolling aggregates: what they are worth where a card is stolen, what they cost, and whether they are DuckDB's.

    python -m benchmarks.rolling [fraud | speed | memory | duckdb]

The stream is made up: cards with a rhythm of their own buy at a few shops. A stolen card is used at other shops in quick succession, a
small amount first. One payment tells little: amounts and shops of thieves are those of others. AUC is of all rows after the first
tenth, each predicted before it is learned. Memory is what the process holds more; times are processor time.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import headwater as hw
from headwater.learner.settings.rolling import Aggregates

Rows = tuple[list[dict[str, Any]], list[bool]]
OF = {"amount": ("sum", "mean"), "shop": ("distinct", "since")}
ROLLING = hw.Rolling(key="card", time="at", over=("1h", "24h"), of=OF)
DAY = 86_400.0


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


def auc(scores: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> float:
    """Return the share of pairs that are in the right order; ties count half."""
    values, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    good = int(truth.sum())
    return float((ranks[truth].sum() - good * (good + 1) / 2) / (good * (len(values[places]) - good)))


def score(model: Any, X: list[dict[str, Any]], y: list[bool]) -> tuple[float, float]:
    """Return the AUC, and microseconds a row."""
    said, start = np.zeros(len(X)), time.process_time()
    for i, (x, label) in enumerate(zip(X, y, strict=True)):
        said[i] = model.predict_proba_one(x).get(True, 0.0)
        model.learn_one(x, label)
    spent = (time.process_time() - start) / len(X) * 1e6
    first = len(X) // 10
    return auc(said[first:], np.array(y)[first:]), spent


def fraud(rows: int = 60_000) -> None:
    """Print AUC with and without aggregates."""
    for seed in (0, 1, 2):
        X, y = payments(rows, seed)
        print(f"seed {seed}: {len(X):,} rows, {np.mean(y):.2%} stolen")
        models = {
            "rows alone": hw.Classifier(diagnosis=False),
            "memory=32, by card": hw.Classifier(memory=32, by="card", time="at", diagnosis=False),
            "rolling": hw.Classifier(rolling=ROLLING, diagnosis=False),
            "rows alone, linear": hw.Classifier(hidden=(), diagnosis=False),
            "rolling, linear": hw.Classifier(hidden=(), rolling=ROLLING, diagnosis=False),
        }
        for name, model in models.items():
            found, spent = score(model, X, y)
            print(f"  {name}: AUC {found:.4f}, {spent:.0f} µs a row", flush=True)


def speed(rows: int = 300_000) -> None:
    """Print microseconds a row and aggregate, without a net, for keys with few and many rows within the windows."""
    n = len(ROLLING.columns)
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
        print(
            f"{kept['events'] / kept['keys']:.0f} rows a key: {spent:.2f} µs a row, {spent / n:.3f} a row and aggregate"
        )


def memory(keys: int = 1_000_000, each: int = 8) -> None:
    """Print what so many keys take."""
    own = Aggregates(hw.Rolling("card", "at", of=OF, max_bytes=1_000_000_000))
    before = _held()
    for turn in range(each):
        for i in range(keys):
            own.enter({"card": i, "at": turn * 7_200.0 + i * 1e-3, "amount": 1.0, "shop": i % 400})
        if turn in (0, 3, each - 1):
            kept = own.counts()
            print(
                f"{kept['keys']:,} keys of {turn + 1} rows: {_held() - before:.0f} MB, {kept['bytes'] / 1e6:.0f} MB counted"
            )


def _held() -> float:
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1e3


def duckdb(rows: int = 60_000) -> None:
    """Print how far the aggregates are from DuckDB's window functions over the same rows."""
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
    names = [
        f"{of} {hours}"
        for of in ("card count", "amount sum", "amount mean", "shop distinct")
        for hours in ("1h", "24h")
    ]
    ours = np.array([[row[name] for name in names] for row in said])
    print(f"{len(X):,} rows: ours {spent:.2f} s, DuckDB {time.process_time() - begun:.2f} s of the processor")
    for name, far in zip(names, np.abs(ours - theirs).max(0) / np.abs(theirs).max(0), strict=True):
        print(f"  {name}: {far:.1e} apart at most, relative to the largest")


if __name__ == "__main__":
    for part in sys.argv[1:] or ["duckdb", "speed", "memory", "fraud"]:
        {"fraud": fraud, "speed": speed, "memory": memory, "duckdb": duckdb}[part]()
