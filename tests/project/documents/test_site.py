"""The site as a reader finds it, in headless Chromium: search finds and ranks, in both languages; cards, captions, dark figures.

The site is built once for all tests (conftest.py).
"""

from __future__ import annotations

import html
import json
import re
import urllib.request

import pytest

from support.chromium import CHROMIUM
from support.programs import ROOT

pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the site")
pytest.importorskip("furo", reason="no furo: pip install headwater[docs]")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to read the site with")
ASKED = [
    ("", "learning rate", "learn/05-gradient-descent.html", "first"),
    ("", "drift", "how-to/drift.html", "first"),
    ("", "late answers", "how-to/late-answers.html", "first"),
    ("", "Classifier", "reference/headwater.html", "first"),
    ("", "csv", "how-to/data.html", "first"),
    ("", "confidence interval", "how-to/coverage.html", "first"),
    ("zh/", "怎么部署", "how-to/deploy.html", "first"),
    ("zh/", "置信区间", "how-to/coverage.html", "first"),
    ("zh/", "学习率", "05-gradient-descent.html", "first"),
    ("zh/", "梯度下降", "05-gradient-descent.html", "first"),
    ("zh/", "过拟合", "16-overfitting.html", "first"),
    ("zh/", "csv", "how-to/data.html", "first"),
    ("zh/", "ReLU", "18-saturation.html", "near the top"),
]


@pytest.mark.parametrize(("language", "words", "target", "place"), ASKED)
def test_search_finds_what_a_reader_looks_for(site, page, language, words, target, place):
    page.goto(f"{site}/{language}search.html?q={words}")
    page.wait_for_selector("#search-results li a")
    links = page.eval_on_selector_all("#search-results li > a", "(all) => all.map((it) => it.getAttribute('href'))")
    ranks = [i for i, link in enumerate(links) if re.split("[?#]", link)[0] == target]
    assert ranks, f"{words}: {links[:8]}"
    assert ranks[0] < (1 if place == "first" else 6), f"{words}: {links[:8]}"


@pytest.mark.parametrize(("language", "words"), [("", "drift"), ("zh/", "漂移")])
def test_the_page_of_results_has_a_field_and_excerpts_begin_with_the_page_itself(site, page, language, words):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{site}/{language}search.html")
    assert len(page.inner_text(".asking p")) > 10
    page.fill(".asking input", words)
    page.click(".asking button")
    page.wait_for_selector("#search-results p.context")
    assert page.input_value(".asking input") == words
    excerpts = page.eval_on_selector_all("#search-results p.context", "(all) => all.map((it) => it.textContent.trim())")
    assert [text for text in excerpts if text.startswith(("中文", "English"))] == []


@pytest.mark.parametrize(("path", "guides"), [("index.html", "how-to/"), ("zh/index.html", "../how-to/")])
def test_the_home_page_has_cards_and_names_guides_before_the_reference(site, page, path, guides):
    page.goto(f"{site}/{path}")
    cards = page.eval_on_selector_all(".cards > li a", "(all) => all.map((it) => it.getAttribute('href'))")
    assert len(cards) >= 8
    doors = ["learn/index.html" if path == "index.html" else "course.html", "start.html", "how-to/deploy.html"]
    assert [card for card in cards if card in doors] == doors
    assert page.eval_on_selector(".cards", "(it) => getComputedStyle(it).display") == "grid"
    side = page.eval_on_selector_all(".sidebar-tree a", "(all) => all.map((it) => it.getAttribute('href'))")
    if path == "index.html":
        assert side.index("start.html") < min(i for i, it in enumerate(side) if it.startswith(guides))
        assert max(i for i, it in enumerate(side) if it.startswith(guides)) < side.index("reference/index.html")


def price_right() -> str:
    """How often README's table says that headwater is right about the price of electricity: the table is generated."""
    row = re.search(
        r"^\| electricity price.*\| \**([\d.]+)\** \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    return row[1]


@pytest.mark.parametrize("path", ["index.html", "zh/index.html"])
def test_the_home_page_is_a_playground_that_learns_by_itself_with_code_and_the_table_of_accuracy(site, page, path):
    page.goto(f"{site}/{path}")
    inside = page.frame_locator(".playing iframe")
    inside.locator("#play-net .unit").first.wait_for()
    page.wait_for_function(
        "Number(document.querySelector('.playing iframe').contentDocument.querySelector('#play-n')?.textContent.replace(',', '')) > 20"
    )
    assert inside.locator("header").is_hidden()
    for theme in ("dark", "light"):
        page.evaluate(f"document.body.dataset.theme = '{theme}'")
        inside.locator(f"html[data-theme={theme}]").wait_for()
    assert page.locator("article figure").first.is_hidden()
    assert "pip install" in page.inner_text("article pre >> nth=0")
    assert "learn_one(x, y)" in page.inner_text("article pre >> nth=1")
    assert price_right() in page.inner_text("article table >> nth=0")


@pytest.mark.parametrize("path", ["learn/12-streams.html", "zh/12-streams.html", "how-to/web.html"])
def test_the_side_bar_is_open_and_scrolled_where_the_reader_is(site, page, path):
    page.goto(f"{site}/{path}")
    open_parts = page.locator(".sidebar-tree details[open]")
    assert open_parts.count() == 1
    here = open_parts.locator(".current-page").last
    box, pane = here.bounding_box(), page.locator(".sidebar-scroll").bounding_box()
    assert pane["y"] <= box["y"] < pane["y"] + pane["height"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("learn/05-gradient-descent.html", "a browser loads no modules from files"),
        ("zh/05-gradient-descent.html", "浏览器不从文件加载模块"),
        ("index.html", "a browser loads no modules from files"),
    ],
)
def test_a_page_opened_from_a_file_says_why_its_live_figure_is_a_picture(site_folder, page, path, said):
    page.goto((site_folder / path).as_uri())
    still = page.locator(".live, .playing")
    assert still.count() >= 1
    assert all(said in still.nth(i).inner_text() for i in range(still.count()))
    assert page.locator("article figure.only-light img").first.is_visible()
    assert page.locator("iframe").count() == 0
    page.wrong[:] = [one for one in page.wrong if "start.mjs" not in one and "ERR_FAILED" not in one]


