"""A build with HW_DEBUG looks at places before it uses them: it computes the same bits, and ends where a place is not its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.programs import PROGRAMS, TARGETS, Target, build

DEBUG = Target(TARGETS["gcc"].compiler, ("-O1", "-DHW_DEBUG"), (1,), lacks=TARGETS["gcc"].lacks)
GOLDEN = (Path(__file__).parents[1] / "golden_1000.txt").read_text(encoding="utf-8")
pytestmark = pytest.mark.skipif(bool(DEBUG.lacks), reason=f"{DEBUG.lacks} is not installed")

# What a mistake in the core would do: an entry, or a row of the table, that is none of the learner's.
BROKEN = """
#include "declare.h"
#include "learner.h"

int main(int count, char **given)
{
    declaration a = declare(false, true, 0, 1);
    add_expert(&a, "mse", "sgd", 0.1);
    add_dense(&a, 1, "zeros");
    hw_fault fault;
    int status;
    float p;
    hw_learner *l = hw_make(&PLAIN_MEMORY, a.numbers, a.count, 0, 1, &status, &fault);
    hw_value x = {.column = -1, .kind = HW_NUMBER, .has = HW_HAS_NUMBER, .name = "x", .name_size = 1, .number = 1};
    if (!l || hw_read(l, &x, 1, 1, 0, NULL) < 0 || hw_learn(l, 1, 1, &p) < 0 || hw_read(l, &x, 1, 0, 0, NULL) < 0)
        return 1;
    if (count > 1 && given[1][0] == 's')
        l->entry_slots[0] = 1000;
    if (count > 1 && given[1][0] == 'r')
        l->slots.row[0] = 1000;
    double width;
    if (hw_predict(l, &p, &width) < 0)
        return 1;
    hw_free(l);
    return 0;
}
"""


def test_it_computes_the_same_bits(tmp_path):
    program = build(DEBUG, PROGRAMS / "golden.c", tmp_path)
    done = subprocess.run([str(program), "1", "1", "1000"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == GOLDEN


@pytest.mark.parametrize("broken", ["", "slot", "row"])
def test_it_ends_where_a_place_is_not_its_own(tmp_path, broken):
    (tmp_path / "broken.c").write_text(BROKEN, encoding="utf-8")
    program = build(DEBUG, tmp_path / "broken.c", tmp_path / "built")
    done = subprocess.run([str(program), broken], capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (not broken), done.stderr
    assert ("slot < s->count && s->row[slot] < l->rows does not hold" in done.stderr) == bool(broken)
