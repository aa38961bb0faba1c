"""Formulas as MathML, written when the site is built: a browser draws it with no script, in a font that comes along."""

from __future__ import annotations

import html
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from docutils import nodes
from fontTools import subset
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

# What the converter doesn't know, in words that it knows.
SYNONYMS = (
    (r"\begin{aligned}", r"\begin{align*}"),
    (r"\end{aligned}", r"\end{align*}"),
    (r"\operatorname*", r"\operatorname"),
    (r"\bm{", r"\boldsymbol{"),
    (r"\argmin", r"\operatorname{arg\,min}"),
    (r"\argmax", r"\operatorname{arg\,max}"),
)
BOLD = re.compile(r'<mi mathvariant="(bold|bold-italic)">(?:&#x([0-9A-F]+);|(\w))</mi>')
# Where Unicode has the bold letters A, a, Α, α and 0: browsers draw those, and no longer know the attribute.
ALPHABETS = {"bold": (0x1D400, 0x1D41A, 0x1D6A8, 0x1D6C2), "bold-italic": (0x1D468, 0x1D482, 0x1D71C, 0x1D736)}


def mathml(latex: str, display: str = "inline") -> str:
    """Return a formula as MathML.

    Raises
    ------
    ExtensionError
        Where it holds something that would not be drawn.
    """
    for known, other in SYNONYMS:
        latex = latex.replace(known, other)
    drawn = BOLD.sub(_bold, convert(latex.strip(), display=display))
    drawn = drawn.replace("<mo>&#x0005E;</mo>", '<mo stretchy="false">&#x0005E;</mo>')  # a hat, not a spire
    if re.search(r"<m[io]>\\|<mi>&</mi>", drawn):
        raise ExtensionError(f"a formula holds what can't be drawn: {latex}")
    return drawn


def _bold(match: re.Match[str]) -> str:
    """Return a bold letter as its own character."""
    letter = chr(int(match[2], 16)) if match[2] else match[3]
    for first, last, start in zip("AaΑα", "ZzΩω", ALPHABETS[match[1]], strict=True):
        if first <= letter <= last:
            return f"<mi>{chr(start + ord(letter) - ord(first))}</mi>"
    return f"<mi>{letter}</mi>"


def write_font(site: Path) -> None:
    """Write the font for formulas beside the style sheet, with those characters only that formulas use."""
    used = {char for path in site.rglob("*.html") for char in _drawn(path.read_text(encoding="utf-8"))}
    letters = [range(0x20, 0x7F), range(0x391, 0x3CA), range(0x1D400, 0x1D800), range(0x2200, 0x2300)]
    options = subset.Options(flavor="woff", layout_features=["*"], notdef_outline=True)
    (package,) = find_spec("ziamath").submodule_search_locations  # only its font is wanted, and importing it warns
    font = subset.load_font(str(Path(package) / "fonts" / "STIXTwoMath-Regular.ttf"), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[*map(ord, used), *(code for codes in letters for code in codes)])
    subsetter.subset(font)
    subset.save_font(font, str(site / "_static" / "math.woff"), options)
    font.close()


def _drawn(text: str) -> str:
    """Return all characters of a page's formulas."""
    return html.unescape("".join(re.findall(r"<math.*?</math>", text, re.DOTALL)))


def inline(writer: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    writer.body.append(mathml(node.astext()))
    raise nodes.SkipNode


def displayed(writer: Any, node: nodes.math_block) -> None:
    """Write a formula on lines of its own."""
    writer.body.append(f'<div class="formula">{mathml(node.astext(), display="block")}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Tell Sphinx who writes formulas."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(displayed, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
