"""The page of compatibility tells of every suite, and that nothing failed."""

from __future__ import annotations

import tomllib
from pathlib import Path

from support.suites import compatibility

PAGE = Path(__file__).parents[2] / "docs/compatibility.md"


def test_the_compatibility_page_tells_of_every_suite_and_nothing_failed():
    page = PAGE.read_text(encoding="utf-8")
    assert (
        f"headwater {tomllib.loads((PAGE.parents[1] / 'pyproject.toml').read_text('utf-8'))['project']['version']} on"
        in page
    )
    suites = {suite.name for suite in compatibility().SUITES}
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines() if line.startswith("| ")][1:]
    assert {row[1] for row in rows} == suites
    assert [row[1] for row in rows if row[5].split(" / ")[0] != row[5].split(" / ")[1]] == []
    assert sum(int(row[5].split(" / ")[1]) for row in rows) > 400
