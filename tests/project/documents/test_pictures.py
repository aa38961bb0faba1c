"""The gallery shows the page of every kind of learner, and the course its figures: in both languages, for light and dark pages, small."""

from __future__ import annotations

import base64
import io
import re

import matplotlib as mpl
import numpy as np
import pytest
from tools.build.core import ROOT
from tools.docs import figures, worlds

from headwater.kinds import KINDS
from support.chromium import CHROMIUM

SHOWN = {
    "classify": "live",
    "regress": "kind-regressor",
    "multioutput": "kind-outputs",
    "forecast": "kind-forecaster",
    "anomaly": "kind-detector",
    "decide": "kind-bandit",
    "control": "kind-agent",
    "route": "kind-router",
}
"""Picture of the page of each kind. Private learners have the pages of the others."""
MOST = 36_000
"""Bytes of a picture that is one of many."""
NAMES = [f"kind-{name}" for name in (*worlds.WORLDS, *worlds.STORED)]


def test_every_kind_of_learner_has_a_picture_of_its_page():
    assert {kind.task for kind in KINDS if not kind.task.startswith("private")} == set(SHOWN)
    assert {*NAMES, "live"} == {*SHOWN.values(), "kind-fleet"}


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_in_the_gallery_of_each_language_for_light_and_dark_pages_and_small(name):
    for page, own in (("gallery.md", name), ("zh/gallery.md", f"{name}-zh")):
        assert f"pictures/{own}.webp" in (ROOT / "docs" / page).read_text(encoding="utf-8")
        for form in ("", ".dark"):
            assert (ROOT / "docs" / "pictures" / f"{own}{form}.webp").stat().st_size < MOST


# ---- figures of the course ------------------------------------------------------------------------------------------

FIGURE_BYTES = 20_000
PLACE = re.compile(r"-?\d*\.?\d+")
AFTER = {"m": 1, "l": 1, "q": 2, "c": 3}
"""Pairs of numbers of a step of each of a path's commands; the last one is where it ends."""


def english(name: str) -> str:
    return (figures.FOLDERS["en"] / f"{name}.svg").read_text(encoding="utf-8")


def ends(d: str) -> np.ndarray:
    """Return the places of a path that begins with a move and goes on in steps."""
    here, start, found = np.zeros(2), np.zeros(2), []
    for command, rest in re.findall(r"([a-z])([^a-z]*)", d):
        steps = np.array([float(it) for it in PLACE.findall(rest)]).reshape(-1, 2)
        for step in steps[AFTER[command] - 1 :: AFTER[command]] if command != "z" else [start - here]:
            here = here + step
            found.append(here)
        start = here if command == "m" else start
    return np.array(found)


def extent(svg: str) -> list[np.ndarray]:
    """Return where each path of a picture begins and ends, and how far it goes."""
    paths = [ends(d) for d in re.findall(r'(?<= d=")[^"]+', svg)]
    return [np.concatenate([it[0], it[-1], it.min(axis=0), it.max(axis=0)]) for it in paths]


@pytest.mark.parametrize("name", figures.PICTURES)
def test_a_figure_on_disk_is_what_the_generator_draws(name):
    kept, drawn = english(name), figures.svg(name)
    if f"matplotlib {mpl.__version__}<" not in kept:
        return  # another matplotlib may place things differently; that it can be drawn is what counts
    again = f"draw it again: python -m tools.docs.figures {name}"
    bare = [re.sub(r' d="[^"]*"', "", text) for text in (kept, drawn)]
    assert PLACE.sub("#", bare[0]) == PLACE.sub("#", bare[1]), again
    numbers = [[float(it) for it in PLACE.findall(text)] for text in bare]
    np.testing.assert_allclose(numbers[0], numbers[1], atol=0.5, err_msg=again)
    np.testing.assert_allclose(extent(kept), extent(drawn), atol=0.5, err_msg=again)


def test_a_figure_lies_once_where_both_languages_write_it_alike_and_is_small():
    files = {path: path.read_text(encoding="utf-8") for folder in figures.FOLDERS.values() for path in folder.iterdir()}
    assert {*files} == {path for name in figures.PICTURES for path in figures.forms(name, english(name))}
    assert len({*files.values()}) == len(files)
    assert {path.name: len(text.encode()) for path, text in files.items() if len(text.encode()) > FIGURE_BYTES} == {}


