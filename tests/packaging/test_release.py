"""A wheel says what it is made of, and two builds that differ are seen."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from tools.build.compiler import find, zig
from tools.build.core import ROOT, SOURCES
from tools.build.extension import PLATFORMS
from tools.build.wheels import release, sbom

import headwater


@pytest.fixture(scope="module")
def windows():
    pytest.importorskip("ziglang")
    return sbom.listed(zig("x86_64-windows-gnu"))


def test_the_list_of_parts_fits_the_schema_of_cyclonedx(windows):
    validation = pytest.importorskip("cyclonedx.validation.json")
    schema = pytest.importorskip("cyclonedx.schema")
    check = validation.JsonStrictValidator(schema.SchemaVersion.V1_6)
    assert check.validate_str(json.dumps(windows)) is None
    assert check.validate_str(json.dumps(windows | {"components": [{"name": "x"}]})) is not None


def test_the_list_names_the_package_its_core_and_what_was_linked(windows):
    about = windows["metadata"]["component"]
    assert (about["name"], about["purl"]) == ("headwater", f"pkg:pypi/headwater@{headwater.__version__}")
    parts = {part["name"]: part for part in windows["components"]}
    assert [*parts] == ["headwater-core", "unicode-character-database", "compiler-rt", "mingw-w64"]
    assert parts["unicode-character-database"]["version"] == "14.0.0"
    assert parts["headwater-core"]["hashes"][0]["content"] == sbom.digest()
    assert [one["name"] for one in windows["metadata"]["tools"]["components"]] == ["ziglang"]


@pytest.mark.skipif(find() is None, reason="no C compiler is installed")
def test_the_same_sources_give_the_same_list_and_other_sources_another(tmp_path, monkeypatch):
    first = sbom.written(find(), tmp_path / "a").read_bytes()
    assert sbom.written(find(), tmp_path / "b").read_bytes() == first
    core = tmp_path / "core" / "parts" / "text"
    core.mkdir(parents=True)
    (core / "unicode.h").write_bytes(sbom.UNICODE.read_bytes())
    monkeypatch.setattr(sbom, "SOURCES", tmp_path / "core")
    assert SOURCES != sbom.SOURCES
    assert sbom.written(find(), tmp_path / "c").read_bytes() != first


def archives(folder: Path, text: str, tar_time: int = 0) -> Path:
    """A folder with a wheel and an sdist that hold one file each."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "a-1-py3-none-any.whl", "w") as wheel:
        wheel.writestr(zipfile.ZipInfo("a.py"), text)
    (folder / "a.py").write_text("same")
    with tarfile.open(folder / "a-1.tar", "w") as sdist:
        one = tarfile.TarInfo("a.py")
        one.mtime = tar_time
        sdist.addfile(one)
    (folder / "a.py").unlink()
    return folder


def test_two_builds_that_differ_are_named_with_the_members_that_do(tmp_path):
    first, same = archives(tmp_path / "1", "x = 1"), archives(tmp_path / "2", "x = 1")
    assert release.differences(first, same) == []
    other = archives(tmp_path / "3", "x = 2", tar_time=5)
    (other / "b.txt").write_text("more")
    assert release.differences(first, other) == [
        "b.txt is in one build alone",
        "a-1-py3-none-any.whl differs: a.py",
        "a-1.tar differs: in how it is packed",
    ]


def test_a_wheel_without_its_list_ends_the_release(tmp_path):
    folder = archives(tmp_path / "1", "x = 1")
    with pytest.raises(SystemExit, match=r"lacks \.dist-info/sboms/headwater\.cdx\.json, \.dist-info/licenses/LICENSE"):
        release.check_contents(folder / "a-1-py3-none-any.whl")


def test_both_builds_see_other_surroundings():
    one, other = release.OTHERWISE
    assert {name for name in one if one[name] != other[name]} == {"TZ", "LC_ALL", "PYTHONHASHSEED"}
    assert len(set(release.UMASKS)) == 2
    assert len(PLATFORMS) == 8


def test_the_files_of_the_project_are_known_without_git(tmp_path):
    """As in an unpacked sdist: what .gitignore names, what was built for pages and the sdist's own notes are left out."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(ROOT / ".gitignore", tmp_path)
    module = "src/headwater/store/web/module/headwater.mjs"
    for name in ("src/a.py", "PKG-INFO", "build/site/index.html", "dist/a.whl", "src/__pycache__/a.pyc", module):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert release.listed(tmp_path) == [".gitignore", "pyproject.toml", "src/a.py"]


def test_a_clone_has_the_files_that_git_knows():
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(release.listed()) == {name for name in said.splitlines() if (ROOT / name).is_file()}


def test_what_comes_with_a_wheel_is_installed_with_the_settings_of_pip(tmp_path, monkeypatch):
    commands = []
    monkeypatch.setattr(release, "run", lambda *command: commands.append([str(one) for one in command]) or "")
    release.licences(Path("a.whl"), tmp_path)
    assert [sys.executable, "-m", "tools.install", str(tmp_path / "licences/bin/python"), "a.whl"] in commands
    assert not any("pip" in command for command in commands)