def pages(site):
    """The addresses of all pages, as the index of each language's search names them."""
    found = []
    for language in ("", "zh/"):
        with urllib.request.urlopen(f"{site}/{language}searchindex.js") as answer:
            index = answer.read().decode()
        names = json.loads(index[index.index("(") + 1 : index.rindex(")")])["docnames"]
        found += [f"{language}{name}.html" for name in names]
        found += [f"{language}search.html", f"{language}search.html?q=drift"]
    return ["genindex.html", *found]


ONLY_WHAT_IS_WRONG = {"iframes": False, "resultTypes": ["violations"]}
"""Of what is right axe would write down a selector for each element: more than half of its time."""

EACH_ONCE = """() => {
    const seen = new Set();
    for (const it of document.querySelectorAll("article :is(span, em, strong, p)")) {
        const chain = [];
        for (let at = it; at.tagName !== "ARTICLE"; at = at.parentElement) chain.push(`${at.tagName}.${at.className}`);
        const place = chain.join(" < ");
        if (!seen.has(place)) seen.add(place);
        else if (it.tagName !== "P") it.replaceWith(...it.childNodes);
        else if (it.children.length === 0 && !it.closest("th")) it.remove();
    }
}"""
"""A page of code has thousands of words that differ in their letters alone, and axe takes more than twice as long for twice as
many: of those with the same tags and classes up to the article, the first is looked at."""

LOOKED_AT = """(known) => {
    const before = new Set(known.split("\\n")), seen = new Set();
    const sheets = [...document.styleSheets].map((one) => one.href?.split("/").pop() ?? one.ownerNode.textContent.replace(/\\s+/g, " ")).join();
    for (const it of document.body.querySelectorAll("*")) {
        it.removeAttribute("data-looked-at");
        const text = [...it.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.data.trim());
        if (!(text || it.matches("input, select, textarea")) || !it.checkVisibility()) continue;
        let place = "";
        for (let at = it; at !== document.body; at = at.parentElement) {
            const among = at.tagName === "A" && at.textContent.trim() !== at.parentElement.textContent.trim();
            place += `${at.tagName}.${at.getAttribute("class")}.${at.getAttribute("style")}${among ? " among words" : ""} < `;
        }
        place += sheets;
        if (!seen.has(place) && !before.has(place)) it.dataset.lookedAt = "";
        seen.add(place);
    }
    axe.configure({rules: [{id: "color-contrast", selector: "[data-looked-at]"}]});
    return [...seen];
}"""
"""Nine tenths of axe's time are for contrast, of every element that shows a text. Their colours are by style sheets, and by tag, class and style up
to the body: of those that have the same, the first that is shown in this theme, on any page, is looked at. All else axe looks at everywhere."""

COLOURS = ("color-contrast", "link-in-text-block")
RULES = {
    ("light", True): {},
    ("light", False): {"rules": {rule: {"enabled": False} for rule in COLOURS}},
    ("dark", True): {"runOnly": COLOURS},
    ("dark", False): None,
}
"""What axe looks at, by the theme and whether a text of a new kind is shown in it."""
SEEN = {"light": set(), "dark": set()}
"""What axe has looked at on pages before: a page that shows no other kind of text is not laid out anew for its colours."""


