"""The site, built once for all tests that read it, and a browser on it."""

from __future__ import annotations

import functools
import http.server
import os
import threading
from pathlib import Path

import pytest

from support.chromium import CHROMIUM

PATIENCE_MS = 240_000  # for what takes a moment on a machine that is busy or slow


@pytest.fixture(autouse=True)
def own_breakpoint(monkeypatch):
    """Let blocks that call ``breakpoint()`` reach pdb: Ray, once started in this process, has put its own debugger there."""
    monkeypatch.delenv("PYTHONBREAKPOINT", raising=False)


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory):
    """The site of `make docs` that HEADWATER_SITE names, else one that is built here: once for all workers of a run, while the others wait."""
    if given := os.environ.get("HEADWATER_SITE"):
        return Path(given)
    import fcntl

    import generate

    own = tmp_path_factory.getbasetemp()
    out = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "site"
    out.mkdir(exist_ok=True)
    wrong = out / "wrong.txt"
    with (out / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not wrong.exists():
            wrong.write_text("\n".join(generate.build(out)), encoding="utf-8")
    assert wrong.read_text(encoding="utf-8") == ""
    return out / "site"


@pytest.fixture(scope="session")
def site(site_folder):
    """Serve the site's files; gives the address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site_folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser(site):
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the site")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(PATIENCE_MS)
    page.wrong, page.asked = [], []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    assert page.wrong == []
    page.close()
