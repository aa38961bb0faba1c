"""The package is bundled by esbuild, webpack, vite and Rollup as their users call them, and what they make learns in a browser."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import subprocess
import threading
from importlib.util import find_spec

import pytest
from tools.build.pages import npm

import headwater as hw
from support.chromium import CHROMIUM

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the page")
NPM = shutil.which("npm")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to show the page"),
    pytest.mark.skipif(NPM is None, reason="no npm, which installs the bundlers; apt-get install npm"),
    pytest.mark.skipif(find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly"),
]
PROGRAM = """import { load } from "headwater";
const hw = await load();
const model = new hw.Classifier({ seed: 1 });
for (let i = 0; i < 200; i++) model.learnOne({ size: i % 10 }, i % 10 > 5 ? "large" : "small");
document.getElementById("said").textContent = `9 is ${model.predictOne({ size: 9 })}.`;
"""
PAGE = '<!doctype html><meta charset="utf-8"><title>a</title><p id="said"></p><script type="module" src="{}"></script>'
OF_KINDS = """import { openKind } from "headwater/kinds";
const model = await openKind("series.hw");
document.getElementById("said").textContent = model.forecast(3).join(" ");
"""
"""A program with the module of the other kinds, whose core is another file."""
COPY = "cp node_modules/headwater/headwater.wasm node_modules/headwater/kinds.wasm out/"
BUNDLERS = {
    "esbuild": f"npx esbuild main.mjs --bundle --format=esm --outfile=out/main.js && {COPY}",
    "webpack": "npx webpack --mode production --entry ./main.mjs -o out",
    "rollup": f"npx rollup main.mjs -p @rollup/plugin-node-resolve -f es -d out && {COPY}",
    "vite": "npx vite build --outDir out",
    "the page of the README": "mkdir out && cp -r node_modules out/",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder with the bundlers, which are fetched, and the package."""
    folder = tmp_path_factory.mktemp("project")
    package = npm.build(tmp_path_factory.mktemp("npm") / "package")
    (folder / "index.html").write_text(PAGE.format("main.mjs"))
    (folder / "package.json").write_text('{"name": "project", "private": true}')
    packed = subprocess.run([NPM, "pack", "--silent", package], cwd=folder, capture_output=True, text=True, check=True)
    names = ["esbuild", "webpack", "webpack-cli", "vite", "rollup", "@rollup/plugin-node-resolve"]
    command = [NPM, "install", "--no-audit", "--no-fund", "--prefer-offline", *names, f"./{packed.stdout.split()[-1]}"]
    if subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=600).returncode:
        pytest.skip("the bundlers are not within reach")
    return folder


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def series():
    model = hw.Forecaster(horizon=3, season=7)
    for day in range(60):
        model.learn_one([5.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0][day % 7])
    return model


@pytest.mark.parametrize("bundler", BUNDLERS)
def test_what_a_bundler_makes_learns_in_a_browser(bundler, project, browser):
    assert shown_by(bundler, PROGRAM, project, browser) == "9 is large."


@pytest.mark.parametrize("bundler", [name for name in BUNDLERS if "README" not in name])
def test_what_a_bundler_makes_of_the_module_of_other_kinds_forecasts_what_python_does(bundler, project, browser):
    model = series()
    shown = shown_by(bundler, OF_KINDS, project, browser, model)
    assert list(map(float, shown.split())) == model.forecast(3)


def shown_by(bundler, program, project, browser, model=None):
    """Bundle a program, put a model beside it, and return what the page says."""
    shutil.rmtree(project / "out", ignore_errors=True)
    (project / "main.mjs").write_text(program)
    done = subprocess.run(["bash", "-c", BUNDLERS[bundler]], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    if bundler == "the page of the README":
        page = re.search(r"```html\n(.*?)```", (project / "node_modules/headwater/README.md").read_text(), re.DOTALL)[1]
        (project / "out" / "index.html").write_text(page)
    elif bundler != "vite":
        (project / "out" / "index.html").write_text(PAGE.format("main.js"))
    if model is not None:
        model.save(project / "out" / "series.hw")
    handler = functools.partial(Quiet, directory=project / "out")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        shown = browser.new_page()
        shown.goto(f"http://127.0.0.1:{server.server_port}/")
        shown.wait_for_selector("#said:not(:empty)", timeout=60_000)
        said = shown.inner_text("#said")
        shown.close()
        server.shutdown()
    return said
