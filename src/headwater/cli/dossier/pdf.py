"""Lay a dossier out as a PDF of A4 sheets, with fpdf2 (extra ``pdf``)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.errors import ConfigError, MissingExtra

from .sections import Section

if TYPE_CHECKING:
    from fpdf import FPDF

__all__ = ["as_pdf", "check_pdf"]

_SIZES = {"title": 15.0, "heading": 10.5, "text": 8.0}
_MARGIN_MM = 14
_NAME_MM = 34
_SOFT = (85, 96, 110)
_INK = (29, 36, 44)
_FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    *("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts", "C:/Windows/Fonts"),
)
_BUILT_IN = "Helvetica"
"""A font that every reader of PDFs has, for the characters of Latin-1."""
_LATIN = str.maketrans({"–": "-", "—": "-", "−": "-", "…": "...", "’": "'", "“": '"', "”": '"', "→": "->", "≥": ">="})


class _Font(NamedTuple):
    """A file with a font that has all characters of a text, and its number there."""

    path: Path
    number: int


def check_pdf() -> None:
    """Raise MissingExtra unless a PDF can be written."""
    if find_spec("fpdf") is None:
        raise MissingExtra(package="fpdf2", extra="pdf", at="--pdf")


def as_pdf(title: str, lead: str, law: str, sections: Sequence[Section], font: Path | None) -> bytes:
    """Return the PDF.

    Parameters
    ----------
    title, lead, law, sections
        As of the page.
    font
        A TrueType font to use. Without it one that has all characters is looked for where systems keep theirs.

    Raises
    ------
    ConfigError
        If no font has all characters.
    """
    from fpdf import FPDF

    pdf = FPDF(format="A4", unit="mm")
    pdf.set_margin(_MARGIN_MM)
    pdf.set_auto_page_break(auto=True, margin=_MARGIN_MM)
    pdf.set_title(title)
    pdf.add_page()
    chosen = _choose_font({*title, *lead, *law, *_characters(sections)}, font)
    paper = _Paper(pdf, chosen)
    paper.write("title", title)
    paper.write("text", lead, soft=True)
    paper.write("text", law, soft=True)
    for section in sections:
        paper.section(section)
    return bytes(pdf.output())


class _Paper:
    """Write on the sheets of a PDF."""

    def __init__(self, pdf: FPDF, font: _Font | None) -> None:
        self._pdf, self._built_in = pdf, font is None
        self._family = _BUILT_IN if font is None else "own"
        if font is not None:
            pdf.add_font("own", "", font.path, collection_font_number=font.number)
            pdf.add_font("own", "B", font.path, collection_font_number=font.number)

    def _text(self, text: str) -> str:
        return text.translate(_LATIN) if self._built_in else text

    def write(self, size: str, text: str, *, soft: bool = False) -> None:
        """Write a paragraph over the whole width."""
        pdf = self._pdf
        pdf.set_text_color(*(_SOFT if soft else _INK))
        pdf.set_font(self._family, "" if size == "text" else "B", _SIZES[size])
        pdf.multi_cell(0, _SIZES[size] * 0.48, self._text(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def section(self, section: Section) -> None:
        """Write a section, its heading not alone at the foot of a sheet."""
        self._pdf.ln(2)
        if self._pdf.will_page_break(14):
            self._pdf.add_page()
        self.write("heading", section.title)
        self._facts(section.facts)
        for line in section.lines:
            self.write("text", line)
        self._table(section.head, section.rows)
        for line in section.after:
            self.write("text", line)

    def _facts(self, facts: Sequence[tuple[str, str]]) -> None:
        height = _SIZES["text"] * 0.46
        for name, text in facts:
            self._pdf.set_font(self._family, "", _SIZES["text"])
            self._pdf.set_text_color(*_SOFT)
            self._pdf.cell(_NAME_MM, height, self._text(name))
            self._pdf.set_text_color(*_INK)
            self._pdf.multi_cell(0, height, self._text(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def _table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        if not rows:
            return
        pdf = self._pdf
        pdf.set_font(self._family, "", _SIZES["text"] - 0.5)
        pdf.set_text_color(*_INK)
        widths = [max(3, *(len(row[i]) for row in (head, *rows) if i < len(row))) for i in range(len(head))]
        with pdf.table(
            col_widths=[min(width, 34) for width in widths],
            borders_layout="HORIZONTAL_LINES",
            text_align=["LEFT", *(["RIGHT"] * (len(head) - 1))],
            line_height=_SIZES["text"] * 0.5,
            wrapmode="CHAR",
        ) as table:
            for cells in (head, *rows):
                row = table.row()
                for cell in (*cells, *([""] * (len(head) - len(cells)))):
                    row.cell(self._text(cell))


def _characters(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        yield from section.title
        for texts in (*section.facts, section.lines, section.head, *section.rows, section.after):
            yield from "".join(texts)


def _choose_font(characters: set[str], font: Path | None) -> _Font | None:
    """Return a font that has all characters, or None where the built-in one does."""
    wanted = {ord(one) for one in characters if one.isprintable()}
    if font is None and all(one < 256 for one in map(ord, "".join(characters).translate(_LATIN))):
        return None
    candidates = [font] if font is not None else _installed()
    found = next((number for path in candidates for number in _fitting(path, wanted)), None)
    if found is None:
        got = "none" if font is None else str(font)
        raise ConfigError(
            expected="a TrueType font (.ttf, .ttc) with the characters of this dossier",
            got=got,
            at="--pdf",
            help="Name one with --font FILE, such as Noto Sans SC, or print the HTML page from a browser.",
        )
    return found


def _installed() -> Iterator[Path]:
    for folder in _FOLDERS:
        for top, _, names in os.walk(Path(folder).expanduser()):
            yield from (Path(top, name) for name in sorted(names) if name.lower().endswith((".ttf", ".ttc")))


def _fitting(path: Path, wanted: set[int]) -> Iterator[_Font]:
    """Yield the fonts of a file that have all characters as outlines that a PDF can hold."""
    from fontTools.ttLib import TTCollection, TTFont, TTLibError

    read = TTCollection if path.suffix.lower() == ".ttc" else TTFont
    try:
        with read(path, lazy=True) as file:
            fonts = enumerate(getattr(file, "fonts", [file]))
            yield from (_Font(path, number) for number, font in fonts if _fits(font, wanted))
    except (OSError, TTLibError):  # an unreadable font is none that can be used
        return


def _fits(font: Any, wanted: set[int]) -> bool:
    return "glyf" in font and wanted <= (font.getBestCmap() or {}).keys()
