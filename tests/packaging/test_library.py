"""``libheadwater`` is built by one command, and a program in C finds it by pkg-config alone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tools.build import library

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = re.search(r"```c\n(.*?)```", (ROOT / "core" / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not all(map(shutil.which, ("cc", "ar", "nm", "pkg-config"))),
    reason="cc, ar, nm or pkg-config is not installed",
)


def said(*command: object, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def prefix(tmp_path_factory) -> Path:
    """A folder into which the command has installed the library."""
    made = tmp_path_factory.mktemp("installed")
    assert said(sys.executable, "-m", "tools.build.library", made, PYTHONPATH=str(ROOT)).strip() == str(made)
    return made


@pytest.fixture
def asked(prefix):
    """Ask pkg-config of the library."""
    return lambda *what: said(
        "pkg-config", *what, "headwater", PKG_CONFIG_PATH=str(prefix / "lib" / "pkgconfig")
    ).split()


def test_pkg_config_knows_its_version_and_where_it_lies(prefix, asked):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert asked("--modversion") == [version]
    (include,) = asked("--cflags")
    assert (Path(include.removeprefix("-I")) / "headwater.h").resolve() == (
        prefix / "include" / "headwater.h"
    ).resolve()


@pytest.mark.parametrize("static", [False, True])
def test_the_program_of_the_readme_runs_with_it(prefix, asked, tmp_path, static):
    (tmp_path / "main.c").write_text(PROGRAM, encoding="utf-8")
    libraries = ["-l:libheadwater.a" if static and one == "-lheadwater" else one for one in asked("--libs")]
    said("cc", "-std=c11", *asked("--cflags"), tmp_path / "main.c", *libraries, "-o", tmp_path / "main")
    found = {} if static else {"LD_LIBRARY_PATH": str(prefix / "lib")}
    assert abs(float(said(tmp_path / "main", **found)) - 16) < 0.05


def test_the_shared_library_is_versioned_and_offers_what_the_header_declares(prefix):
    made = prefix / "lib" / f"libheadwater.so.{library.INTERFACE}"
    assert (prefix / "lib" / "libheadwater.so").resolve() == made.resolve()
    assert f"[{made.name}]" in said("readelf", "-d", made)
    offered = [line.split()[-1] for line in said("nm", "-D", "--defined-only", made).splitlines()]
    names, versions = zip(*(name.partition("@@")[::2] for name in offered if "@@" in name), strict=True)
    assert sorted(names) == library.functions()
    assert set(versions) == {f"HEADWATER_{library.INTERFACE}"}
