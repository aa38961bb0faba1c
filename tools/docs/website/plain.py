"""Docstrings are plain text with formulas in it: keep Sphinx from taking |p − y| or a·b* for markup."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

WRAPPED = re.compile(r"(\*{0,2}\w+,\s?)+$")
PARAMETER = re.compile(r"\*{0,2}\w+(, \*{0,2}\w+)*( : .*)?$")
MARKUP = re.compile(r"(``.*?``|`[^`]+`)|([*|\\]|(?<=\w)_(?!\w))")


def escaped(lines: list[str]) -> list[str]:
    """Return a docstring's lines with what would be markup escaped; examples, literals and names stay."""
    said, literal, example = [], False, False
    for line in joined(lines):
        if line.strip():
            example = example or line.lstrip().startswith(">>>")
            literal = literal and line.startswith(" ")
        else:
            example = False
        still = literal or example or PARAMETER.fullmatch(line)
        said.append(line if still else MARKUP.sub(lambda m: m[1] or f"\\{m[2]}", line))
        literal = literal or line.rstrip().endswith("::")
    return said


def joined(lines: list[str]) -> list[str]:
    """Return the lines with a list of parameters on one line, however it was wrapped."""
    whole: list[str] = []
    for line in lines:
        if whole and WRAPPED.fullmatch(whole[-1]):
            whole[-1] += f" {line}"
        else:
            whole.append(line)
    return whole


def process(app: Sphinx, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Escape a docstring in place, as the event asks."""
    lines[:] = escaped(lines)


def setup(app: Sphinx) -> dict[str, bool]:
    """Come before napoleon, which reads the sections."""
    app.connect("autodoc-process-docstring", process, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
