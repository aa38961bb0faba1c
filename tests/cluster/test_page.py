"""The page of a cluster run, in headless Chromium: two languages, phone and desktop, light and dark, and no word cut off."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.cluster.progress import Progress
from headwater.cluster.progress.page import show
from headwater.cluster.progress.status import StatusFile, status_path
from headwater.kinds.classifier_regressor.scores.classify import ClassScore
from headwater.kinds.multi_output.scores.sums import NAMES
from headwater.route.scores.number_score import NumberScore
from support.chromium import CHROMIUM

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the page")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to show the page")

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}
WAIT_MS = 300_000
SCORES = {
    "accuracy": 0.7271,
    "kappa": 0.4321,
    "kappa_temporal": None,
    "kappa_m": -0.012,
    "balanced_accuracy": 0.69,
    "log_loss": 0.5123,
}

COMPARED = [
    {
        "metric": "accuracy",
        "phrase": "share",
        "more_is_better": True,
        "unit": "rows",
        "output": "",
        "recent": {"n": 1000, "model": 0.667, "guesses": {"no-change": 0.748, "majority": 0.6}},
        "overall": {"n": 1_234_567, "model": 0.67, "guesses": {"no-change": 0.5, "majority": 0.58}},
    }
]

CUT_OFF = """() => [...document.querySelectorAll("body, header, main, h1, h2, button, p, dl, .number, dt, dd, section, figure, .ends, span")]
    .filter((node) => node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== "inline")
    .map((node) => `${node.tagName} ${node.id} ${node.className} ${node.scrollWidth} > ${node.clientWidth}: ${node.textContent.slice(0, 60)}`)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The manifest's path of a run, and the address of its page."""
    manifest = tmp_path / "m.hw"
    with show(manifest, 0) as address:
        yield manifest, address


def put(
    manifest: Path, *, ended: bool = False, scores: dict[str, Any] = SCORES, loss: Any = None, **changed: Any
) -> None:
    """Write how a run stands."""
    stands: dict[str, Any] = {
        "round": 1234, "rows": 1_234_567, "workers": 16, "live": 12, "nodes": 3, "block": 2500, "rows_per_s": 12_345.6,
        "sync": 0.187, "seconds_a_row": 0.000512, "sent": 98_765_432, "received": 87_654_321, "rewound": 2500, "lost": 2, "left": 4,
        "merge_loss": 0.254, "at": time.time(),
    }  # fmt: skip
    standing = {"scores": scores, "comparisons": COMPARED if "accuracy" in scores else []} | (loss or {})
    StatusFile(manifest).put(Progress(**{**stands, **changed}), lambda: standing, ended=ended)


