"""The documents do what they say: their Python blocks and commands run as written, and their links lead somewhere.

Blocks of one document run in order and share their names and their folder, as they would for a reader who pastes them.
What a block prints stands in the ``text`` block right behind it. Three kinds of command are looked at instead of run: for `make` its
target, for `pip install` what it would install, and for `headwater serve`, which never ends by itself, where it stands.
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
from benchmarks import report
from benchmarks.accuracy import table as accuracy
from benchmarks.reasons import reasons, wide
from benchmarks.results import RESULTS

ROOT = Path(__file__).resolve().parents[3]
READMES = ("README.md", "README.zh-CN.md")
STARTS = ("docs/start.md", "docs/zh/start.md")
PAGES = (
    *READMES,
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md"))),
    *(path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))),
    *(f"docs/zh/{name}.md" for name in ("home", "start", "gallery")),
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


@pytest.fixture
def checkout(folder):
    """That folder with the examples in it, as in a checkout."""
    (folder / "examples").symlink_to(ROOT / "examples")
    return folder


@pytest.mark.parametrize("page", [*READMES, *STARTS])
def test_the_python_of_the_first_pages_runs_and_prints_what_they_say(checkout, page):
    names: dict[str, object] = {"__name__": "readme"}
    found = list(BLOCK.finditer(text_of(page)))
    for i, block in enumerate(found):
        if block[1] != "python":
            continue
        with contextlib.redirect_stdout(io.StringIO()) as said:
            exec(compile(block[2], f"{page}, block {i + 1}", "exec"), names)
        behind = found[i + 1] if i + 1 < len(found) else None
        if behind and behind[1] == "text" and not text_of(page)[block.end() : behind.start()].strip():
            assert said.getvalue() == behind[2], f"{page} says {behind[2]!r}"
        elif page in READMES:
            assert said.getvalue() == ""


@pytest.mark.parametrize("page", ["README.md", *STARTS])
def test_the_commands_of_the_first_pages_run_and_print_what_they_say(checkout, page):
    lines = [line for line in commands(page) if not re.match(r"make |python -m pip |headwater serve ", line)]
    assert sum("headwater" in line for line in lines) >= 3
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    script = "set -euo pipefail\n" + "\n".join(lines)
    done = subprocess.run(
        ["bash", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "1,500 rows" in done.stdout
    assert len((checkout / "predictions.csv").read_text().splitlines()) == 1_501
    said = [" ".join(line.split()) for line in done.stdout.splitlines()]
    shown = [
        line for block in blocks(page, "text") for line in block.splitlines() if "no-change" in line or " %" in line
    ]
    assert [line for line in shown if " ".join(line.split()) not in said] == []


def test_the_first_screen_of_the_readme_is_a_sentence_a_picture_code_with_its_output_and_the_way_to_install():
    for page in READMES:
        head = text_of(page).partition("\n## ")[0]
        assert len(head.splitlines()) < 40
        assert len(text_of(page).splitlines()) < 130  # two screens
        assert [kind for kind, _ in BLOCK.findall(head)] == ["sh", "python", "text"]
        assert len(blocks(page, "python")[0].splitlines()) == 8
        assert head.count("![") == 1
        assert "8080/playground" in head
    assert [line.split("  ")[0] for line in commands("README.md")[:3]] == [
        "make demo",
        "make test",
        'python -m pip install ".[serve,demo]"',
    ]
    assert "headwater serve --demo" in commands("README.md")  # proven in tests/serve, where a browser watches it


def test_both_readmes_say_the_same():
    english, chinese = (text_of(page) for page in READMES)
    assert english.splitlines()[2] == "[中文](README.zh-CN.md)"
    assert chinese.splitlines()[2] == "[English](README.md)"
    assert commands("README.zh-CN.md") == commands("README.md")
    bare = [[ast.dump(ast.parse(re.sub(r'f?"[^"\n]*"', '""', b))) for b in blocks(p, "python")] for p in READMES]
    assert bare[0] == bare[1]
    assert len(re.findall("^## ", chinese, re.MULTILINE)) == len(re.findall("^## ", english, re.MULTILINE))
    assert set(re.findall(r"\]\((examples/[^)\s]+)\)", chinese)) == set(
        re.findall(r"\]\((examples/[^)\s]+)\)", english)
    )


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_in_the_documents_exist(page):
    makefile = text_of("Makefile")
    targets = {target for line in commands(page) for target in re.findall(r"^make (\w+)", line)}
    assert targets >= (set() if page == "README.md" else {"demo", "test", "lint", "types"})
    assert [target for target in targets if not re.search(rf"^{target}:", makefile, re.MULTILINE)] == []


def test_what_the_readme_installs_can_be_installed():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    first = re.search(r"\[([\w,]+)\]", commands("README.md")[2])[1].split(",")
    assert set(first) <= set(project["optional-dependencies"])
    install = text_of("docs/start.md").partition("Extras")[2].partition("\n\n")[0]
    extras = re.findall(r"`(\w+)`", install)
    assert extras
    assert set(extras) <= set(project["optional-dependencies"])
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in text_of("README.md")


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


@pytest.mark.parametrize("page", [*READMES, "benchmarks/README.md"])
def test_the_tables_are_generated(page):
    text = text_of(page)
    for name in ("speed", "accuracy"):
        start, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
        assert text.count(start) == text.count(end) == 1
        table = text.partition(start)[2].partition(end)[0]
        assert table.count("\n|") >= 7, "python -m benchmarks.report"
    if page in READMES:
        assert text.count("<!-- bench:reasons -->") == text.count("<!-- bench:wide -->") == 1
        prose = re.sub(r"<!-- bench:(\w+) -->.*?<!-- /bench:\1 -->", "", BLOCK.sub("", text), flags=re.DOTALL)
        assert re.findall(r"\d[\d.,]* ?(?:×|µs|ms|%|rows/s|times)", prose) == [], "figures come from a benchmark"


@pytest.mark.parametrize(("page", "language"), [("README.md", "en"), ("README.zh-CN.md", "zh")])
def test_the_reasons_say_what_the_result_files_say(page, language):
    _, run = report.latest(RESULTS)
    _, whole = report.measured_accuracy(accuracy.latest(RESULTS.parent))
    for name, texts in {"reasons": reasons(run, whole), "wide": wide()}.items():
        shown = text_of(page).partition(f"<!-- bench:{name} -->")[2].partition("<!-- /bench")[0]
        assert shown.strip() == texts[language], "python -m benchmarks.report"


@pytest.mark.parametrize("page", READMES)
def test_a_small_table_has_five_rows_and_the_best_of_each_is_bold(page):
    for name, largest in (("accuracy", True), ("speed", False)):
        table = text_of(page).partition(f"<!-- bench:{name} -->")[2].partition("<!-- /bench")[0]
        rows = [line.split("|")[2:-1] for line in table.splitlines() if line.startswith("| ")][1:]
        assert len(rows) == 5
        for cells in rows:
            values = [float(cell.strip(" *")) for cell in cells if re.search(r"\d", cell)]
            bold = [float(cell.strip(" *")) for cell in cells if "**" in cell]
            assert set(bold) == {(max if largest else min)(values)}


def test_make_says_what_there_is():
    makefile = text_of("Makefile")
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split()) - {"help"}
    assert set(re.findall(r"^  make (\w+)", said, re.MULTILINE)) == targets


@pytest.mark.parametrize("page", PAGES)
def test_the_documents_name_no_machine_of_ours(page):
    assert re.findall(r"/(?:work|home|root|Users)/\S*", text_of(page)) == []
