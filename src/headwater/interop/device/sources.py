"""Find the sources of the C core, and join those that a net of one expert needs into one text."""

from __future__ import annotations

import re
from pathlib import Path

from headwater.errors import ModelFileError

__all__ = ["core_folder", "definition", "fixed", "joined", "own"]

_INCLUDE = re.compile(r'^#include "([^"]+)"[^\n]*\n', re.MULTILINE)
_LEFT_OUT = ("kernels/batch.c", "kernels/kinds/anomaly.c", "kernels/kinds/agent.c")
"""What arrays and other kinds of learners alone need."""
_EXPERT = r"\b(?:e|x|u->e|g->step->e|l->expert\[\w+\])(?:->|\.)"
"""How the kernels write the expert that they compute, or that of an update."""


def core_folder() -> Path:
    """Return the folder with the core's sources, which wheels contain.

    Raises
    ------
    ModelFileError
        If this installation lacks them.
    """
    for folder in (Path(__file__).with_name("core"), Path(__file__).parents[4] / "core"):
        if (folder / "kernels.c").is_file():
            return folder
    raise ModelFileError(
        expected="the sources of the core",
        got="an installation without them",
        at=str(Path(__file__).with_name("core")),
        help="Install a wheel or a checkout of headwater.",
    )


def own(name: str) -> str:
    """Return a file of this folder as text."""
    return Path(__file__).with_name(name).read_text("utf-8")


def joined(root: Path) -> str:
    """Return ``kernels.c`` with everything that it includes, each header once."""
    seen: set[Path] = set()

    def text_of(path: Path) -> str:
        seen.add(path)
        return _INCLUDE.sub(lambda found: included(path, found[1]), path.read_text("utf-8"))

    def included(path: Path, name: str) -> str:
        beside = (path.parent / name).resolve()
        place = beside if beside.is_file() else (root / name).resolve()
        once = place in seen and f"#ifndef HW_{place.stem.upper()}_H" in place.read_text("utf-8")
        return "" if once or place.relative_to(root).as_posix() in _LEFT_OUT else text_of(place)

    root = root.resolve()
    text = text_of(root / "kernels.c")
    return text[: text.index("#define JOIN_(")]  # then comes the table of kernels for all kinds of calls


def definition(path: Path, name: str) -> str:
    """Return the definition of an array of the core as it stands there."""
    found = re.search(rf"^const \w+ {name}\[[^;]*;", path.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise ValueError(f"{path} defines no {name}")
    return found[0]


def fixed(text: str, learner: dict[str, str], expert: dict[str, str]) -> str:
    """Return the kernels with numbers of the learner and of its expert in the place of the fields that hold them.

    A compiler then leaves out what this model does not need.
    """
    text = _replaced(_replaced(text, r"\bl->", learner), _EXPERT, expert)
    text = re.sub(r"\b(?:u|g->step)->rule\b(?! =)", expert["rule"], text)
    text = re.sub(r"\bfinite\(", "hw_finite(", text)  # the C libraries of GNU compilers know a function of that name
    return text.replace("__builtin_sqrt", "device_sqrt")


def _replaced(text: str, prefix: str, fields: dict[str, str]) -> str:
    """Put numbers in the place of fields that are read."""
    names = "|".join(re.escape(name) for name in sorted(fields, key=len, reverse=True))
    field = re.compile(rf"{prefix}({names})\b(?!\s*(?:=[^=]|\[))")
    return field.sub(lambda found: fields[found[1]], text)
