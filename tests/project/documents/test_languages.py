"""Both languages say the same: a page that changes in one of them fails here until the other has followed.

- Every page of the course and every guide has both languages.
- Blocks of code are the same but for comments, and for strings that the Chinese page has in Chinese. Shown outputs are the same;
  where such a string is printed, their numbers are.
- Headings, tables, formulas and pictures come in the same order, with as many rows. Links lead to Chinese pages.
"""

from __future__ import annotations

import ast
import os
import re
from itertools import zip_longest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
OTHERS = {"README.md": "README.zh-CN.md", "docs/README.md": "docs/zh/home.md"} | {
    f"docs/{name}.md": f"docs/zh/{name}.md" for name in ("start", "gallery", "how-good", "compatibility")
}
"""Pages outside the course and the guides that have both languages."""
OWN = {"glossary"}
"""Chinese pages that only Chinese needs."""
OTHER_ROWS = {"docs/how-to/text.md"}
"""Pages that learn from Chinese texts in Chinese, so that they print other numbers."""
HAN = re.compile(r"[\u3400-\u9fff]")
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(^|\s+)(#|//|--)\s.*$", re.MULTILINE)
FORMULA = re.compile(r"\$\$(.+?)\$\$", re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")
SWITCH = re.compile(r"^\[English\]\([^)]+\)$", re.MULTILINE)
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)]*)\)")


def pairs() -> dict[str, str]:
    """Return the Chinese page of each English one."""
    found = [path for folder in ("learn", "how-to") for path in sorted((DOCS / folder).glob("*.md"))]
    course = {f"docs/learn/{it.name}": f"docs/zh/{it.name}" for it in found if it.parent.name == "learn"}
    return course | {f"docs/how-to/{it.name}": f"docs/zh/how-to/{it.name}" for it in found if it.parent.name != "learn"}


PAIRS = sorted((pairs() | OTHERS).items())
both = pytest.mark.parametrize(("english", "chinese"), PAIRS, ids=[english for english, _ in PAIRS])


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def prose_of(page: str) -> str:
    return BLOCK.sub("", text_of(page))


def strings_in(tree: ast.AST) -> list[str]:
    """Every string in a piece of code, which is blanked so that what remains can be compared."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(part.value) for part in node.values if isinstance(part, ast.Constant)))
            node.values = [part for part in node.values if not isinstance(part, ast.Constant)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
            node.value = ""
    return found


def differences(ours: str, theirs: str) -> list[str]:
    """What two blocks of Python differ in, apart from comments and strings that one of them has in Chinese."""
    trees = [ast.parse(code) for code in (ours, theirs)]
    strings = [strings_in(tree) for tree in trees]
    if ast.dump(trees[0]) != ast.dump(trees[1]) or len(strings[0]) != len(strings[1]):
        return [theirs]
    return [b for a, b in zip(*strings, strict=True) if a != b and not HAN.search(b)]


def differs(kind: str, ours: str, theirs: str) -> bool:
    """Whether two blocks of a kind differ in more than a translation."""
    if kind in ("python", "py") and ">>>" not in ours:
        return differences(ours, theirs) != []
    if kind == "text" and HAN.search(theirs):
        return re.findall(r"\d+", ours) != re.findall(r"\d+", theirs)
    return COMMENT.sub("", ours).split() != COMMENT.sub("", theirs).split()


@pytest.mark.parametrize("folders", [("learn", "zh"), ("how-to", "zh/how-to")], ids=["course", "guides"])
def test_every_page_of_the_course_and_every_guide_has_both_languages(folders):
    own = OWN | {Path(page).stem for page in OTHERS.values()}
    english, chinese = ({path.stem for path in (DOCS / folder).glob("*.md")} for folder in folders)
    assert english == chinese - (own - {"README"})


@both
def test_both_languages_show_the_same_code_and_the_same_outputs(english, chinese):
    for ours, theirs in zip_longest(*(BLOCK.findall(text_of(page)) for page in (english, chinese))):
        assert None not in (ours, theirs), f"only one of the languages has this block:\n{ours or theirs}"
        assert ours[0] == theirs[0]
        if ours[0] == "text" and english in OTHER_ROWS:
            continue
        assert not differs(*ours, theirs[1]), f"{english} shows\n{ours[1]}\nand {chinese}\n{theirs[1]}"


@both
def test_both_languages_have_the_same_headings_tables_formulas_and_pictures(english, chinese):
    for shape in (headings, tables, formulas, pictures):
        assert shape(chinese) == shape(english), shape.__name__


@both
def test_a_chinese_page_links_to_the_chinese_form_of_a_page(english, chinese):
    """But for the line at its top that leads to the other language."""
    folder, ours = (ROOT / chinese).parent, dict(PAIRS)
    text = SWITCH.sub("", prose_of(chinese), count=1)
    targets = [os.path.relpath(os.path.normpath(folder / it), ROOT) for it in LINK.findall(text)]
    assert {it: ours[it] for it in targets if it in ours} == {}


def headings(page: str) -> list[str]:
    return re.findall(r"^#+(?= )", prose_of(page), re.MULTILINE)


def tables(page: str) -> list[int]:
    """How many rows each table has."""
    found = re.findall(r"(?:^\|.*\n)+", prose_of(page) + "\n", re.MULTILINE)
    return [len(table.splitlines()) for table in found]


def formulas(page: str) -> list[str]:
    return [" ".join(formula.split()) for formula in FORMULA.findall(prose_of(page))]


def pictures(page: str) -> list[str]:
    """The names of the pictures; one with words in it has a second file for Chinese pages."""
    return [Path(target.replace("-zh.", ".")).name for target in PICTURE.findall(prose_of(page))]


def test_the_comparison_of_languages_sees_what_differs():
    ours = 'x = 1\nprint(f"loss {x}", "tanh")'
    assert differences(ours, 'x = 1  # 一\nprint(f"损失 {x}", "tanh")') == []
    assert differences(ours, 'x = 1\nprint(f"损失 {x}", "relu")') == ["relu"]
    assert differences(ours, 'x = 2\nprint(f"损失 {x}", "tanh")') != []
    assert differences(ours, 'x = 1\nprint(f"损失 {x:.2f}", "tanh")') != []
    assert not differs("sh", "run --fast  # at once\n", "run --fast    # 立即\n")
    assert differs("sh", "run --fast  # at once\n", "run  # 立即\n")
    assert not differs("text", "loss 0.5\n", "损失 0.5\n")
    assert differs("text", "loss 0.5\n", "loss 0.6\n")
    assert differs("text", "loss 0.5\n", "损失 0.6\n")
