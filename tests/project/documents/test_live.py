"""The live figures of the course in headless Chromium: each begins, moves as it must, and shows the chapter's own numbers.

``PLAYED`` has a row for each figure. It drives the tests, and a figure without a row makes one fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from website import live

from support.chromium import CHROMIUM

pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the site")
pytest.importorskip("furo", reason="no furo: pip install headwater[docs]")
pytestmark = [pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to read the site with")]
DOCS = Path(__file__).resolve().parents[3] / "docs"
LANGUAGES = {"en": "learn", "zh": "zh"}
SIZES = {"en": {"width": 390, "height": 844}, "zh": {"width": 1280, "height": 900}}
"""A phone and a desk: in English, whose words are longer, on the phone."""


@dataclass(frozen=True)
class Played:
    """What is done to a figure, and what it must show.

    Parameters
    ----------
    figure, chapter
        Their names.
    do
        What is pressed ("step") or set ("NAME=VALUE"), in order.
    before, after
        Numbers that are shown at first, and then.
    printed
        Which of the numbers after it stand in the chapter too.
    """

    figure: str
    chapter: str
    do: tuple[str, ...]
    before: dict[str, str]
    after: dict[str, str]
    printed: tuple[str, ...] = field(default=())


PLAYED = [
    Played("neuron", "01-neuron", ("w₁=1",), {"z": "1.000", "y": "0.731"}, {"z": "3.000", "y": "0.953"}, ("y",)),
    Played("layers", "02-layers", ("v₂=1",), {"right": "4 / 4"}, {"right": "3 / 4"}),
    Played(
        "activations",
        "03-activations",
        ("z=0.5",),
        {"f′(z)": "0.002"},
        {"f(z)": "0.622", "f′(z)": "0.235"},
        ("f(z)", "f′(z)"),
    ),
    Played("losses", "04-losses", ("loss=mae",), {"best": "20.0"}, {"best": "3.0"}, ("best",)),
    Played(
        *("gradient-descent", "05-gradient-descent", ("step",) * 3),
        {"w": "0.0000", "loss": "9.0000"},
        {"steps": "3", "w": "1.4640"},
        ("w",),
    ),
    Played("forward-pass", "06-forward-pass", ("step",) * 3, {}, {"p": "1.5611"}, ("p",)),
    Played("the-loss", "07-the-loss", ("l2=3",), {"loss": "0.18"}, {"loss": "1.88"}, ("loss",)),
    Played(
        *("backpropagation", "08-backpropagation", ("step",) * 7),
        {},
        {"p": "1.5611", "δ₂": "1.1221", "δ₁": "(0.9425, −0.8825)"},
        ("p", "δ₂", "δ₁"),
    ),
    Played("update", "09-update", ("rule=cocob", "play"), {"steps": "0"}, {"steps": "40"}, ("steps",)),
    Played(
        *("batch-to-online", "10-batch-to-online", ("way=online", "play")),
        {"rows": "0"},
        {"rows": "1,000", "loss": "1.16", "honest": "1.47"},
        ("loss", "honest"),
    ),
    Played(
        *("worked-example", "11-worked-example", ("step", "step", "stride=1", "step", "stride=2", "step")),
        {"w": "0.000000000"},
        {"steps": "100", "w": "0.218167252"},
        ("w",),
    ),
    Played(
        *("streams-timeline", "12-streams", ("step", "stride=1", "step", "stride=2", "step")),
        {"rows": "0"},
        {"rows": "100", "right": "77.0 %"},
        ("right",),
    ),
    Played("memory", "13-memory", ("λ=3", "step"), {"left": "0.35"}, {"left": "0.74"}),
    Played(
        *("certainty", "14-certainty", ("play",)),
        {"rows": "0"},
        {"rows": "10,000", "all": "90.0 %"},
        ("all",),
    ),
    Played(
        "drift-recovery", "15-drift", ("play",), {"rows": "0"}, {"rows": "4,000", "learning": "96 %", "frozen": "40 %"}
    ),
    Played(
        *("overfitting", "16-overfitting", ("step", "stride=1", "step")),
        {"epochs": "0"},
        {"epochs": "100", "learned": "0.162", "fresh": "0.182"},
        ("learned", "fresh"),
    ),
    Played("underfitting", "17-underfitting", ("hidden=3", "play"), {"rows": "0"}, {"right": "92.8 %"}, ("right",)),
    Played(
        "saturation",
        "18-saturation",
        ("kind=tanh",),
        {"ratio": "4e−05"},
        {"first": "4.5e−03", "ratio": "2e+00"},
        ("first", "ratio"),
    ),
    Played(
        *("regularisation", "19-regularisation", ("penalty=l1", "stride=2", "step")),
        {"near": "2"},
        {"near": "13", "first": "0.87, 1.90, 0.44"},
        ("near",),
    ),
    Played(
        "small-data", "20-small-data", ("n=2", "step"), {"low": "68.7 %"}, {"scores": "10", "low": "74.3 %"}, ("low",)
    ),
    Played("explanation", "21-explanation", ("from=100",), {"rest": "0.0"}, {"rest": "0.0"}),
    Played(
        "cost",
        "22-cost",
        ("depth=2", "step"),
        {"numbers": "1,409"},
        {"numbers": "5,569", "work": "16,320"},
        ("numbers", "work"),
    ),
    Played("between", "23-privacy", ("play",), {"rows": "0"}, {"rows": "1,200", "guessed": "90 %"}),
    Played("privacy", "23-privacy", ("way=loud", "step"), {"epochs": "0"}, {"epochs": "1"}),
    Played("images", "24-images", ("moved=1",), {"corner": "−2.1", "largest": "2.2"}, {"largest": "2.2"}, ("largest",)),
    Played("text", "25-text", ("text=bigrams", "play"), {"rows": "0"}, {"rows": "600", "right": "100 %"}, ("right",)),
    Played("acting", "26-acting", ("stride=hundred", "step"), {"walks": "0"}, {"walks": "100"}),
    Played("forgetting", "27-forgetting", ("play",), {"rows": "0"}, {"rows": "8,000", "left": "0.047"}),
]


WITHOUT_WAITING = """(() => {
    const due = new Map(), turns = new MessageChannel();
    let last = 0, frame = 0, now = performance.now();
    turns.port1.onmessage = () => {
        const drawn = [...due.values()];
        due.clear();
        now += 1000 / 60;
        for (const draw of drawn) draw(now);
    };
    window.requestAnimationFrame = (draw) => {
        if (due.size === 0) turns.port2.postMessage(null);
        due.set(++last, draw);
        return last;
    };
    window.cancelAnimationFrame = (which) => due.delete(which);
})()"""
"""A page's own clock of frames: each comes as soon as the one before is done, and says a sixtieth of a second more."""


