"""Learners of the other kinds in JavaScript: the bits of Python row by row, and the page that ``headwater export --web`` writes of each."""

from __future__ import annotations

import gzip
import http.server
import json
import re
import subprocess
import threading
from functools import partial
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.build import web
from tools.build.targets import NODE, wasm

import headwater as hw
from headwater import nn
from headwater.cli import main
from headwater.store.learner_file import to_bytes
from headwater.store.web import export, note_score_of, reduced
from support.chromium import CHROMIUM

pytestmark = [
    pytest.mark.skipif(NODE is None, reason="no Node"),
    pytest.mark.skipif(
        find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
    ),
]
SCRIPT = """
import { readFile, writeFile } from "node:fs/promises";
import { openKind } from "./kinds.mjs";
const [given, saved, steps] = process.argv.slice(2);
const model = await openKind(given);
const plain = (value) => {
  if (value instanceof Map) return [...value].map(([name, own]) => [plain(name), plain(own)]);
  if (Array.isArray(value)) return value.map(plain);
  if (value !== null && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, own]) => [name, plain(own)]));
  return value;
};
const said = JSON.parse(steps).map(([name, ...args]) => plain(model[name](...args)) ?? null);
await writeFile(saved, model.save());
console.log(JSON.stringify(said));
"""
DRAW = np.random.default_rng(1).normal(size=2_000).tolist()


def series() -> Any:
    model = hw.Forecaster(horizon=12, season=7)
    for day in range(300):
        model.learn_one([5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0][day % 7] + DRAW[day] / 2)
    return model


def anomalies() -> Any:
    model = hw.Anomaly(seed=1)
    for i in range(1_200):
        model.learn_one({"load": i % 50 + DRAW[i], "state": "on" if i % 3 else "off"})
    return model


def choices(actions: Any = ("news", "music", "sport")) -> Any:
    model = hw.Bandit(seed=1)
    for i in range(400):
        x = {"hour": "day" if i % 2 else "night", "age": 30 + 9 * DRAW[i]}
        action, p = model.act(x, actions)
        model.learn(x, action, float((action == "news") == (x["hour"] == "day")), p, actions)
    return model


def offers() -> Any:
    return choices({"news": {"price": 1.0, "kind": "a"}, "music": {"price": 3.0, "kind": "b"}})


def acting() -> Any:
    model, room = hw.Agent(("left", "right"), explore=300, hidden=16, seed=1), 0
    for _ in range(1_000):
        action = model.act({"room": str(room), "x": room / 4})
        then = min(room + 1, 4) if action == "right" else max(room - 1, 0)
        model.learn(
            {"room": str(room), "x": room / 4}, action, float(then == 4), {"room": str(then), "x": then / 4}, then == 4
        )
        room = 0 if then == 4 else then
    return model


def numbers() -> Any:
    model = hw.Agent(((-2.0, 2.0), (0.0, 1.0)), hidden=8, seed=1)
    for i in range(200):
        state = {"x": DRAW[i]}
        model.learn(state, [DRAW[i], 0.5], -abs(DRAW[i]), {"x": DRAW[i + 1]}, i % 20 == 19)
    return model


def several() -> Any:
    model = hw.MultiOutput(seed=1)
    for i in range(400):
        model.learn_one(
            {"x": float(i % 10), "c": "ab"[i % 2]}, {"large": i % 10 > 4, 7: 2.0 * (i % 10), "kind's": "abc"[i % 3]}
        )
    return model