def wrong_by_axe(page, known):
    """What axe finds on the page that is open, in both themes: the rule, and the elements. What is known of each theme grows."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe, which checks accessibility")
    page.evaluate(EACH_ONCE)
    page.evaluate(axe.Axe().axe_script)
    wrong = {}
    for theme in ("light", "dark"):
        page.evaluate(f"document.body.dataset.theme = '{theme}'")
        seen = set(page.evaluate(LOOKED_AT, "\n".join(known[theme])))
        assert len(seen) > 5
        rules = RULES[theme, not seen <= known[theme]]
        known[theme] |= seen
        if rules is None:
            continue
        for rule in page.evaluate("(how) => axe.run(how)", ONLY_WHAT_IS_WRONG | rules)["violations"]:
            wrong[theme, rule["id"]] = [node["html"][:200] for node in rule["nodes"]]
    return wrong


@pytest.mark.parametrize("part", range(6))
def test_axe_finds_nothing_wrong_on_any_page(site, page, part):
    addresses, wrong = pages(site), {}
    assert len(addresses) > 100
    for path in addresses[part::6]:
        page.goto(f"{site}/{path}", wait_until="domcontentloaded")
        if found := wrong_by_axe(page, SEEN):
            wrong[path] = found
    assert wrong == {}


UNREADABLE = "color: #eee !important; background: #fff !important"


@pytest.mark.parametrize("of", [".highlight .s2", "article p", ".sig-param"])
@pytest.mark.parametrize("where", ["style sheet", "element"])
def test_axe_finds_a_colour_that_can_not_be_read(site, page, of, where):
    known = {"light": set(), "dark": set()}
    page.goto(f"{site}/reference/nn.html", wait_until="domcontentloaded")
    assert wrong_by_axe(page, known) == {}
    page.goto(f"{site}/reference/nn.html", wait_until="domcontentloaded")
    assert page.locator(of).count() > 1
    if where == "element":
        page.locator(of).evaluate_all(f"(all) => all.forEach((it) => it.setAttribute('style', '{UNREADABLE}'))")
    else:
        page.add_style_tag(content=f"{of} {{ {UNREADABLE} }}")
    assert wrong_by_axe(page, known).keys() == {("light", "color-contrast"), ("dark", "color-contrast")}


def test_no_page_shows_where_something_lay_in_memory(site_folder):
    shown = {
        path: html.unescape(re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8")))
        for path in site_folder.rglob("*.html")
    }
    assert len(shown) > 100
    assert [path.name for path, text in shown.items() if re.search(r"\bat 0x[0-9a-f]", text)] == []
    # nor what an alias such as ArrayLike stands for
    assert [path.name for path, text in shown.items() if re.search("_SupportsArray|TypeAliasForwardRef", text)] == []


def test_no_page_shows_the_stars_of_words_in_bold(site_folder):
    for path in site_folder.rglob("*.html"):
        prose = re.sub(
            r"<(pre|code|script|style)\b.*?</\1>|<[^>]+>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL
        )
        assert not re.search(r"\*\*[^\s*][^*\n]*\*\*", prose), path


@pytest.mark.parametrize("width", [1280, 390])
def test_the_columns_of_a_table_have_room_for_their_sentences(site, page, width):
    page.set_viewport_size({"width": width, "height": 900})
    for path in ("promises.html", "architecture.html", "zh/how-to/device.html", "how-to/diagnose.html"):
        page.goto(f"{site}/{path}")
        narrow = page.eval_on_selector_all(
            "article table.docutils td.long",
            "(all) => all.filter((it) => it.clientWidth < 150).map((it) => it.textContent)",
        )
        assert narrow == [], path
        assert page.locator("article table.docutils td.long").count() >= 3


@pytest.mark.parametrize("path", ["learn/18-saturation.html", "zh/18-saturation.html", "gallery.html"])
def test_a_figure_has_a_caption_and_a_form_for_each_theme(site, page, path):
    page.goto(f"{site}/{path}")
    for theme, other in (("light", "dark"), ("dark", "light")):
        page.evaluate(f"document.body.dataset.theme = '{theme}'")
        shown = page.locator(f"article figure.only-{theme}")
        assert shown.count() >= 1
        for i in range(shown.count()):
            assert shown.nth(i).is_visible()
            assert len(shown.nth(i).locator("figcaption").inner_text()) > 20
        assert page.locator(f"article figure.only-{other}").first.is_hidden()


@pytest.mark.parametrize("path", ["index.html", "zh/index.html", "learn/18-saturation.html", "gallery.html"])
def test_nothing_is_wider_than_a_phone(site, page, path):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{site}/{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    ("path", "counterpart"),
    [
        ("zh/12-streams.html", "../learn/12-streams.html"),
        ("zh/start.html", "../start.html"),
        ("learn/article.html", "../zh/article.html"),
        ("learn/index.html", "../zh/course.html"),
        ("index.html", "zh/index.html"),
        ("principles.html", "zh/index.html"),
    ],
)
def test_each_page_leads_to_its_counterpart_or_to_the_other_home_page(site, page, path, counterpart):
    page.goto(f"{site}/{path}")
    assert page.get_attribute(".languages a", "href") == counterpart


@pytest.mark.parametrize(
    ("start", "words"), [("how-to/playground.html", "the playground"), ("zh/how-to/playground.html", "游乐场")]
)
def test_the_playground_is_on_the_site_and_learns(site, page, start, words):
    page.goto(f"{site}/{start}")
    page.click(f"article strong a >> text={words}")
    page.wait_for_selector("#play-net .unit")
    page.click("#play-run")
    page.wait_for_function("Number(document.querySelector('#play-n').textContent) > 20")
    page.click("header h1 a")
    page.wait_for_selector("article")
    page.goto(f"{site}/{start}")
    page.click("article a[href$='#lesson=drift'] >> nth=0")
    page.wait_for_selector("#play-goals li >> nth=2")
