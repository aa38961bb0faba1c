"""CONTRIBUTING.md's recipe for an activation works: it is carried out in a copy of the source, built, and tested there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools.build.compiler import find

ROOT = Path(__file__).resolve().parents[2]
RECIPE = (
    (ROOT / "CONTRIBUTING.md")
    .read_text(encoding="utf-8")
    .partition("\n## Adding an activation\n")[2]
    .partition("\n## ")[0]
)
CORE = "core/kernels/activations.h"
ROW = "src/headwater/plain/activations.py"
ELSEWHERE = {
    "tests/plain/test_activations.py": "VALUES",
    "tests/oracles/test_torch.py": "ACTIVATIONS",
    "tests/oracles/test_onnx.py": "VECTORS",
}
TRIED = """
import headwater as hw
from headwater import nn
net = nn.Network([nn.Dense(4, "mish"), nn.Dense(1)], inputs=2, seed=1)
net.learn_many([[1.0, 2.0]] * 50, [3.0] * 50)
print(nn.ACTIVATIONS[-1], abs(net.predict([[1.0, 2.0]]).item() - 3.0) < 0.1)
"""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", RECIPE, re.MULTILINE | re.DOTALL)


def put(path: Path, mark: str, text: str) -> None:
    """Put a text before the only place where the mark stands."""
    before = path.read_text(encoding="utf-8")
    assert before.count(mark) == 1, f"{mark!r} in {path.name}"
    path.write_text(before.replace(mark, text + mark), encoding="utf-8")


def carried_out(folder: Path) -> Path:
    """A copy of the source in which the recipe's steps were taken."""
    for name in ("core", "src", "tests", "tools"):
        ignore = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("conftest.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    # The core is built as the recipe says. How fast it is proves nothing here, and GCC takes six times as long to make it fast.
    compiler = folder / "tools/build/compiler.py"
    compiler.write_text(compiler.read_text(encoding="utf-8").replace('"-O3"', '"-O0"', 1), encoding="utf-8")
    (code,) = blocks("c")
    row, lines = blocks("python")
    last = re.search(
        r"#define HW_ACTIVATIONS\(X\).*?(X\(\w+\))\n", (ROOT / CORE).read_text(encoding="utf-8"), re.DOTALL
    )[1]
    listed = re.search(r"row\.name: row for row in \(.*?(\w+)\)\n", (ROOT / ROW).read_text(encoding="utf-8"))[1]
    core, rows = folder / CORE, folder / ROW
    core.write_text(core.read_text(encoding="utf-8").replace(f"{last}\n", f"{last} X(mish)\n", 1), encoding="utf-8")
    put(core, "#define HW_LOOPS(name)", code + "\n")
    rows.write_text(
        rows.read_text(encoding="utf-8").replace(f" {listed})\n", f" {listed}, MISH)\n", 1), encoding="utf-8"
    )
    put(rows, "ACTIVATIONS: dict[str, ActivationRow] = {", row + "\n")
    for (path, name), line in zip(ELSEWHERE.items(), lines.splitlines(keepends=True), strict=True):
        assert f"`{name}` of" in re.sub(r"\s+", " ", RECIPE)
        before = (folder / path).read_text(encoding="utf-8")
        (folder / path).write_text(re.sub(rf"^({name} = {{.*\n)", rf"\g<1>{line}", before, count=1, flags=re.MULTILINE))
    return folder


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_recipe_links_to_every_file_it_changes_and_no_other():
    linked = set(re.findall(r"\]\(((?:core|src|tests)/[^)]*\.(?:h|c|py))\)", RECIPE))
    assert linked == {CORE, "core/elementary.h", ROW, *ELSEWHERE}


@pytest.mark.skipif(find() is None, reason="no C compiler: the copy's core can't be built")
def test_an_activation_added_by_the_recipe_passes_the_tests_that_the_recipe_names(tmp_path):
    folder = carried_out(tmp_path)
    build, tests = (line.removeprefix(".venv/bin/").split() for line in blocks("sh")[0].splitlines())
    run(folder, *build[1:])
    assert run(folder, "-c", TRIED).split() == ["mish", "True"]
    said = run(folder, "-m", *tests, "-q", "-p", "no:cacheprovider", "--no-header")
    assert int(re.search(r"(\d+) passed", said)[1]) > 20
    said = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", ROW, "tests/plain/test_activations.py")
    assert "failed" not in said
