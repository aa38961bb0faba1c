"""What a page needs of headwater: the core in three sizes, and the modules of ``js/`` as three files.

``headwater.mjs`` with ``predict.wasm`` predicts, ``learn.mjs`` and ``lean.wasm`` learn too, ``whole.mjs`` and ``headwater.wasm``
have all. ``headwater64.wasm`` stands in for the last where a model computes in float64. ``kinds.mjs`` needs none of the others, and
has the other kinds of learners, on ``kinds.wasm`` or ``kinds64.wasm``.

python -m tools.build.web            # into the package, where the served pages and `headwater export --web` find them
python -m tools.build.web FOLDER     # for a page of your own
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.build.core import ROOT
from tools.build.pages import node
from tools.build.targets import wasm

JS = ROOT / "js"
MODULE = ROOT / "src" / "headwater" / "store" / "web" / "module"
"""Where the package keeps the files. Wheel and sdist contain them; git does not."""
MODULES = ("headwater.mjs", "learn.mjs", "whole.mjs")
"""Each needs those before it. A page loads the first, which loads the others when something of theirs is asked for."""
ALONE = Path("learners", "kinds", "kinds.mjs")
"""A module of ``js/`` with all that it needs, so that no other one becomes larger by what both have."""
CORES = ("predict.wasm", "lean.wasm", "headwater.wasm", "headwater64.wasm", "kinds.wasm", "kinds64.wasm")
FILES = (*MODULES, ALONE.name, *CORES)

IMPORT = re.compile(r'^import \{[^}]*\} from "(\.[^"]+)";\n', re.MULTILINE)
REEXPORT = re.compile(r'^export (\{[^}]*\}) from "(\.[^"]+)";\n', re.MULTILINE)
IMPORTED = re.compile(r'^import (\{[^}]*\}) from "(\.[^"]+)";\n', re.MULTILINE)
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


def bundles() -> dict[str, str]:
    """Return the modules of ``js/`` as three, what predicts, what learns besides and the rest, and as one for the other kinds."""
    given: dict[Path, str] = {}  # which bundle has a module
    bodies: dict[str, str] = {}
    taken: dict[str, set[tuple[str, str]]] = {}  # by each: a name, and the bundle that has it
    for bundle in MODULES:
        own = [path for path in modules(JS / bundle) if path not in given]
        given |= dict.fromkeys(own, bundle)
        bodies[bundle] = body(own, JS / bundle)
        names = {one for path in own for one in imported(path)}
        taken[bundle] = {(name, given[home]) for name, home in names if given[home] != bundle}
    shared = {name: f"${i}" for i, name in enumerate(sorted({name for names in taken.values() for name, _ in names}))}
    made = {bundle: joined(bundle, text, taken, shared) for bundle, text in bodies.items()}
    alone = body(modules(JS / ALONE), JS / ALONE)
    return {**made, ALONE.name: node.minified(alone) or squeezed(alone)}


def joined(bundle: str, text: str, taken: dict[str, set[tuple[str, str]]], shared: dict[str, str]) -> str:
    """Return the text of a bundle with what it takes from those before it, and gives to the later ones, under short names."""
    head = ""
    for home in MODULES:
        names = sorted(name for name, own in taken[bundle] if own == home)
        head += (
            f'import {{ {", ".join(f"{shared[name]} as {name}" for name in names)} }} from "./{home}";\n'
            if names
            else ""
        )
    for name in {name for name, _ in taken[bundle]} & declared(text):
        raise SystemExit(f"{bundle} takes {name} from another bundle, and declares it at its top: rename one.")
    more = sorted({name for names in taken.values() for name, own in names if own == bundle})
    tail = f"export {{ {', '.join(f'{name} as {shared[name]}' for name in more)} }};\n" if more else ""
    return node.minified(head + text + tail) or squeezed(head + text + tail)


def declared(text: str) -> set[str]:
    """Return the names at the top of a module."""
    return {name for found in TOP.finditer(text) for name in re.findall(r"\w+", found[1])}


def body(paths: list[Path], entry: Path) -> str:
    """Return modules one behind the other, without imports and exports; the entry keeps its exports."""
    names: dict[str, Path] = {}
    parts, exported = [], ""
    for path in paths:
        text = path.read_text(encoding="utf-8")
        for name in declared(text):
            if name in names:
                raise SystemExit(f"{path} and {names[name]} both declare {name} at their top: rename one.")
            names[name] = path
        exported += "".join(f"export {found[1]};\n" for found in REEXPORT.finditer(text))
        text = REEXPORT.sub("", IMPORT.sub("", text))
        parts.append(text if path == entry else re.sub(r"^export ", "", text, flags=re.MULTILINE))
    return "".join(parts) + exported


def imported(path: Path) -> set[tuple[str, Path]]:
    """Return the names that a module imports, with the module that has each."""
    text = path.read_text(encoding="utf-8")
    found = [(one[0], one[1]) for one in IMPORTED.findall(text)]
    return {(name, (path.parent / place).resolve()) for names, place in found for name in re.findall(r"\w+", names)}


def modules(entry: Path) -> list[Path]:
    """Return a module and those that it imports, each behind those that it imports itself."""
    ordered: list[Path] = []
    visit(entry, ordered)
    return ordered


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


def build(folder: Path = MODULE, cores: tuple[str, ...] = CORES) -> Path:
    """Write the modules and these cores into a folder, and return it. A file that is there already stays: it may be being read."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        for name, text in bundles().items():  # first, since what minifies them installs what makes cores smaller
            (place / name).write_text(text, encoding="utf-8")
        built = [wasm(place, name) for name in cores]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for made in pool.map(node.optimized, built):
                made.chmod(0o644)
        for made in place.iterdir():
            kept = folder / made.name
            if not kept.exists() or kept.read_bytes() != made.read_bytes():
                shutil.copy(made, kept)
    return folder


if __name__ == "__main__":
    made = build(Path(sys.argv[1])) if sys.argv[1:] else build()
    for name in FILES:
        print(made / name)
