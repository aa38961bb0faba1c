"""What a terminal is shown of a fleet: how many keys, and which are predicted worst and best."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from headwater.fleet import Fleet

__all__ = ["key_scores", "print_keys"]

LEAST = 30
"""Rows that a key must have been scored on to be shown among the worst and the best; all count where none has so many."""
SHOWN = 5


def key_scores(fleet: Fleet) -> dict[str, Any]:
    """Return how many keys there are, how many have rows enough for their score to tell something, and the worst and the best.

    Parameters
    ----------
    fleet : Fleet
        A fleet that has learned.

    Returns
    -------
    dict
        ``keys``, ``least`` (rows), ``compared`` (keys with that many), ``worst`` and ``best``: each a list of ``key``, ``rows``
        and the score, the worst and the best first. No key is in both.
    """
    ranking, least = fleet.ranking(LEAST), LEAST
    if not ranking:
        ranking, least = fleet.ranking(), 1
    found = [{"key": key, **score} for key, score in ranking]
    worst = found[: min(SHOWN, (len(found) + 1) // 2)]
    best = found[: len(worst) - 1 if worst else None : -1][:SHOWN]
    return {"keys": len(fleet), "least": least, "compared": len(found), "worst": worst, "best": best}


def print_keys(fleet: Fleet) -> None:
    """Print the worst and the best keys."""
    scores = key_scores(fleet)
    table = Table(box=None, pad_edge=False, header_style="bold")
    name = next(name for name in fleet.score() if name != "rows")
    table.add_column("")
    table.add_column(fleet.key)
    table.add_column(name, justify="right")
    table.add_column("rows", justify="right")
    for kind in ("worst", "best"):
        for i, one in enumerate(scores[kind]):
            score = f"{one[name]:.1%}" if name == "accuracy" else f"{one[name]:.4g}"
            table.add_row("" if i else kind, str(one["key"]), score, f"{one['rows']:,}")
    least = f" with {scores['least']} scored rows or more" if scores["least"] > 1 else ""
    console = Console(highlight=False)
    console.print()
    console.print(table)
    console.print()
    said = f"{scores['keys']:,} keys; compared are the {scores['compared']:,}{least}."
    console.print(said, soft_wrap=True, markup=False)
