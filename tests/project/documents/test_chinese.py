"""The customs of the Chinese documents: they read as Chinese on the site and on GitHub, and use one word for one thing.

docs/zh/glossary.md says which: a table of the English term, the Chinese one, and what is not written in its place.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "docs" / "zh").rglob("*.md")) + sorted(ROOT.glob("**/README.zh-CN.md"))
GLOSSARY = ROOT / "docs" / "zh" / "glossary.md"
PAGES_OF = ("serve/web", "cluster/progress/web", "store/web/page", "store/web/shared", "store/web/kinds")
SCRIPTS = [path for folder in PAGES_OF for path in (ROOT / "src" / "headwater" / folder).rglob("*.*js")]
TEXTS = sorted([*SCRIPTS, *(ROOT / "tools" / "docs" / "live").rglob("*.mjs"), ROOT / "tools" / "docs" / "forms.py"])
"""What the live page, the playground, an exported page, and the figures of the course say in Chinese."""
HAN = r"[\u3400-\u9fff]"
FULL_WIDTH = "，。；：！？、（）《》“”"
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
NUMBER = r"[\d,一二三四五六七八九十百千万 ]+"
"""What dots stand for in the glossary."""
REPLACED = {
    "会奉承人": "让分数虚高",
    "多少行数据走一步": "每更新一步用多少个样本",
    "弯法": "激活函数",
    "拉得太狠": "梯度过大",
    "建立在帽函数之上": "用分段线性（帽函数）基展开",
    "提升另一个": "设为冠军",
    '"提升"': "设为冠军",
}


def prose(text: str) -> str:
    """A page without blocks of code; inline code and formulas are one ASCII letter, so that a line keeps its shape."""
    return FORMULA.sub("x", CODE.sub("x", FENCE.sub("\n", text)))


def names(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_no_line_breaks_inside_chinese_text(path):
    """A browser shows a line break as a space, and Chinese has none."""
    text = prose(path.read_text(encoding="utf-8"))
    broken = re.findall(rf".{{0,8}}(?:{HAN}|[{FULL_WIDTH}])\n[ ]*(?:{HAN}|[{FULL_WIDTH}]).{{0,8}}", text)
    assert broken == [], "write a paragraph on one line"


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_no_typographic_quotes_inside_code(path):
    text = path.read_text(encoding="utf-8")
    spans = CODE.findall(FENCE.sub("", text))
    blocks = [re.sub(r"(['\"])(?:(?!\1).)*\1|#.*", "", block) for block in FENCE.findall(text) if "```python" in block]
    assert [code for code in spans + blocks if re.search("[“”‘’]", code)] == []


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_quotes_and_percent_signs_have_one_style(path):
    text = re.sub(r"<[^>]*>|\]\([^)]*\)", "", prose(path.read_text(encoding="utf-8")))
    assert re.findall(rf'.{{0,6}}"[^"\n]*{HAN}[^"\n]*"', text) == [], "Chinese text is quoted “so”"
    assert re.findall(r"[「」『』]|\d %", text) == [], "12%, without a space"


@pytest.mark.parametrize("path", [*PAGES, *TEXTS], ids=names)
def test_words_that_read_as_translated_are_gone(path):
    text = path.read_text(encoding="utf-8")
    assert {old: new for old, new in REPLACED.items() if old in text} == {}


def terms() -> list[list[str]]:
    """The rows of the glossary: the English term, the Chinese one, and what is not written."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|(.*)\|$", GLOSSARY.read_text(encoding="utf-8"), re.MULTILINE)
    return [[cell.strip() for cell in row] for row in rows if row[0] != "英文"]


def unwanted() -> dict[re.Pattern[str], str]:
    """What the glossary says not to write, and what to write in its place."""
    found = ((word, term) for _, term, others in terms() for word in others.split("、") if word)
    return {re.compile(NUMBER.join(map(re.escape, word.split("…")))): term for word, term in found}


@pytest.mark.parametrize("path", [path for path in [*PAGES, *TEXTS] if path != GLOSSARY], ids=names)
def test_each_thing_has_the_word_that_the_glossary_gives_it(path):
    text = path.read_text(encoding="utf-8")
    text = prose(text) if path in PAGES else text.partition("zh: {")[2] or text
    assert {match[0]: term for pattern, term in unwanted().items() if (match := pattern.search(text))} == {}


def test_the_glossary_has_each_term_once():
    for column in (0, 1):
        words = [row[column] for row in terms()]
        assert len(words) == len({*words}) > 80
    assert any(pattern.search("最近 1,000 行") for pattern in unwanted())


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_quotes_open_and_close_in_turn_and_nothing_is_said_twice(path):
    text = prose(path.read_text(encoding="utf-8"))
    quoted = ["".join(re.findall("[“”]", paragraph)) for paragraph in text.splitlines()]
    assert [quotes for quotes in quoted if quotes != "“”" * (len(quotes) // 2)] == []
    assert re.findall(rf"({HAN}) \1", text) == []


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_no_space_stands_between_full_width_signs_and_formulas(path):
    text = CODE.sub("x", FENCE.sub("\n", path.read_text(encoding="utf-8")))
    assert re.findall(rf".{{0,8}}\$ [{FULL_WIDTH}]|[{FULL_WIDTH}] \$.{{0,8}}", text) == []


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_the_reader_is_addressed_in_one_way(path):
    assert "您" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path", [path for path in SCRIPTS if path.stem == "texts"], ids=lambda path: f"{path.parts[-3]}/{path.parts[-2]}"
)
def test_no_english_text_of_a_page_is_chinese_but_the_name_of_the_other_language(path):
    english = path.read_text(encoding="utf-8").partition("zh: {")[0]
    assert set(re.findall(rf'"[^"]*{HAN}[^"]*"', english)) <= {'"中文"'}
