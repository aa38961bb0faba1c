"""Names that docstrings, comments and documents cite exist in code: a rename that forgets a sentence is found here.

Cited is what stands between backticks and looks like a name of code: with an underscore, a dot, a bracket or a capital inside.
It exists if each of its parts stands somewhere in the code of the project, comments and docstrings left out, or is
another project's (``FOREIGN``). A file is cited by its path from the root, from ``src/headwater``, from the file that cites it, or
by its name alone. CHANGELOG.md and benchmarks/NOTES.md tell of what was, and are left out.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import cache
from pathlib import Path

from tools.build.wheels.listed import listed
from tools.build.written import javascript, types

from headwater.kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]
HISTORY = {"CHANGELOG.md", "benchmarks/NOTES.md"}
CODE = {".py", ".pyi", ".c", ".h", ".js", ".mjs", ".html", ".toml", ".css", ".lua"}
FOREIGN = {
    "IPAddressAllow",
    "breakpoint",
    "headwater.d",
    "mnist_784",
    "np",
    "onnx",
    "start_hour",
    "stateful_map",
    "ValueState",
    "env",
}
"""The first words of names that are other projects', and of examples of names."""
BUILT = {"headwater.d.mts", "kinds.d.mts", "headwater.c", "model.c"}
"""Files that a build, or an export, writes."""
FILE = re.compile(r"[\w./-]*\w\.(?:py|c|h|md|mjs|js|json|txt|toml|html|css|csv)")
NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*(?:\(\))?")
LOOKS_LIKE_CODE = re.compile(r"_|\.|\(\)|[a-z][A-Z]")
INLINE = re.compile(r"``([^`\n]+)``|(?<!`)`([^`\n]+)`(?!`)")
FENCE = re.compile(r"^ *(`{3,}).*?^ *\1\s*$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"\b(?:NAME|VERSION|FILE)\b")
WORD = re.compile(r"[A-Za-z_]\w*")


@cache
def files() -> tuple[str, ...]:
    """Every file of the project, in a clone or in an unpacked sdist."""
    return tuple(listed())


def docstrings(tree: ast.AST) -> set[tuple[int, int]]:
    """Where the strings begin that are statements of their own: they explain, and define nothing."""
    return {
        (node.value.lineno, node.value.col_offset)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


@cache
def split(name: str) -> tuple[set[str], list[tuple[int, str]]]:
    """The words of a Python file's code, and its comments and docstrings with their lines: what cites and what is cited read it once."""
    source = (ROOT / name).read_text(encoding="utf-8")
    words: set[str] = set()
    said: list[tuple[int, str]] = []
    notes = docstrings(ast.parse(source))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT or (token.type == tokenize.STRING and token.start in notes):
            said.append((token.start[0], token.string))
        elif token.type in {tokenize.NAME, tokenize.STRING}:
            words.update(WORD.findall(token.string))
    return words, said


@cache
def known() -> frozenset[str]:
    """Every word of the project's code."""
    words: set[str] = set()
    for name in files():
        path = ROOT / name
        if path == Path(__file__) or (path.suffix not in CODE and path.name != "Makefile"):
            continue
        if path.suffix in {".py", ".pyi"}:
            words |= split(name)[0]
        else:
            text = path.read_text(encoding="utf-8")
            words.update(WORD.findall(re.sub(r"/\*.*?\*/|//[^\n]*|<!--.*?-->", "", text, flags=re.DOTALL)))
        words.update(part for part in re.split(r"\W", name) if part)
    return frozenset(words)


def cited(name: str) -> list[tuple[int, str]]:
    """What a file cites, each with its line."""
    if name.endswith(".py"):
        parts = split(name)[1]
    else:
        text = (ROOT / name).read_text(encoding="utf-8")
        blank = FENCE.sub(lambda block: "\n" * block[0].count("\n"), text)
        parts = list(enumerate(blank.splitlines(), 1))
    return [
        (line + part[: found.start()].count("\n"), (found[1] or found[2]).strip())
        for line, part in parts
        for found in INLINE.finditer(re.sub(r">>>.*|^\s*\.\.\. .*", "", part, flags=re.MULTILINE))
    ]


def exists(what: str, by: str) -> bool:
    """Say whether what is cited is there; what doesn't look like a name or a file is not asked for, nor addresses of the server."""
    if what in BUILT or what.startswith("/") or PLACEHOLDER.search(what):
        return True
    if FILE.fullmatch(what) and not what.startswith("."):
        beside = (ROOT / by).parent
        there = [ROOT / what, ROOT / "src" / "headwater" / what, beside / what]
        return any(path.exists() for path in there) or any(f"/{name}".endswith(f"/{what}") for name in files())
    if not NAME.fullmatch(what) or not LOOKS_LIKE_CODE.search(what):
        return True
    parts = what.removesuffix("()").split(".")
    return parts[0] in FOREIGN or all(part in known() for part in parts)


def test_names_in_docstrings_comments_and_documents_exist():
    texts = [name for name in files() if name.endswith((".py", ".md")) and name not in HISTORY]
    assert len(texts) > 300
    wrong = [f"{name}:{line}: {what}" for name in texts for line, what in cited(name) if not exists(what, name)]
    assert wrong == [], "the sentence cites what is no longer there"


def test_a_stale_name_is_found():
    assert not exists("Classifier.learn_sideways", "README.md")
    assert not exists("no_such_thing()", "README.md")
    assert not exists("core/nowhere.c", "README.md")
    assert exists("Classifier.learn_one", "README.md")
    assert exists("core/lower.c", "README.md")
    assert exists("any words at all", "README.md")


def test_what_javascript_repeats_is_what_python_declares():
    written = javascript.DECLARED.read_text(encoding="utf-8")
    assert written == javascript.module(), "a declaration has changed: python -m tools.build.written.javascript"


def test_typescript_knows_every_field_that_kinds_declare():
    written = types.TYPES.read_text(encoding="utf-8")
    assert written == types.module(), "a declaration has changed: python -m tools.build.written.types"
    for kind in KINDS:
        ask, said, explain = (members(written, f"{kind.name}{what}") for what in ("Question", "Response", "Explained"))
        assert ask == [field.name for field in kind.question.fields]
        assert said == [field.name for field in kind.response]
        assert explain == [field.name for field in kind.explained]
        if len(kind.answer.fields) > 1:
            assert members(written, f"{kind.name}Label") == [field.name for field in kind.answer.fields]


def members(text: str, interface: str) -> list[str]:
    """The names of an interface's members, in order."""
    body = re.search(rf"interface {interface}(?: extends \w+)? \{{\n(.*?)\}}\n", text, re.DOTALL)[1]
    return re.findall(r"^  (\w+)\??: ", body, re.MULTILINE)
