"""The playground in headless Chromium, as files on a static server and from ``headwater serve``: the same files, and nothing from elsewhere."""

import functools
import http.server
import math
import re
import threading

import pytest

import headwater as hw
from serve.test_page import PATIENCE_MS, SIZES, Server, browser, new_page, pytestmark, violations  # noqa: F401  fixture and marks are for pytest

CSV = "height,weight,kind\n" + "\n".join(
    f"{150 + i % 40},{50 + i % 30},{'tall' if i % 40 > 20 else 'small'}" for i in range(200)
)
LANGUAGES = {"en": ("Playground", "Forward pass", "Data"), "zh": ("游乐场", "前向传播", "数据")}
PAGE = "page/playground/index.html"
POINTS = [[0.5, -1.25], [2.75, 0.125], [-1.5, 1.5]]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def static(site):
    """The address of a server that knows nothing but files."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def served(site, tmp_path_factory):
    from tools.build import web

    web.build(web.MODULE)
    server = Server(tmp_path_factory.mktemp("play"))
    yield f"http://127.0.0.1:{server.port}/"
    server.close()


def playing(browser, address, size="desktop", language="en", path=PAGE, theme="light"):  # noqa: F811  a fixture's value
    page = new_page(browser, size)
    page.add_init_script(
        f"localStorage.getItem('language') ?? (localStorage.setItem('language', '{language}'), localStorage.setItem('theme', '{theme}'))"
    )
    page.goto(address + path)
    ready(page)
    return page


def ready(page):
    page.wait_for_selector("#play-net .unit")
    at_rest(page)


def count(page):
    return int(page.inner_text("#play-n").replace(",", ""))


def pixels(page, selector):
    """What a canvas shows, as its picture's text."""
    return page.eval_on_selector(selector, "(canvas) => canvas.toDataURL()")


def until(page, text):
    page.wait_for_function(text)


def learns(page, rows):
    page.click("#play-run")
    until(page, f"Number(document.querySelector('#play-n').textContent.replace(/,/g, '')) > {rows}")
    page.click("#play-run")
    until(page, "!document.querySelector('#play-run').classList.contains('on')")
    at_rest(page)


def at_rest(page):
    """Wait for the answers that are under way, and for their painting."""
    until(page, "document.querySelector('#play').getAttribute('aria-busy') === 'false'")
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def loss(page):
    return float(page.inner_text("#play-scores .own td >> nth=0"))


def no_wider_than(page, size):
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    return True


def ends_well(page, address):
    assert page.problems == []
    assert all(url.startswith((address, "data:", "blob:")) for url in page.asked), page.asked
    page.context.close()


@pytest.mark.parametrize(("kind", "size", "language"), [("static", "desktop", "en"), ("served", "phone", "zh")])
def test_a_newcomer_runs_pauses_steps_and_changes_everything(browser, kind, size, language, request):  # noqa: F811
    address = request.getfixturevalue(kind)
    page = playing(browser, address, size, language)
    title, forward, data = LANGUAGES[language]
    assert title in page.inner_text("header h1")
    assert data in page.inner_text("#play-data-title")
    page.context.set_offline(True)  # all that is needed is here by now
    first, unit, edges = pixels(page, "#play-surface"), pixels(page, ".hidden .unit canvas"), pixels(page, ".edges")

    page.select_option("#play-speed", "2000")
    learns(page, 1500)
    assert pixels(page, "#play-surface") != first
    assert pixels(page, ".hidden .unit canvas") != unit
    assert pixels(page, ".edges") != edges
    baseline = page.locator("#play-scores tr >> nth=2").locator("td >> nth=0").inner_text()
    assert loss(page) < float(baseline)
    assert "%" in page.inner_text("#play-scores .own td >> nth=1")
    assert float(page.inner_text("#play-scores tr >> nth=5 >> td >> nth=0")) < float(baseline)  # on the test points too

    paused = count(page)
    page.click("#play-step")
    page.wait_for_selector(".four")
    assert count(page) == paused + 1
    assert forward in page.inner_text(".four")
    numbers = page.inner_text("#play-steps")
    assert "w ← w − lr·g" in numbers
    page.click("#play-step")
    until(page, f"Number(document.querySelector('#play-n').textContent.replace(/,/g, '')) === {paused + 2}")
    at_rest(page)
    assert page.inner_text("#play-steps") != numbers

    page.click(".hidden .unit >> nth=0")  # its own arithmetic
    at_rest(page)
    assert [row.split("\t")[0] for row in page.inner_text(".one table").splitlines()][1:3] == ["x₁", "x₂"]
    page.click("#play-data [data-name=gaussians]")
    until(page, "document.querySelectorAll('.outputs .unit').length === 3")
    until(page, "document.querySelector('#play-n').textContent === '0'")
    page.select_option("#play-optimizer", "adam")
    assert page.input_value("#play-lr") == "0.01"
    page.select_option("#play-activation", "relu")
    learns(page, 1200)
    page.click("#play-step")
    until(page, "document.querySelector('#play-steps').textContent.includes('m̂')")
    assert loss(page) < 1.0  # three classes: guessing costs ln 3 = 1.10
    page.select_option(
        "#play-drift", "recurring"
    )  # samples since the last drift are the machine's affair: no loss is asked
    page.select_option("#play-every", "500")
    learns(page, count(page) + 1200)
    assert 0 < loss(page) < 10
    page.click("#play-reset")
    until(page, "document.querySelector('#play-n').textContent === '0'")
    no_wider_than(page, size)
    ends_well(page, address)


