"""Build the site: English into build/site, Chinese into build/site/zh, and follow every link of it.

    python docs/generate.py            # what `make docs` calls; ends with 1 if anything is not as it should be

Any warning of Sphinx is an error. Nothing is fetched while building, and nothing by a reader's browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from website import links, mathml, pages

ROOT = Path(__file__).resolve().parent.parent
PAGES, SITE = ROOT / "build" / "pages", ROOT / "build" / "site"
LANGUAGES = {"en": ("en", SITE), "zh": ("zh_CN", SITE / "zh")}


def sphinx(language: str) -> int:
    """Build the pages of a language, strictly; return the exit status."""
    code, out = LANGUAGES[language]
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-E", "-W", "--keep-going", "-j", "auto"]
    command += ["-c", str(ROOT / "docs" / "website"), "-d", str(ROOT / "build" / "doctrees" / language)]
    command += ["-D", f"language={code}", str(PAGES / language), str(out)]
    return subprocess.run(command, check=False, env=os.environ | {"HEADWATER_PAGES": str(PAGES)}).returncode


def main() -> int:
    """Gather, build, check."""
    shutil.rmtree(SITE, ignore_errors=True)
    try:
        languages = pages.gather(PAGES)
    except FileNotFoundError as dead:
        print(dead, file=sys.stderr)
        return 1
    built = [sphinx(language) for language in languages]
    for language in languages:
        mathml.write_font(LANGUAGES[language][1])
    wrong = links.broken(SITE)
    for line in wrong:
        print(line, file=sys.stderr)
    if any(built) or wrong:
        print(f"{len(wrong)} links lead nowhere; Sphinx ended with {built}", file=sys.stderr)
        return 1
    print(f"{SITE / 'index.html'}: {len(list(SITE.rglob('*.html')))} pages, every link followed")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
