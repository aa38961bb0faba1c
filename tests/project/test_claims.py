"""Each figure of README belongs to a claim of the page *How good is it*, and each claim to a command that exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from benchmarks.accuracy.plan import entries
from benchmarks.run import chosen
from tools.docs.claims.page import PAGES, pages, unmeasured
from tools.docs.claims.readme import READMES, claims
from tools.docs.claims.rivals import Comparison, benchmarks
from tools.docs.claims.words import LANGUAGES, same

ROOT = Path(__file__).resolve().parents[2]
NO_FIGURE = re.compile(
    r"```(?:sh|python)\n.*?^```|\]\([^)]*\)|<https?:[^>]*>|`[^`\n]*`|\d+\.\d+\.\d+[\w.]*", re.DOTALL | re.MULTILINE
)
"""What holds digits and claims nothing: code, commands, addresses and versions."""
NO_CLAIM = ("Python 3.11", "1.0", "1,500 flights", "1,500 个航班", "BSD-3")
"""The oldest Python, the version that is to come, the rows of an example's file, the licence: other tests hold these."""


@cache
def found():
    return claims()


@cache
def commands():
    return sorted({one.command for one in [*found(), *benchmarks()]})


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_what_the_result_files_say(language):
    assert PAGES[language].read_text(encoding="utf-8") == pages()[language], "python -m tools.docs.claims"


@pytest.mark.parametrize("language", LANGUAGES)
def test_readme_has_no_figure_that_is_no_claim(language):
    text = READMES[language].read_text(encoding="utf-8")
    for claim in found():
        assert text.count(claim.readme.of(language)) == 1, claim.id
        text = text.replace(claim.readme.of(language), "")
    assert [line for line in NO_FIGURE.sub("", text).splitlines() if figures(line)] == []


def figures(line: str) -> list[str]:
    """The figures of a line, without those that claim nothing."""
    for known in NO_CLAIM:
        line = line.replace(known, "")
    return re.findall(r"\d[\d,.]*", line)


def test_a_figure_that_is_no_claim_is_found():
    assert figures("Neural nets that are 17 times as fast") == ["17"]
    assert figures("Python 3.11 or newer, before version 1.0") == []


def test_claims_have_names_of_their_own_and_say_something():
    assert len({one.id for one in found()}) == len(found()) > 15
    for one in found():
        assert re.search(r"\d", one.figure.en), one.id
        assert (ROOT / one.kept).is_file(), one.id


def test_both_languages_have_the_same_figures():
    for one in found():
        assert sorted(re.findall(r"[\d.]+", one.figure.en)) == sorted(re.findall(r"[\d.]+", one.figure.zh)), one.id


@pytest.mark.parametrize("command", commands())
def test_each_command_exists(command):
    python, _, module, *rest = shlex.split(command)
    assert python == "python"
    assert importlib.util.find_spec(module) is not None
    if module == "pytest":
        text = (ROOT / rest[0]).read_text(encoding="utf-8")
        assert all(f"{name}" in text for name in rest[2:])
    elif "--only" in rest and module == "benchmarks.run":
        assert len(chosen(rest[1:], [])) == 1
    elif "--only" in rest:
        assert len({entry.learner for entry in entries([rest[1]], [])}) > 2


def test_what_stands_in_readme_without_a_figure_is_said_so():
    assert len(unmeasured("en")) == len(unmeasured("zh")) == 5


def test_a_comparison_in_which_another_is_ahead_is_found():
    def behind(own: float, other: float, larger: bool) -> bool:
        return Comparison("stream", same("score"), own, {"other": other}, larger).behind

    assert behind(90.0, 91.0, larger=True)
    assert not behind(91.0, 90.0, larger=True)
    assert behind(2.0, 1.0, larger=False)
    assert not behind(1.001, 1.0, larger=False), "level at the digits that are shown"


def test_both_kinds_of_figure_are_there():
    all_ = [comparison for one in benchmarks() for comparison in one.comparisons]
    ahead = [comparison for comparison in all_ if comparison.behind]
    assert 0 < len(ahead) < len(all_)
    assert {one.command.split()[2].removeprefix("benchmarks.").split(".")[0] for one in benchmarks()} >= {
        "accuracy",
        "run",
        "anomaly",
        "decisions",
        "text",
        "forecast",
    }


def test_the_notebook_repeats_three_claims(tmp_path):
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    path = ROOT / "examples" / "how_good.ipynb"
    notebook, ran = (nbformat.read(path, as_version=4) for _ in range(2))
    sockets = Config({"KernelManager": {"transport": "ipc", "ip": str(tmp_path / "kernel")}})  # no ports
    NotebookClient(ran, config=sockets, timeout=1200, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown, said = (
        ["".join(part.text for part in cell.outputs) for cell in it.cells if cell.cell_type == "code"]
        for it in (notebook, ran)
    )
    assert said[:-1] == shown[:-1]
    assert re.sub(r"\d+", "", said[-1]) == re.sub(r"\d+", "", shown[-1])
    assert int(said[-1].split()[0]) >= 2, "a busy machine falls on both, though not alike"


def test_the_titles_of_the_notebook_are_claims():
    """And the nearest neighbors that it writes anew are ahead, as they are in the table."""
    import nbformat

    notebook = nbformat.read(ROOT / "examples" / "how_good.ipynb", as_version=4)
    titles = [cell.source.splitlines()[0] for cell in notebook.cells if cell.source.startswith("## ")]
    by_id = {one.id: one.figure.en for one in found()}
    shown = [re.findall(r"[\d.,]+(?: %)?", by_id[id_])[0] for id_ in ("first-lines", "accuracy-digits", "microseconds")]
    assert [figure in title for figure, title in zip(shown, titles, strict=True)] == [True] * 3
    others = re.findall(r"[\d.]+ %", by_id["accuracy-digits"])[1]
    assert others in "".join(cell.source for cell in notebook.cells)
    own, neighbors = (
        float(cell.outputs[0].text.split()[-3])
        for cell in notebook.cells
        if "% right" in cell.source and cell.cell_type == "code"
    )
    assert neighbors > own
