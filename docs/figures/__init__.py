"""The course's pictures: one function each, drawn from the library at work, in the style of ``headwater.plot``.

    python -m docs.figures           # draw all into docs/learn/figures
    python -m docs.figures bowl xor  # draw some

To add one: a function that takes nothing and returns a matplotlib figure, and its line in ``PICTURES`` of its module.
Both languages show the same file, so labels are symbols and the few words that the field itself uses in both.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from . import descent, fit, nets, streams

__all__ = ["FOLDER", "PICTURES", "svg"]

FOLDER = Path(__file__).resolve().parent.parent / "learn" / "figures"
PICTURES: dict[str, Callable[[], Figure]] = {**nets.PICTURES, **descent.PICTURES, **fit.PICTURES, **streams.PICTURES}


def svg(name: str) -> str:
    """Return a picture as SVG, the same bytes in every run: letters as outlines, fixed ids, no date.

    Which matplotlib drew it is written into the file, since another one may place things differently.
    """
    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": name}):
        metadata = {"Date": None, "Creator": f"matplotlib {mpl.__version__}", "Title": name}
        PICTURES[name]().savefig(out, format="svg", metadata=metadata)
    return re.sub(r"[ \t]+$", "", out.getvalue(), flags=re.MULTILINE)
