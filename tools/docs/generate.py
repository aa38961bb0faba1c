"""Build the site: English into build/site, Chinese into build/site/zh, and follow every link of it.

    python tools/docs/generate.py            # what `make docs` calls; ends with 1 if anything is not as it should be

Any warning of Sphinx is an error. Nothing is fetched while building, and nothing by a reader's browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from website import links, live, mathml, pages, playground

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = {"en": ("en", "site"), "zh": ("zh_CN", "site/zh")}
"""Sphinx's code of a language, and where its pages go."""


def sphinx(language: str, folder: Path) -> list[str]:
    """Build the pages of a language, strictly; return what went wrong."""
    code, out = LANGUAGES[language]
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-E", "-W", "--keep-going", "-j", "auto"]
    command += ["-c", str(ROOT / "tools" / "docs" / "website"), "-d", str(folder / "doctrees" / language)]
    command += [
        "-D",
        f"html_use_index={int(language == 'en')}",
    ]  # the Chinese pages have no reference, whose names it lists
    command += ["-D", f"language={code}", str(folder / "pages" / language), str(folder / out)]
    environment = os.environ | {"HEADWATER_PAGES": str(folder / "pages")}
    done = subprocess.run(command, check=False, env=environment, stderr=subprocess.PIPE, text=True)
    return [f"Sphinx ended with {done.returncode}:\n{done.stderr}"] if done.returncode else []


def build(folder: Path) -> list[str]:
    """Gather and build into a folder: the site into its `site`. Return what is wrong, a sentence each."""
    shutil.rmtree(folder / "site", ignore_errors=True)
    try:
        languages = pages.gather(folder / "pages")
    except FileNotFoundError as dead:
        return [str(dead)]
    wrong = [line for language in languages for line in sphinx(language, folder)]
    live.write(folder / "site")
    for language in languages:
        mathml.write_font(folder / LANGUAGES[language][1])
    playground.write(folder / "site")
    return wrong + [f"leads nowhere: {line}" for line in links.broken(folder / "site")]


def main() -> int:
    """Build the site into build/, and say where it is."""
    wrong = build(ROOT / "build")
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong:
        return 1
    site = ROOT / "build" / "site"
    print(f"{site / 'index.html'}: {len(list(site.rglob('*.html')))} pages, every link followed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
