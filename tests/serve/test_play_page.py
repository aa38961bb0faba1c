"""The playground's tab in headless Chromium: run, pause, one row, other data, one's own CSV, another rule, in two languages."""

import re

import pytest

from serve.test_page import SIZES, Server, browser, opened, pytestmark  # noqa: F401  fixture and marks are for pytest

CSV = "height,weight,kind\n" + "\n".join(
    f"{150 + i % 40},{50 + i % 30},{'tall' if i % 40 > 20 else 'small'}" for i in range(200)
)
LANGUAGES = {"en": ("Playground", "Forward pass", "Data"), "zh": ("游乐场", "前向传播", "数据")}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("play"))
    yield server
    server.close()


def playing(browser, server, size, language):  # noqa: F811  a fixture's value
    page = opened(browser, server, size)
    page.evaluate(f"localStorage.setItem('language', '{language}')")
    page.reload()
    page.click(".tabs a >> nth=1")
    page.wait_for_selector("#play-net .unit")
    return page


def count(page):
    return int(page.inner_text("#play-n").replace(",", ""))


def pixels(page, selector):
    """What a canvas shows, as its picture's text."""
    return page.eval_on_selector(selector, "(canvas) => canvas.toDataURL()")


def runs_until(page, rows):
    page.click("#play-run")
    page.wait_for_function(f"Number(document.querySelector('#play-n').textContent.replace(/,/g, '')) > {rows}")
    page.click("#play-run")
    page.wait_for_function("!document.querySelector('#play-run').classList.contains('on')")
    at_rest(page)


def at_rest(page):
    """Wait for the answers that were under way."""
    page.wait_for_function("document.querySelector('#play').getAttribute('aria-busy') !== 'true'")


def runs_asked(page):
    return sum(url.endswith("/run") for url in page.asked)


def loss(page):
    return float(page.inner_text("#play-scores .own td >> nth=0"))


def no_wider_than(page, size):
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    return True


@pytest.mark.parametrize(("size", "language"), [("desktop", "en"), ("phone", "zh")])
def test_a_newcomer_runs_pauses_steps_and_changes_everything(browser, server, size, language):  # noqa: F811
    page = playing(browser, server, size, language)
    tab, forward, data = LANGUAGES[language]
    assert page.inner_text(".tabs a[aria-current=true]") == tab
    assert data in page.inner_text("#play h2 >> nth=0")
    assert page.is_hidden("main")
    first, unit, edges = pixels(page, "#play-surface"), pixels(page, ".hidden .unit canvas"), pixels(page, ".edges")

    page.select_option("#play-rate", "2000")
    runs_until(page, 1500)
    assert pixels(page, "#play-surface") != first
    assert pixels(page, ".hidden .unit canvas") != unit
    assert pixels(page, ".edges") != edges
    baselines = page.locator("#play-scores tr >> nth=2").locator("td >> nth=0").inner_text()
    assert loss(page) < float(baselines)
    assert "%" in page.inner_text("#play-scores .own td >> nth=1")

    paused, asked = count(page), runs_asked(page)
    page.wait_for_timeout(300)
    assert (count(page), runs_asked(page)) == (paused, asked)
    page.click("#play-step")
    page.wait_for_selector(".four")
    assert count(page) == paused + 1
    assert forward in page.inner_text(".four")
    numbers = page.inner_text("#play-steps")
    assert "w ← w − lr·g" in numbers
    page.click("#play-step")
    page.wait_for_function(f"Number(document.querySelector('#play-n').textContent.replace(/,/g, '')) === {paused + 2}")
    assert page.inner_text("#play-steps") != numbers

    page.click(".hidden .unit >> nth=0")  # its own arithmetic
    assert [row.split("\t")[0] for row in page.inner_text(".one table").splitlines()][1:3] == ["x₁", "x₂"]
    page.click("#play-data [data-name=gaussians]")
    page.wait_for_function("document.querySelectorAll('.outputs .unit').length === 3")
    assert count(page) == 0
    page.select_option("#play-optimizer", "adam")
    assert page.input_value("#play-lr") == "0.01"
    page.select_option("#play-activation", "relu")
    runs_until(page, 1200)
    page.click("#play-step")
    page.wait_for_function("document.querySelector('#play-steps').textContent.includes('m̂')")
    assert loss(page) < 1.0  # three classes: guessing costs ln 3 = 1.10
    page.select_option(
        "#play-drift", "recurring"
    )  # rows since the last drift are the machine's affair: no loss is asked
    page.select_option("#play-every", "500")
    runs_until(page, count(page) + 1200)
    assert 0 < loss(page) < 10
    page.click("#play-reset")
    page.wait_for_function("document.querySelector('#play-n').textContent === '0'")
    no_wider_than(page, size)
    assert page.problems == []
    assert all(url.startswith((f"http://127.0.0.1:{server.port}/", "data:", "blob:")) for url in page.asked)
    page.context.close()


