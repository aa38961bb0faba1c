"""The recipe for conda-forge asks for what the package asks for, and rattler-build reads and renders it."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest
from tools.build.wheels.conda import RECIPE, recipe

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def read():
    rattler = pytest.importorskip("rattler_build")
    return rattler.Stage0Recipe.from_file(str(RECIPE)).to_dict()


def named(requirements: list[str]) -> dict[str, str]:
    """Versions by package."""
    return {name: versions for name, _, versions in (one.partition(" ") for one in requirements)}


def asked(requirements: list[str]) -> dict[str, str]:
    """The same of Python's way to write them."""
    return {one.partition(">=")[0]: ">=" + one.partition(">=")[2] for one in requirements}


def test_the_recipe_asks_for_what_the_package_asks_for(read):
    project = PROJECT["project"]
    assert named(read["requirements"]["run"]) == {"python": ""} | asked(project["dependencies"])
    built = {"python": "", "pip": ""} | asked(PROJECT["build-system"]["requires"])
    assert named(read["requirements"]["host"]) == built
    assert read["build"]["python"]["entry_points"] == [f"headwater = {project['scripts']['headwater']}"]
    assert (read["about"]["license"], read["about"]["summary"]) == (project["license"], project["description"])


@pytest.mark.parametrize("platform", ["linux-64", "linux-aarch64", "osx-arm64", "win-64"])
def test_it_is_rendered_for_a_machine_with_a_compiler(read, platform):
    rattler = pytest.importorskip("rattler_build")
    variants = {"python": ["3.11.* *_cpython", "3.13.* *_cp313"], "c_stdlib": ["sysroot"], "c_stdlib_version": ["2.17"]}
    config = rattler.RenderConfig(platform=rattler.PlatformConfig(target_platform=platform))
    found = rattler.Stage0Recipe.from_file(str(RECIPE)).render(rattler.VariantConfig(variants), config)
    assert len(found) == 2, "one for each Python"
    assert all(one.recipe.requirements.to_dict()["build"][0].endswith(platform) for one in found)


def test_a_release_fills_in_version_and_digest(tmp_path):
    rattler = pytest.importorskip("rattler_build")
    sdist = tmp_path / "headwater-1.2.3rc1.tar.gz"
    sdist.write_bytes(b"sdist")
    found = rattler.Stage0Recipe.from_yaml(recipe(sdist)).to_dict()["context"]
    assert found == {"version": "1.2.3rc1", "sha256": hashlib.sha256(b"sdist").hexdigest()}
