"""Sites of several versions stand side by side: a list of them, the newest stable one under stable/, and a switch on each page."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from pathlib import Path

import pytest
from website import versions

from support.chromium import CHROMIUM

STATIC = Path(versions.__file__).parent / "static"
PAGE = """<!doctype html><html lang="{language}" data-content_root="{root}"><meta charset="utf-8"><script src="{up}site.js"></script>
<a class="sidebar-brand" href="#">headwater</a><article><h1>{words}</h1></article></html>"""


def site(folder: Path, *names: str) -> Path:
    """A site of some pages, each in both languages, that run the script of the real ones."""
    for name in names:
        for language, below in (("en", ""), ("zh", "zh/")):
            path = folder / f"{below}{name}.html"
            path.parent.mkdir(parents=True, exist_ok=True)
            root = "../" * name.count("/") or "./"
            up = "../" * (name.count("/") + (language == "zh"))
            path.write_text(PAGE.format(language=language, root=root, up=up, words=name))
    (folder / "site.js").write_text((STATIC / "site.js").read_text(encoding="utf-8"))
    return folder


@pytest.fixture
def pages(tmp_path):
    """The sites of three versions; the newest has one page more, and is no stable one."""
    out = tmp_path / "pages"
    out.mkdir()
    versions.place(site(tmp_path / "new", "index", "guides/data", "guides/new"), out, "1.10.0rc1")
    versions.place(site(tmp_path / "old", "index", "guides/data"), out, "1.2.0")
    assert versions.place(site(tmp_path / "stable", "index", "guides/data"), out, "1.9.0") == [
        "1.10.0rc1",
        "1.9.0",
        "1.2.0",
    ]
    return out


def test_the_list_is_in_the_order_of_versions_and_names_the_stable_one(pages):
    listed = json.loads((pages / "versions.json").read_text())
    assert [(one["version"], one["url"], one["stable"]) for one in listed] == [
        ("1.10.0rc1", "1.10.0rc1/", False),
        ("1.9.0", "1.9.0/", True),
        ("1.2.0", "1.2.0/", False),
    ]
    assert 'url=stable/"' in (pages / "index.html").read_text()


def test_stable_is_the_newest_release_and_an_older_one_does_not_replace_it(pages, tmp_path):
    mended = site(tmp_path / "mended", "index", "guides/mended")
    versions.place(mended, pages, "1.2.1")
    assert (pages / "1.2.1" / "guides" / "mended.html").is_file()
    assert not (pages / "stable" / "guides" / "mended.html").exists()
    versions.place(mended, pages, "1.10.0")
    assert (pages / "stable" / "guides" / "mended.html").is_file()
    assert not (pages / "stable" / "guides" / "data.html").exists(), "what the site before had is gone"


def test_without_a_release_the_front_page_leads_to_the_newest(tmp_path):
    versions.place(site(tmp_path / "a", "index"), tmp_path, "1.0.0rc1")
    assert 'url=1.0.0rc1/"' in (tmp_path / "index.html").read_text()
    assert not (tmp_path / "stable").exists()


def test_what_is_no_version_is_refused(tmp_path):
    with pytest.raises(versions.InvalidVersion):
        versions.place(site(tmp_path / "a", "index"), tmp_path, "newest")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def address(pages):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(pages)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to read the site with")
def test_a_page_offers_the_same_page_of_another_version(address):
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the site")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(240_000)
        page.goto(f"{address}/stable/guides/data.html")
        page.wait_for_selector(".versions option", state="attached")
        shown = page.eval_on_selector(
            ".versions select", "(it) => [it.value, ...[...it.options].map((one) => one.text)]"
        )
        assert shown == ["1.9.0", "1.10.0rc1", "1.9.0 (stable)", "1.2.0"]
        page.select_option(".versions select", "1.2.0")
        page.wait_for_url(f"{address}/1.2.0/guides/data.html")
        page.goto(f"{address}/1.10.0rc1/zh/guides/new.html")
        assert page.inner_text(".versions").startswith("版本")
        page.select_option(".versions select", "1.9.0")
        page.wait_for_url(f"{address}/1.9.0/")  # which has no such page
        browser.close()
