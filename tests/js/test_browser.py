"""The JavaScript module in a browser: on a page, and in a worker that goes on with what the page has learned."""

from __future__ import annotations

import http.server
import threading
from functools import partial
from importlib.util import find_spec

import pytest
from tools.build import web

import headwater as hw
from support.chromium import CHROMIUM

playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright, which drives the page")
pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium to run the module in"),
    pytest.mark.skipif(
        find_spec("ziglang") is None, reason="no ziglang, which builds the WebAssembly; pip install ziglang"
    ),
]
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
HALF, ROWS = 5_000, 10_000
LEARN = """
export function learn(model, from, to) {
  for (let i = from; i < to; i++) {
    const x = { a: (i % 7) / 8, b: `word ${i % 5}`, c: i % 3 ? null : i, when: `2024-05-${10 + (i % 20)}T10:00` };
    if (i > 1000) x[`late ${Math.floor(i / 700)}`] = i % 2 ? `text ${i % 90}` : null;
    model.learnOne(x, i > 6000 && i % 11 === 0 ? "rare" : i % 7 > 3);
  }
  return String(model.digest());
}
"""
PAGE = """
async () => {
  const [{ load }, { learn }] = await Promise.all([import("./headwater.mjs"), import("./lesson.mjs")]);
  const hw = await load();
  const model = new hw.Classifier({ seed: 3 });
  const half = learn(model, 0, 5000);
  const module = await WebAssembly.compileStreaming(fetch("headwater.wasm"));
  const worker = new Worker("worker.mjs", { type: "module" });
  const whole = await new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage({ module, bytes: model.save() });
  });
  return [half, whole, learn(model, 5000, 10000)];
}
"""
WORKER = """
import { load } from "./headwater.mjs";
import { learn } from "./lesson.mjs";
onmessage = async ({ data: { module, bytes } }) => {
  const hw = await load(module);
  postMessage(learn(hw.load(bytes), 5000, 10000));
};
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def address(tmp_path):
    folder = web.build(tmp_path / "js")
    for name, text in {
        "lesson.mjs": LEARN,
        "worker.mjs": WORKER,
        "index.html": "<!doctype html><title>headwater</title>",
    }.items():
        (folder / name).write_text(text)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_page_and_its_worker_learn_what_python_learns(address):
    digests = []
    model = hw.Classifier(seed=3)
    for i in range(ROWS):
        x = {"a": (i % 7) / 8, "b": f"word {i % 5}", "c": None if i % 3 else i, "when": f"2024-05-{10 + i % 20}T10:00"}
        if i > 1000:
            x[f"late {i // 700}"] = f"text {i % 90}" if i % 2 else None
        model.learn_one(x, "rare" if i > 6000 and i % 11 == 0 else i % 7 > 3)
        if i in (HALF - 1, ROWS - 1):
            digests.append(str(model._engine.core.digest()))
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.set_default_timeout(600_000)
        page.goto(address)
        half, whole, same = page.evaluate(PAGE)
        browser.close()
    assert [half, whole, same] == [*digests, digests[1]]
