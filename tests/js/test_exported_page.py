"""``headwater export --web``: the folder opens from a plain server, predicts, explains and learns Python's bits, and loads nothing else."""

from __future__ import annotations

import datetime as dt
import http.server
import json
import random
import re
import shutil
import subprocess
import threading
from functools import partial
from importlib.util import find_spec

import pytest
from tools.build import web

import headwater as hw
from headwater.cli import main
from headwater.store.web import export, module
from support.chromium import CHROMIUM

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the page")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to show the page"),
    pytest.mark.skipif(
        find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
    ),
]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
EVIL = "<img src=x onerror=alert(1)></script>"
"""A name that a page must show and never run."""
WAIT = 120_000
FIRST = {"headwater.mjs", "predict.wasm"}
"""What a page loads of the module to predict."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def rows(n, seed):
    """Lines of a CSV file with numbers, texts with quotes, gaps, date-times, and an odd name."""
    draw = random.Random(seed)
    lines = [f'month,carrier,distance,scheduled,"{EVIL}",late']
    for _ in range(n):
        when = dt.datetime(2024, draw.randint(1, 12), draw.randint(1, 28), draw.randint(5, 23), draw.choice([0, 30]))
        carrier, distance = draw.choice(["UA", "AA", "B6", EVIL]), draw.randint(90, 2600)
        late = (when.hour > 16) + (carrier == "B6") + draw.random() > 1.4
        gap = draw.random()
        lines.append(
            f"{when.month},{carrier if gap > 0.1 else ''},{distance if gap < 0.9 else 'NA'},{when:%Y-%m-%d %H:%M},"
            f'"gate ""{draw.choice("AB")}"", {draw.randint(1, 4)}",{"late" if late else "on time"}'
        )
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The files for pages, where the package would have them."""
    folder = web.build(tmp_path_factory.mktemp("module") / "module")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "module_folder", lambda *_: folder)
        yield folder


@pytest.fixture(scope="module")
def site(built, tmp_path_factory):
    """A folder with models, files of rows, and the page of the classifier at an address."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "flights.csv").write_text(rows(600, 1))
    (folder / "later.csv").write_text(rows(300, 2))
    said = ["learn", str(folder / "flights.csv"), "--target", "late", "--model", str(folder / "m.hw")]
    assert main(said) == 0
    assert main(["export", "--web", str(folder / "m.hw"), str(folder / "page")]) == 0
    handler = partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opened(browser, address, *, name="page", language="en", theme="light", width=1280, strict=True):
    """The page at an address, after its first prediction; what goes wrong there, and where it loads from, is kept."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, bypass_csp=not strict, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(WAIT)
    page.wrong, page.asked = [], []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("dialog", lambda dialog: (page.wrong.append(dialog.message), dialog.accept()))
    page.on("request", lambda request: page.asked.append(request.url))
    page.add_init_script(f"localStorage.setItem('language', '{language}'); localStorage.setItem('theme', '{theme}')")
    page.goto(f"{address}{name}/")
    page.wait_for_selector("#page:not([hidden])")
    page.wait_for_selector("#said:not(:empty)")
    return page


def closed(page, address):
    """Close a page on which nothing went wrong, and which asked nobody else for anything."""
    assert page.wrong == []
    assert all(url.startswith((address, "blob:", "data:")) for url in page.asked)
    page.context.close()


def names_of(page):
    """The files of the module that a page has asked for."""
    return {name for url in page.asked if (name := url.rsplit("/", 1)[-1]) in module.NAMES}


def downloaded(page, selector, path):
    with page.expect_download() as waiting:
        page.click(selector)
    waiting.value.save_as(path)
    return path


def digest(model):
    return model._engine.core.digest()


def filled(page, sample):
    for name, value in sample.items():
        page.fill(f"#form input[name={json.dumps(name)}]", str(value))