def test_layers_units_and_inputs_come_and_go(browser, static):  # noqa: F811
    page = playing(browser, static, "phone")
    for n in range(3, 7):
        page.click("#play-more")
        until(page, f"document.querySelectorAll('.column.hidden').length === {n}")
    assert page.is_disabled("#play-more")
    page.click(".column.hidden >> nth=0 >> button >> nth=1")  # one unit more
    until(page, "document.querySelector('.column.hidden b').textContent === '5'")
    page.click("[data-name='f:x1*x2/3']")
    until(page, "document.querySelector(\"[data-name='f:x1*x2/3']\").ariaPressed === 'true'")
    assert no_wider_than(page, "phone")
    for left in range(5, -1, -1):
        page.click("#play-less")
        until(page, f"document.querySelectorAll('.column.hidden').length === {left}")
    page.click("[data-name='f:x1']")
    until(page, "document.querySelectorAll('.feature.out').length === 5")
    page.click("[data-name='f:x2']")
    until(page, "document.querySelectorAll('.feature.out').length === 6")
    page.click("[data-name='f:x1*x2/3']")  # the last one stays
    until(page, "document.querySelector('#play-status').textContent === 'A net needs an input.'")
    page.click("#play-data [data-name=xor]")
    page.select_option("#play-speed", "2000")
    learns(page, 600)
    assert loss(page) < 0.35  # a single weight on x₁x₂ is enough for XOR
    ends_well(page, static)


def test_a_csv_whose_columns_do_not_fit_offers_its_other_columns_and_says_how_many_rows_were_cut(browser, static):  # noqa: F811
    page = playing(browser, static)
    rows = "".join(f"{i % 9},{i % 5},{'ab'[i % 2]},name {i}\n" for i in range(60))
    text = f"x,y,kind,name\n{rows}1,2\n3,4,a,b,c\n"
    page.set_input_files("#play-csv", {"name": "a.csv", "mimeType": "text/csv", "buffer": text.encode()})
    until(page, "document.querySelector('#play-status').textContent.includes('column name has 60')")
    assert page.eval_on_selector_all("#play-columns select", "(all) => all.map((it) => it.value)") == ["x", "y", "name"]
    page.select_option("#play-column-2", "kind")
    until(page, "document.querySelector('#play-legend').textContent.includes('a')")
    assert page.inner_text("#play-columns p") == "60 rows in the file · 2 rows left out"
    page.set_input_files("#play-csv", {"name": "b.csv", "mimeType": "text/csv", "buffer": b""})
    until(page, "document.querySelector('#play-status').textContent === 'The file is empty.'")
    ends_well(page, static)


