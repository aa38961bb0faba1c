"""Write ``store/web/page/phrases.mjs`` from the phrases of the verdict, which are declared once, in Python.

python -m tools.build.written.phrases
"""

from __future__ import annotations

import json
from pathlib import Path

from tools.build.core import ROOT

PATH = ROOT / "src" / "headwater" / "store" / "web" / "page" / "phrases.mjs"
HEAD = "// Written from src/headwater/route/verdict/phrases.py. After a change there: python -m tools.build.written.phrases\n"


def module() -> str:
    """Return the module as JavaScript."""
    from headwater.route.verdict.phrases import PHRASES

    return f"{HEAD}export const PHRASES = {json.dumps(PHRASES, ensure_ascii=False, indent=1)};\n"


def write(path: Path = PATH) -> Path:
    """Write the module, and return its path."""
    path.write_text(module(), encoding="utf-8")
    return path


if __name__ == "__main__":
    print(write())
