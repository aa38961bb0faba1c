"""Print a fleet's number of keys, and the keys with the worst and the best scores."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from headwater.errors import counted
from headwater.kinds.fleet.base import AnyFleet
from headwater.kinds.fleet.looks.scores import key_scores
from headwater.route.verdict.numbers import figure

__all__ = ["print_keys"]


def print_keys(fleet: AnyFleet) -> None:
    """Print the keys with the worst and the best scores."""
    scores = key_scores(fleet)
    table = Table(box=None, pad_edge=False, header_style="bold")
    name = next((name for name in fleet.score() if name != "rows"), "")
    table.add_column("")
    table.add_column(fleet.key)
    if name:
        table.add_column(name, justify="right")
    table.add_column("rows", justify="right")
    ranks = {"worst": "worst", "best": "best"} if name else {"worst": "fewest rows", "best": "most rows"}
    for kind in ranks:
        for i, one in enumerate(scores[kind]):
            table.add_row("" if i else ranks[kind], _shown(one["key"]), *_scores(one, name), f"{one['rows']:,}")
    least = f" with {scores['least']} scored rows or more" if scores["least"] > 1 else ""
    console = Console(highlight=False)
    console.print()
    console.print(table)
    console.print()
    compared = f"; compared are the {scores['compared']:,}{least}" if scores["keys"] > 1 else ""
    said = f"{counted(scores['keys'], 'key')}{compared}."
    console.print(said, soft_wrap=True, markup=False)


def _shown(key: Any) -> str:
    """Return a key as a file has it, a whole number without a point."""
    return f"{key:.0f}" if type(key) is float and key.is_integer() else str(key)


def _scores(one: dict[str, Any], name: str) -> list[str]:
    """Return the cell of a key's score, none where members have no score of their own."""
    if not name:
        return []
    return [f"{one[name]:.1%}" if name == "accuracy" else figure(one[name])]