def opened(browser: Any, address: str, *, language: str = "en", size: str = "desktop", theme: str = "light") -> Any:
    """The page, and what went wrong on it."""
    context = browser.new_context(viewport=dict(zip(("width", "height"), SIZES[size], strict=True)), color_scheme=theme)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.wrong, page.asked = [], []
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("console", lambda said: page.wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("request", lambda request: page.asked.append(request.url))
    page.add_init_script(f"localStorage.getItem('language') || localStorage.setItem('language', '{language}')")
    page.goto(address)
    page.wait_for_selector("#state:not(:empty)")
    return page


def closed(page: Any, address: str) -> None:
    """Close a page on which nothing went wrong, and which asked nobody else for anything."""
    assert page.wrong == []
    assert all(url.startswith(address) for url in page.asked)
    page.context.close()


def cards(page: Any) -> dict[str, list[str]]:
    """Name, value and note of each card."""
    texts = [card.locator("dt, dd").all_inner_texts() for card in page.locator(".number").all()]
    return {name: rest for name, *rest in texts}


def test_a_run_is_told_in_numbers_in_both_languages(browser, run):
    manifest, address = run
    put(manifest)
    page = opened(browser, address)
    page.wait_for_selector(".number")
    said = cards(page)
    assert said.pop("Age of the state")[1] == "since the last merge"
    assert said == {
        "Workers": ["12 of 16", "on 3 machines · lost and replaced: 2 · left with their machine: 4"],
        "Rows learned": ["1,234,567", "1,234 rounds, blocks of 2,500 rows"],
        "Rows per second": ["12,346", "in the mean; one worker takes 0.512 ms a row"],
        "Time spent syncing": ["19 %", "in a round 80 kB sent, 71 kB received"],
        "Merge loss": ["0.254 points", "of accuracy, against one worker that learns the same rows alone"],
        "Rows put off": ["2,500", "blocks of slow workers, learned later"],
        "Accuracy": ["72.7 %", "over the last rows"],
        "Cohen’s kappa": ["0.4321", "over the last rows"],
        "Kappa against the most frequent class": ["-0.012", "over the last rows"],
        "Balanced accuracy": ["69.0 %", "over the last rows"],
        "Log loss": ["0.5123", "over the last rows"],
    }
    assert page.locator("#numbers .number").count() == 4, "what counts stands apart from the other figures"
    assert page.locator("#verdict p").all_inner_texts() == [
        "Last 1,000 rows: 67 % right, behind repeating the last answer (75 %).",
        "All 1,234,567 rows: 67 % right, ahead of always saying the most frequent class (58 %).",
    ]
    assert page.get_attribute("#verdict p >> nth=0", "data-state") == "behind"
    page.click("#language")
    page.wait_for_selector("html[lang=zh]")
    said = cards(page)
    assert said["Worker"] == ["12 / 16", "在 3 台机器上 · 丢失后补上：2 次 · 随机器离开：4 次"]
    assert said["合并损失"] == ["0.254 个百分点", "准确率，与一个 worker 单独学习同样的样本相比"]
    assert said["已学样本数"] == ["1,234,567", "1,234 轮，每块 2,500 个样本"]
    assert page.inner_text("#title") == "几个 worker 一起学习一个模型"
    page.reload()
    page.wait_for_selector("html[lang=zh]")
    closed(page, address)


def test_what_merging_costs_a_regression_is_told_in_percent(browser, run):
    manifest, address = run
    put(manifest, scores={"mae": 12.5, "rmse": 20.25, "r2": 0.9}, merge_loss=0.021, live=1, nodes=1, lost=0, left=0)
    page = opened(browser, address)
    page.wait_for_selector(".number")
    said = cards(page)
    assert said["Merge loss"] == ["2.1 %", "of the mean error, against one worker that learns the same rows alone"]
    assert said["Workers"] == ["1 of 16", "on one machine · none was lost"]
    assert said["Mean absolute error"][0] == "12.5"
    closed(page, address)


def test_of_several_outputs_merging_costs_points_of_their_mean_cost(browser, run):
    manifest, address = run
    put(manifest, scores={"mae": 12.5, "rmse": 20.25}, merge_loss=0.31, loss={"loss": "cost"})
    page = opened(browser, address)
    page.wait_for_selector(".number")
    said = cards(page)
    told = "of the mean cost of the outputs, against one worker that learns the same rows alone"
    assert said["Merge loss"] == ["0.31 points", told]
    assert said["Rows put off"][1].startswith("of slow workers, or of blocks that found outputs")
    closed(page, address)


def test_the_page_follows_a_run_from_before_its_first_round_to_its_end(browser, run):
    manifest, address = run
    page = opened(browser, address)
    assert page.inner_text("#state") == "Waiting for the first round."
    put(manifest, merge_loss=float("nan"))
    page.wait_for_selector("#state[data-state=learning], #state[data-state=quiet]")
    assert cards(page)["Merge loss"][0] == "not measured yet"
    put(manifest, at=time.time() - 100)
    page.wait_for_selector("#state[data-state=quiet]")
    assert re.fullmatch(r"No round for \d{3,} s\.", page.inner_text("#state"))
    put(manifest, ended=True)
    page.wait_for_selector("#state[data-state=ended]")
    assert cards(page)["Age of the state"][0] == "final"
    page.wait_for_selector("#line[points*=' ']", state="attached")
    assert page.inner_text("#most") == "12,346 rows per second"
    closed(page, address)


def test_a_page_whose_run_is_gone_says_so(browser, tmp_path):
    with show(tmp_path / "m.hw", 0) as address:
        put(tmp_path / "m.hw")
        page = opened(browser, address)
        page.wait_for_selector(".number")
    page.wait_for_selector("#state[data-state=gone]")
    assert page.inner_text("#state") == "The run has ended, or its page can’t be reached."
    assert cards(page)["Rows learned"][0] == "1,234,567", "what was known last stays"
    page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_word_is_cut_off_and_axe_finds_nothing(browser, run, language, size, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe, which checks accessibility")
    manifest, address = run
    put(manifest, at=time.time() - 3600)
    page = opened(browser, address, language=language, size=size, theme=theme)
    page.wait_for_selector(".number")
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert page.evaluate(CUT_OFF) == []
    found = axe.Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") != theme
    closed(page, address)


def test_both_languages_have_the_same_texts_and_a_name_for_every_score(browser, run):
    _, address = run
    page = opened(browser, address)
    english, chinese = page.evaluate("import('/cluster/texts.js').then(({ CLUSTER }) => [CLUSTER.en, CLUSTER.zh])")
    assert english.keys() == chinese.keys() >= {*ClassScore(window=1).names, *NumberScore(window=1).names, *NAMES}
    holes = [
        {name: sorted(re.findall(r"\{\w+\}", said)) for name, said in texts.items()} for texts in (english, chinese)
    ]
    assert holes[0] == holes[1]
    closed(page, address)


def test_the_page_gives_its_own_files_only_and_locks_out_others(run):
    import urllib.request

    manifest, address = run
    put(manifest)
    assert status_path(manifest).exists()
    with urllib.request.urlopen(address) as answer:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
    for name in ("cluster/../m.hw", "shared/refusals.js", "m.hw", "cluster/"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address + name)