def test_the_form_has_the_models_columns_and_predicts_what_python_predicts(browser, site):
    folder, address = site
    page = opened(browser, address)
    names = page.eval_on_selector_all("#form input", "(all) => all.map((one) => [one.name, one.type])")
    kinds = {"month": "number", "carrier": "text", "distance": "number", "scheduled": "datetime-local", EVIL: "text"}
    assert dict(names) == kinds
    carriers = page.eval_on_selector_all(
        "#form input[name=carrier] + datalist option", "(all) => all.map((one) => one.value)"
    )
    assert sorted(carriers) == sorted(["UA", "AA", "B6", EVIL])
    sample = {"month": 7, "carrier": EVIL, "distance": 200, "scheduled": "2024-07-01T20:00", EVIL: 'gate "A", 1'}
    filled(page, sample)
    model = hw.load(folder / "m.hw")
    x = {**sample, "scheduled": dt.datetime(2024, 7, 1, 20)}
    proba = model.predict_proba_one(x)
    best = max(proba, key=proba.get)
    page.wait_for_selector(f"#classes tbody tr:first-child:has-text('{best}'):has-text('{100 * proba[best]:.1f} %')")
    assert page.inner_text("#said") == best
    assert names_of(page) == FIRST
    page.click("#why-part > summary")
    page.wait_for_selector("#why tbody th")
    assert names_of(page) == FIRST | {"learn.mjs", "whole.mjs", "headwater.wasm"}
    why = model.explain_one(x)
    shown = page.eval_on_selector_all("#why tbody th", "(all) => all.map((one) => one.textContent)")
    assert shown == [name for name, part in why.contributions.items() if abs(part) >= 0.0005]
    assert f"{100 * why.baseline:.1f} %" in page.inner_text("#baseline")
    code = page.inner_text("#code")
    assert code.count("</script>") == 1
    assert len(code.splitlines()) == 9
    closed(page, address)


def test_what_is_learned_on_the_page_is_what_python_would_have_learned(browser, site, tmp_path):
    folder, address = site
    page = opened(browser, address)
    sample = {"month": 1, "carrier": "new one", "distance": 5, "scheduled": "2024-01-02T03:04", EVIL: "x"}
    filled(page, sample)
    page.select_option("#answer", label="late")
    page.click("#learn-button")
    page.wait_for_selector("#score:has-text('All 1 row:')")
    page.select_option("#answer", label="another …")
    page.fill("#answer-new", EVIL)
    page.keyboard.press("Enter")
    page.wait_for_selector("#score:has-text('All 2 rows:')")
    assert page.inner_text("#about") == "Which class? · 602 rows learned"
    assert EVIL in page.eval_on_selector_all("#answer option", "(all) => all.map((one) => one.textContent)")
    model = hw.load(folder / "m.hw")
    x = {**sample, "scheduled": dt.datetime(2024, 1, 2, 3, 4)}
    for answer in ("late", EVIL):
        model.predict_one(x)
        model.learn_one(x, answer)
    again = hw.load(downloaded(page, "#save", tmp_path / "page.hw"))
    assert digest(again) == digest(model)
    assert again.classes == model.classes
    page.set_input_files("#open", tmp_path / "page.hw")
    page.wait_for_selector("#score:has-text('No answer yet')")
    assert page.inner_text("#about") == "Which class? · 602 rows learned"
    closed(page, address)


@pytest.mark.parametrize(
    ("language", "verdict", "counted"),
    [
        ("en", "All 599 rows: {model} % right, ", "Counted before this page, while it learned 600, "),
        ("zh", "全部 599 个样本：正确 {model}%，", "在本页之前统计，那时学习了 600 个，"),
    ],
)
def test_the_page_says_how_good_the_model_was_before_it_with_baselines_and_the_curve(
    browser, site, language, verdict, counted
):
    folder, address = site
    noted = hw.load(folder / "m.hw").notes["score"]
    overall = noted["comparisons"][0]["overall"]
    page = opened(browser, address, language=language)
    shown = page.inner_text("#before")
    model = float(re.search(r"([\d.]+) ?%", shown)[1])
    assert shown.startswith(verdict.format(model=f"{model:g}"))
    assert model == pytest.approx(100 * overall["model"], abs=0.51)
    assert page.get_attribute("#before", "data-state") == "ahead"
    lines = page.eval_on_selector_all("#before-curve .chart polyline", "(all) => all.map((one) => one.points.length)")
    assert lines == [len(noted["curve"]["points"])] * 3
    assert noted["curve"]["names"] == ["model", "no-change", "majority"]
    assert page.locator("#before-curve .of-line").count() == 3
    assert page.inner_text("#before-note").startswith(counted)
    closed(page, address)


