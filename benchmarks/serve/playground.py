"""How many frames a second the playground paints, and what one costs, in headless Chromium without a graphics card (on Linux).

    python -m benchmarks.serve.playground          # ten seconds for each net, after two to warm up

The page is as `make docs` puts it on the site, from a server of files. In a frame the worker learns the samples that are due, and the
page paints what came.
"""

from __future__ import annotations

import functools
import http.server
import os
import sys
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools" / "docs")]
SECONDS = 10
NETS = {
    "4-3, 2,000 samples a second": "speed=2000",
    "six layers of eight, 2,000 samples a second": "hidden=8,8,8,8,8,8&speed=2000",
    "8-8, batches of 200, 10,000 samples a second": "data=moons&points=200&batch=0&hidden=8,8&speed=10000",
}
COUNTED = "import('./state.js').then(({ state }) => [performance.now(), state.painted, state.frame.n])"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *args: object) -> None:
        pass


def processor_ms() -> float:
    """Return the processor time of all processes that this one has begun, Chromium's among them."""
    parents, times = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = int(stat.parent.name), stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[pid], times[pid] = int(rest[1]), int(rest[11]) + int(rest[12])

    def is_own(pid: int) -> bool:
        while pid in parents and pid != os.getpid():
            pid = parents[pid]
        return pid == os.getpid()

    ticks = sum(own for pid, own in times.items() if pid != os.getpid() and is_own(pid))
    return 1000 * ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print a line for each net."""
    from website import playground

    from support.chromium import CHROMIUM

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        playground.write(Path(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        print(f"load average {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores")
        for name, settings in NETS.items():
            page = browser.new_page(viewport={"width": 1400, "height": 1000})
            page.goto(f"http://127.0.0.1:{server.server_port}/{playground.PAGE}#{settings}")
            page.wait_for_selector("#play-net .unit")
            page.click("#play-run")
            page.wait_for_timeout(2000)
            cost, (begun, frames, n) = processor_ms(), page.evaluate(COUNTED)
            page.wait_for_timeout(1000 * SECONDS)
            ended, later, m = page.evaluate(COUNTED)
            cost, took, painted = processor_ms() - cost, (ended - begun) / 1000, later - frames
            print(
                f"{name}: {painted / took:.0f} frames and {(m - n) / took:,.0f} samples a second; "
                f"{cost / painted:.1f} ms of processor time a frame"
            )
            page.close()
        browser.close()
        server.shutdown()


if __name__ == "__main__":
    main()
