"""Build what is published from this tree into a folder.

    python -m tools.build.wheels.artifacts FOLDER [TARGET…]

The sdist comes first, since it makes the files for pages, which wheels then contain as if they were built from it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from hatchling.build import build_sdist, build_wheel
from tools.build.core import ROOT
from tools.build.extension import PLATFORMS


def main() -> None:
    """Build sdist, wheels and, where npm is there, its package."""
    out, targets = Path(sys.argv[1]).resolve(), sys.argv[2:] or [*PLATFORMS]
    out.mkdir(parents=True, exist_ok=True)
    os.chdir(ROOT)
    print(build_sdist(str(out)), flush=True)
    for target in targets:
        os.environ["HEADWATER_TARGET"] = target
        print(build_wheel(str(out)), flush=True)
    if shutil.which("npm"):
        subprocess.run([sys.executable, "-m", "tools.build.pages.npm", "build/npm"], check=True)
        packed = ["npm", "pack", "--silent", "--pack-destination", str(out)]
        subprocess.run(packed, cwd=ROOT / "build" / "npm", check=True)


if __name__ == "__main__":
    main()
