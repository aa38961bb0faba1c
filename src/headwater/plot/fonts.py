"""Draw names in every script with the fonts that a machine has.

Matplotlib's own font has no Chinese, Japanese or Korean, so such names were boxes even where a font for them was installed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["figure_class"]

_EASTERN = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "PingFang SC", "Hiragino Sans GB", "Heiti SC",
    "Microsoft YaHei", "SimHei", "DengXian", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Noto Sans CJK JP", "Droid Sans Fallback",
    "Arial Unicode MS",
)  # fmt: skip
"""Families with Chinese characters, the first one that is installed is used."""
_FILES = (
    "notosanscjk",
    "notosanssc",
    "sourcehansans",
    "pingfang",
    "msyh",
    "simhei",
    "wqy",
    "droidsansfallback",
    "arialuni",
)
"""Beginnings of their files' names."""
_NORMAL = 400
_FIRST = 0x2E80
"""The first character of these scripts."""


@cache
def figure_class() -> type[Figure]:
    """Return a figure whose texts fall back on a font with Chinese characters, where they have some."""
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    class Paper(Figure):
        def draw(self, renderer: Any) -> None:
            for ax in self.axes:  # which makes the labels of ticks
                ax.get_xticklabels()
                ax.get_yticklabels()
            for text in self.findobj(Text):
                if any(ord(letter) >= _FIRST for letter in text.get_text()):
                    own = text.get_fontfamily()
                    text.set_fontfamily([*own, *(name for name in _eastern() if name not in own)])
            super().draw(renderer)

    return Paper


@cache
def _eastern() -> tuple[str, ...]:
    """Return the first installed family with Chinese characters, or nothing."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    known = {font.name for font in fontManager.ttflist}
    if known.isdisjoint(_EASTERN):  # Matplotlib keeps its list of fonts, so those installed later aren't in it
        for path in findSystemFonts():
            if path.replace("\\", "/").rpartition("/")[2].lower().replace("-", "").startswith(_FILES):
                fontManager.addfont(path)
        known = {font.name for font in fontManager.ttflist}
    found = tuple(name for name in _EASTERN if name in known)[:1]
    own = [font for font in fontManager.ttflist if font.name in found]
    if own and all(font.weight != _NORMAL for font in own):  # else Matplotlib warns of it at each text
        fontManager.ttflist.append(replace(own[0], weight=_NORMAL))
    return found
