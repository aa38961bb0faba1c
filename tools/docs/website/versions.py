"""Put a built site beside those of other versions, under its version, and the newest stable one under stable/ as well.

    python -m tools.docs.website.versions build/site PAGES VERSION   # PAGES: what the web server shows, such as a branch

A list beside them names all, newest first. Every page reads it and offers the others. The front page leads to stable/.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from packaging.version import InvalidVersion, Version

LIST, STABLE = "versions.json", "stable"
FRONT = """<!doctype html>
<meta charset="utf-8">
<title>headwater</title>
<meta http-equiv="refresh" content="0; url={0}/">
<p><a href="{0}/">headwater</a></p>
"""


def place(site: Path, pages: Path, name: str) -> list[str]:
    """Copy a site to its version's folder, renew the list and the front page, and return all versions, newest first."""
    Version(name)
    _copy(site, pages / name)
    found = versions(pages)
    stable = next((one for one in found if not Version(one).is_prerelease), None)
    if stable == name:
        _copy(site, pages / STABLE)
    listed = [{"version": one, "url": f"{one}/", "stable": one == stable} for one in found]
    (pages / LIST).write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")
    (pages / "index.html").write_text(FRONT.format(STABLE if stable else found[0]), encoding="utf-8")
    (pages / ".nojekyll").touch()  # folders that begin with _ are shown
    return found


def versions(pages: Path) -> list[str]:
    """Return the versions whose sites are there, newest first."""
    found = []
    for path in pages.iterdir():
        try:
            found.append((Version(path.name), path.name))
        except InvalidVersion:
            continue
    return [name for _, name in sorted(found, reverse=True)]


def _copy(site: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(site, to)


def main() -> None:
    """Place the site of a version."""
    site, pages, name = sys.argv[1:]
    Path(pages).mkdir(parents=True, exist_ok=True)
    print("\n".join(place(Path(site), Path(pages), name)))


if __name__ == "__main__":
    main()
