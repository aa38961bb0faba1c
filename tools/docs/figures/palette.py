"""What the course's pictures are drawn with: the colours of ``forms``, and maps made of them."""

from __future__ import annotations

from matplotlib.colors import LinearSegmentedColormap
from tools.docs.forms import BLUE, BROWN, GREEN, INK, ORANGE, PALE, PINK, VIOLET

__all__ = ["BLUE", "BROWN", "COLOURS", "GREEN", "INK", "ORANGE", "PALE", "PINK", "SHADES", "SIGNED", "VIOLET"]

COLOURS = (BLUE, ORANGE, GREEN, VIOLET, PINK, BROWN)
SHADES = LinearSegmentedColormap.from_list("shades", ["#f0f2f5", BLUE])
SIGNED = LinearSegmentedColormap.from_list("signed", [ORANGE, "#f0f2f5", BLUE])
