"""Build self-contained pages in the style of reports, for light and dark screens and for paper."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["page_of"]

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1d242c; --soft: #55606e; --line: #dfe3e8; --box: #f5f6f8;
  --good: #1b6e3c; --warn: #8a5a00; }
@media (prefers-color-scheme: dark) { :root { --ground: #10151b; --text: #e8edf2; --soft: #a6b1be; --line: #35404c;
  --box: #1a2129; --good: #7fd8a0; --warn: #f0c060; --pale: #8b97a5;
  --colour-0: #4aa3e0; --colour-1: #f08a4b; --colour-2: #2fbf93; --colour-7: #b98a80; } }
body { font: 15px/1.5 system-ui, "Noto Sans CJK SC", sans-serif; color: var(--text); background: var(--ground);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin: 2.4rem 0 .4rem; }
p.lead { margin-top: .2rem; } p.verdict { font-size: 1.15rem; font-weight: 600; margin: .6rem 0 0; overflow-wrap: anywhere; }
p.verdict + p { margin: 0; } p.ahead { color: var(--good); } p.behind { color: var(--warn); }
.soft, figcaption, caption { color: var(--soft); font-size: .87rem; }
.side { display: flex; flex-wrap: wrap; gap: 1rem 3rem; } caption { text-align: left; font-weight: 600; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
td, th { padding: .25rem 0 .25rem .9rem; text-align: right; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; padding-left: 0; } td.model { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .15rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
.finding { border-left: 4px solid #999; padding: .3rem .8rem; margin: .6rem 0; background: var(--box); }
.serious { border-color: #d1483b; } .warning { border-color: #e69f00; } .note { border-color: #56b4e9; }
.pictures { display: flex; flex-wrap: wrap; gap: 1.5rem; align-items: flex-start; }
figure { margin: 1rem 0; } figure svg { width: 100%; max-width: 45rem; height: auto; display: block; }
.pictures figure { flex: 1 1 min(24rem, 100%); margin: 0; } .pictures svg { max-height: 24rem; }
@media (max-width: 34rem) { body { margin: 1rem auto; } td, th { padding-left: .5rem; } dl { grid-template-columns: 1fr; }
  dd { margin-bottom: .4rem; }
  figure { overflow-x: auto; } figure svg { min-width: 30rem; } .pictures svg { min-width: 0; } }
@media print { :root { color-scheme: light; } }
"""


def page_of(title: str, parts: Iterable[str], *, language: str = "en", style: str = "") -> str:
    """Return a page without scripts or links.

    Parameters
    ----------
    title
        Title of the browser's tab, as text.
    parts
        The page's body, as HTML.
    language
        Language of the page, as in HTML's ``lang``.
    style
        More CSS, after that of all pages.

    Examples
    --------
    >>> page = page_of("a & b", ["<p>c</p>"])
    >>> "<title>a &amp; b</title>" in page, "<body><p>c</p></body>" in page
    (True, True)
    """
    view = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    head = f'<meta charset="utf-8">{view}<title>{escape(title)}</title><style>{_STYLE}{style}</style>'
    return f'<!doctype html>\n<html lang="{language}"><head>{head}</head>\n<body>{"".join(parts)}</body></html>\n'
