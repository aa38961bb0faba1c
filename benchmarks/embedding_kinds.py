"""Embeddings as a column of a bandit and an anomaly model, beside the same numbers as columns (``text=None``).

    python -m benchmarks.embedding_kinds [rows | table]

Made-up embeddings of 384 numbers. "near" and "far" are ten groups around directions of their own, at a noise of 6 and of 2; in
"linear" the best of four actions has the largest product with a direction of its own, and sizes fall as of principal components.
A bandit earns 1 in nine of ten cases for the best action and in one of ten for another. Of the anomaly model's rows 2 in 100 are from
a group never seen ("elsewhere") or from between two groups ("between"). Times are of the processor, of both calls.
``results/embedding_kinds.json`` and the table in benchmarks/README.md are of 3,000 rows; other numbers are printed only.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import headwater as hw
from benchmarks.anomaly.sets import auc
from benchmarks.report import bold, write
from benchmarks.results import entries_in, keep_entries, written_by

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "embedding_kinds.json"
ROWS = 3_000
WORLDS, ODD = ("far", "near", "linear"), ("elsewhere", "between")
WAYS = {"block": "one block", "columns": "384 columns"}
SIZE, GROUPS = 384, 10
Array = NDArray[np.float64]


def world(name: str, rows: int, seed: int) -> tuple[Array, NDArray[np.int64]]:
    """Return embeddings (rows, 384) and the best action of each (rows,)."""
    rng = np.random.default_rng(seed)
    if name == "linear":
        X = rng.normal(size=(rows, SIZE)) * np.exp(-np.arange(SIZE) / 60)
        X = X @ np.linalg.qr(rng.normal(size=(SIZE, SIZE)))[0]
        return X, (X @ rng.normal(size=(SIZE, 4))).argmax(1)
    groups, best = rng.normal(size=(GROUPS, SIZE)), rng.integers(0, GROUPS, rows)
    return groups[best] + (6 if name == "near" else 2) * rng.normal(size=(rows, SIZE)), best


def earned(name: str, rows: int, seed: int, text: Any) -> tuple[float, float, float]:
    """Return the mean reward of the first sixth and of the last half, and µs a decision with its reward."""
    X, best = world(name, rows, 7 + seed)
    model, draw, rewards = hw.Bandit(seed=seed, text=text), np.random.default_rng(3 + seed), []
    actions, spent = list(range(int(best.max()) + 1)), 0.0
    for x, right in zip(X.tolist(), best.tolist(), strict=True):
        begun = time.process_time()
        action, p = model.act({"e": x}, actions)
        reward = float(draw.random() < (0.9 if action == right else 0.1))
        model.learn({"e": x}, action, reward, p)
        spent += time.process_time() - begun
        rewards.append(reward)
    return float(np.mean(rewards[: rows // 6])), float(np.mean(rewards[rows // 2 :])), 1e6 * spent / rows


def found(name: str, rows: int, text: Any) -> tuple[float, float]:
    """Return the AUC of an anomaly model behind its first tenth, and µs a row that is scored and learned."""
    rng = np.random.default_rng(5)
    odd, groups, own = rng.random(rows) < 0.02, rng.normal(size=(8, SIZE)), rng.integers(0, 8, rows)
    centers = groups[own]
    centers[odd] = rng.normal(size=SIZE) if name == "elsewhere" else (groups[own] + groups[(own + 1) % 8])[odd] / 2
    model, scores, spent = hw.Anomaly(seed=1, text=text), [], 0.0
    for x in (centers + 1.5 * rng.normal(size=(rows, SIZE))).tolist():
        begun = time.process_time()
        scores.append(model.score_one({"e": x}))
        model.learn_one({"e": x})
        spent += time.process_time() - begun
    return auc(odd[rows // 10 :], np.array(scores[rows // 10 :])), 1e6 * spent / rows


def run(rows: int) -> dict[str, dict[str, float]]:
    """Measure both kinds in both ways; a bandit with three seeds."""
    entries: dict[str, dict[str, float]] = {}
    for way, text in (("block", "auto"), ("columns", None)):
        for name in WORLDS:
            first, last, us = np.mean([earned(name, rows, seed, text) for seed in range(3)], 0).tolist()
            entries[f"{way}/{name}"] = {"first": round(first, 6), "last": round(last, 6), "us": round(us, 2)}
            print(f"{way}/{name}", entries[f"{way}/{name}"], flush=True)
        for name in ODD:
            area, us = found(name, rows, text)
            entries[f"{way}/{name}"] = {"auc": round(area, 6), "us": round(us, 2)}
            print(f"{way}/{name}", entries[f"{way}/{name}"], flush=True)
    return entries


def render(whole: dict[str, Any]) -> str:
    """Return the table in Markdown: a way of reading a row, rewards and areas a column, and both mean times."""

    def column(names: tuple[str, ...], figure: str) -> list[float]:
        return [float(np.mean([whole["entries"][f"{way}/{name}"][figure] for name in names])) for way in WAYS]

    columns = [bold(column((name,), "last"), ".3f") for name in WORLDS]
    columns.append(bold(column(WORLDS, "us"), ".0f", low=True))
    columns += [bold(column((name,), "auc"), ".3f") for name in ODD]
    columns.append(bold(column(ODD, "us"), ".0f", low=True))
    head = f"| | {' | '.join(WORLDS)} | µs a decision | {' | '.join(ODD)} | µs a row |"
    lines = [head, "|---" * 8 + "|", *(f"| {' | '.join(row)} |" for row in zip(WAYS.values(), *columns, strict=True))]
    return "\n".join([*lines, "", written_by("python -m benchmarks.embedding_kinds", whole)])


def main(asked: str = str(ROWS)) -> None:
    """Measure, unless only the table is asked for, and write."""
    entries = {} if asked == "table" else run(int(asked))
    if asked == str(ROWS):
        keep_entries(RESULTS, entries)
    if asked in ("table", str(ROWS)):
        write(HERE / "README.md", "embedding_kinds", render(entries_in(RESULTS)))


if __name__ == "__main__":
    main(*sys.argv[1:])
