"""Write what exported pages say of a model and its kind in the words that are declared once, in Python.

``store/web/page/phrases.mjs`` has the phrases of the verdict, ``kinds.mjs`` the question of each kind that a page can hold.

python -m tools.build.written.phrases
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tools.build.core import ROOT

PAGE = ROOT / "src" / "headwater" / "store" / "web" / "page"
HEAD = "// Written from {}. After a change there: python -m tools.build.written.phrases\n"


def modules() -> dict[str, str]:
    """Return the modules as JavaScript, by their names."""
    from headwater.kinds import KINDS
    from headwater.route.verdict.phrases import PHRASES

    questions = {
        kind.name: {language: words["question"] for language, words in kind.views.words.items()}
        for kind in KINDS
        if "web" in kind.can
    }
    return {
        "phrases.mjs": _module("src/headwater/route/verdict/phrases.py", "PHRASES", PHRASES),
        "kinds.mjs": _module("views of src/headwater/kinds", "QUESTIONS", questions),
    }


def _module(source: str, name: str, value: Any) -> str:
    return f"{HEAD.format(source)}export const {name} = {json.dumps(value, ensure_ascii=False, indent=1)};\n"


def write(folder: Path = PAGE) -> list[Path]:
    """Write the modules, and return their paths."""
    for name, text in modules().items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in modules()]


if __name__ == "__main__":
    print(*write(), sep="\n")
