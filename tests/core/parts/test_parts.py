"""Parts of the core: a learner carries what it declares, and files that all learners share name no kind."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.programs import CORE, FLAGS, TARGETS

SIZES = """
#include "learner.h"
#include <stdio.h>
int main(void) { printf("%zu", sizeof(hw_learner)); }
"""
PARTS = ("bandit", "agent", "forecast", "recurrent")


def test_a_learner_without_parts_has_at_most_900_bytes(tmp_path: Path) -> None:
    if TARGETS["gcc"].lacks:
        pytest.skip("gcc is not installed")
    (tmp_path / "sizes.c").write_text(SIZES, encoding="utf-8")
    command = [*TARGETS["gcc"].compiler, *FLAGS, f"-I{CORE}", str(tmp_path / "sizes.c"), "-o", str(tmp_path / "sizes")]
    subprocess.run(command, check=True)
    assert int(subprocess.run([tmp_path / "sizes"], capture_output=True, text=True, check=True).stdout) <= 900


def read_alone(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Let a compiler read one file by itself, as an editor does."""
    command = [*TARGETS["gcc"].compiler, *FLAGS, "-Werror", f"-I{CORE}", *options, str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.skipif(bool(TARGETS["gcc"].lacks), reason="gcc is not installed")
def test_each_file_of_the_core_is_read_by_itself() -> None:
    files = sorted(CORE.rglob("*.[ch]"))
    assert len(files) > 80
    with ThreadPoolExecutor(2) as pool:
        said = [done.stderr for done in pool.map(lambda file: read_alone(file, "-fsyntax-only"), files)]
    assert {file.name: words for file, words in zip(files, said, strict=True) if words} == {}


@pytest.mark.skipif(bool(TARGETS["gcc"].lacks), reason="gcc is not installed")
@pytest.mark.parametrize(
    ("file", "function"),
    [("activations.h", "tanh_value"), ("output/losses.h", "loss_and_gradient"), ("optimizers/rules.h", "adam_native")],
)
def test_a_list_that_has_functions_is_read_by_itself_with_them(file: str, function: str) -> None:
    assert f" {function}(" in read_alone(CORE / "kernels" / file, "-E", "-P").stdout


def test_each_part_stands_in_the_table_and_has_a_file_and_a_header() -> None:
    text = (CORE / "parts" / "parts.h").read_text(encoding="utf-8")
    listed = re.findall(r"X\((\w+), ", text.split("#define HW_KINDS_OF_PARTS(X)")[1].split("#define")[0])
    assert listed[:3] == ["cells", "lean", "text"]
    assert len(listed) == 15
    for name in listed:
        file, header = (next((CORE / "parts").rglob(f"{name}.{ending}")) for ending in "ch")
        assert f"const hw_part hw_part_{name} = {{" in file.read_text(encoding="utf-8")
        assert f"#define HW_{name.upper()}_ARRAYS(" in header.read_text(encoding="utf-8")


def test_saving_merging_and_fleets_name_no_kind() -> None:
    for file in ("state/state.c", "state/arrays.c", "learners/fleet.c", "learners/merge.c"):
        text = re.sub(r"/\*.*?\*/", "", (CORE / file).read_text(encoding="utf-8"), flags=re.DOTALL)
        named = [name for name in PARTS if re.search(rf"->{name}\b|HW_PART_{name}|hw_\w*{name}", text)]
        assert named == [], file


def test_freeing_a_learner_names_no_array() -> None:
    body = (CORE / "learner.c").read_text(encoding="utf-8").split("void hw_free(hw_learner *l)\n")[1].split("\n}\n")[0]
    assert len(body.splitlines()) <= 20
    assert "hw_free_arrays(l)" in body
