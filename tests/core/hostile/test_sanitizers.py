"""AddressSanitizer and UndefinedBehaviorSanitizer watch the golden cases, random calls of the whole header, and a lack of memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable

import pytest

from support.programs import PROGRAMS, SANITIZED, SANITIZER_OPTIONS, build

LEVELS = SANITIZED.levels

Run = Callable[..., str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Builds a program with checks once, and runs it: what it printed."""
    if SANITIZED.lacks:
        pytest.skip(f"{SANITIZED.lacks} is not installed")
    folder = tmp_path_factory.mktemp("checked")
    made = {name: build(SANITIZED, PROGRAMS / f"{name}.c", folder / name) for name in ("golden", "stress", "fleet")}

    def run(program: str, *arguments: object) -> str:
        command = [str(made[program]), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | SANITIZER_OPTIONS)
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