def remembering() -> Any:
    model = hw.Classifier(memory=16, by="key", seed=1)
    for i in range(400):
        model.learn_one({"t": "xyz"[i % 3], "key": i % 2}, "abc"[(i // 3) % 3])
    return model


def telling() -> Any:
    model = hw.Classifier(memory=8, by="key", text={"said": "words"}, seed=1)
    for i in range(120):
        words = "the pump is loud and hot today" if i % 3 else f"all is calm in hall {i}"
        model.learn_one({"said": words, "key": i % 2}, "ab"[i % 3 > 0])
    return model


def remembering_numbers() -> Any:
    model = hw.Regressor(memory=8, time="at", seed=1)
    for i in range(400):
        model.learn_one({"t": "xyz"[i % 3], "load": DRAW[i], "at": 3.0 * i + i % 2}, 20 + 5 * DRAW[i - 1] + i % 3)
    return model


def recurrent() -> Any:
    layers = [nn.Recurrent(6, direct=4), nn.Dense(8), nn.LayerNorm(), nn.Activation("tanh")]
    model = hw.Classifier(layers=layers, by="key", seed=1)
    for i in range(300):
        model.learn_one({"load": DRAW[i], "key": i % 3}, DRAW[i - 3] > 0)
    return model


ROW, ODD, AGE = {"load": 20.0, "state": "on"}, {"load": 500.0, "state": "new"}, {"hour": "day", "age": 33.0}
HALF, THREE = {"room": "2", "x": 0.5}, {"room": "3", "x": 0.75}


def pairs(found: Any) -> list[list[Any]]:
    return [list(pair) for pair in found.items()]


def listed(found: Any) -> Any:
    return np.asarray(found, np.float64).tolist()


TASKS: dict[str, tuple[Any, list[tuple[Any, Any]]]] = {
    "series": (series, [
        (["forecast"], lambda m: m.forecast()),
        (["forecastInterval", 12], lambda m: [list(ends) for ends in m.forecast_interval(12)]),
        (["learnOne", 7.5], lambda m: m.learn_one(7.5)),
        (["learnOne", None], lambda m: m.learn_one(None)),
        (["learnOne", 3], lambda m: m.learn_one(3)),
        (["forecast", 3], lambda m: m.forecast(3)),
    ]),
    "anomalies": (anomalies, [
        (["scoreOne", ROW], lambda m: m.score_one(ROW)),
        (["scoreOne", ODD], lambda m: m.score_one(ODD)),
        (["explainOne", ODD], lambda m: {"score": m.explain_one(ODD).prediction, "contributions": pairs(m.explain_one(ODD).contributions)}),
        *[(["learnOne", {"load": i % 9, "state": "off"}], lambda m, i=i: m.learn_one({"load": i % 9, "state": "off"})) for i in range(30)],
    ]),
    "choices": (choices, [
        (["expectedRewards", AGE], lambda m: pairs(m.expected_rewards(AGE))),
        (["probabilities", AGE, ["news", "quiz"]], lambda m: pairs(m.probabilities(AGE, ["news", "quiz"]))),
        (["learn", AGE, "news", 1, 0.5], lambda m: m.learn(AGE, "news", 1, 0.5)),
        (["learn", AGE, "quiz", 0.3, 0.2], lambda m: m.learn(AGE, "quiz", 0.3, 0.2)),
        (["act", AGE], lambda m: list(m.act(AGE))),
        (["predictOne", AGE], lambda m: m.predict_one(AGE)),
    ]),
    "offers": (offers, [
        (["learn", AGE, "new", 0.5, 0.4, {"price": 2, "kind": "a"}], lambda m: m.learn(AGE, "new", 0.5, 0.4, {"new": {"price": 2, "kind": "a"}})),
    ]),
    "acting": (acting, [
        (["act", HALF, False], lambda m: m.act(HALF, explore=False)),
        (["act", HALF], lambda m: m.act(HALF)),
        (["learn", HALF, "right", 0, THREE], lambda m: m.learn(HALF, "right", 0, THREE)),
        (["learn", THREE, "right", 1, None, True], lambda m: m.learn(THREE, "right", 1, None, True)),
        (["learn", THREE, "up", 1, HALF], lambda m: m.learn(THREE, "up", 1, HALF)),
    ]),
    "numbers": (numbers, [
        (["act", {"x": 0.2}, False], lambda m: listed(m.act({"x": 0.2}, explore=False))),
        (["learn", {"x": 0.2}, [0.5, 0.1], -1, {"x": 0.1}], lambda m: m.learn({"x": 0.2}, [0.5, 0.1], -1, {"x": 0.1})),
    ]),
    "several": (several, [
        (["predictOne", {"x": 7, "c": "a"}], lambda m: pairs(m.predict_one({"x": 7, "c": "a"}))),
        (["learnOne", {"x": 3, "c": "b"}, {"large": False, "kind's": "c"}], lambda m: pairs(m.learn_many([{"x": 3, "c": "b"}], [{"large": False, "kind's": "c"}])[0])),
        (["predictOne", {"x": "7", "c": "a"}], lambda m: pairs(m.predict_one({"x": "7", "c": "a"}))),
    ]),
    "remembering": (remembering, [
        (["predictProbaOne", {"t": "x", "key": 1}], lambda m: pairs(m.predict_proba_one({"t": "x", "key": 1}))),
        (["learnOne", {"t": "z", "key": 1}, "a"], lambda m: m.learn_one({"t": "z", "key": 1}, "a")),
        (["learnOne", {"t": "z", "key": 7}, "new"], lambda m: m.learn_one({"t": "z", "key": 7}, "new")),
    ]),
}  # fmt: skip
"""What each learner is asked and taught in JavaScript, and the same in Python."""


@pytest.fixture(scope="module")
def module(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("module")
    for name, text in {**web.bundles(), "script.mjs": SCRIPT}.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("kinds.wasm", "predict.wasm"):
        wasm(folder, name)
    return folder


def digests(model: Any) -> list[int]:
    return [one._engine.core.digest() for one in getattr(model, "members", {"": model}).values()]


@pytest.mark.parametrize("name", TASKS)
def test_a_kind_says_and_learns_pythons_bits_and_saves_a_file_that_python_goes_on_with(name, module, tmp_path):
    make, steps = TASKS[name]
    make().save(tmp_path / "given.hw")
    model = hw.load(tmp_path / "given.hw")
    asked = json.dumps([step for step, _ in steps])
    command = [*NODE, "script.mjs", str(tmp_path / "given.hw"), str(tmp_path / "saved.hw"), asked]
    done = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    told = [in_python(model) for _, in_python in steps]
    for (step, _), here, there in zip(steps, told, json.loads(done.stdout), strict=True):
        assert there == json.loads(json.dumps(here)), step
    assert digests(hw.load(tmp_path / "saved.hw")) == digests(model)
    assert hw.load(tmp_path / "saved.hw").n_learned == model.n_learned


EXPLAINED: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "classes": (remembering, [{"t": "x", "key": 1}, {"t": "z", "key": 0}, {"t": "x", "key": 9}, {"never seen": 1.0}]),
    "numbers and a clock": (remembering_numbers, [{"t": "y", "load": 0.5, "at": 1300.0}, {"load": -2.0, "at": 1201.5}]),
    "one net": (recurrent, [{"load": 1.0, "key": 2}, {"load": -1.0, "key": 0}]),
}
"""Learners whose rows before have a share in a prediction, and rows."""
WHY = """
import { openKind } from "./kinds.mjs";
const [given, asked] = process.argv.slice(2);
const model = await openKind(given);
const before = model.digest();
const why = JSON.parse(asked).map(({ x, ...options }) => {
  const { contributions, values, ...said } = model.explainOne(x, options);
  return { ...said, contributions: [...contributions], values: [...values], likely: model.predictProbaOne?.(x).get(said.target) ?? model.predictOne(x) };
});
console.log(JSON.stringify({ why, unchanged: model.digest() === before }));
"""


@pytest.mark.parametrize("name", EXPLAINED)
def test_what_rows_before_and_each_column_moved_is_what_python_says(name, module, tmp_path):
    make, rows = EXPLAINED[name]
    model = make()
    model.save(tmp_path / "m.hw")
    samples = [{"x": x} for x in rows] + [{"x": rows[0], "method": "gradient_x_input"}]
    if isinstance(model, hw.Classifier):
        samples += [{"x": rows[0], "target": label, "of": "log_odds"} for label in model.classes]
    (module / "why.mjs").write_text(WHY, encoding="utf-8")
    command = [*NODE, "why.mjs", str(tmp_path / "m.hw"), json.dumps(samples)]
    done = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["unchanged"]
    for sample, said in zip(samples, told["why"], strict=True):
        x, options = sample["x"], {key: value for key, value in sample.items() if key != "x"}
        why = model.explain_one(x, **options)
        size = max(abs(why.prediction - why.baseline), 1e-6)
        assert (said["target"], said["method"], said["of"]) == (why.target, why.method, why.of)
        assert [said["prediction"], said["baseline"]] == pytest.approx([why.prediction, why.baseline], rel=1e-9)
        assert dict(said["contributions"]) == pytest.approx(why.contributions, rel=1e-6, abs=1e-7 * size)
        assert dict(said["values"]) == why.values
        if why.of == "proba":
            assert said["likely"] == pytest.approx(why.prediction, rel=1e-4)
    assert all("memory" in dict(said["contributions"]) for said in told["why"])
    assert max(abs(dict(said["contributions"])["memory"]) for said in told["why"]) > 1e-3


LIGHT = {"series": 0.45, "anomalies": 0.45, "choices": 0.5, "offers": 0.45, "acting": 0.8, "several": 0.45}
"""The share of a model's gzipped bytes that is left where a page only asks it; an agent of numbers keeps all. By the seed weights
of several answers take 10 or 11 bits: a share of .35 or .43."""
ASKS = """
import { openKind } from "./kinds.mjs";
const [given, steps] = process.argv.slice(2);
const model = await openKind(given);
const plain = (value) => {
  if (value instanceof Map) return [...value].map(([name, own]) => [plain(name), plain(own)]);
  return Array.isArray(value) ? value.map(plain) : value;
};
const said = JSON.parse(steps).map(([name, ...args]) => (name === "explainOne" ? null : plain(model[name](...args)) ?? null));
const refused = ["learn", "learnOne", "save"].map((name) => { try { model[name]({}, 1); } catch (error) { return error.message; } });
console.log(JSON.stringify([said, refused, model.learns]));
"""


def flat(found: Any) -> list[Any]:
    """All texts and numbers of an answer, one after the other."""
    return [one for part in found for one in flat(part)] if isinstance(found, (list, tuple)) else [found]


@pytest.mark.parametrize("name", LIGHT)
def test_a_kind_that_only_answers_weighs_less_says_the_same_digits_and_refuses_to_learn(name, module, tmp_path):
    model = TASKS[name][0]()
    small, whole = gzip.compress(reduced(model)), gzip.compress(to_bytes(model))
    assert len(small) < LIGHT[name] * len(whole)
    (tmp_path / "m.hw.z").write_bytes(small)
    (module / "asks.mjs").write_text(ASKS, encoding="utf-8")
    steps = list(takewhile(lambda step: not step[0][0].startswith("learn"), TASKS[name][1]))
    command = [*NODE, "asks.mjs", str(tmp_path / "m.hw.z"), json.dumps([step for step, _ in steps])]
    done = subprocess.run(command, cwd=module, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    said, refused, learns = json.loads(done.stdout)
    for (step, in_python), there in zip(steps, said, strict=True):
        if step[0] != "explainOne":
            here = flat(json.loads(json.dumps(in_python(model))))
            assert flat(there) == [pytest.approx(one, rel=5e-4) if isinstance(one, float) else one for one in here]
    assert refused == [
        f"expected a model that learns, got one exported to predict — at {name}. Export it without --no-learning."
        for name in ("learn", "learnOne", "save")
    ]
    assert learns is False


# ---- pages --------------------------------------------------------------------------------------------------------------

PAGES = {"series": series, "anomalies": anomalies, "choices": choices, "offers": offers, "acting": acting, "numbers": numbers,
    "several": several, "remembering": remembering}  # fmt: skip
FIRST = {"series": "The next value: ", "anomalies": "Nothing unusual: score ", "several": "large: "}
"""How what is said begins on some of them."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(module, tmp_path_factory):
    """A folder with the page of each learner, at an address."""
    if CHROMIUM is None:
        pytest.skip("no Chromium to show the page")
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "module_folder", lambda *_: module)
        for name, make in PAGES.items():
            make().save(folder / f"{name}.hw")
            assert main(["export", "--web", str(folder / f"{name}.hw"), str(folder / name)]) == 0
        telling().save(folder / "telling.hw")
        assert main(["export", "--web", str(folder / "telling.hw"), str(folder / "telling")]) == 0
        for name, out in (("choices", "fixed"), ("remembering", "remembering_light")):
            assert main(["export", "--web", "--no-learning", str(folder / f"{name}.hw"), str(folder / out)]) == 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the page")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def opened(browser, address, name, *, language="en", theme="light", width=1280, strict=True):
    context = browser.new_context(
        viewport={"width": width, "height": 900}, bypass_csp=not strict, accept_downloads=True
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.wrong = []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.add_init_script(f"localStorage.setItem('language', '{language}'); localStorage.setItem('theme', '{theme}')")
    page.goto(f"{address}{name}/")
    page.wait_for_selector("#page:not([hidden])")
    page.wait_for_selector("#said:not(:empty)")
    return page


def closed(page):
    assert page.wrong == []
    page.context.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(
    ("language", "theme", "width"), [("en", "light", 1280), ("zh", "dark", 390)], ids=["wide", "phone"]
)
def test_the_page_of_each_kind_speaks_its_words_without_a_violation(browser, site, name, language, theme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe, which checks accessibility")
    page = opened(browser, site[1], name, language=language, theme=theme, width=width, strict=False)
    if language == "en" and name in FIRST:
        assert page.inner_text("#said").startswith(FIRST[name])
    found = axe.Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "undefined" not in page.inner_text("body")
    assert page.eval_on_selector("#code", "(one) => one.scrollWidth <= one.clientWidth")  # no line is cut off
    closed(page)


TAUGHT: dict[str, tuple[dict[str, str], Any]] = {
    "series": ({"#answer": "7.5"}, lambda m: m.learn_one(7.5, {})),
    "anomalies": ({}, lambda m: m.learn_one({"load": 24.5, "state": "off"})),
    "several": ({"#answer-1": "4"}, lambda m: m.learn_one({"x": 4.5, "c": "a"}, {7: 4.0})),
}


@pytest.mark.parametrize("name", TAUGHT)
def test_what_a_page_of_a_kind_learns_is_what_python_would_have_learned(browser, site, name, tmp_path):
    folder, address = site
    fields, learn = TAUGHT[name]
    model = hw.load(folder / f"{name}.hw")
    page = opened(browser, address, name)
    before = page.inner_text("#about")
    assert re.fullmatch(
        r"No (answer yet|sample was learned|value yet) since this page was opened\.", page.inner_text("#score")
    )
    for field, value in ({"#form input[name=load]": "24.5"} if name == "anomalies" else {}).items():
        page.fill(field, value)
    for field, value in fields.items():
        page.fill(field, value)
    page.click("#learn-button")
    page.wait_for_function("(before) => document.querySelector('#about').textContent !== before", arg=before)
    assert not page.inner_text("#score").startswith("No ")
    with page.expect_download() as waiting:
        page.click("#save")
    waiting.value.save_as(tmp_path / "saved.hw")
    learn(model)
    assert digests(hw.load(tmp_path / "saved.hw")) == digests(model)
    page.context.close()


def test_a_bandits_page_learns_a_reward_and_scores_it_beside_even_draws(browser, site):
    page = opened(browser, site[1], "choices")
    page.click("#draw")
    page.wait_for_selector("#drawn:not(:empty)")
    page.fill("#reward", "1")
    page.click("#learn-button")
    page.wait_for_selector("#score[data-state]:not([data-state=''])")
    assert page.inner_text("#score").startswith("All 1 decision: 1 a decision")
    assert "drawing actions evenly" in page.inner_text("#score")
    page.context.close()


def test_an_agents_page_learns_a_transition_of_two_states(browser, site):
    page = opened(browser, site[1], "acting")
    room = int(page.input_value("#form input[name=room]"))  # it opens on a state that was seen, none of means
    assert room in range(4)
    assert float(page.input_value("#form input[name=x]")) == room / 4
    page.fill("#form input[name=room]", "3")
    page.click("#take")
    page.fill("#form input[name=room]", "4")
    page.fill("#reward", "1")
    page.check("#ended")
    page.click("#learn-button")
    page.wait_for_selector("#about:has-text('1,001')")
    assert page.inner_text("#score") == "All 1 episode: 1 an episode."
    page.context.close()


def test_the_page_of_a_learner_with_a_memory_opens_on_a_row_that_was_seen(browser, site):
    page = opened(browser, site[1], "remembering")
    assert page.input_value("#form input[name=key]") in ("0", "1")
    assert page.input_value("#form input[name=t]") in ("x", "y", "z")
    assert page.inner_text("#title") == "Which class?"
    assert page.title() == "Which class? · headwater"
    closed(page)


@pytest.mark.parametrize("name", ["remembering", "remembering_light"])
def test_the_page_of_a_learner_with_a_memory_says_why_as_python_does(browser, site, name):
    folder, address = site
    x = {"t": "x", "key": 1}
    why = hw.load(folder / "remembering.hw").explain_one(x)
    page = opened(browser, address, name)
    for column, value in x.items():
        page.fill(f"#form input[name={column}]", str(value))
    page.click("#why-part > summary")
    page.wait_for_selector(f"#said:text-is('{why.target}')")
    page.wait_for_selector("#why tbody tr:has-text('the rows before')")
    found = page.eval_on_selector_all(
        "#why tbody tr", "(all) => all.map((row) => [...row.children].slice(0, 2).map((cell) => cell.textContent))"
    )
    shown = {"memory" if column == "the rows before" else column: part for column, part in found}
    parts = {column: part for column, part in why.contributions.items() if abs(part) >= 0.0005}
    assert list(shown) == list(parts)
    for column, part in parts.items():
        said = float(shown[column].replace("−", "-").removesuffix(" %")) / 100
        assert said == pytest.approx(part, abs=0.0006 if name == "remembering" else 0.003)
    assert "nothing of the rows before" in page.inner_text("#baseline")
    code = page.inner_text("#code")
    assert 'open("model.hw.z", { builds: { whole: "lean.wasm" } })' in code
    assert "explainOne" in code
    if name == "remembering":  # and it goes on learning where it was
        page.click("#learn-button")
        page.wait_for_selector("#about:has-text('401')")
        page.wait_for_selector("#why tbody tr:has-text('the rows before')")
    closed(page)


def test_what_reads_texts_and_rows_before_predicts_on_its_page(browser, site):
    folder, address = site
    model = hw.load(folder / "telling.hw")
    page = opened(browser, address, "telling")
    page.fill("#form input[name=said]", "the pump is loud and hot today")
    best = model.predict_one(
        {"said": "the pump is loud and hot today", "key": int(page.input_value("#form input[name=key]"))}
    )
    page.wait_for_selector(f"#said:text-is('{best}')")
    page.click("#why-part > summary")
    page.wait_for_selector("#baseline:has-text('Why is said in Python')")
    closed(page)


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        ({"large": True, "word": "x", "price": 1.0}, "all outputs that are classes"),
        ({"large": True, "price": 1.0}, "large"),
        ({"price": 1.0, "cost": 2.0}, "all outputs that are numbers"),
    ],
)
def test_a_curve_over_several_outputs_says_of_which_it_is(browser, site, module, tmp_path, monkeypatch, labels, named):
    folder, address = site
    monkeypatch.setattr(export, "module_folder", lambda *_: module)
    with hw.open(tmp_path / "s.db", hw.MultiOutput(seed=1)) as model:
        for i in range(120):
            model.learn_one({"x": i % 10}, {name: y if i % 3 else type(y)(i % 2) for name, y in labels.items()})
    assert main(["export", "--web", str(tmp_path / "s.db"), str(folder / "stored")]) == 0
    page = opened(browser, address, "stored")
    assert page.locator("#before .line").count() == len(labels)
    assert page.inner_text("#before-curve .legend > span >> nth=0") == f"Lately, as it learned · {named}:"
    closed(page)


def test_a_series_is_drawn_as_wide_as_its_place_and_counts_what_python_counts(browser, site):
    page = opened(browser, site[1], "series")
    assert page.inner_text("#about") == "300 values learned"
    width = page.eval_on_selector("#picture", "(one) => one.clientWidth")
    assert width > 400
    assert page.get_attribute("#picture .chart", "viewBox") == f"0 0 {width} 230"
    closed(page)


@pytest.mark.parametrize("width", [1280, 390])
def test_long_names_html_and_names_from_right_to_left_stay_in_their_place(browser, site, tmp_path, width):
    folder, address = site
    session = hw.Session(hw.MultiOutput(seed=1), keep=tmp_path / "m.hw")
    names = ("x" * 300, "<b>n</b>", "عمود طويل")
    session.run(
        (
            [{"a": i % 7} for i in range(90)],
            [dict(zip(names, (i % 7 > 3, i % 7, "ab"[i % 2]), strict=True)) for i in range(90)],
        )
    )
    assert main(["export", "--web", str(tmp_path / "m.hw"), str(folder / "awkward")]) == 0
    page = opened(browser, address, "awkward", width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = "x" * 59 + "…"
    assert page.inner_text("#said").startswith(f"{cut}: ")
    assert "<b>n</b>: " in page.inner_text("#said")
    assert page.inner_text("#before > .line >> nth=0").startswith(f"{cut} · All 89 rows: ")
    assert page.inner_text("#picture tbody th >> nth=0") == cut
    assert page.get_attribute("#picture tbody th >> nth=0", "title") == names[0]
    assert page.locator("#said b, #picture b, #before b").count() == 0
    closed(page)


def test_a_stores_curve_is_of_what_its_verdict_says(browser, site, tmp_path):
    folder, address = site
    with hw.open(tmp_path / "s.db", hw.Anomaly(seed=1)) as model:
        for i in range(300):
            model.learn_one({"load": i % 50 + DRAW[i]})
        comparison = model.scores["comparisons"][0]
    assert main(["export", "--web", str(tmp_path / "s.db"), str(folder / "watched")]) == 0
    page = opened(browser, address, "watched")
    alarms = round(comparison["overall"]["model"] * comparison["overall"]["n"])
    assert f"All 300 rows: {alarms} alarm" in page.inner_text("#before")
    learner = hw.load(tmp_path / "s.db")
    note_score_of(learner, tmp_path / "s.db")
    last = learner.notes["score"]["curve"]["points"][-1]
    assert last == [300, pytest.approx(comparison["recent"]["model"], abs=1e-6)]
    closed(page)


def test_each_output_has_a_line_of_its_own_in_the_verdict(browser, site, tmp_path):
    folder, address = site
    session = hw.Session(hw.MultiOutput(seed=1), keep=tmp_path / "m.hw")
    for i in range(120):
        session.step([{"x": float(i % 10)}], [{"large": i % 10 > 4, "cost": 2.0 * (i % 10)}])
    session.finish()
    assert main(["export", "--web", str(tmp_path / "m.hw"), str(folder / "scored")]) == 0
    page = opened(browser, address, "scored")
    lines = page.eval_on_selector_all("#before > .line", "(all) => all.map((one) => one.textContent)")
    assert [line.split(" rows: ")[0] for line in lines] == ["large · All 119", "cost · All 119"]
    page.fill("#answer-1", "4")
    page.click("#learn-button")
    page.wait_for_selector("#score:has-text('cost · All 1 row: off by')")
    closed(page)


def test_a_kinds_page_that_does_not_learn_says_what_it_says_and_offers_nothing_else(browser, site):
    page = opened(browser, site[1], "fixed")
    assert page.is_hidden("#learn-card")
    assert page.is_hidden("#keep-card")
    assert page.inner_text("#picture thead").strip() == "Action\tExpected reward\tProbability"
    assert "model.act(x)" in page.inner_text("#code")
    assert "model.learn" not in page.inner_text("#code")
    closed(page)
