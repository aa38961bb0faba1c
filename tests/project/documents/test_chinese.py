"""The customs of the Chinese documents: they read as Chinese on the site and on GitHub, and use one word for one thing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted((ROOT / "docs" / "zh").rglob("*.md")) + sorted(ROOT.glob("**/README.zh-CN.md"))
PAGES_OF = (ROOT / "src" / "headwater" / "serve" / "web", ROOT / "src" / "headwater" / "cluster" / "progress" / "web")
TEXTS = sorted(path for folder in PAGES_OF for path in folder.rglob("*.js"))
HAN = r"[\u3400-\u9fff]"
FULL_WIDTH = "，。；：！？、（）《》“”"
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
FORMULA = re.compile(r"\$\$.*?\$\$|\$[^$\n]+\$", re.DOTALL)
REPLACED = {
    "会奉承人": "让分数虚高",
    "多少行数据走一步": "每更新一步用多少个样本",
    "一池": "一组",
    "弯法": "激活函数",
    "拉得太狠": "梯度过大",
    "建立在帽函数之上": "用分段线性（帽函数）基展开",
    "提升另一个": "设为冠军",
    '"提升"': "设为冠军",
    "行数据": "个样本",
    "已学行数": "已学样本数",
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


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_quotes_open_and_close_in_turn_and_nothing_is_said_twice(path):
    text = prose(path.read_text(encoding="utf-8"))
    quoted = ["".join(re.findall("[“”]", paragraph)) for paragraph in text.splitlines()]
    assert [quotes for quotes in quoted if quotes != "“”" * (len(quotes) // 2)] == []
    assert re.findall(rf"({HAN}) \1", text) == []


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_no_space_stands_before_full_width_signs_around_formulas(path):
    text = CODE.sub("x", FENCE.sub("\n", path.read_text(encoding="utf-8")))
    assert re.findall(rf".{{0,8}}\$ [{FULL_WIDTH}]", text) == []


@pytest.mark.parametrize("path", PAGES, ids=names)
def test_the_reader_is_addressed_in_one_way(path):
    assert "您" not in path.read_text(encoding="utf-8")
