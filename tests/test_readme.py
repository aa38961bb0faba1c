"""The documents do what they say: their Python blocks and commands run as written, and their links lead somewhere.

Blocks of one document run in order and share their names and their folder, as they would for a reader who pastes them.
Three kinds of command are looked at instead of run: for `make` its target, for `pip install .` what it would install, and
for `headwater serve`, which never ends by itself, where it stands.
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
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READMES = ("README.md", "README.zh-CN.md")
PAGES = (
    *READMES,
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/principles.md",
    "benchmarks/README.md",
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    return [code for kind, code in BLOCK.findall(text_of(page)) if kind == language]


def commands(page: str) -> list[str]:
    return [line for block in blocks(page, "sh") for line in block.splitlines() if line.strip()]


def anchors(page: str) -> set[str]:
    """The names under which a page's headings can be linked to, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", BLOCK.sub("", text_of(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder to run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", READMES)
def test_the_python_in_the_readme_runs(folder, page):
    names: dict[str, object] = {"__name__": "readme"}
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for i, block in enumerate(blocks(page, "python")):
            exec(compile(block, f"{page}, block {i + 1}", "exec"), names)
    right, rows = sorted(int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", said.getvalue()))
    assert rows == 1_250
    assert 0.85 < right / rows < 0.95
    assert (folder / "phishing.hw").is_file()


def test_the_commands_in_the_readme_run(folder):
    lines = [line for line in commands("README.md") if not re.match(r"make |python -m pip |headwater serve ", line)]
    assert sum(line.startswith("headwater") for line in lines) == 4
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = "set -euo pipefail\n" + "\n".join(lines)
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1,250 rows" in done.stdout
    assert "Going on" not in done.stdout  # --json speaks JSON only
    assert '"rows":4' in done.stdout
    assert len((folder / "predictions.csv").read_text().splitlines()) == 1_251


def test_the_third_command_of_the_readme_serves_the_demo():
    """What it starts is proven in tests/serve/test_page.py, where a browser watches it."""
    assert commands("README.md")[:3] == ["python -m pip install .", "make demo", "headwater serve --demo"]


def test_both_readmes_say_the_same():
    english, chinese = (text_of(page) for page in READMES)
    assert english.splitlines()[2] == "[中文](README.zh-CN.md)"
    assert chinese.splitlines()[2] == "[English](README.md)"
    assert commands("README.zh-CN.md") == commands("README.md")
    bare = [[ast.dump(ast.parse(re.sub(r'f?"[^"\n]*"', '""', b))) for b in blocks(p, "python")] for p in READMES]
    assert bare[0] == bare[1]
    assert len(re.findall("^## ", chinese, re.MULTILINE)) == len(re.findall("^## ", english, re.MULTILINE))
    assert set(re.findall(r"\]\((examples/\S+)\)", chinese)) == set(re.findall(r"\]\((examples/\S+)\)", english))


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_in_the_documents_exist(page):
    makefile = text_of("Makefile")
    targets = {target for line in commands(page) for target in re.findall(r"^make (\w+)", line)}
    assert targets >= ({"demo"} if page == "README.md" else {"demo", "test", "lint", "types"})
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_what_the_readme_installs_can_be_installed():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    assert "python -m pip install ." in commands("README.md")
    install = text_of("README.md").partition("## Install")[2].partition("\n## ")[0]
    extras = re.findall(r"`(\w+)`", install.partition("Extras")[2])
    assert extras
    assert set(extras) <= set(project["optional-dependencies"])
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in install


def test_the_principles_run_and_print_what_they_say(folder):
    test = doctest.DocTest([], {}, "principles", "docs/principles.md", 0, None)
    for code in blocks("docs/principles.md", "python"):
        test.examples += doctest.DocTestParser().get_examples(code)
    assert len(test.examples) > 60
    said = io.StringIO()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    result = doctest.DocTestRunner(optionflags=flags, verbose=False).run(test, out=said.write)
    assert result.failed == 0, said.getvalue()


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    dead = []
    for target, anchor in LINK.findall(text_of(page)):
        path = (ROOT / page).parent / target if target else ROOT / page
        if not path.exists():
            dead.append(target)
        elif anchor and anchor not in anchors(path.relative_to(ROOT).as_posix()):
            dead.append(f"{target}#{anchor}")
    assert dead == []


def test_the_tables_of_the_readme_are_generated():
    readme = text_of("README.md")
    for name in ("speed", "accuracy"):
        start, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
        assert readme.count(start) == readme.count(end) == 1
        assert readme.index(start) < readme.index(end)
    prose = re.sub(r"<!-- bench:(\w+) -->.*?<!-- /bench:\1 -->", "", BLOCK.sub("", readme), flags=re.DOTALL)
    assert re.findall(r"\d[\d.,]* ?(?:×|µs|ms|%|rows/s|times)", prose) == [], "figures come from a benchmark"


@pytest.mark.parametrize("page", PAGES)
def test_the_documents_name_no_machine_of_ours(page):
    assert re.findall(r"/(?:work|home|root|Users)/\S*", text_of(page)) == []
