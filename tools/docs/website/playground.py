"""The playground on the site: the files that `headwater serve` gives, and the learner as JavaScript beside them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
from tools.build import web

ROOT = Path(__file__).resolve().parents[3]
WEB = ROOT / "src" / "headwater" / "serve" / "web"
SOURCE = "src/headwater/serve/web/playground/index.html"
"""What documents link to."""
WHOLE = ("headwater.wasm", "headwater64.wasm")
"""The cores that its nets and those of the live figures compute with; no other one is needed on the site."""
PAGE = "page/playground/index.html"
"""Where it stands, counted from the site's root; its links count on it."""


def write(site: Path) -> Path:
    """Write the playground into a site's folder, and return its page."""
    folder = site / "page"
    for part in ("playground", "shared"):
        shutil.copytree(WEB / part, folder / part, dirs_exist_ok=True)
    shutil.copyfile(WEB / "icon.svg", folder / "icon.svg")
    web.build(folder / "js", WHOLE)
    return site / PAGE