def opened(site, page, language, played):
    """Go to a chapter, and bring its figure into sight."""
    page.goto(f"{site}/{'zh/' if language == 'zh' else 'learn/'}{played.chapter}.html")
    host = page.locator(f".live[data-live='{live.FIGURES[played.figure]}']")
    host.scroll_into_view_if_needed()
    own = f".live[data-live='{live.FIGURES[played.figure]}']"  # a page may have another one
    page.wait_for_selector(f"{own}[data-state=ready], {own}[data-state=failed]")
    assert host.get_attribute("data-state") == "ready", page.wrong
    return host


def shown(host):
    """Return what the figure shows, by name."""
    return dict(host.locator("[data-name]").evaluate_all("(all) => all.map((it) => [it.dataset.name, it.textContent])"))


def act(host, what):
    """Press a button, or set a slider or a choice as its reader would."""
    name, _, value = what.partition("=")
    if not value:
        host.locator(f"button.{name}").click()
        host.page.wait_for_function("document.querySelectorAll('.live[data-playing=true]').length === 0")
    elif host.locator(f"select[name='{name}']").count():
        host.locator(f"select[name='{name}']").select_option(value)
    else:
        host.locator(f"input[name='{name}']").evaluate(
            "(it, value) => { it.value = value; it.dispatchEvent(new Event('input', {bubbles: true})); }", value
        )


