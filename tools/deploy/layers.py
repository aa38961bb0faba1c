"""Measure the layers that the image adds to its base: ``python -m tools.deploy.layers`` prints their sizes, without a daemon.

It builds the wheel, installs it with the extras of the Dockerfile as pip does there, and compresses what came as a registry does.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = re.compile(r'\.whl\)\[([\w,]+)\]"')


def main() -> None:
    (extras,) = EXTRAS.findall((ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"))
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as folder:
        wheels, site = Path(folder, "wheels"), Path(folder, "site")
        subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT)], check=True)
        (wheel,) = wheels.glob("*.whl")
        subprocess.run([*pip, "install", "--no-compile", "--target", str(site), f"{wheel}[{extras}]"], check=True)
        layer = Path(folder, "layer.tar.gz")
        with tarfile.open(layer, "w:gz", compresslevel=6) as tar:
            tar.add(site, "usr/local/lib/python3.13/site-packages")
        unpacked = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
        print(f"the wheel {wheel.stat().st_size / 1e6:.1f} MB, with [{extras}]: {unpacked / 1e6:.0f} MB", end=", ")
        print(f"{layer.stat().st_size / 1e6:.1f} MB compressed")
        sizes = {path.name: sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) for path in site.iterdir()}
        for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:6]:
            print(f"  {name} {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
