"""The course, in both languages: every block runs and prints what the page says.

A page keeps these customs:

- ``python`` blocks run in order and share their names. What a block prints stands in the ``text`` block right behind
  it, exactly; a block without one prints nothing. ``sh`` blocks likewise, each in a shell of its own. Dots (...) stand
  for what differs from machine to machine.
- A page has a formula between ``$$``, from chapter 12 on with a question before it, a picture, a block of about ten lines, and an exercise whose solution is folded
  away in ``<details>``. Its first link leads to the other language, its last line to the pages beside it.
- Pictures are drawn by tools/docs/figures; ``make figures`` writes them, once where both languages write them alike (test_pictures.py).
- Outside code, a dollar sign is mathematics, and mathematics has no backslash before punctuation: Markdown eats it.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tools.docs import figures, typed

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
LANGUAGES = {"learn": "Exercise", "zh": "练习"}
CHAPTERS = [
    "01-neuron",
    "02-layers",
    "03-activations",
    "04-losses",
    "05-gradient-descent",
    "06-forward-pass",
    "07-the-loss",
    "08-backpropagation",
    "09-update",
    "10-batch-to-online",
    "11-worked-example",
    "12-streams",
    "13-memory",
    "14-certainty",
    "15-drift",
    "16-overfitting",
    "17-underfitting",
    "18-saturation",
    "19-regularisation",
    "20-small-data",
    "21-explanation",
    "22-cost",
    "23-privacy",
    "24-images",
    "25-text",
    "26-acting",
    "27-forgetting",
]
BESIDE = ["article", "origins", "where-next"]  # pages without a number: they run, but are no chapters
PAGES = [f"{language}/{slug}" for language in LANGUAGES for slug in CHAPTERS]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]*)\)")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:)([^)#]*)(#[^)]*)?\)")


def text_of(page: str) -> str:
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def prose_of(page: str) -> str:
    return BLOCK.sub("", text_of(page))


def blocks(page: str, *kinds: str) -> list[str]:
    return [code for kind, code in BLOCK.findall(text_of(page)) if kind in kinds]


def runs(page: str) -> list[tuple[str, str, str]]:
    """Each block that runs: its kind, its code, and what the page says that it prints."""
    found = [(*match.groups(), match) for match in BLOCK.finditer(text_of(page))]
    out = []
    for i, (kind, code, match) in enumerate(found):
        if kind == "text":
            continue
        says = ""
        if i + 1 < len(found) and found[i + 1][0] == "text":
            between = text_of(page)[match.end() : found[i + 1][2].start()]
            says = found[i + 1][1] if not between.strip() else ""
        out.append((kind, code, says))
    return out


def run_shell(code: str, folder: Path) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "PYTHON_COLORS": "0"}
    done = subprocess.run(
        ["bash", "-c", code], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ALIKE = typed.alike([f"docs/{language}/{slug}.md" for language in LANGUAGES for slug in (*CHAPTERS, *BESIDE)])
"""Pages of two languages whose code differs in comments and prints alone run once, with the prints of both."""


@pytest.mark.parametrize("pages", [[page[5:-3] for page in group] for group in ALIKE], ids=" and ".join)
def test_every_block_runs_and_prints_what_the_page_says(pages, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": pages[0]}
    same = doctest.OutputChecker().check_output
    for i, blocks in enumerate(zip(*map(runs, pages), strict=True), 1):
        kinds, codes, shown = zip(*blocks, strict=True)
        if kinds[0] == "sh":
            printed = [run_shell(codes[0], tmp_path)] * len(pages)
        else:
            printed = typed.printed([*codes], f"{pages[0]}, block {i}", names)
        for page, says, said in zip(pages, shown, printed, strict=True):
            assert same(says, said, doctest.ELLIPSIS), f"block {i} of {page} prints\n{said}\nand the page says\n{says}"


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_its_four_parts(page):
    language, slug = page.split("/")
    text = text_of(page)
    number = int(slug[:2])
    assert re.match(rf"# {number}\. \S", text)
    assert re.search(r"^\$\$$\n.+\n^\$\$$", text, re.MULTILINE | re.DOTALL)
    assert PICTURE.search(text)
    assert [code for code in blocks(page, "python") if 6 <= len(code.strip().splitlines()) <= 20]
    _, heading, exercise = text.partition(f"\n## {LANGUAGES[language]}")
    assert heading
    assert re.search(r'<details markdown="1">\n<summary>.+</summary>\n\n.+\n\n</details>', exercise, re.DOTALL)
    assert {kind for kind, _ in BLOCK.findall(text)} <= {"python", "text", "sh"}
    assert text.count("```") == 2 * len(BLOCK.findall(text))


@pytest.mark.parametrize("page", [page for page in PAGES if int(page.split("/")[1][:2]) >= 12])
def test_a_question_stands_before_each_formula(page):
    """A reader should want a formula before it comes: the paragraph in front of it asks what it answers."""
    parts = text_of(page).split("\n\n")
    before = [parts[i - 1] for i, part in enumerate(parts) if part.startswith("$$")]
    assert before
    assert [part for part in before if not re.search("[?？]", part)] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_leads_to_the_other_language_and_to_the_pages_beside_it(page):
    language, slug = page.split("/")
    (other,) = set(LANGUAGES) - {language}
    links = [target for target, _ in LINK.findall(text_of(page))]
    assert links[0] == f"../{other}/{slug}.md"
    place = CHAPTERS.index(slug)
    beside = [f"{CHAPTERS[i]}.md" for i in (place - 1, place + 1) if 0 <= i < len(CHAPTERS)]
    last = [target for target, _ in LINK.findall(text_of(page).rstrip().splitlines()[-1])]
    assert last == [*beside[: place > 0], "README.md", *beside[place > 0 :]]


@pytest.mark.parametrize("page", [*PAGES, *(f"{language}/README" for language in LANGUAGES)])
def test_every_link_leads_somewhere(page):
    folder = DOCS / page.split("/")[0]
    targets = [target for target, _ in LINK.findall(prose_of(page)) if target]
    assert [target for target in targets if not (folder / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_mathematics_survives_markdown(page):
    prose = re.sub(r"`[^`\n]*`", "", prose_of(page))
    inline = re.sub(r"^\$\$$.*?^\$\$$", "", prose, flags=re.MULTILINE | re.DOTALL)
    assert prose.count("$$") % 2 == 0
    assert inline.count("$") % 2 == 0
    for formula in re.findall(r"\$\$?(.+?)\$\$?", prose, re.DOTALL):
        assert not re.search(r"\\[^A-Za-z]", formula), formula
    # GitHub sees no formula in $…$ that touches a letter; for it, a Chinese character is one.
    assert [m for m in re.findall(r"\w?\$[^$\n]+\$\w?", inline) if m[0] != "$" or m[-1] != "$"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_picture_is_drawn_by_the_generator_and_shown_by_a_page(language):
    shown = {
        (DOCS / language / target).resolve()
        for page in PAGES
        for _, target in PICTURE.findall(text_of(page))
        if page.startswith(language)
    }
    own = {"learn": [DOCS / "learn"], "zh": [DOCS / "zh", DOCS / "learn"]}[language]
    drawn = {next(path for it in own if (path := it / "figures" / f"{name}.svg").exists()) for name in figures.PICTURES}
    assert shown == drawn
    assert all(words.strip() for page in PAGES for words, _ in PICTURE.findall(text_of(page)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_contents_name_every_chapter_in_order(language):
    listed = [target for target, _ in LINK.findall(text_of(f"{language}/README")) if re.match(r"\d\d-", target)]
    assert listed == [f"{slug}.md" for slug in CHAPTERS]
    pages = {path.stem for path in (DOCS / language).glob("*.md")} - {"README"}
    others = {"start", "gallery", "home", "glossary", "how-good", "compatibility"} if language == "zh" else set()
    assert pages - others == {*CHAPTERS, *BESIDE}
