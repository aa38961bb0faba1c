"""How Sphinx builds the site; tools/docs/generate.py gathers the pages and calls it once for each language."""

from __future__ import annotations

import os
import re
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.locale import _ as gettext
from sphinx.util.inspect import TypeAliasForwardRef

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

project = "headwater"
author = "the headwater authors"
version = release = version_of("headwater")
html_title = f"headwater {release}"
html_last_updated_fmt = None
html_show_copyright = False

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "website.plain",
    "website.mathml",
    "website.chinese",
]
myst_enable_extensions = ["amsmath", "attrs_block", "dollarmath", "html_image"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 4
default_role = "literal"
templates_path = [str(HERE / "templates")]
html_static_path = [str(HERE / "static")]
html_favicon = "../../../src/headwater/serve/web/icon.svg"
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_search_scorer = str(HERE / "scorer.js")
html_theme = "furo"
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False

autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # those of other projects are written in a markup of their own
autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}  # its name says more than the five lines that it stands for
python_use_unqualified_type_names = True
napoleon_use_rtype = False
napoleon_use_ivar = True
add_module_names = False
toc_object_entries = False

# A docstring's "(n, outputs)" is no link to one of the two attributes of that name.
suppress_warnings = ["ref.python"]

TREE = Path(os.environ.get("HEADWATER_PAGES", HERE.parents[2] / "build" / "pages"))


WORDS = {
    "Next": "下一页",
    "Previous": "上一页",
    "Home": "首页",
    "On this page": "本页内容",
    "Back to top": "回到顶部",
    "Please activate JavaScript to enable the search functionality.": "请启用 JavaScript 以使用搜索。",
    "Made with ": "本站由 ",
    '<a href="https://www.sphinx-doc.org/">Sphinx</a> and ': '<a href="https://www.sphinx-doc.org/">Sphinx</a> 和 ',
    "Skip to content": "跳到正文",
}
"""Words of the theme that it has in English only."""


COUNTERPARTS = {"course": "learn/index"} | {name: f"learn/{name}" for name in ("article", "origins", "where-next")}
"""English pages by their Chinese one, where name and number don't say it."""


def elsewhere(page: str, language: str) -> str:
    """Return the same page in the other language, or its front page, from the site's root."""
    chinese = language.startswith("zh")
    other = "en" if chinese else "zh"
    number = re.match(r"(?:learn/)?(\d\d)-", page)
    known = COUNTERPARTS if chinese else {theirs: ours for ours, theirs in COUNTERPARTS.items()}
    found = sorted((TREE / other).glob(f"{'learn/' if chinese else ''}{number[1]}-*.md")) if number else []
    name = found[0].relative_to(TREE / other).with_suffix("").as_posix() if found else known.get(page, page)
    if not (TREE / other / f"{name}.md").exists():
        name = "index"
    return f"{'' if other == 'en' else 'zh/'}{name}.html" if (TREE / other).exists() else ""


def switch(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Tell each page where its counterpart stands, and where the scripts of its live figures do."""
    language = app.config.language
    target = elsewhere(page, language)
    up = "../" * (page.count("/") + language.startswith("zh"))
    context["counterpart"] = up + target if target else ""
    context["live"] = f"{up}live/" if 'class="live"' in context.get("body", "") else ""
    if language.startswith("zh"):
        context["_"] = context["gettext"] = lambda word: WORDS.get(word) or WORDS.get(word.strip()) or gettext(word)


def setup(app: Sphinx) -> None:
    """Connect the switch between languages, and show an alias in a union by its name too."""
    TypeAliasForwardRef.__repr__ = lambda alias: alias.name  # type: ignore[method-assign]
    app.connect("html-page-context", switch)
