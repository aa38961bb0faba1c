"""The page where people label rows, in headless Chromium: keys, undo, skip, two people at once, both languages."""

import json

import pytest

from serve.test_page import CHROMIUM, Server, browser, new_page, until, violations  # noqa: F401  the fixture is for pytest

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to drive the page with")


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    for i in range(6):
        assert server.post("/should_label", json.dumps({"x": {"a": i, "c": "xyz"[i % 3]}, "budget": 1})) == 200
    yield server
    server.close()


def opened(browser, server, size="desktop"):  # noqa: F811  a fixture
    page = new_page(browser, size)
    page.goto(f"http://127.0.0.1:{server.port}/page/label/index.html")
    page.wait_for_selector("#task:visible")
    return page


def shows(page, a):
    page.wait_for_function(f"document.querySelector('#row td')?.textContent === '{a}'")


def test_rows_are_labeled_by_keys_and_the_last_is_taken_back(browser, server):  # noqa: F811  a fixture
    page = opened(browser, server)
    shows(page, 0)
    for i, name in enumerate(("no", "yes")):
        page.fill("#name", name)
        page.click("#other button")
        shows(page, i + 1)
    page.wait_for_function("document.querySelectorAll('#classes button').length === 1")  # yes is held back
    page.keyboard.press("u")
    shows(page, 1)
    page.fill("#name", "maybe")
    page.click("#other button")
    shows(page, 2)
    page.keyboard.press("s")
    shows(page, 3)
    page.keyboard.press("1")
    shows(page, 4)
    page.keyboard.press("Enter")
    shows(page, 5)
    assert page.inner_text("#brought").startswith("3 labels given. Of the last 3 proposals ")
    page.click("#language")
    assert "等待标注" in page.inner_text("#waiting")
    assert violations(page) == []
    page.keyboard.press("1")
    shows(page, 2)  # the one that was skipped
    page.keyboard.press("1")
    page.wait_for_selector("#task", state="hidden")
    assert page.inner_text("#waiting") == "没有等待标注的样本。"
    assert page.problems == []


def test_two_people_get_different_rows_and_who_leaves_gives_theirs_back(browser, server):  # noqa: F811  a fixture
    first, second = opened(browser, server), opened(browser, server, "phone")
    shows(first, 0)
    shows(second, 1)
    first.goto("about:blank")
    third = new_page(browser, "desktop")
    until(third, lambda: first.url == "about:blank")
    third.goto(f"http://127.0.0.1:{server.port}/page/label/index.html")
    for a in (2, 3, 4, 5, 0):  # what was given back comes after all others
        shows(third, a)
        third.fill("#name", "yes")
        third.click("#other button")
    third.wait_for_selector("#task", state="hidden")
    assert third.problems == []
