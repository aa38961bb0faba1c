"""Where the browser is that drives the pages, if there is one."""

import shutil
import subprocess
from importlib.util import find_spec

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first of them has no window that it could show, and opens and draws pages in two thirds of the time."""


def fetched():
    """Return the Chromium that Playwright has fetched for itself."""
    if find_spec("playwright") is None:
        return None
    from pathlib import Path

    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        path = Path(driver.chromium.executable_path)
    return str(path) if path.exists() else None


def runs(path):
    """Say whether a browser begins at all: one that was fetched may lack the system's libraries."""
    return path is not None and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0


CHROMIUM = next(filter(runs, map(shutil.which, NAMES)), None) or next(filter(runs, [fetched()]), None)

if __name__ == "__main__":
    raise SystemExit(CHROMIUM is None)
