"""The live figures of the course: their scripts, and the rows that they share with the chapters.

A figure belongs to the picture of its name: `figures/neuron.svg` has `tools/docs/live/network/neuron.mjs`. Its rows come out of the
chapter's own code, so that both show the same numbers.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "tools" / "docs" / "live"
ROOMS = ("network", "stream")
"""Where the chapters' figures lie, by the parts of the course."""
FIGURES = {path.stem: f"{room}/{path.stem}" for room in ROOMS for path in sorted((SOURCE / room).glob("*.mjs"))}
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Rows:
    """What a figure has of a chapter's code.

    Parameters
    ----------
    chapter
        The document, seen from docs/learn.
    names
        What is assigned on the way: other assignments are left out. Imports and functions are taken.
    give
        What is written, as an expression.
    blocks
        Which blocks of the chapter are read.
    """

    chapter: str
    names: tuple[str, ...]
    give: str
    blocks: tuple[int, ...]


ROWS = {
    "valley": Rows("07-the-loss", ("rng", "first", "X", "y"), '{"X": X, "y": y}', (0, 1)),
    "batch": Rows("10-batch-to-online", ("rng", "X", "y"), '{"X": X, "y": y}', (0,)),
    "bikes": Rows("12-streams", (), "[[*x.values(), y] for x, y in bikes(3_000)]", (0,)),
    "sure": Rows(
        "14-certainty",
        (),
        "[rng.random() ** (0.2 if i < 5_000 else 1) for rng in [random.Random(1)] for i in range(10_000)]",
        (0,),
    ),
    "parcels": Rows("15-drift", (), "[[*x.values(), y] for x, y in parcels(4_000)]", (0,)),
    "sine": Rows(
        "16-overfitting",
        ("rng", "learned", "fresh", "held_back"),
        '{"learned": learned, "fresh": fresh, "more": rows(180)}',
        (0,),
    ),
    "ring": Rows("17-underfitting", (), "[[*x.values(), y] for x, y in ring()]", (0,)),
    "deep": Rows("18-saturation", ("rng", "X", "y"), '{"X": X, "y": y}', (0, 1)),
    "visits": Rows(
        *("23-privacy", ("rng", "visits", "ill")),
        "[[*visit.values(), label] for visit, label in zip(visits, ill, strict=True)]",
        (1, 3),
    ),
    "digits": Rows("24-images", ("digits", "images", "y"), "images[:10, 0]", (0,)),
    "bites": Rows(
        *("25-text", ("filler",)),
        """[[f"{draw.choice(filler)} the {a} bites the {b} {draw.choice(filler)}", a]
            for draw in [random.Random(2)] for _ in range(600) for a, b in [draw.sample(["dog", "man"], 2)]]""",
        (0,),
    ),
    "twenty": Rows("19-regularisation", ("rng", "X", "y"), '{"X": X, "y": y}', (0, 1, 2, 3)),
}


def rows_of(wanted: Rows) -> Any:
    """Return what a figure is given of a chapter: its code is run, but for what no figure needs."""
    text = (ROOT / "docs" / "learn" / f"{wanted.chapter}.md").read_text(encoding="utf-8")
    found, kept = BLOCK.findall(text), []
    for number in wanted.blocks:
        for node in ast.parse(found[number]).body:
            kept += (
                [node]
                if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef) or assigns(node, wanted)
                else []
            )
    scope: dict[str, Any] = {}
    exec(compile(ast.Module(kept, []), wanted.chapter, "exec"), scope)  # the project's own page
    return eval(wanted.give, scope)


def assigns(node: ast.stmt, wanted: Rows) -> bool:
    """Say whether a statement assigns names that are wanted, and no others."""
    if not isinstance(node, ast.Assign):
        return False
    return {it.id for target in node.targets for it in ast.walk(target) if isinstance(it, ast.Name)} <= {*wanted.names}


def write(site: Path) -> None:
    """Write into a site the scripts and rows of its live figures, for both languages; the core is the playground's."""
    shutil.copytree(SOURCE, site / "live", dirs_exist_ok=True)
    (site / "live" / "rows").mkdir(exist_ok=True)
    for name, wanted in ROWS.items():
        text = json.dumps(rows_of(wanted), default=lambda array: array.tolist(), separators=(",", ":"))
        (site / "live" / "rows" / f"{name}.json").write_text(text, encoding="utf-8")
