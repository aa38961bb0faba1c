"""Rows of several machines, as streams have them: gaps, late columns, categories, odd values."""

from __future__ import annotations

import random
from typing import Any


def stream(n: int, keys: int = 20, seed: int = 0) -> tuple[list[dict[str, Any]], list[str], list[float]]:
    """Return rows with a key in ``machine``, their classes and their numbers."""
    rng = random.Random(seed)
    rows = [_row(rng, keys) for _ in range(n)]
    size = [row["a"] or 0.0 for row in rows]
    labels = [rng.choice("pqr") if rng.random() < 0.3 else "pq"[x > 0] for x in size]
    return rows, labels, [3 * x + row["b"] + rng.gauss(0, 0.1) for x, row in zip(size, rows, strict=True)]


def _row(rng: random.Random, keys: int) -> dict[str, Any]:
    row: dict[str, Any] = {"machine": f"m{rng.randrange(keys)}", "a": rng.gauss(0, 1), "b": rng.gauss(5, 2)}
    if rng.random() < 0.3:
        row["shift"] = rng.choice(["early", "late", "night"])
    if rng.random() < 0.1:
        row[f"extra{rng.randrange(5)}"] = rng.random()
    if rng.random() < 0.1:
        row["a"] = None
    return row


def without_key(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as a learner of its own is given it."""
    return {name: value for name, value in row.items() if name != "machine"}


def rows_of(rows: list[dict[str, Any]], key: str) -> list[int]:
    """Return the places of a key's rows."""
    return [i for i, row in enumerate(rows) if row["machine"] == key]