def test_a_figure_is_made_small_by_fewer_corners_steps_classes_and_marks_of_a_line():
    line = "M 1 2\nL 2 2.04\nL 3 2\nL 4.26 9\nz\n"
    marks = "".join(f'<use xlink:href="#mark" x="{x}.04" y="5" style="fill: #123456"/>' for x in (3, 1, 2, 2, 4))
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" version="1.1">'
        '<defs><style type="text/css">*{}</style></defs><g id="axes"><g id="line">'
        f'<path d="{line}" clip-path="url(#clip)" style="fill: none; stroke-width: 0.8"/></g>'
        f'<defs><path id="mark" d="M 0 -0.254\nC 0 0 1 1 2 2"/></defs><g>{marks}</g></g>'
        '<text transform="rotate(-0 1 1)" x="0.123">0.7616</text>'
        '<defs><clipPath id="clip"><rect x="0" y="0" width="9" height="9"/></clipPath></defs></svg>'
    )
    assert figures.compact(drawn).replace("\n", "") == (
        '<svg xmlns="http://www.w3.org/2000/svg"><defs><style>'
        "*{stroke-linejoin:round;stroke-linecap:butt;font-family:'DejaVu Sans',sans-serif}"
        ".a{fill:none;stroke-width:.8}.b{clip-path:url(#c)}.c{fill:#123456}.d{fill:none;marker:url(#b)}</style></defs>"
        '<path d="m1 2l2 0 1.3 7z" class="a b"/><defs><path d="m0-.25c0 .25 1 1.25 2 2.25" id="a"/></defs>'
        '<marker overflow="visible" markerUnits="userSpaceOnUse" id="b"><use href="#a" class="c"/></marker>'
        '<path d="m1 5 1 0 1 0 1 0" class="d"/><text x=".1">0.7616</text>'
        '<defs><clipPath id="c"><rect x="0" y="0" width="9" height="9"/></clipPath></defs></svg>'
    )


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to look at figures with")
def test_a_small_figure_looks_as_matplotlib_draws_it():
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which shows figures")
    image = pytest.importorskip("PIL.Image")

    def seen(page, svg):
        page.set_content(f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">')
        page.wait_for_function("document.images[0].complete")
        return np.asarray(image.open(io.BytesIO(page.locator("img").screenshot())).convert("L")).astype(int)

    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        off = {
            name: (np.abs(seen(page, figures.drawn(name)) - seen(page, english(name))) > 64).mean()
            for name in ("neuron", "underfitting", "streams-weather", "cost")
        }
        browser.close()
    assert {name: share for name, share in off.items() if share > 0.002} == {}


LABEL = re.compile(r"<text\b[^>]*>([^<]+)</text>")
ALIKE = {
    "ADWIN",
    "Adam",
    "COCOB",
    "DP-SGD",
    "Glorot",
    "He",
    "Momentum",
    "Oslo",
    "PFI",
    "ReLU",
    "SGD",
    "sigmoid",
    "squarecb",
    "tanh",
} | {
    *("broken", "great", "love", "parcel", "slow", "the"),
    *("cross-entropy", "gelu", "huber", "leaky_relu", "mae", "mse", "quantile", "relu", "silu"),
}
"""Names that both languages write alike, besides single letters, and words of the reviews in chapter 25."""


@pytest.mark.parametrize("name", figures.PICTURES)
def test_a_figure_has_chinese_labels_on_a_chinese_page(name):
    kept = {path: path.read_text(encoding="utf-8") for path in figures.forms(name, english(name))}
    assert kept == figures.forms(name, english(name)), f"draw it again: python -m tools.docs.figures {name}"
    words = {
        word for label in LABEL.findall([*kept.values()][-1]) for word in re.findall(r"[A-Za-z][A-Za-z_-]+", label)
    }
    assert words - ALIKE == set(), "give the label its Chinese in tools/docs/forms.py"


@pytest.mark.parametrize("name", figures.PICTURES)
def test_a_figure_has_a_form_for_dark_pages(name):
    light = english(name)
    dark = figures.dark(light)
    assert "#ffffff" in light
    assert {colour for colour in ("#ffffff", "#000000", "#333333", "#999999") if colour in dark} == set()
