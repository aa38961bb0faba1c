"""The rules of the house that hold in C too, read from the text of the core and of its binding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "core"
FUNCTION_LINES = 40
BINDING = ROOT / "src" / "_core"
FILES = [
    path for path in sorted([*CORE.rglob("*.[ch]"), *BINDING.glob("*.c")]) if path.name != "unicode.h"
]  # it is written


def functions(text: str) -> Iterator[tuple[str, int]]:
    """Yield each function of a file, by the line that names it, and how many lines it has from there to its last brace."""
    lines = text.split("\n")
    for i, line in enumerate(lines):
        if line == "{":
            first = next(j for j in range(i - 1, -1, -1) if not lines[j].startswith(" "))
            last = next(j for j in range(i, len(lines)) if lines[j].startswith("}"))
            if "(" in lines[first]:  # and no table
                yield lines[first], last - first + 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_of_the_core_are_short(path):
    long = [f"{name}: {n} lines" for name, n in functions(path.read_text(encoding="utf-8")) if n > FUNCTION_LINES]
    assert long == [], f"at most {FUNCTION_LINES}: give a part of it a name"


def test_a_function_of_the_core_that_is_too_long_is_found():
    body = "\n".join(["    x++;"] * FUNCTION_LINES)
    text = f"int a;\n\n/* Short. */\nstatic int short_one(int x)\n{{\n    return x;\n}}\n\nint long_one(int x,\n             int y)\n{{\n{body}\n}}\n"
    assert dict(functions(text)) == {"static int short_one(int x)": 4, "int long_one(int x,": FUNCTION_LINES + 4}


def test_the_core_has_functions_in_most_of_its_files():
    found = [name for path in FILES for name, _ in functions(path.read_text(encoding="utf-8"))]
    assert len(found) > 700
