"""Lay a dossier out as a self-contained HTML page that prints on two sheets of A4."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from headwater.plot.page import page_of

from .sections import Section
from .words import Language

__all__ = ["as_html"]

_STYLE = """
table.log td, table.log th { overflow-wrap: anywhere; }
dl, table.log { max-width: 100%; } p { overflow-wrap: anywhere; margin: .3rem 0; } .wide { overflow-x: auto; }
@page { size: A4; margin: 12mm 14mm; }
@media print { body { font-size: 10.5px; line-height: 1.35; margin: 0; max-width: none; padding: 0; }
  h1 { font-size: 1.5em; margin-top: 0; }
  h2 { font-size: 1.15em; margin: .8em 0 .2em; break-after: avoid; } tr { break-inside: avoid; } td, th { padding: .1em 0 .1em .8em; }
  dl { grid-template-columns: max-content minmax(0, 1fr); gap: .05em 1em; } dd { margin: 0; } .soft { font-size: 1em; } }
"""


def as_html(title: str, lead: str, law: str, sections: Sequence[Section], language: Language) -> str:
    """Return the page.

    Parameters
    ----------
    title, lead
        The heading, and the line below it.
    law
        What the page is for.
    sections
        The parts.
    language
        Language of the page.
    """
    top = f'<h1>{escape(title)}</h1><p class="lead soft">{escape(lead)}</p><p class="soft">{escape(law)}</p>'
    lang = "zh-CN" if language == "zh" else language
    return page_of(title, [top, *map(_section, sections)], language=lang, style=_STYLE)


def _section(section: Section) -> str:
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in section.facts)
    known = f"<dl>{facts}</dl>" if facts else ""
    lines, after = ("".join(f"<p>{escape(line)}</p>" for line in part) for part in (section.lines, section.after))
    return f"<section><h2>{escape(section.title)}</h2>{known}{lines}{_table(section)}{after}</section>"


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in section.head)
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in section.rows)
    return f'<div class="wide"><table class="log"><tr>{head}</tr>{rows}</table></div>'
