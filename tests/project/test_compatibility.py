"""The page of compatibility tells of every suite in both languages, and that nothing failed."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from tools.docs.suites.foreign import FAILED, PASSED, SKIPPED, SUITES, Check
from tools.docs.suites.page import CHINESE, PAGES, page

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")][1:-1] for line in text.splitlines() if line.startswith("| ")][1:]


@pytest.mark.parametrize("language", PAGES)
def test_the_compatibility_page_tells_of_every_suite_and_nothing_failed(language):
    text = PAGES[language].read_text(encoding="utf-8")
    assert f"headwater {VERSION}" in text
    assert {row[0] for row in rows(text)} == {
        CHINESE.get(suite.name, suite.name) if language == "zh" else suite.name for suite in SUITES
    }
    assert [row for row in rows(text) if row[4].split(" / ")[0] != row[4].split(" / ")[1]] == []
    assert sum(int(row[4].split(" / ")[1]) for row in rows(text)) > 500


def test_both_languages_have_the_same_numbers():
    english, chinese = (rows(path.read_text(encoding="utf-8")) for path in PAGES.values())
    assert [row[1:3] + row[4:] for row in english] == [row[1:3] + row[4:] for row in chinese]


def test_what_fails_and_what_is_skipped_is_said():
    suite = SUITES[0]
    said = [
        Check("hw.Classifier", "a", PASSED),
        Check("hw.Classifier", "b", FAILED, "no"),
        Check("hw.Classifier", "c", SKIPPED),
    ]
    text = page({suite: said}, "en")
    assert rows(text)[0][-2:] == ["1 / 3", "1"]
    assert "- hw.Classifier, `b`: no" in text
