"""What a page needs of headwater: ``headwater.wasm``, and ``headwater.mjs``, all modules of ``js/`` as one file.

``headwater64.wasm`` stands in for the first where a model computes in float64.

python -m tools.build.web            # into the package, where the served pages and `headwater export --web` find them
python -m tools.build.web FOLDER     # for a page of your own
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools.build.core import ROOT
from tools.build.targets import wasm

JS = ROOT / "js"
MODULE = ROOT / "src" / "headwater" / "store" / "web" / "module"
"""Where the package keeps the files. Wheel and sdist contain them; git does not."""
FILES = ("headwater.mjs", "headwater.wasm", "headwater64.wasm")

IMPORT = re.compile(r'^import \{[^}]*\} from "(\.[^"]+)";\n', re.MULTILINE)
REEXPORT = re.compile(r'^export (\{[^}]*\}) from "(\.[^"]+)";\n', re.MULTILINE)
TOP = re.compile(r"^(?:export )?(?:async )?(?:function|class|const|let) (\w+|\[[^\]]*\])", re.MULTILINE)
# What text of JavaScript consists of, as far as it matters here: what may be shortened, and what has to stay as it is.
TOKEN = re.compile(
    r"""
      (?P<comment> //[^\n]* | /\*.*?\*/ )
    | (?P<text> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<template> ` )
    | (?P<slash> / )
    | (?P<word> [\w$\#]+ )
    | (?P<space> \s+ )
    | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)
EXPRESSION = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
ENDS_A_VALUE = re.compile(r"[\w$)\]}]$")
"""Behind such a sign a slash divides; elsewhere a regular expression begins."""


def bundle(entry: Path = JS / "headwater.mjs") -> str:
    """Return the modules of ``js/`` as one, each behind those that it imports, without comments and indentation."""
    ordered: list[Path] = []
    visit(entry, ordered)
    names: dict[str, Path] = {}
    parts, exported = [], ""
    for path in ordered:
        text = path.read_text(encoding="utf-8")
        for found in TOP.finditer(text):
            for name in re.findall(r"\w+", found[1]):
                if name in names:
                    raise SystemExit(f"{path} and {names[name]} both declare {name} at their top: rename one.")
                names[name] = path
        exported += "".join(f"export {found[1]};\n" for found in REEXPORT.finditer(text))
        text = REEXPORT.sub("", IMPORT.sub("", text))
        parts.append(text if path == entry else re.sub(r"^export ", "", text, flags=re.MULTILINE))
    return squeezed("".join(parts) + exported)


def visit(path: Path, ordered: list[Path]) -> None:
    """Append a module behind the modules that it imports."""
    text = path.read_text(encoding="utf-8")
    for found in [*IMPORT.finditer(text), *REEXPORT.finditer(text)]:
        inner = (path.parent / found.groups()[-1]).resolve()
        if inner not in ordered:
            visit(inner, ordered)
    if path not in ordered:
        ordered.append(path)


def squeezed(text: str) -> str:
    """Return JavaScript without comments, and without space where none is needed; lines still end where they did."""
    out: list[str] = []
    at, space = 0, ""
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found is not None
        kind, token = str(found.lastgroup), found[0]
        if kind == "template":
            token = text[at : template_end(text, at)]
        elif kind == "slash" and not ENDS_A_VALUE.search(out[-1]):
            found = EXPRESSION.match(text, at)
            assert found is not None
            token = found[0]
        at += len(token)
        if kind in ("comment", "space"):
            space = "\n" if "\n" in space + token else space or " "
            continue
        if space and out and needed(out[-1][-1], space, token[0]):
            out.append(space)
        out.append(token)
        space = ""
    return "".join(out) + "\n"


def needed(before: str, space: str, after: str) -> bool:
    """Say whether two signs must stay apart: two words, + +, or a line's end that may end a statement."""
    if space == "\n":
        return before not in "{([,;" and after not in ")].,"
    word = re.compile(r"[\w$#]")
    return bool(word.match(before) and word.match(after)) or (before == after and before in "+-")


def template_end(text: str, at: int) -> int:
    """Return where a template ends that begins at a place; templates may lie in its expressions."""
    at += 1
    while text[at] != "`":
        if text[at] == "\\":
            at += 2
        elif text.startswith("${", at):
            depth, at = 1, at + 2
            while depth:
                at = template_end(text, at) if text[at] == "`" else at + 1
                depth += {"{": 1, "}": -1}.get(text[at - 1], 0)
        else:
            at += 1
    return at + 1


def build(folder: Path = MODULE) -> Path:
    """Write the files into a folder, and return it."""
    for double in (False, True):
        wasm(folder, double=double).chmod(0o644)
    (folder / "headwater.mjs").write_text(bundle(), encoding="utf-8")
    return folder


if __name__ == "__main__":
    made = build(Path(sys.argv[1])) if sys.argv[1:] else build()
    for name in FILES:
        print(made / name)
