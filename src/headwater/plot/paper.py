"""Create matplotlib figures in a common style, and convert them to SVG for light and dark pages."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

from headwater.errors import MissingExtra

from .fonts import figure_class

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["COLOURS", "INK", "PALE", "as_svg", "axes", "figure", "note"]

# Okabe & Ito 2008: distinguishable for colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F", "#8C564B")
INK, PALE = "#333333", "#999999"
# In a page's SVG, text takes the page's colour, and CSS variables may lighten the rest for a dark background.
_INKS = {INK: "currentColor", "#000000": "currentColor", PALE: f"var(--pale, {PALE})"}
_SHADES = {colour.lower(): f"var(--colour-{i}, {colour.lower()})" for i, colour in enumerate(COLOURS)}


def figure(width: float = 7.2, height: float = 3.8) -> Figure:
    """Create an empty figure without a window or global state.

    Raises
    ------
    MissingExtra
        When matplotlib is not installed.

    Examples
    --------
    >>> figure(4, 3).get_size_inches().tolist()
    [4.0, 3.0]
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtra(package="matplotlib", extra="plot", at="headwater.plot") from error
    return figure_class()(figsize=(width, height), layout="constrained")


def axes(fig: Figure, *, title: str, x: str, y: str, place: tuple[Any, ...] = (1, 1, 1)) -> Axes:
    """Add axes with a title and labels, without the upper and right spines."""
    ax = fig.add_subplot(*place)
    ax.set_title(title, loc="left", fontsize=11, color=INK)
    ax.set_xlabel(x, fontsize=9, color=INK)
    ax.set_ylabel(y, fontsize=9, color=INK)
    ax.tick_params(labelsize=8, colors=INK)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(alpha=0.25, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax


def note(ax: Axes, text: str) -> None:
    """Write a note in the middle of axes without data."""
    ax.text(0.5, 0.5, text, ha="center", va="center", fontsize=9, color=PALE, transform=ax.transAxes, wrap=True)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(visible=False)


def as_svg(fig: Figure) -> str:
    """Convert a figure to SVG for embedding, without date, links, XML prologue or background."""
    from matplotlib import rc_context

    out = io.StringIO()
    # fonttype none keeps text as text (small, searchable); a fixed salt gives the same ids in every run.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "headwater"}):
        fig.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    svg = out.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r"(?<=: )#[0-9a-f]{6}\b", lambda found: (_INKS | _SHADES).get(found[0], found[0]), svg)
    svg = re.sub(r'font-family: [^;"]*;? ?', "", svg)  # letters are those of the page around it
    # A style would hold for the whole page, so the strokes are said where they belong.
    svg = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", svg, count=1, flags=re.DOTALL)
    # Text without a colour of its own is black in SVG.
    svg = svg.replace("<svg ", '<svg fill="currentColor" stroke-linejoin="round" stroke-linecap="butt" ', 1)
    return re.sub(r'(<svg[^>]*?) width="[^"]*" height="[^"]*"|height="[^"]*pt" ', r"\1", svg, count=1)
