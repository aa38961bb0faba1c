"""Type the documents as a reader does: blocks of Python and commands in their order, each output beside what the page shows.

``python -m tools.docs.typed PAGE…`` types pages with what is installed, and says what differs. ``--with PYTHON…`` types all in new
environments, on each of these Pythons, with nothing but headwater and the extras that the first lines of a page name.
"""

from __future__ import annotations

import ast
import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
import tempfile
import traceback
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from tools.install import install

ROOT = Path(__file__).resolve().parents[2]
PIECE = re.compile(
    r"^```(python|sh)\n(.*?)^```$(?:\n\n(?:(?!```|#)[^\n]+\n)*\n?```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL
)
NEEDS = re.compile(r"(?:headwater|\.)\[([\w,]+)\]")
ELSEWHERE = re.compile(r"(make|headwater serve|[^ ]*python -m (pip|http\.server)) ?")
"""Commands that are looked at elsewhere: they install, or never end."""
FREE = re.compile(r"[\d,.]+(?= (?:rows/s|µs|ms|s)\b)")
"""Digits that are another machine's."""
PRINT = "print_on_page_"
SAME = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

OTHERWISE = {
    "brokers": "a broker, as in tests/streams/brokers",
    "cluster": "Ray or Kubernetes, as in tests/cluster",
    "deploy": "a server, as in tests/serve",
    "javascript": "Node, as in tests/js",
    "operate": "a server, as in tests/serve/monitoring and tests/deploy",
    "stream-processors": "a stream processor, as in tests/streams/test_processors.py",
    "playground": "a file that the page has saved, as in tests/serve/playground",
}
"""Guides that need more than Python, and where what they say is tested."""

ALONE = {"feast"}
"""Extras that want older packages than the others' tests use, so that only ``--with`` has them, in an environment of their own."""


def pages() -> list[str]:
    """Return all pages that are typed, in both languages."""
    found = [
        path for folder in ("learn", "how-to", "zh", "zh/how-to") for path in (ROOT / "docs" / folder).glob("*.md")
    ]
    found += [ROOT / name for name in ("README.md", "README.zh-CN.md", "docs/start.md", "docs/principles.md")]
    typed = [path for path in found if path.stem not in OTHERWISE and PIECE.search(path.read_text(encoding="utf-8"))]
    return sorted(path.relative_to(ROOT).as_posix() for path in typed)


def needs(page: str) -> str:
    """Return the extras that the first lines of a page name, with commas between, or an empty text."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = NEEDS.search(text.partition("\n```python")[0].partition("\n## ")[0])
    return found[1] if found else ""


def alike(names: list[str]) -> list[list[str]]:
    """Return these pages in groups whose code is the same but for what readers are told, as in two languages: it is typed once.

    Comments, docstrings and what is printed may differ. What is printed must change nothing, because it is printed for each page.
    """
    groups: dict[object, list[str]] = defaultdict(list)
    for name in names:
        code = tuple(_bare(kind, code) for kind, code, _ in PIECE.findall((ROOT / name).read_text(encoding="utf-8")))
        groups[needs(name), code].append(name)
    return list(groups.values())


def _bare(kind: str, code: str) -> str:
    """Return a block without what it says to its reader alone."""
    if kind == "sh":
        return "\n".join(line for line in code.splitlines() if not line.startswith("#"))
    if code.startswith(">>>"):
        return code
    tree = _without_docstrings(code)
    for said in _prints(tree):
        said.value = ast.Constant("what is printed")
    return ast.dump(tree)


def _without_docstrings(code: str) -> ast.Module:
    tree = ast.parse(code)
    for part in ast.walk(tree):
        if isinstance(part, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(part) and len(part.body) > 1:
            del part.body[0]
    return tree


def _prints(tree: ast.AST) -> list[ast.Expr]:
    """Return the statements that print and do nothing else, in the order of the tree."""
    return [
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.Expr)
        and isinstance(one.value, ast.Call)
        and isinstance(one.value.func, ast.Name)
        and one.value.func.id == "print"
    ]


def differences(pages: list[str], folder: Path) -> Iterator[str]:
    """Type a page in a folder with the examples in it, and yield a sentence for each output that isn't what it shows.

    The code of further pages is alike, and what they show is compared with the same outputs.
    """
    first, *others = (PIECE.findall((ROOT / page).read_text(encoding="utf-8")) for page in pages)
    names: dict[str, Any] = {"__name__": pages[0]}
    if not (folder / "examples").exists():
        (folder / "examples").symlink_to(ROOT / "examples")
    for i, (kind, code, shown) in enumerate(first, 1):
        if kind == "python" and code.startswith(">>>"):
            yield from _prompts(code, names, pages[0])
            continue
        if kind == "python":
            codes = [code, *(blocks[i - 1][1] for blocks in others)]
            all_said = printed(codes, f"{pages[0]}, block {i}", names)
        else:
            all_said = [_commands(code, folder)] * len(pages)
        shown_by = [shown, *(blocks[i - 1][2] for blocks in others)]
        for page, text, said in zip(pages, shown_by, all_said, strict=True):
            if text and not _same(text, said, whole=kind == "python"):
                yield f"block {i} of {page} prints\n{said}\nand the page shows\n{text}"


class _Pages(io.StringIO):
    """Standard output of pages that run together."""

    def __init__(self, n: int):
        super().__init__()
        self.texts = [io.StringIO() for _ in range(n)]

    def write(self, text: str) -> int:
        for one in self.texts:
            one.write(text)
        return len(text)


def printed(codes: list[str], name: str, names: dict[str, Any]) -> list[str]:
    """Run a block of pages that are alike, and return what it prints on each: where prints differ, each page's own is run."""
    code: str | ast.Module = codes[0]
    if len({ast.dump(_without_docstrings(one)) for one in codes}) > 1:
        code = _merged([ast.parse(one) for one in codes])
        names |= {f"{PRINT}{page}": partial(_print_on, page) for page in range(len(codes))}
    with contextlib.redirect_stdout(_Pages(len(codes))) as out:
        exec(compile(code, name, "exec", dont_inherit=True), names)
    return [text.getvalue() for text in out.texts]


