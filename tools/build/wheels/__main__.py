"""Wheels for every machine, built on this one, with their tags checked: ``make wheels`` writes them to ``dist/``.

The wheel that fits this machine is also tried, alone in an empty environment; of the others it is said that they were not.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from hatchling.build import build_wheel
from tools.build.compiler import host
from tools.build.core import ROOT
from tools.build.extension import PLATFORMS

DIST = ROOT / "dist"
LINUX = re.compile(r"((?:many|musl)linux)_(\d+)_(\d+)_(\w+)")


def run(*command: str | Path) -> str:
    """Run a command and return what it prints; a failure ends everything with that."""
    called = [str(part) for part in command]
    done = subprocess.run(called, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(called)}\n{done.stdout}{done.stderr}")
    return done.stdout


def built(target: str) -> Path:
    """Build the wheel for a machine, without an environment of its own: this one has what it needs."""
    os.environ["HEADWATER_TARGET"] = target
    os.chdir(ROOT)
    return DIST / build_wheel(str(DIST))


def check_tag(wheel: Path) -> str:
    """End with an error unless the wheel's tag is true, and return who says that it is."""
    run(Path(sys.executable).with_name("abi3audit"), "--strict", wheel)
    claimed = LINUX.search(wheel.name.split(".manylinux")[0])
    if claimed is None:
        return "abi3audit"
    said = run(Path(sys.executable).with_name("auditwheel"), "show", wheel)
    true = LINUX.search(re.sub(r"\s+", " ", said).partition("platform tag")[2])
    versions = [tuple(map(int, one.groups()[1:3])) for one in (true, claimed) if one]
    if true is None or true.groups()[::3] != claimed.groups()[::3] or versions[0] > versions[1]:
        raise SystemExit(f"{wheel.name} is not what its tag says:\n{said}")
    return "abi3audit, auditwheel"


def main() -> None:
    """Build, check and report."""
    for target in PLATFORMS:
        wheel = built(target)
        checked = check_tag(wheel)
        print(f"{wheel.name}: {wheel.stat().st_size / 1e3:.0f} kB, tag checked by {checked}")
        ran = run(sys.executable, "tests/packaging/smoke.py", wheel) if target == host() else "BUILT ONLY, not run"
        print("   ", ran.strip().replace("\n", "\n    "), flush=True)


if __name__ == "__main__":
    main()
