"""The same bits everywhere: each case of golden.c after 10,000 rows, by every compiler and level of this machine; other machines after 1,000."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.programs import CORE, PROGRAMS, TARGETS, build, together

GOLDEN = Path(__file__).with_name("golden.txt").read_text(encoding="utf-8")
EMULATED = Path(__file__).with_name("golden_1000.txt").read_text(encoding="utf-8")
"""After 1,000 rows, because an emulated machine is twenty times slower, and WebAssembly nearly twice as slow as this machine."""
NATIVE = [("gcc", 1, 3), ("gcc", 3, 4), ("gcc", 4, 1), ("clang", 1, 4), ("clang", 3, 1)]
"""The compiler, the level to begin at, and the one to go on at from the middle: a saved learner may change its machine."""

Built = Callable[[str], Path]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Builds the program for a target once; skips, and says why, where something is missing."""
    made: dict[str, Path] = {}

    def program(name: str) -> Path:
        target = TARGETS[name]
        if target.lacks:
            pytest.skip(f"{target.lacks} is not installed")
        if name not in made:
            made[name] = build(target, PROGRAMS / "golden.c", tmp_path_factory.mktemp(name) / "built")
        return made[name]

    return program


def differing(printed: str, expected: str = GOLDEN) -> list[str]:
    """The cases whose digest is not the golden one, in order; those that are missing too."""
    found = dict(line.split() for line in printed.splitlines())
    golden = dict(line.split() for line in expected.splitlines())
    return [name for name in golden | found if golden.get(name) != found.get(name)]


@pytest.mark.parametrize(("compiler", "first", "second"), NATIVE)
def test_bits_are_the_same_on_every_level_and_a_learner_can_change_it(
    built: Built, compiler: str, first: int, second: int
) -> None:
    command = [str(built(compiler)), str(first), str(second)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    assert differing(done.stdout) == []


@pytest.mark.parametrize("machine", ["aarch64", "wasm"])
def test_bits_are_the_same_on_other_machines(built: Built, machine: str) -> None:
    program = built(machine)
    parts = [[*TARGETS[machine].runner, str(program), "1", "1", "1000", str(part), "2"] for part in range(2)]
    assert differing("".join(together(parts, program.parent)), EMULATED) == []


def test_every_name_of_the_core_has_a_golden_case() -> None:
    cases = {name.split("/")[1] for name in GOLDEN.split()[::2] if "/" in name}
    missing = []
    for file, define in (
        ("kernels/activations.h", "HW_ACTIVATIONS(X)"),
        ("kernels/output/losses.h", "HW_LOSSES(X)"),
        ("kernels/optimizers/rules.h", "HW_RULES(X)"),
        ("learner.h", "HW_SCHEDULES(X)"),
        ("learner.h", "HW_INITIALIZERS(X)"),
    ):
        text = (CORE / file).read_text(encoding="utf-8")
        rows = text.split(define, 1)[1].split("\n#", 1)[0].split("\nenum", 1)[0]
        names = [row.split(")")[0].split(",")[0] for row in rows.split("X(")[1:]]
        assert len(names) > 3
        missing += [name for name in names if name not in cases]
    assert missing == []