def _print_on(page: int, *values: object, **options: Any) -> None:
    own = {"file": sys.stdout.texts[page]} if isinstance(sys.stdout, _Pages) else {}
    print(*values, **own | options)


def _merged(trees: list[ast.Module]) -> ast.Module:
    """Return the first tree with the prints of all pages in their places, where they differ."""
    instead: dict[ast.AST, list[ast.stmt]] = {}
    for said in zip(*map(_prints, trees), strict=True):
        if len({ast.dump(one) for one in said}) > 1:
            instead[said[0]] = list(said)
            for page, one in enumerate(said):
                one.value.func = ast.copy_location(ast.Name(f"{PRINT}{page}", ast.Load()), one)
    for part in ast.walk(trees[0]):
        for within in ("body", "orelse", "finalbody"):
            if isinstance(body := getattr(part, within, None), list):
                body[:] = [one for each in body for one in instead.get(each, [each])]
    return trees[0]


def _prompts(code: str, names: dict[str, Any], page: str) -> Iterator[str]:
    test = doctest.DocTest(doctest.DocTestParser().get_examples(code), names, page, page, 0, None)
    said = io.StringIO()
    if doctest.DocTestRunner(optionflags=SAME, verbose=False).run(test, out=said.write, clear_globs=False).failed:
        yield said.getvalue()
    names.update(test.globs)


def _commands(code: str, folder: Path) -> str:
    """Run the commands of a block in a shell, without those that are looked at elsewhere."""
    lines = [line for line in code.splitlines() if not ELSEWHERE.match(line)]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script, colours = "\n".join(["set -euo pipefail", *lines]), {"NO_COLOR": "1", "PYTHON_COLORS": "0"}
    done = subprocess.run(
        ["bash", "-c", script],
        env=os.environ | {"PATH": path} | colours,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{code}\n{done.stderr}")
    return done.stdout


def _same(shown: str, said: str, *, whole: bool) -> bool:
    """Return whether an output is what is shown: of commands the lines that are shown, in their order."""
    if whole or "..." in shown:
        return doctest.OutputChecker().check_output(shown, said, doctest.ELLIPSIS)
    wanted, got = ([" ".join(FREE.sub("#", line).split()) for line in text.splitlines()] for text in (shown, said))
    rest = iter(got)
    return all(line in rest for line in wanted if line)


def type_pages(names: list[str]) -> int:
    """Type pages, each group of them that are alike in a folder of its own, and return how many groups differ."""
    wrong = 0
    for group in alike(names):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            try:
                told = list(differences(group, Path(folder)))
            except Exception:  # noqa: BLE001 - whatever a reader would meet
                told = [f"stops:\n{traceback.format_exc(limit=-2)}"]
        wrong += bool(told)
        print(f"{' and '.join(group)}:", *(told or ["as shown"]), sep="\n" if told else " ", flush=True)
    return wrong


def type_with(pythons: list[str]) -> int:
    """Type all pages on some Pythons, in an environment for each set of extras, and return how many pages differ."""
    sets: dict[str, list[str]] = defaultdict(list)
    for page in pages():
        sets[needs(page)].append(page)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        subprocess.run([pythons[0], "-m", "venv", f"{folder}/build"], check=True)
        own = f"{folder}/build/bin/python"
        subprocess.run(
            [own, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, str(ROOT)], check=True
        )
        (wheel,) = Path(folder).glob("*.whl")
        homes = [
            (Path(folder, f"{Path(python).name}-{extras}"), python, extras) for python in pythons for extras in sets
        ]
        done = [pool.submit(_typed_in, home, python, wheel, extras, sets[extras]) for home, python, extras in homes]
        return sum(one.result() for one in done)


def _typed_in(home: Path, python: str, wheel: Path, extras: str, names: list[str]) -> int:
    """Type pages in a new environment, and return how many differ."""
    own = str(home / "bin" / "python")
    package = f"{wheel}[{extras}]" if extras else str(wheel)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([python, "-m", "venv", "--without-pip", str(home)], check=True)
    install(own, package)
    done = subprocess.run(
        [own, "-m", "tools.docs.typed", *names], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    print(f"{Path(python).name} with {extras or 'no extra'}\n{done.stdout}{done.stderr}", flush=True)
    return done.returncode


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(type_with(given[1:]) if given[:1] == ["--with"] else type_pages(given or pages()))
