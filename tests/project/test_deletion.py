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
to, turns = Path(sys.argv[2]), json.loads(sys.argv[3])
own = {kind.word: kind for kind in KINDS}
found, wrong = {}, []
for i, case in enumerate(case for case in cases() if case.name in own):
    doors = [door for door in DOORS if case.name in turns.get(door, own)]
    found[case.name] = {door: cell(case, door, to / f"{i}-{j}") for j, door in enumerate(doors)}
    for door, said in found[case.name].items():
        if not said.startswith("ok" if case.name in OPEN[door] else "refused: "):
            wrong.append((case.name, door, said))
print(json.dumps({"cells": [[name, door] for name in found for door in found[name]], "wrong": wrong}))
"""
SLOW_DOORS = ["notebook", "cluster", "plot", "report"]
"""Doors of half a second and more, mostly of drawing: one or two kinds go through each at a deletion, and over all deletions every kind."""
GENERIC = [
    "tests/test_types.py",
    "tests/cli/test_options.py",
    "tests/streams/test_target.py",
    "tests/kinds/test_count.py",
]
"""Tests of rooms that no kind is named in. The last two name classifiers, too: `test_count` walks a stranger's kind through every door."""


def gone_with(folder: str) -> list[str]:
    """Return the folders of kinds that are deleted with a kind's folder, itself among them."""
    return [folder, *(path.removeprefix("kinds/") for path in BESIDE.get(folder, []) if path.startswith("kinds/"))]


def words_without(folder: str) -> list[str]:
    """Return the words of the kinds that are left where a kind's folder is deleted."""
    gone = gone_with(folder)
    return [kind.word for kind in KINDS if kind.learner.path.split(".")[2] not in gone]


def turns_at(folder: str) -> dict[str, list[str]]:
    """Return which kinds go through each slow door when a folder is deleted: those that have not been through it at deletions before."""
    found = {}
    for n, door in enumerate(SLOW_DOORS):
        words = [kind.word for kind in KINDS]
        waiting = words[n:] + words[:n]  # so that the same kind does not go through all of them
        for one in FOLDERS[: FOLDERS.index(folder) + 1]:
            left = words_without(one)
            found[door] = [word for word in waiting if word in left][:2] or [left[n]]
            waiting = [word for word in waiting if word not in found[door]]
    return found


def without(kind: str, folder: Path) -> Path:
    """Return a copy of the package from which a kind's folder, its adapters and its line in the list of kinds are gone."""
    package = folder / "headwater"
    shutil.copytree(PACKAGE, package)  # with what is compiled already, which goes by the times of the sources
    for path in [f"kinds/{kind}", *BESIDE.get(kind, [])]:
        target = package / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    listed = package / "kinds" / "__init__.py"
    text = listed.read_text(encoding="utf-8")
    for one in filter(lambda one: (PACKAGE / "kinds" / one / "kind.py").exists(), gone_with(kind)):
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
    package, turns, left = without(kind, tmp_path / "src"), turns_at(kind), words_without(kind)
    (tmp_path / "doors").mkdir()
    # The rest is imported after the doors were walked: each has imported what it needs by then.
    found = json.loads(
        run(package.parent, WORKS + IMPORTED, str(package), str(tmp_path / "doors"), json.dumps(turns)).splitlines()[-1]
    )
    assert found["wrong"] == []
    assert len(KINDS) - len(left) == {"classifier_regressor": 5, "private": 2, "bandit": 2}.get(kind, 1)
    assert sorted(map(tuple, found["cells"])) == sorted(
        (word, door) for word in left for door in DOORS if word in turns.get(door, left)
    )


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


@pytest.mark.parametrize("door", SLOW_DOORS)
def test_every_kind_goes_through_a_slow_door_at_some_deletion_and_some_kind_at_every_deletion(door):
    at = [turns_at(folder)[door] for folder in FOLDERS]
    assert all(at)
    assert {word for words in at for word in words} == {kind.word for kind in KINDS}
