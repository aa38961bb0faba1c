"""Nobody else knows a kind: its folder is deleted with its adapters, and the rest imports, learns, keeps, serves and commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from headwater.kinds import KINDS
from kinds.matrix import DOORS

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
}  # fmt: skip
FOLDERS = sorted(path.parent.name for path in (PACKAGE / "kinds").glob("*/kind.py"))
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
import json, sys, warnings
from pathlib import Path
from headwater.kinds import KINDS
from kinds.matrix import DOORS, cases, cell
from kinds.test_matrix import OPEN

warnings.simplefilter("ignore")
to, slow = Path(sys.argv[1]), sys.argv[2:]
own = {kind.word: kind for kind in KINDS}
found, wrong = {}, []
for i, case in enumerate(case for case in cases() if case.name in own):
    doors = [door for door in DOORS if door not in slow or i == 0]
    found[case.name] = {door: cell(case, door, to / f"{i}-{j}") for j, door in enumerate(doors)}
    for door, said in found[case.name].items():
        if not said.startswith("ok" if case.name in OPEN[door] else "refused: "):
            wrong.append((case.name, door, said))
print(json.dumps({"words": list(own), "cells": sum(map(len, found.values())), "wrong": wrong}))
"""
SLOW_DOORS = ["report", "mlflow"]
"""Doors of half a second and more, through which one kind goes each time."""
GENERIC = [
    "tests/test_types.py",
    "tests/cli/test_options.py",
    "tests/streams/test_target.py",
    "tests/kinds/test_count.py",
]
"""Tests of rooms that no kind is named in. The last two name classifiers, too: `test_count` walks a stranger's kind through every door."""


def without(kind: str, folder: Path) -> Path:
    """Return a copy of the package from which a kind's folder, its adapters and its line in the list of kinds are gone."""
    package = folder / "headwater"
    shutil.copytree(PACKAGE, package)  # with what is compiled already, which goes by the times of the sources
    gone = [kind, *(path.removeprefix("kinds/") for path in BESIDE.get(kind, []) if path.startswith("kinds/"))]
    for path in [f"kinds/{kind}", *BESIDE.get(kind, [])]:
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


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_kind_can_be_deleted_and_the_rest_works(kind, tmp_path):
    """Each cell of the matrix of every other kind opens, or is refused, as it is with all kinds."""
    package = without(kind, tmp_path / "src")
    run(package.parent, IMPORTED, str(package))
    (tmp_path / "doors").mkdir()
    found = json.loads(run(package.parent, WORKS, str(tmp_path / "doors"), *SLOW_DOORS).splitlines()[-1])
    assert found["wrong"] == []
    assert len(KINDS) - len(found["words"]) == {"classifier_regressor": 5, "private": 2, "bandit": 2}.get(kind, 1)
    assert found["cells"] == len(found["words"]) * (len(DOORS) - len(SLOW_DOORS)) + len(SLOW_DOORS)


@pytest.mark.parametrize("kind", FOLDERS)
def test_generic_rooms_pass_their_own_tests_without_a_kind(kind, tmp_path):
    folder = without(kind, tmp_path / "src").parent
    named = GENERIC[:2] if kind == "classifier_regressor" else GENERIC
    paths = os.pathsep.join(str(path) for path in (folder, ROOT / "tests", ROOT / "tools/docs", ROOT))
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "not mlflow and not command", *named]
    done = subprocess.run(
        [*tests, "-o", "addopts=--import-mode=importlib"],
        env={**os.environ, "PYTHONPATH": paths},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 10


def test_every_kind_has_its_turn():
    """Each kind of the list, and each folder that has something beside it."""
    assert {kind.learner.path.split(".")[2] for kind in KINDS} == set(FOLDERS) >= set(BESIDE)
