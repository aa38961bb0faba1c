"""Another author's kind on the live page, in headless Chromium, in its own words and in those of a kind that declares none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serve.test_page import Server, browser, opened  # noqa: F401  the fixture is for pytest
from serve.test_page import pytestmark as driven

ROWS = [{"site": "ab"[i % 2]} for i in range(300)]
LABELS = [[float(4 if i % 2 else 1), 2.0] for i in range(300)]


class CountServer(Server):
    """A server whose process has the kind of CONTRIBUTING.md."""

    before = f"import sys; sys.path[:0] = [{str(Path(__file__).parents[1])!r}]; import kinds.test_count"


class WordlessServer(CountServer):
    """A server whose process has that kind without views."""

    before = (
        f"{CountServer.before}; from dataclasses import replace; from headwater.learner.kind import carry; "
        "from headwater.learner.schema import Views; own = kinds.test_count; "
        "own.Count.kind = replace(own.KIND, views=Views()); carry(own.Count.kind)"
    )


@driven
@pytest.mark.parametrize(
    ("server", "english", "chinese"),
    [
        (CountServer, "How often does it happen?", "多久发生一次？"),
        (WordlessServer, "What does an event counter say?", "它（event counter）回答什么？"),
    ],
    ids=["words", "no words"],
)
def test_the_page_shows_it_in_the_words_of_its_declaration(browser, tmp_path, server, english, chinese):  # noqa: F811
    server = server(tmp_path, more=("--task", "count_events"))
    try:
        page = opened(browser, server, "desktop")
        page.wait_for_selector("#empty:visible")
        assert page.inner_text("#question") == english
        assert '"labels": [{"count":1.0,"exposure":1.0}]' in page.inner_text("#example")
        assert server.post("/teach", json.dumps({"rows": ROWS, "labels": LABELS})) == 200
        page.wait_for_function("document.querySelector('#card-learned b').textContent === '300'")
        page.wait_for_selector("#score .main-svg")
        assert page.inner_text("#verdict").startswith("All 300 rows: count error 0.")
        assert page.get_attribute("#verdict", "data-state") == "ahead"
        assert "mean rate" in page.inner_text("#card-baseline").lower()
        assert page.evaluate("document.querySelector('#score').data.map((t) => t.name)") == ["mean rate", "model"]
        page.click("#language")
        assert page.inner_text("#question") == chinese
        assert page.problems == []
    finally:
        server.close()