def test_ones_own_csv_is_learned_and_a_bad_one_is_told_in_the_readers_language(browser, static):  # noqa: F811
    page = playing(browser, static)

    def given(text):
        page.set_input_files("#play-csv", {"name": "a.csv", "mimeType": "text/csv", "buffer": text.encode()})

    def says(words):
        until(page, f"document.querySelector('#play-status').textContent.includes('{words}')")

    given("one,two\n1,2\n")
    says("3 to 1000 columns")
    page.click("#language")
    given("one,two\n1,2\n")
    says("CSV 需要 3 至 1000 列")
    page.click("#language")
    given(CSV)
    page.wait_for_selector("#play-columns:visible")
    at_rest(page)
    assert page.inner_text("#play-axis") == "height → · ↑ weight"
    assert page.inner_text("#play-legend") == "small\ntall"
    assert page.inner_text("#play-n") == "0"  # the columns are looked at before anything is learned
    looked = page.inner_text("#play-look-table").splitlines()
    assert [line.split("\t")[:2] for line in looked] == [
        ["column", "read as"],
        ["height", "number"],
        ["weight", "number"],
        ["kind", "text"],
    ]
    assert looked[1].split("\t")[2] == "150 · 151 · 152 · 153 · 154"
    assert looked[1].split("\t")[4] == "leaks the target"
    assert violations(page) == []
    page.select_option("#play-speed", "2000")
    learns(page, 1500)
    assert loss(page) < 0.3
    page.select_option("#play-column-2", "height")  # an input can't be the answer
    says("Two different columns")
    assert page.input_value("#play-column-2") == "kind"
    given("x" * 1_000_001)
    says("1 MB")
    ends_well(page, static)


def test_the_settings_stand_in_the_address_and_come_back_with_it(browser, static):  # noqa: F811
    page = playing(browser, static)
    assert page.evaluate("location.hash") == ""
    page.click("#play-data [data-name=xor]")
    page.select_option("#play-activation", "relu")
    page.click("#play-more")
    page.select_option("#play-batch", "0")  # all samples in a step: of a training set
    until(page, "location.hash === '#data=xor&points=200&hidden=4,3,3&activation=relu&batch=0'")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#play-share")
    until(page, "document.querySelector('#play-status').textContent.includes('copied')")
    link = page.evaluate("navigator.clipboard.readText()")
    other = page.context.new_page()
    other.goto(link)
    ready(other)
    assert other.evaluate("document.querySelectorAll('.column.hidden').length") == 3
    assert (
        other.input_value("#play-activation"),
        other.input_value("#play-batch"),
        other.input_value("#play-points-of"),
    ) == ("relu", "0", "200")
    assert other.get_attribute("#play-data [data-name=xor]", "aria-checked") == "true"
    assert other.evaluate("location.href") == link
    assert pixels(other, "#play-surface") == pixels(page, "#play-surface")  # the same net, by its seed
    other.evaluate("location.hash = '#hidden=99&data=moons'")
    until(other, "document.querySelector('#play-status').textContent.includes('hidden')")
    assert other.evaluate("document.querySelectorAll('.column.hidden').length") == 2
    assert other.get_attribute("#play-data [data-name=moons]", "aria-checked") == "true"
    ends_well(page, static)


def test_older_and_short_addresses_of_a_server_lead_there(browser, served):  # noqa: F811
    page = playing(browser, served, path="#playground?data=xor&hidden=6,4")
    assert page.evaluate("location.pathname + location.hash") == f"/{PAGE}#data=xor&hidden=6,4"
    page.goto(f"{served}playground#data=spiral")
    ready(page)
    assert page.get_attribute("#play-data [data-name=spiral]", "aria-checked") == "true"
    page.click("header h1 a")
    page.wait_for_selector("#live #empty:visible")
    page.click(".tabs a >> nth=1")
    ready(page)
    ends_well(page, served)


def test_the_way_from_the_output_to_the_first_delta_is_shown_in_numbers(browser, static):  # noqa: F811
    page = playing(browser, static)
    page.click("#play-step")
    page.wait_for_selector(".four")
    shown = page.inner_text(".fourth >> nth=1").replace("\u2212", "-")
    z, p = map(float, re.search(r"σ\(z\) = σ\((-?[\d.]+)\) = ([\d.]+)", shown).groups())
    assert p == pytest.approx(1 / (1 + math.exp(-z)), abs=2e-3)
    said, y, delta = map(float, re.search(r"p - y = ([\d.]+) - ([01]) = (-?[\d.]+)", shown).groups())
    assert said == p
    assert delta == pytest.approx(p - y, abs=2e-3)
    page.click("#play-data [data-name=gaussians]")
    until(page, "document.querySelectorAll('.outputs .unit').length === 3")
    page.click("#play-step")
    until(page, "document.querySelector('.four')?.textContent.includes('softmax(z)')")
    page.click("#play-data [data-name=plane]")
    until(page, "document.querySelectorAll('.outputs .unit').length === 1")
    page.click("#play-step")
    until(page, "document.querySelector('.four')?.textContent.includes('2 (ŷ − y)')")
    ends_well(page, static)


