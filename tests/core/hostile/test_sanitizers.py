"""AddressSanitizer and UndefinedBehaviorSanitizer watch the golden cases, random calls of the whole header, and a lack of memory."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.programs import PROGRAMS, TARGETS, build

CHECKS = ("-O1", "-g", "-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all")
LEVELS = TARGETS["gcc"].levels
FRAMES = "detect_leaks=1:detect_stack_use_after_return=0"
"""Frames stay on the stack: in those that outlive a call GCC puts vectors of 64 bytes at multiples of 32, and traps there (bug 110027)."""

Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Builds a program with checks once, and runs it: what it printed."""
    target = dataclasses.replace(TARGETS["gcc"], flags=CHECKS)
    if target.lacks:
        pytest.skip(f"{target.lacks} is not installed")
    made: dict[str, Path] = {}
    folder = tmp_path_factory.mktemp("checked")
    for program in ("golden", "stress", "fleet"):
        objects = [path for at in made.values() for path in (at.parent / "objects").glob("*.o")]
        made[program] = build(target, PROGRAMS / f"{program}.c", folder / program, objects)

    def run(program: str, *arguments: object) -> str:
        options = {"ASAN_OPTIONS": FRAMES, "UBSAN_OPTIONS": "print_stacktrace=1"}
        command = [str(made[program]), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | options)
        if done.returncode == 3:
            pytest.skip(done.stderr.strip())
        assert done.returncode == 0, done.stderr[-6000:]
        return done.stdout

    return run


@pytest.mark.parametrize("level", LEVELS)
def test_every_golden_case_touches_only_what_is_its_own(run: Run, level: int) -> None:
    golden = (PROGRAMS.parent / "golden.txt").read_text(encoding="utf-8").split()[::2]
    assert run("golden", level, LEVELS[0], 200).split()[::2] == golden


def test_no_order_of_calls_and_no_argument_does_harm(run: Run) -> None:
    assert run("stress", "calls", 0, 120).startswith("120 learners")


def test_a_lack_of_memory_is_an_error_and_leaves_nothing_behind(run: Run) -> None:
    assert int(run("stress", "memory", 40).split()[0]) > 1000


def test_members_of_fleets_that_leave_move_and_go_are_the_learners_that_they_would_be_alone(run: Run) -> None:
    undisturbed = run("fleet")
    assert len(set(undisturbed.split()[-1::-2])) >= 4
    assert run("fleet", "starve") == undisturbed, "memory that is refused now and then changes no bit"
