"""What core/README.md shows compiles as it says, and prints what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.programs import CORE

TEXT = (CORE / "README.md").read_text(encoding="utf-8")


def test_the_program_of_the_readme_compiles_with_its_commands_and_learns(tmp_path: Path) -> None:
    if not shutil.which("cc"):
        pytest.skip("cc is not installed")
    program, commands = (re.search(rf"```{kind}\n(.*?)```", TEXT, re.DOTALL)[1] for kind in ("c", "sh"))
    (tmp_path / "main.c").write_text(program, encoding="utf-8")
    (tmp_path / "core").symlink_to(CORE)
    commands = commands.replace("find core ", "find core/ ").replace("-O2", "-O0")
    done = subprocess.run(["sh", "-ec", commands], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert abs(float(done.stdout) - 16) < 0.05


def test_the_program_of_the_readme_has_no_more_than_thirty_lines_of_its_own() -> None:
    program = re.search(r"```c\n(.*?)```", TEXT, re.DOTALL)[1]
    assert len([line for line in program.splitlines() if line.strip() not in ("", "{", "}")]) <= 30
    assert len(TEXT.splitlines()) <= 80


def test_every_file_that_the_readme_names_is_there() -> None:
    named = re.findall(r"`([\w/]+(?:\.[ch])?/?)`", TEXT)
    files = [name for name in named if "." in name or "/" in name]
    assert len(files) > 10
    assert [name for name in files if name != "main.c" and not (CORE / name).exists()] == []
