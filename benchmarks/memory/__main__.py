"""A state carried from row to row, beside the same learner without one and beside deep-river's LSTM over a window.

    python -m benchmarks.memory tasks [PYTHON]    # copy, wisdm, ETTh1, ETTh2; PYTHON has deep-river: pip install deep-river
    python -m benchmarks.memory streams           # streams that need no memory: what memory=32 costs and gives there
    python -m benchmarks.memory cost              # µs a row, from the first to the last of a million
    python -m benchmarks.memory scores            # headwater's scores anew, at all of these; times and deep-river stay
    python -m benchmarks.memory table             # writes the tables into benchmarks/README.md

Results go into ``results/memory.json``. One process on one core; every row is predicted, then learned. With deep-river it
takes half an hour.
"""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import headwater as hw
from benchmarks import results
from benchmarks.again import merged, noted
from benchmarks.data import data_file
from benchmarks.report import write

HERE = Path(__file__).parent
RESULTS = HERE.parent / "results" / "memory.json"
LRS = (0.003, 0.01)
"""Steps that the LSTM is run with; the better one counts."""
SEEDS = (1, 2, 3)
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Task:
    """A stream whose answers follow from rows before.

    Parameters
    ----------
    rows, answers
        In their order.
    settings : dict
        Of the learner with memory, beside ``memory=32``.
    window : int
        Rows that the LSTM sees.
    most : int
        Rows that it is run on.
    """

    rows: Rows
    answers: list[Any]
    settings: dict[str, Any]
    window: int
    most: int = 20_000


def table_of(name: str, most: int | None = None) -> list[dict[str, str]]:
    """Return the rows of a file, as texts."""
    with gzip.open(data_file(f"{name}.csv.gz"), "rt", newline="", encoding="utf-8") as file:
        return [row for row, _ in zip(csv.DictReader(file), range(most or 10**9), strict=False)]


def number(text: str) -> Any:
    """Return a number, None for what is missing, else the text."""
    try:
        return None if text in ("", "?") else float(text)
    except ValueError:
        return text


def copied() -> Task:
    """Return bits by chance; the answer is the bit 20 rows before."""
    bits = np.random.default_rng(0).integers(0, 2, 20_020).tolist()
    return Task([{"x": float(now)} for now in bits[20:]], bits[:-20], {}, 25)


def wisdm() -> Task:
    """Return what a person does, from a phone's accelerometer in windows of ten seconds; a state for each person."""
    rows, answers = [], []
    for row in table_of("wisdm"):
        answers.append(row.pop("target"))
        row.pop("UNIQUE_ID")
        user = row.pop("user")
        known = {name: number(value) for name, value in row.items()}
        rows.append({**{name: value for name, value in known.items() if value is not None}, "user": user})
    return Task(rows, answers, {"by": "user"}, 10)


def transformer(name: str) -> Task:
    """Return the temperature of a transformer's oil, from its six loads of the hour alone: oil warms up and cools down slowly."""
    table = table_of(f"forecast/{name}")
    rows = [{k: float(v) for k, v in row.items() if k not in ("date", "OT")} for row in table]
    return Task(rows, [float(row["OT"]) for row in table], {}, 24)


TASKS: dict[str, Callable[[], Task]] = {
    "copy": copied,
    "wisdm": wisdm,
    "ETTh1": lambda: transformer("ETTh1"),
    "ETTh2": lambda: transformer("ETTh2"),
}