def test_a_store_carries_its_score_and_curve_to_the_page(browser, site, tmp_path):
    folder, address = site
    with hw.open(tmp_path / "s.db", hw.Regressor(seed=1)) as model:
        for i in range(200):
            model.learn_one({"a": i % 10}, 5.0 * (i % 10))
        known = model.scores["comparisons"][0]["overall"]
    for options in ([], ["--no-learning"]):
        assert main(["export", "--web", *options, str(tmp_path / "s.db"), str(folder / "stored")]) == 0
        page = opened(browser, address, name="stored")
        assert page.inner_text("#before").startswith("All 200 rows: off by ")
        assert f"({min(known['guesses'].values()):.3g})" in page.inner_text("#before")
        assert page.locator("#before-curve .chart polyline").count() == 3
        closed(page, address)


def test_a_model_whose_file_holds_no_score_says_so_in_place_of_one(browser, site, tmp_path):
    folder, address = site
    model = hw.Classifier(memory=8, by="key", seed=1)
    for i in range(200):
        model.learn_one({"t": "xyz"[i % 3], "key": i % 2}, "abc"[(i // 3) % 3])
    model.save(tmp_path / "m.hw")
    for options, said in ([], "What is counted here begins when"), (["--no-learning"], "headwater learn --model"):
        assert main(["export", "--web", *options, str(tmp_path / "m.hw"), str(folder / "unscored")]) == 0
        page = opened(browser, address, name="unscored")
        assert page.inner_text("#before-note").startswith("Its file says nothing of that")
        assert said in page.inner_text("#before-note")
        assert page.inner_text("#before") == ""
        page.click("#why-part > summary")
        page.wait_for_selector("#why tbody th")
        assert "the rows before" in page.inner_text("#baseline")
        assert names_of(page) == FIRST | {"learn.mjs", "lean.wasm", "whole.mjs"}
        closed(page, address)


def test_a_dropped_file_is_predicted_and_learned_row_by_row_as_in_python(browser, site, tmp_path):
    folder, address = site
    shutil.copy(folder / "m.hw", tmp_path / "python.hw")
    later = str(folder / "later.csv")
    assert main(["predict", later, "--model", str(folder / "m.hw"), "--out", str(tmp_path / "python.csv")]) == 0
    page = opened(browser, address)
    given = page.evaluate_handle(
        "(text) => { const data = new DataTransfer(); data.items.add(new File([text], 'later.csv')); return data; }",
        (folder / "later.csv").read_text(),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": given})
    page.wait_for_selector("#file-predict:not([disabled])")
    assert page.input_value("#target") == "late"
    page.click("#file-predict")
    page.wait_for_selector("#file-state:has-text('300 rows predicted.')")
    said = downloaded(page, "#predictions", tmp_path / "page.csv").read_text().splitlines()
    assert len(said) == 301
    wanted = (tmp_path / "python.csv").read_text().splitlines()
    assert said == [",".join(line.split(",")[:2]) for line in wanted]
    page.click("#file-learn")
    page.wait_for_selector("#file-state:has-text('300 rows, 300 of them learned.')")
    model = hw.load(tmp_path / "python.hw")
    with hw.read(folder / "later.csv", target="late") as stream:
        right = sum(hit(model, x, y) for x, y in stream)
    shown = page.inner_text("#score")
    assert shown.startswith(f"All 300 rows: {100 * right / 300:.0f} % right, ")
    assert digest(hw.load(downloaded(page, "#save", tmp_path / "page.hw"))) == digest(model)
    closed(page, address)


def hit(model, x, y):
    right = model.predict_one(x) == y
    model.learn_one(x, y)
    return right


def test_a_long_file_can_be_stopped(browser, site, tmp_path):
    _, address = site
    (tmp_path / "long.csv").write_text(rows(200, 3) + "".join(rows(2000, 4).split("\n", 1)[1] for _ in range(30)))
    page = opened(browser, address)
    page.set_input_files("#file", tmp_path / "long.csv")
    page.wait_for_selector("#file-learn:not([disabled])")
    page.click("#file-learn")
    page.wait_for_selector("#file-state:has-text('rows …')")
    page.click("#cancel")
    page.wait_for_selector("#file-state:has-text('Stopped.')")
    assert page.is_enabled("#file-learn")
    assert page.is_hidden("#progress")
    closed(page, address)


@pytest.mark.parametrize(
    ("language", "theme", "width"),
    [("en", "light", 1280), ("zh", "dark", 1280), ("en", "dark", 390), ("zh", "light", 390)],
)
def test_axe_finds_nothing_wrong_and_nothing_is_wider_than_the_screen(browser, site, language, theme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe, which checks accessibility")
    folder, address = site
    page = opened(browser, address, language=language, theme=theme, width=width, strict=False)
    page.set_input_files("#file", folder / "later.csv")
    page.wait_for_selector("#file-learn:not([disabled])")
    page.click("#file-predict")
    page.wait_for_selector("#predictions:not([hidden])")
    page.click("#why-part > summary")
    page.wait_for_selector("#why tbody th")
    found = axe.Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.documentElement.lang") == language
    assert [text for text in page.inner_text("body").split() if "{" in text and "}" in text] == []
    closed(page, address)


def test_all_is_reached_by_keyboard(browser, site):
    _, address = site
    page = opened(browser, address)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
    for name in ("language", "theme", "field-0", "clear", "answer", "learn-button", "file", "save", "open", "code"):
        assert name in reached
    closed(page, address)


def test_a_page_that_does_not_learn_predicts_explains_and_offers_nothing_else(browser, site, capsys):
    folder, address = site
    said = ["export", "--web", "--no-learning", str(folder / "m.hw"), str(folder / "predicts")]
    assert main(said) == 0
    assert "to predict, 9" in (out := capsys.readouterr().out)
    assert "to learn" not in out
    assert not (folder / "predicts" / "lean.wasm").exists()
    small, whole = (folder / name / export.MODEL for name in ("predicts", "page"))
    assert small.stat().st_size < 0.6 * whole.stat().st_size
    page = opened(browser, address, name="predicts")
    for place in ("#learn-card", "#keep-card", "#file-learn", "#target"):
        assert page.is_hidden(place)
    sample = {"month": 7, "carrier": "B6", "distance": 200, "scheduled": "2024-07-01T20:00", EVIL: 'gate "A", 1'}
    filled(page, sample)
    proba = hw.load(folder / "m.hw").predict_proba_one({**sample, "scheduled": dt.datetime(2024, 7, 1, 20)})
    best = max(proba, key=proba.get)
    page.wait_for_selector(f"#said:has-text('{best}')")
    shown = float(page.inner_text("#classes tbody tr:first-child .number").removesuffix(" %"))
    assert shown == pytest.approx(100 * proba[best], abs=0.1)
    assert names_of(page) == FIRST
    page.set_input_files("#file", folder / "later.csv")
    page.wait_for_selector("#file-predict:not([disabled])")
    page.click("#file-predict")
    page.wait_for_selector("#file-state:has-text('300 rows predicted.')")
    page.click("#why-part > summary")
    page.wait_for_selector("#why tbody th")
    assert "learnOne" not in page.inner_text("#code")
    closed(page, address)
    assert main(["export", "--web", str(folder / "m.hw"), str(folder / "predicts")]) == 0
    assert (folder / "predicts" / "lean.wasm").exists()


def test_a_regressor_of_float64_gives_an_interval_and_learns_numbers(browser, site, tmp_path):
    folder, address = site
    model = hw.Regressor(dtype="float64", seed=2)
    for i in range(1500):
        model.learn_one({"a": i % 10, "b": "xy"[i % 2]}, 10.0 * (i % 10) + i % 3)
    model.save(tmp_path / "r.hw")
    assert main(["export", "--web", str(tmp_path / "r.hw"), str(folder / "regressor")]) == 0
    page = opened(browser, address, name="regressor")
    filled(page, {"a": 3, "b": "x"})
    page.wait_for_selector("#unsaid:has-text('in 9 of 10 cases between')")
    page.fill("#answer", "31.5")
    page.click("#learn-button")
    page.wait_for_selector("#score:has-text('All 1 row: off by')")
    model.predict_one({"a": 3, "b": "x"})
    model.learn_one({"a": 3, "b": "x"}, 31.5)
    assert digest(hw.load(downloaded(page, "#save", tmp_path / "page.hw"))) == digest(model)
    closed(page, address)


def test_a_model_with_a_column_of_text_predicts_and_learns_and_says_where_it_is_explained(browser, site, tmp_path):
    folder, address = site
    model = hw.Classifier(text={"note": "words"}, seed=2)
    for i in range(600):
        note = f"the parcel {'came late and broken' if i % 3 else 'came early and whole'} today"
        model.learn_one({"note": note, "size": i % 5}, "bad" if i % 3 else "good")
    model.save(tmp_path / "t.hw")
    assert main(["export", "--web", str(tmp_path / "t.hw"), str(folder / "text")]) == 0
    page = opened(browser, address, name="text")
    sample = {"note": "it came broken", "size": 3}
    filled(page, sample)
    share = 100 * model.predict_proba_one(sample)["bad"]
    page.wait_for_selector(f"#classes tbody tr:first-child:has-text('bad'):has-text('{share:.1f} %')")
    assert page.inner_text("#said") == "bad"
    page.click("#why-part > summary")
    page.wait_for_selector("#baseline:has-text('model.explain_one(x)')")
    assert page.inner_text("#why") == ""
    assert "explainOne" not in page.inner_text("#code")
    page.select_option("#answer", label="good")
    page.click("#learn-button")
    page.wait_for_selector("#score:has-text('All 1 row:')")
    model.predict_one(sample)
    model.learn_one(sample, "good")
    assert digest(hw.load(downloaded(page, "#save", tmp_path / "page.hw"))) == digest(model)
    closed(page, address)


SIDES = """(code) => [...code.querySelectorAll("bdi")].map((name) => {
  const before = document.createRange(), after = document.createRange();
  before.setStart(name.previousSibling, name.previousSibling.length - 1), before.setEnd(name.previousSibling, name.previousSibling.length);
  after.setStart(name.nextSibling, 0), after.setEnd(name.nextSibling, 1);
  const [left, own, right] = [before, name, after].map((one) => one.getBoundingClientRect());
  return [left.right <= own.left + 1, own.right <= right.left + 1, left.top === right.top];
})"""
"""Of each text in the code that is set apart: whether what stands before it lies left of it, and what follows right, in one line."""


@pytest.mark.parametrize("kind", [hw.Classifier, hw.MultiOutput])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_names_read_from_right_to_left_stay_in_their_places(browser, site, tmp_path, kind, language):
    folder, address = site
    model, draw = kind(seed=1), random.Random(1)
    for i in range(300):
        x = {"حرارة": draw.gauss(20, 5), "بلد": draw.choice(["الرياض", "دبي"]), "speed": i % 7}
        answer = "مرتفع" if i % 3 else "منخفض"
        model.learn_one(x, answer if kind is hw.Classifier else {"حالة": answer, "n": i % 3})
    model.save(tmp_path / "m.hw")
    assert main(["export", "--web", str(tmp_path / "m.hw"), str(folder / "arabic")]) == 0
    page = opened(browser, address, name="arabic", language=language)
    shown = page.eval_on_selector("#code", "(code) => code.textContent")
    assert {"حرارة", "بلد", "speed"} == set(json.loads(re.search("const x = (.*);", shown)[1]))
    sides = page.eval_on_selector("#code", SIDES)
    assert len(sides) == (4 if kind is hw.Classifier else 3)  # three texts of the row, and the answer that is learned
    assert all(all(one) for one in sides), sides
    if kind is hw.Classifier:
        page.click("#why-part > summary")
        page.wait_for_selector("#why tbody th")
        assert re.search("\u2068م\\w+\u2069 \\d", page.inner_text("#baseline"))
    else:
        assert re.match("\u2068حالة\u2069: \u2068م\\w+\u2069 · n: ", page.inner_text("#said"))
    closed(page, address)


def test_a_model_that_knows_nothing_yet_says_so(browser, site, tmp_path):
    folder, address = site
    hw.Classifier().save(tmp_path / "new.hw")
    assert main(["export", "--web", str(tmp_path / "new.hw"), str(folder / "new")]) == 0
    page = opened(browser, address, name="new")
    assert page.inner_text("#said") == "Nothing is known yet: teach it a first answer."
    closed(page, address)


# ---- files ----------------------------------------------------------------------------------------------------------------

CELLS = [
    "1",
    " 2.5 ",
    "-3e2",
    "+7",
    "NA",
    "n/a",
    "",
    "nan",
    "None",
    "na",
    "true",
    "False",
    "1_000",
    "x y",
    "0.5",
    ".5",
    "5.",
]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_plain_csv_is_cut_and_read_as_in_python(separator, tmp_path):
    cells = [f'"{cell}"' if i % 3 == 0 else cell for i, cell in enumerate(CELLS)]
    lines = [separator.join(["name", "b", "c"])]
    lines += [separator.join([cell, f'"a{separator} ""q"" {i}\nnext"', str(i)]) for i, cell in enumerate(cells)]
    text = "\ufeff" + "\r\n".join(lines) + "\r\n"
    program = """
      import { Cutter, answerOf, separatorOf } from "%s/csv.mjs";
      const text = JSON.parse(process.argv[1]).replace(/^\\ufeff/, "");
      const cutter = new Cutter(separatorOf(text, true));
      const rows = [];
      for (let at = 0; at < text.length; at += 7) rows.push(...cutter.rows(text.slice(at, at + 7), at + 7 >= text.length));
      console.log(JSON.stringify(rows.slice(1).map(([name, b, c]) => [answerOf(name), b, answerOf(c)])));
    """ % (web.ROOT / "src" / "headwater" / "store" / "web" / "page")
    command = ["node", "--input-type=module", "-e", program, json.dumps(text)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    from headwater.streams.readers.dtypes.cells import parse_label

    wanted = [[parse_label(cell), f'a{separator} "q" {i}\nnext', i] for i, cell in enumerate(CELLS)]
    assert json.loads(done.stdout) == wanted


def test_a_folder_with_other_files_is_left_alone(built, tmp_path, capsys):
    hw.Classifier().save(tmp_path / "m.hw")
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "mine.txt").write_text("mine")
    assert main(["export", "--web", str(tmp_path / "m.hw"), str(tmp_path / "page")]) == 2
    assert "expected a new or empty folder, or an earlier export, got one with mine.txt" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "page").iterdir()] == ["mine.txt"]


def test_an_export_may_be_replaced_and_holds_nothing_of_the_readers(built, tmp_path, capsys):
    hw.Classifier().save(tmp_path / "m.hw")
    for _ in range(2):
        assert main(["export", "--web", str(tmp_path / "m.hw"), str(tmp_path / "page")]) == 0
    text = "".join(
        path.read_text() for path in (tmp_path / "page").glob("*.*") if path.suffix in (".html", ".mjs", ".css")
    )
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert main(["export", str(tmp_path / "m.hw"), str(tmp_path / "page")]) == 2
    assert "expected --web or --c, got no form to export to" in capsys.readouterr().err


def test_an_installation_without_the_files_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "module.py"))
    with pytest.raises(hw.errors.ModelFileError, match="no headwater"):
        module.module_folder()
