"""The kind that CONTRIBUTING.md writes, read out of its text."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

__all__ = ["FILES", "LINE", "TEXT", "imported"]

TEXT = (
    (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md")
    .read_text(encoding="utf-8")
    .partition("\n## How to add a kind\n")[2]
    .partition("\n## ")[0]
)
_CODE, (LINE,) = (re.findall(rf"^```{what}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL) for what in ("python", "text"))
FILES = {
    "__init__.py": '"""The counter of events in an exposure."""\n',
    **dict(zip(re.findall(r"`(kind\.py|learner\.py|score\.py)` (?:declares|says)", TEXT), _CODE, strict=True)),
}
"""The code of each file of the kind's folder."""


def imported(package: str) -> ModuleType:
    """Return the kind's files as a package of another author, which is on no disk."""
    if package in sys.modules:
        return sys.modules[package]
    for file in ("__init__.py", "kind.py", "score.py", "learner.py"):
        name = package if file == "__init__.py" else f"{package}.{file.removesuffix('.py')}"
        module = sys.modules[name] = ModuleType(name)
        module.__package__, module.__path__ = package, []
        code = FILES[file].replace("headwater.kinds.count", package)
        exec(compile(code, f"CONTRIBUTING.md:{file}", "exec"), vars(module))
        if name != package:
            setattr(sys.modules[package], file.removesuffix(".py"), module)
    return sys.modules[package]
