"""The course's pictures: one function each, drawn from the library at work, in the colours of the playground.

    python -m tools.docs.figures              # draw all into docs/learn/figures, and docs/zh/figures where words differ
    python -m tools.docs.figures neuron cost  # draw some

``compact`` makes a picture's file small; one without words is the same in both languages and lies once, in docs/learn. To add one: a
function that takes nothing and returns a matplotlib figure, its line in ``PICTURES`` of its module, and its labels in ``WORDS`` of
``forms.py`` if they are words. The site makes the pictures for dark pages from these (``forms.dark``).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from tools.docs.forms import WORDS, chinese, dark

from . import acting, descent, fit, memory, nets, pixels, streams
from .compact import compact
from .palette import INK

__all__ = ["FOLDERS", "PICTURES", "WORDS", "chinese", "compact", "dark", "drawn", "forms", "svg"]

DOCS = Path(__file__).resolve().parents[3] / "docs"
FOLDERS = {"en": DOCS / "learn" / "figures", "zh": DOCS / "zh" / "figures"}
MODULES = (nets, descent, fit, streams, memory, pixels, acting)
PICTURES: dict[str, Callable[[], Figure]] = {name: draw for own in MODULES for name, draw in own.PICTURES.items()}

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.sans-serif": ["DejaVu Sans"],
    "hatch.color": INK,
} | dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK)


def svg(name: str) -> str:
    """Return a picture as it lies in docs.

    Which matplotlib drew it is written into the file, since another one may place things differently.
    """
    return compact(drawn(name))


def drawn(name: str) -> str:
    """Return a picture as matplotlib writes it, the same bytes in every run: letters stay letters, fixed ids, no date."""
    out = io.StringIO()
    with mpl.rc_context(STYLE | {"svg.hashsalt": name}):
        metadata = {"Date": None, "Creator": f"matplotlib {mpl.__version__}", "Title": name}
        PICTURES[name]().savefig(out, format="svg", metadata=metadata)
    return out.getvalue()


def forms(name: str, english: str) -> dict[Path, str]:
    """Return the files of a picture: what has words, a second one in Chinese."""
    own = {FOLDERS["en"] / f"{name}.svg": english}
    return own if chinese(english) == english else own | {FOLDERS["zh"] / f"{name}.svg": chinese(english)}
