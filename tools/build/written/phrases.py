"""Write what exported pages say of a model and its kind in the words that are declared once, in Python.

``store/web/shared/phrases.mjs`` has the phrases of the verdict, ``kinds.mjs`` the question of each kind whose rows the page holds, and
``store/web/kinds/questions.mjs`` question and description of each kind with a view of its own.

python -m tools.build.written.phrases
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.build.core import ROOT

WEB = ROOT / "src" / "headwater" / "store" / "web"
HEAD = "// Written from {}. After a change there: python -m tools.build.written.phrases\n"


def modules() -> dict[str, str]:
    """Return the modules as JavaScript, by their names."""
    from headwater.kinds import KINDS
    from headwater.route.verdict.phrases import PHRASES
    from headwater.store.web import has_view

    able = [kind for kind in KINDS if "web" in kind.can]
    words = {kind.name: kind.views.words for kind in able}
    rows = {kind.name: _picked(words[kind.name], ("question",)) for kind in able if not has_view(kind.name)}
    views = {kind.name: _picked(words[kind.name], ("question", "about")) for kind in able if has_view(kind.name)}
    questions = {name: {language: own["question"] for language, own in said.items()} for name, said in rows.items()}
    return {
        "shared/phrases.mjs": _module("src/headwater/route/verdict/phrases.py", "PHRASES", PHRASES),
        "page/kinds.mjs": _module("views of src/headwater/kinds", "QUESTIONS", questions),
        "kinds/questions.mjs": _module("views of src/headwater/kinds", "QUESTIONS", views),
    }


def _picked(words: Mapping[str, Mapping[str, str]], keys: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return some words of a kind in each language; what a page is about needs no name of the model."""
    return {
        language: {key: own[key].replace(" “{name}”", "").replace("“{name}”", "") for key in keys}
        for language, own in words.items()
    }


def _module(source: str, name: str, value: Any) -> str:
    return f"{HEAD.format(source)}export const {name} = {json.dumps(value, ensure_ascii=False, indent=1)};\n"


def write(folder: Path = WEB) -> list[Path]:
    """Write the modules, and return their paths."""
    for name, text in modules().items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in modules()]


if __name__ == "__main__":
    print(*write(), sep="\n")