def measured(task: Task, **settings: Any) -> dict[str, float]:
    """Return accuracy, or mean absolute error, over the last quarter and all rows, and µs a row; the mean of three seeds."""
    classes = not isinstance(task.answers[0], float)
    found = []
    for seed in SEEDS:
        model: Any = (hw.Classifier if classes else hw.Regressor)(seed=seed, diagnosis=False, **settings)
        began = time.process_time()
        said = model.learn_many(task.rows, task.answers)
        spent = (time.process_time() - began) / len(task.rows) * 1e6
        pairs = zip(said, task.answers, strict=True)
        good = np.array([float(a == b) if classes else abs(a - b) for a, b in pairs])
        found.append((good[3 * len(good) // 4 :].mean(), good.mean(), spent))
    return dict(zip(("last", "all", "us"), np.mean(found, 0).tolist(), strict=True))


def by_lstm(task: Task, python: str) -> dict[str, Any]:
    """Return what deep-river's LSTM reaches on the same rows, with the better of two steps."""
    classes = sorted(set(task.answers)) if not isinstance(task.answers[0], float) else []
    names = sorted({name for row in task.rows for name in row} - {"user"})
    X = np.array([[row.get(name, 0.0) for name in names] for row in task.rows[: task.most]])
    y = np.array([classes.index(a) if classes else a for a in task.answers[: task.most]], float)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "stream.npz", X=X, y=y, classes=len(classes))
        for lr in LRS:
            command = [python, str(HERE / "deep_river_lstm.py"), f"{folder}/stream.npz", str(task.window), str(lr)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append({**json.loads(done.stdout.splitlines()[-1]), "lr": lr})
    return (max if classes else min)(found, key=lambda one: one["last"])


def run_tasks(python: str | None) -> dict[str, Any]:
    """Measure the tasks that need a memory."""
    out = {}
    for name, make in TASKS.items():
        task = make()
        out[name] = {
            "rows": len(task.rows),
            "memory": measured(task, memory=32, **task.settings),
            "without": measured(task),
        }
        if python:
            out[name]["deep-river"] = by_lstm(task, python)
        print(name, out[name], flush=True)
    return out


def run_streams() -> dict[str, Any]:
    """Measure streams that were not chosen for a memory."""
    out = {}
    for name, most in (("elec2", None), ("weather_noaa", None), ("covtype", 100_000)):
        rows = table_of(name, most)
        answers = [row.pop("target") for row in rows]
        values = [{k: number(v) for k, v in row.items() if k != "date"} for row in rows]
        task = Task(values, answers, {}, 0)
        out[name] = {"rows": len(rows), "memory": measured(task, memory=32), "without": measured(task)}
        print(name, out[name], flush=True)
    return out


def run_cost() -> dict[str, Any]:
    """Measure µs a row for each stretch of a million rows of 8 numbers and 100 keys."""
    rng = np.random.default_rng(0)
    model, us = hw.Classifier(seed=1, memory=32, by="x8", diagnosis=False), []
    for _ in range(10):
        X = np.hstack([rng.normal(size=(100_000, 8)), rng.integers(0, 100, (100_000, 1))])
        y = (X[:, 0] + np.roll(X[:, 1], 1) > 0).astype(int)
        began = time.process_time()
        model.learn_many(X, y)
        us.append((time.process_time() - began) / len(X) * 1e6)
        print(f"{model.n_learned:,} rows: {us[-1]:.2f} µs", flush=True)
    arrays = model.engine.core.state()
    return {"us": us, "bytes": sum(a.nbytes for name, a in arrays.items() if name.startswith("memory_"))}


# ---- the tables ----------------------------------------------------------------------------------------------------------


def shown(name: str, one: dict[str, Any]) -> str:
    """Return a cell: accuracy in percent, or the error, over the last quarter."""
    return f"{one['last']:.3f}" if name.startswith("ETT") else f"{100 * one['last']:.1f}"


def rendered(kept: dict[str, Any]) -> str:
    """Return both tables."""
    lines = [
        "| stream | measure | memory=32 | without | deep-river LSTM | µs a row | without | deep-river | times as fast |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, one in kept["tasks"].items():
        error, rival = name.startswith("ETT"), one.get("deep-river")
        three = [one["memory"], one["without"], *([rival] if rival else [])]
        best = (min if error else max)(three, key=lambda own: own["last"])
        cells = [f"**{shown(name, own)}**" if own is best else shown(name, own) for own in three] + [""] * (not rival)
        us = [f"{own['us']:,.1f}" for own in three] + [""] * (not rival)
        ratio = f"{rival['us'] / one['memory']['us']:,.0f}" if rival else ""
        measure = "mean absolute error" if error else "accuracy, %"
        lines.append(f"| {name} | {measure} | {' | '.join(cells)} | {' | '.join(us)} | {ratio} |")
    lines += [
        "",
        "| stream | rows | accuracy, all rows, memory=32 | without | µs a row | without |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, one in kept["streams"].items():
        own, bare = one["memory"], one["without"]
        shares = " | ".join(f"{100 * part['all']:.2f}" for part in (own, bare))
        lines.append(f"| {name} | {one['rows']:,} | {shares} | {own['us']:.1f} | {bare['us']:.1f} |")
    us, size = kept["cost"]["us"], kept["cost"]["bytes"] / 1e6
    ends = f"{us[0]:.1f} µs in the first 100,000 of a million rows and {us[-1]:.1f} µs in the last"
    cost = f"A row of 8 numbers with 100 keys costs {ends};"
    lines += ["", f"{cost} states and sensitivities take {size:.1f} MB."]
    lines.append(f"\nheadwater {kept['version']}, three seeds; {kept['machine']['cpu']}.")
    rivals = [one["deep-river"] for one in kept["tasks"].values() if "deep-river" in one]
    if rivals:
        lines[-1] += (
            f" deep-river {rivals[0]['versions']['deep-river']} with PyTorch {rivals[0]['versions']['torch']}, one thread."
        )
    lines[-1] += noted(kept)
    return "\n".join(lines)


def score_again(kept: dict[str, Any]) -> dict[str, Any]:
    """Return results with headwater's scores measured anew; times and deep-river stay."""
    fresh = {"tasks": run_tasks(None), "streams": run_streams(), "cost": run_cost()}
    return merged(kept, fresh, kept["version"]) | {"version": hw.__version__, "scored": time.strftime("%Y-%m-%d")}


def main(arguments: list[str]) -> None:
    """Measure a part, or write the tables."""
    part, *more = arguments or ["table"]
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    if part == "table":
        write(HERE.parent / "README.md", "memory", rendered(kept))
        return
    runs: dict[str, Callable[[], dict[str, Any]]] = {
        "tasks": lambda: run_tasks(more[0] if more else None),
        "streams": run_streams,
        "cost": run_cost,
    }
    if part == "scores":
        kept = score_again(kept)
    else:
        kept |= {part: runs[part](), "version": version("headwater"), "machine": results.machine()}
    RESULTS.write_text(results.lines(kept), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