def test_it_runs_in_step_with_the_screen_and_language_and_theme_change_meanwhile(browser, static):  # noqa: F811
    page = playing(browser, static)
    before = pixels(page, "#play-surface")
    page.click("#theme")
    until(page, f"document.querySelector('#play-surface').toDataURL() !== '{before}'")
    page.click("#play-run")
    page.click("#theme")
    page.click("#language")
    until(page, "document.querySelector('.column.outputs .head').textContent === '输出'")
    assert not re.search("[A-Za-z]{6,}", page.inner_text("#play-data"))
    painted = "import('./state.js').then(({ state }) => [state.painted, state.frame.n])"
    frames, n = page.evaluate(painted)
    until(page, f"{painted}.then(([frames, n]) => frames > {frames + 60} && n > {n + 60})")  # it doesn't fall asleep
    ends_well(page, static)


def test_a_weight_is_taken_hold_of_by_pointer_and_by_keyboard(browser, static):  # noqa: F811
    page = playing(browser, static)
    start = pixels(page, "#play-surface")
    link = page.evaluate(
        "import('./state.js').then(({ state: { links: [{ from, to }] } }) => [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2])"
    )
    page.locator("#play-net").click(position={"x": link[0], "y": link[1]})
    until(page, "document.querySelector('#play-which').selectedOptions[0].textContent === 'x₁ → layer 1, unit 1'")
    page.focus("#play-weight")
    page.keyboard.press("End")
    until(page, "document.querySelector('#play-weight-text').textContent === '5.000'")
    at_rest(page)
    assert pixels(page, "#play-surface") != start
    assert page.evaluate("import('./state.js').then(({ state }) => state.frame.layers[0].w[0])") == 5
    page.select_option("#play-which", "-1")
    page.focus("#play-weight")
    page.keyboard.press("Home")
    at_rest(page)
    assert page.evaluate("import('./state.js').then(({ state }) => state.frame.layers[0].b[0])") == -5
    ends_well(page, static)


def test_everything_is_reached_by_keyboard_and_nothing_holds_the_focus(browser, static):  # noqa: F811
    page = playing(browser, static)
    reached = set()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(120):
        page.keyboard.press("Tab")
        active = page.evaluate(
            "(({ id, dataset: { name, lesson } }) => id || name || lesson || '')(document.activeElement)"
        )
        if active == "" and page.evaluate("document.activeElement === document.body"):
            break
        reached.add(active)
    else:
        pytest.fail("the focus never left the page")
    wanted = {
        "play-run",
        "play-step",
        "play-batch",
        "play-csv",
        "play-noise",
        "play-weight",
        "play-save",
        "xor",
        "circles",
        "0:0",
        "f:sin x2",
        "more:0",
    }
    assert wanted <= reached
    page.focus("#play-data [data-name=circles]")
    page.keyboard.press("ArrowRight")  # radio buttons are one stop, and the arrows choose
    until(page, "document.querySelector('#play-data [data-name=xor]').ariaChecked === 'true'")
    page.focus("[data-name='more:0']")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('.column.hidden b').textContent === '5'")
    assert page.evaluate("document.activeElement.dataset.name") == "more:0"
    ends_well(page, static)