def test_layers_units_and_inputs_come_and_go(browser, server):  # noqa: F811
    page = playing(browser, server, "phone", "en")
    for _ in range(4):
        page.click("#play-more")
    page.wait_for_function("document.querySelectorAll('.column.hidden').length === 6")
    assert page.is_disabled("#play-more")
    page.click(".column.hidden >> nth=0 >> button >> nth=1")  # one unit more
    page.wait_for_function("document.querySelector('.column.hidden b').textContent === '5'")
    page.click("[data-name='f:x1*x2/3']")
    page.wait_for_function("document.querySelector(\"[data-name='f:x1*x2/3']\").ariaPressed === 'true'")
    assert no_wider_than(page, "phone")
    for left in range(5, -1, -1):
        page.click("#play-less")
        page.wait_for_function(f"document.querySelectorAll('.column.hidden').length === {left}")
    page.click("[data-name='f:x1']")
    page.wait_for_function("document.querySelectorAll('.feature.out').length === 5")
    page.click("[data-name='f:x2']")
    page.wait_for_function("document.querySelectorAll('.feature.out').length === 6")
    page.click("[data-name='f:x1*x2/3']")  # the last one stays
    page.wait_for_function("document.querySelector('#play-said').textContent === 'A net needs an input.'")
    page.click("#play-data [data-name=xor]")
    page.select_option("#play-rate", "2000")
    runs_until(page, 600)
    assert loss(page) < 0.35  # a single weight on x₁x₂ is enough for XOR
    page.context.close()


def test_ones_own_csv_is_learned_and_a_bad_one_is_told(browser, server):  # noqa: F811
    page = playing(browser, server, "desktop", "en")
    page.set_input_files("#play-csv", {"name": "a.csv", "mimeType": "text/csv", "buffer": b"one,two\n1,2\n"})
    page.wait_for_function("document.querySelector('#play-said').textContent.includes('columns')")
    page.set_input_files("#play-csv", {"name": "people.csv", "mimeType": "text/csv", "buffer": CSV.encode()})
    page.wait_for_selector("#play-columns:visible")
    assert page.inner_text("#play-axis") == "height → · ↑ weight"
    assert page.inner_text("#play-legend") == "small\ntall"
    page.select_option("#play-rate", "2000")
    runs_until(page, 1500)
    assert loss(page) < 0.3
    page.select_option("#play-column-2", "height")  # an input can't be the answer
    page.wait_for_function("document.querySelector('#play-said').textContent.includes('two different columns')")
    assert page.input_value("#play-column-2") == "kind"
    page.set_input_files("#play-csv", {"name": "b.csv", "mimeType": "text/csv", "buffer": b"x" * 1_000_001})
    page.wait_for_function("document.querySelector('#play-said').textContent.includes('1 MB')")
    page.context.close()


def test_language_and_theme_change_while_it_runs(browser, server):  # noqa: F811
    page = playing(browser, server, "desktop", "en")
    before = pixels(page, "#play-surface")
    page.click("#theme")
    page.wait_for_function(f"document.querySelector('#play-surface').toDataURL() !== '{before}'")
    page.click("#play-run")
    page.click("#theme")
    page.click("#language")
    page.wait_for_function("document.querySelector('.column.outputs .head').textContent === '输出'")
    assert not re.search("[A-Za-z]{6,}", page.inner_text("#play-data"))
    at = count(page)
    page.wait_for_function(f"Number(document.querySelector('#play-n').textContent.replace(/,/g, '')) > {at}")
    page.click(".tabs a >> nth=0")  # it stands still behind the other tab
    page.wait_for_selector("main:visible")
    at_rest(page)
    asked = runs_asked(page)
    page.wait_for_timeout(300)
    assert runs_asked(page) == asked > 0
    assert page.problems == []
    page.context.close()


def test_a_net_that_the_server_forgot_is_replaced_by_a_new_one(browser, server):  # noqa: F811
    page = playing(browser, server, "desktop", "en")
    page.click("#play-step")
    page.wait_for_function("document.querySelector('#play-n').textContent === '1'")
    names = [url.split("/")[4] for url in page.asked if url.endswith("/step")]
    page.evaluate(f"fetch('/play/{names[-1]}', {{method: 'DELETE'}})")
    page.click("#play-step")
    page.wait_for_function("document.querySelector('#play-said').textContent.includes('forgotten')")
    page.click("#play-step")
    page.wait_for_function("document.querySelector('#play-n').textContent === '1'")
    page.context.close()
