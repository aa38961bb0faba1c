"""Nobody else knows a kind: its folder is deleted with its adapters, and the rest imports, learns, keeps, serves and commands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "headwater"
# Beside the folder: a file for each foreign library or short command that is the kind's own, and kinds that are made of it.
BESIDE = {
    "agent": ["cli/short/play.py", "store/web/kinds/agent.mjs"],
    "anomaly": ["store/web/kinds/anomaly.mjs"],
    "bandit": ["cli/short/decide.py", "kinds/router", "store/web/kinds/bandit.mjs"],
    "classifier_regressor": ["kinds/multi_output", "kinds/private"],
    "forecaster": ["cli/short/forecast.py", "cli/short/series.py", "store/web/kinds/forecaster.mjs"],
    "multi_output": ["store/web/kinds/multioutput.mjs"],
    "private": [],
    "router": [],
}  # fmt: skip
IMPORTED = """
import importlib, pathlib, sys
package = pathlib.Path(sys.argv[1])
missing = []
for path in sorted(package.rglob("*.py")):
    name = ".".join(path.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
    if name.endswith("__main__"):
        continue
    try:
        importlib.import_module(name)
    except ImportError as error:  # of an extra that is not installed
        assert "headwater.kinds" not in str(error) or "install" in str(error), (name, error)
        assert type(error).__name__ == "MissingExtra" or "headwater" not in (error.name or ""), (name, error)
"""
WORKS = """
import sys
from headwater.cli import main
from headwater.kinds import KINDS
from kinds.matrix import DOORS, cases
from pathlib import Path

name = sys.argv[1]
(case,) = [case for case in cases() if case.name == name]
for door in ("predict", "show", "store", "ask, teach", "explain", "importance", "notebook", "evaluate", "fleet"):
    to = Path(sys.argv[2]) / door.replace(", ", "-")
    to.mkdir()
    DOORS[door](case, case.taught(), to)
print(*(kind.word for kind in KINDS))
"""


def without(kind: str, folder: Path) -> Path:
    """Return a copy of the package from which a kind's folder, its adapters and its line in the list of kinds are gone."""
    package = folder / "headwater"
    shutil.copytree(PACKAGE, package)  # with what is compiled already, which goes by the times of the sources
    gone = [kind, *(path.removeprefix("kinds/") for path in BESIDE[kind] if path.startswith("kinds/"))]
    for path in [f"kinds/{kind}", *BESIDE[kind]]:
        target = package / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    listed = package / "kinds" / "__init__.py"
    text = listed.read_text(encoding="utf-8")
    for one in filter(lambda one: (PACKAGE / "kinds" / one / "kind.py").exists(), gone):
        text, lines = re.subn(rf'^ +"headwater\.kinds\.{one}\.kind:.+\n', "", text, flags=re.MULTILINE)
        assert lines
    listed.write_text(text, encoding="utf-8")
    return package


def run(folder: Path, code: str, *given: str) -> str:
    paths = os.pathsep.join([str(folder), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, "-c", code, *given],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("kind", BESIDE)
def test_a_kind_can_be_deleted_and_the_rest_works(kind, tmp_path):
    package = without(kind, tmp_path / "src")
    run(package.parent, IMPORTED, str(package))
    (tmp_path / "doors").mkdir()
    other = "anomaly" if kind != "anomaly" else "bandit"
    words = run(package.parent, WORKS, other, str(tmp_path / "doors")).splitlines()[-1].split()
    assert other in words
    assert len(words) == {"classifier_regressor": 5, "private": 8, "bandit": 8}.get(kind, 9)


def test_every_kind_has_its_turn():
    folders = {path.parent.name for path in (PACKAGE / "kinds").glob("*/kind.py")}
    assert set(BESIDE) == folders