def test_every_figure_is_played():
    assert {played.figure for played in PLAYED} == {*live.FIGURES}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("played", PLAYED, ids=lambda played: played.figure)
def test_a_live_figure_begins_and_moves_as_the_chapter_says(site, page, played, language):
    page.set_viewport_size(SIZES[language])
    page.add_init_script(WITHOUT_WAITING)
    host = opened(site, page, language, played)
    first = shown(host)
    assert {name: first.get(name) for name in played.before} == played.before
    for what in played.do:
        act(host, what)
    then = shown(host)
    assert {name: then.get(name) for name in played.after} == played.after
    assert then != first
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[language]["width"]
    host.locator("button.reset").click()
    assert shown(host) == first
    text = (DOCS / LANGUAGES[language] / f"{played.chapter}.md").read_text(encoding="utf-8")
    printed = text.replace("−", "-")
    for name in played.printed:
        assert then[name].replace("−", "-").replace(" %", "%") in printed
    assert all(url.startswith((f"{site}/", "data:", "blob:")) for url in page.asked)


def test_every_figure_says_the_same_in_both_languages_and_asks_something(site, page):
    page.goto(f"{site}/learn/01-neuron.html")
    for name in live.FIGURES.values():
        words = page.evaluate(f"import('{site}/live/{name}.mjs').then((figure) => figure.default.words)")
        assert set(words["en"]) == set(words["zh"]), name
        assert "?" in words["en"]["ask"], name
        assert "？" in words["zh"]["ask"], name
        assert words["en"]["solution"], name
        assert re.search("[\u4e00-\u9fff]", words["zh"]["solution"]), name


def test_without_javascript_each_chapter_has_its_picture_and_no_empty_frame(site, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for played in PLAYED:
        for folder in ("learn", "zh"):
            page.goto(f"{site}/{folder}/{played.chapter}.html")
            assert page.locator("article figure.only-light img").first.is_visible()
            assert page.locator(f".live[data-live='{live.FIGURES[played.figure]}']").is_hidden()
    context.close()


def test_a_figure_out_of_sight_rests_and_goes_on_when_it_is_seen_again(site, page):
    host = opened(site, page, "en", PLAYED[4])
    host.locator("button.play").click()
    page.wait_for_function("Number(document.querySelector('[data-name=steps]').textContent) > 2")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_selector(".live[data-seen=false]", state="attached")
    rested = shown(host)
    page.evaluate(
        "() => new Promise((seen) => { let n = 0; const next = () => (++n > 40 ? seen() : requestAnimationFrame(next)); next(); })"
    )
    assert shown(host) == rested
    host.scroll_into_view_if_needed()
    page.wait_for_function(f"Number(document.querySelector('[data-name=steps]').textContent) > {rested['steps']}")


def test_a_reader_who_asks_for_less_motion_sees_a_frame_now_and_then(site, page):
    seen = {}
    for motion in ("no-preference", "reduce"):
        page.emulate_media(reduced_motion=motion)
        host = opened(site, page, "en", PLAYED[10])
        page.clock.install(time=0)
        page.clock.pause_at(3_600_000)  # else time goes on by itself too, on a busy machine for seconds
        host.locator("button.play").click()
        page.clock.run_for(2_000)
        seen[motion] = int(shown(host)["steps"])
    assert 1 <= seen["reduce"] <= 3
    assert seen["no-preference"] > 5 * seen["reduce"]


def test_the_keyboard_moves_a_slider_and_a_press_on_the_surface_sets_the_start(site, page):
    host = opened(site, page, "en", PLAYED[0])
    host.locator("input[name='w₁']").focus()
    page.keyboard.press("ArrowRight")
    assert shown(host)["z"] == "1.400"
    host = opened(site, page, "en", PLAYED[6])
    box = host.locator("svg.plane").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert shown(host)["w₁"] != "5.00"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_wrong_in_a_live_figure(site, page, language, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe, which checks accessibility")
    page.emulate_media(color_scheme=theme)
    for played in (PLAYED[0], PLAYED[7]):
        host = opened(site, page, language, played)
        for what in played.do:
            act(host, what)
        found = axe.Axe().run(page, context=".live").response["violations"]
        assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []
