"""What the package says of itself; ``smoke.py`` beside it builds and tries the wheel, as ``.ci/run`` does."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from tools.build.compiler import ZIG

import headwater

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PROMISED = {"demo", "sklearn", "onnx", "torch", "mlflow", "frames", "dev"}


def test_the_promised_extras_are_there():
    assert set(PROJECT["optional-dependencies"]) >= PROMISED


def test_every_extra_that_an_error_names_exists():
    named = set()
    for path in (ROOT / "src").rglob("*.py"):
        named |= set(re.findall(r"""MissingExtra\([^)]*extra=["'](\w+)["']""", path.read_text(encoding="utf-8")))
    assert named - set(PROJECT["optional-dependencies"]) == set()
    assert {"sklearn", "mlflow", "frames"} <= named


def test_the_version_stands_in_one_place():
    assert headwater.__version__ == importlib.metadata.version("headwater") == PROJECT["version"]


def test_sources_that_are_not_installed_say_that_their_version_is_unknown(monkeypatch):
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("headwater.errors._version.version", missing)
    assert headwater.__version__ == "0+unknown"


def installed(packages: list[str]) -> dict[str, float]:
    """The MB of packages and of all that they require."""
    sizes: dict[str, float] = {}
    while packages:
        name = re.sub(r"[-_.]+", "-", packages.pop()).lower()
        if name in sizes:
            continue
        found = importlib.metadata.distribution(name)
        sizes[name] = sum(file.size or 0 for file in found.files or () if file.suffix != ".pyc") / 1e6
        wanted = [Requirement(line) for line in found.requires or ()]
        packages += [one.name for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
    return sizes


def test_installing_is_light():
    sizes = installed([Requirement(line).name for line in PROJECT["dependencies"]])
    assert sizes.keys().isdisjoint({"river", "scipy", "pandas", "scikit-learn"})
    numpy = sizes.pop("numpy")  # 53 to 58 MB by itself
    own = (
        sum(path.stat().st_size for path in (ROOT / "src").rglob("*") if path.is_file() and path.suffix != ".pyc") / 1e6
    )
    assert sum(sizes.values()) < 15, sizes
    assert own < 10
    assert numpy < 70


def test_types_are_shipped():
    assert (ROOT / "src" / "headwater" / "py.typed").is_file()


def test_modules_of_an_extra_import_without_it():
    rooms = {name: f"headwater.interop.{name}" for name in ("loggers", "mlflow", "sklearn")} | {"nn": "headwater.nn"}
    assert {name: getattr(headwater, name).__name__ for name in rooms} == rooms


def test_the_compiler_from_pypi_is_the_same_everywhere():
    wheels = (ROOT / "tools" / "build" / "wheels" / "wheels.txt").read_text(encoding="utf-8").splitlines()
    asked = [*wheels, *PROJECT["optional-dependencies"]["dev"]]
    assert [name for name in asked if name.startswith("ziglang")] == [ZIG, ZIG]