def test_a_lesson_is_done_to_its_goals_and_stays_done(browser, static):  # noqa: F811
    page = playing(browser, static)
    page.click("[data-lesson=xor]")
    until(page, "location.hash === '#lesson=xor'")
    until(page, "document.activeElement.id === 'play-goals'")
    assert page.locator("#play-goals li").count() == 2
    page.select_option("#play-speed", "10000")
    page.click("#play-run")
    until(page, "document.querySelectorAll('#play-goals .done').length === 1")
    until(page, "document.querySelector('#play-reached').textContent === 'Goal 1 is reached.'")
    page.click("#play-more")
    until(page, "document.querySelectorAll('#play-goals .done').length === 2")
    assert page.inner_text("#play-reached") == "The lesson is done."
    assert page.is_visible(".moral")
    assert page.evaluate("location.hash").startswith("#hidden=6")  # beside what the lesson begins with
    page.reload()
    ready(page)
    assert page.input_value("#play-lr") == "0.1"  # the lesson's own
    assert page.evaluate("document.querySelectorAll('.column.hidden').length") == 1
    assert page.inner_text("[data-lesson=xor]").startswith("✓")
    assert page.locator("#play-goals li").count() == 2  # the address names the lesson
    page.click("#play-run")
    until(page, "document.querySelectorAll('#play-goals .done').length === 0")  # the first goal asks for one neuron
    page.click("[data-lesson=step]")
    until(page, "location.hash === '#lesson=step'")
    at_rest(page)
    assert (count(page), page.locator("#play-goals .done").count()) == (
        0,
        0,
    )  # what the net before had reached counts no more
    page.click("#play-task button >> nth=1")
    until(page, "!location.hash.includes('lesson')")
    assert page.locator("#play-goals").count() == 0
    ends_well(page, static)


def test_a_net_saved_on_the_page_opens_in_python_and_predicts_the_same_to_the_bit(browser, static, tmp_path):  # noqa: F811
    page = playing(browser, static, path=f"{PAGE}#data=xor&hidden=6,4&speed=2000")
    learns(page, 500)
    with page.expect_download() as got:
        page.click("#play-save")
    got.value.save_as(tmp_path / "playground.hw")
    predicted = page.evaluate(f"import('./run.js').then(({{ ask }}) => ask('predict', {{ points: {POINTS} }}))")
    net = hw.load(tmp_path / "playground.hw")
    assert net.forward(POINTS).ravel().tolist() == predicted
    assert 'hw.load("playground.hw")' in page.inner_text("#play-code")
    ends_well(page, static)


def test_what_is_missing_is_said_in_a_sentence(browser, static):  # noqa: F811
    for missing, words in (("headwater.wasm", "headwater.wasm"), ("headwater.mjs", "could not be started")):
        context = browser.new_context(locale="en-US", bypass_csp=True)
        context.route(f"**/{missing}", lambda route: route.fulfill(status=404))
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(static + PAGE)
        until(page, f"document.querySelector('#play-status').textContent.includes('{words}')")
        assert violations(page) == []  # of a page on which nothing was drawn yet
        context.close()


@pytest.mark.parametrize(("language", "theme", "size"), [("en", "light", "desktop"), ("zh", "dark", "phone")])
def test_axe_finds_nothing_wrong(browser, static, language, theme, size):  # noqa: F811
    page = playing(browser, static, size, language, f"{PAGE}#data=gaussians&lesson=drift&speed=2000", theme)
    learns(page, 1200)
    page.click("#play-step")
    page.wait_for_selector(".four")
    page.click("#play-save")
    page.wait_for_selector("#play-code:visible")
    for _ in range(2):  # light and dark
        assert violations(page) == []
        page.click("#theme")
        at_rest(page)
    no_wider_than(page, size)
    ends_well(page, static)


def test_every_word_is_said_in_both_languages_and_shown(browser, static, site):  # noqa: F811
    page = playing(browser, static)
    page.evaluate(
        "window.parts = Promise.all(['./texts.js', './lessons/texts.js', '../shared/texts.js'].map((part) => import(part)))"
    )
    parts = page.evaluate("window.parts.then((parts) => parts.map((part) => Object.values(part)[0]))")
    for part in parts:
        assert part["en"].keys() == part["zh"].keys()
    keys = [key for part in parts for key in part["en"]]
    assert len(keys) == len({*keys})
    files = [
        path
        for path in (site / "page" / "playground").rglob("*")
        if path.suffix in (".js", ".html") and path.name != "texts.js"
    ]
    sources = "\n".join(path.read_text() for path in files)
    used = {*re.findall(r'\btext\("([\w-]+)"', sources), *re.findall(r'data-text="(\w+)"', sources)}
    assert used <= {*keys}
    made = re.compile("lesson_|refused_csv_|look_")
    own = [key for part in parts[:2] for key in part["en"]]
    assert [key for key in own if not made.match(key) and not re.search(rf'["\'` ]{key}["\'`,:]', sources)] == []
    page.context.close()
