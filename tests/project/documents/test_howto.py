"""Every page does what it says, typed as a reader types it: blocks run in their order, and print what the page shows."""

import re
import tomllib
from pathlib import Path

import pytest
from tools.docs import typed

ROOT = Path(__file__).resolve().parents[3]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GUIDES = [page for page in typed.pages() if "/how-to/" in page]


@pytest.mark.parametrize("pages", typed.alike(GUIDES), ids=" and ".join)
def test_the_blocks_and_commands_of_a_guide_print_what_it_shows(pages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for extra in typed.ALONE & {*typed.needs(pages[0]).split(",")}:
        pytest.importorskip(extra, reason=f"no {extra}: make typed types this page in an environment of its own")
    assert list(typed.differences(pages, tmp_path)) == []


@pytest.mark.parametrize("page", typed.pages())
def test_every_output_that_a_page_shows_stands_behind_the_block_that_prints_it(page):
    """So that it is compared: a text with another block or a paragraph before it would be looked at by nobody."""
    text = (ROOT / page).read_text(encoding="utf-8")
    shown = sum(kind == "text" for kind, _ in BLOCK.findall(text))
    assert shown == sum(bool(output) for _, _, output in typed.PIECE.findall(text))


@pytest.mark.parametrize("page", typed.pages())
def test_the_extras_that_a_page_names_are_there(page):
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert {*typed.needs(page).split(",")} - {""} <= {*extras}


def test_what_differs_from_a_page_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(typed, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").mkdir()
    page = "```python\nprint(1)\n```\n\n```text\n2\n```\n\n```sh\necho 3; echo 12,345 rows/s\n```\n\n```text\n1 rows/s\n```\n"
    (tmp_path / "a.md").write_text(page + "\n```python\n>>> 1 + 1\n3\n```\n")
    first, second = typed.differences(["a.md"], tmp_path)
    assert first == "block 1 of a.md prints\n1\n\nand the page shows\n2\n"
    assert "Expected:\n    3\nGot:\n    2" in second
    assert typed.needs("a.md") == ""


def test_what_one_of_two_pages_of_the_same_code_shows_is_compared_too(tmp_path, monkeypatch):
    monkeypatch.setattr(typed, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").mkdir()
    page = '```python\ndef one():\n    """{}"""\n    return {}\n\n\nprint(one())  # {}\n```\n\n```text\n{}\n```\n'
    (tmp_path / "a.md").write_text(page.format("One.", 1, "say it", 1), encoding="utf-8")
    (tmp_path / "b.md").write_text(page.format("一。", 1, "说出", 2), encoding="utf-8")
    (tmp_path / "c.md").write_text(page.format("One.", 2, "say it", 1), encoding="utf-8")
    assert typed.alike(["a.md", "b.md", "c.md"]) == [["a.md", "b.md"], ["c.md"]]
    assert list(typed.differences(["a.md", "b.md"], tmp_path)) == [
        "block 1 of b.md prints\n1\n\nand the page shows\n2\n"
    ]


def test_what_two_pages_of_the_same_code_print_in_their_languages_is_compared_with_each_and_the_code_runs_once(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(typed, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").mkdir()
    page = """```python
def say(n):
    try:
        print(f"{0}", n / (n - 1))
    except ZeroDivisionError as error:
        print("{1}:", error)
    print(n)
```

```python
ran = globals().get("ran", 0) + 1
for n in (1, 2):
    say(n)
if ran == 1:
    print("{0}")
```

```text
{1}: division by zero
1
{0} 2.0
2
{0}
```
"""
    (tmp_path / "a.md").write_text(page.replace("{0}", "half").replace("{1}", "never"), encoding="utf-8")
    (tmp_path / "b.md").write_text(page.replace("{0}", "一半").replace("{1}", "不行"), encoding="utf-8")
    other = page.replace("{0}", "mitad", 1).replace("{0}", "medio").replace("{1}", "nunca")
    (tmp_path / "c.md").write_text(other, encoding="utf-8")
    (tmp_path / "d.md").write_text(page.replace("(1, 2)", "(1, 3)"), encoding="utf-8")
    assert typed.alike(["a.md", "b.md", "c.md", "d.md"]) == [["a.md", "b.md", "c.md"], ["d.md"]]
    (wrong,) = typed.differences(["a.md", "b.md", "c.md"], tmp_path)
    assert wrong.startswith("block 2 of c.md prints\nnunca: division by zero\n1\nmitad 2.0\n2\nmedio\n")
