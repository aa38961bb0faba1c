"""What belongs to one kind of learners can be taken out of the core: its files are deleted, and the rest compiles and learns."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.programs import CORE, FLAGS

# The files of each folder in kinds/, in the core, and the part that is then left out.
OWN = {
    "agent": (("parts/decisions/agent.c", "parts/decisions/tiles.c", "kernels/kinds/agent.c"), "agent"),
    "anomaly": (("parts/anomaly/anomaly.c", "kernels/kinds/anomaly.c"), "anomaly"),
    "bandit": (("parts/decisions/bandit.c", "parts/decisions/stack.c"), "bandit"),
    "forecaster": (
        tuple(f"parts/series/{name}.c" for name in ("forecast", "least_squares", "ends", "bank", "pool", "widths")),
        "forecast",
    ),
    "private": (("parts/privacy/private.c", "parts/privacy/private.h"), ""),
}
PROGRAM = re.search(r"```c\n(.*?)```", (CORE / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
# A learner of the part that is gone: a bandit has a block of HW_BANDIT numbers, and so on.
REFUSED = """
#include "headwater.h"
#include "declare.h"
int main(void)
{{
    declaration a = declare(false, true, 0, 1);
    add_expert(&a, "mse", "sgd", 0.1);
    add_dense(&a, 1, "zeros");
    const double none[HW_AGENT] = {{0}};
    if ({anomaly})
        a.numbers[HW_D_INTERVALS] = HW_ANOMALY;
    else
        add_block(&a, HW_TAG_{part}, none, {numbers});
    hw_fault fault;
    int status;
    hw_learner *l = hw_make(&PLAIN_MEMORY, a.numbers, a.count, 0, 1, &status, &fault);
    return l || status != HW_BAD_DECLARATION || strcmp(fault.expected, "one that this core has");
}}
"""


def run(*command: object, at: Path) -> str:
    done = subprocess.run([str(one) for one in command], cwd=at, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.skipif(not shutil.which("gcc") or not shutil.which("ar"), reason="gcc or ar is not installed")
@pytest.mark.parametrize("kind", OWN)
def test_the_core_without_a_kind_compiles_and_learns_and_refuses_that_kind(kind, tmp_path):
    files, part = OWN[kind]
    core = tmp_path / "core"
    shutil.copytree(CORE, core)
    for file in files:
        (core / file).unlink()
    without = [f"-DHW_WITHOUT_{part}"] if part else []
    called = [
        "gcc",
        *FLAGS,
        "-O0",
        "-DHW_ONE_LEVEL",
        f"-I{core}",
        f"-I{Path(__file__).parents[1] / 'programs'}",
        *without,
    ]
    for double in (0, 1):
        made = tmp_path / f"kernels{double}.o"
        run(*called, "-DHW_LEVEL=1", f"-DHW_DOUBLE={double}", "-c", core / "kernels.c", "-o", made, at=tmp_path)
    sources = [one for one in core.rglob("*.c") if core / "kernels" not in one.parents and one.name != "kernels.c"]
    run(*called, "-c", *sources, at=tmp_path)
    run("ar", "rcs", "libcore.a", *tmp_path.glob("*.o"), at=tmp_path)
    (tmp_path / "main.c").write_text(PROGRAM, encoding="utf-8")
    run(*called, "main.c", "libcore.a", "-o", "main", at=tmp_path)
    assert abs(float(run("./main", at=tmp_path)) - 16) < 0.05
    if part:
        own = "BANDIT" if kind == "anomaly" else part.upper()
        text = REFUSED.format(part=own, numbers=f"HW_{own}", anomaly=int(kind == "anomaly"))
        (tmp_path / "refused.c").write_text(text, encoding="utf-8")
        run(*called, "refused.c", "libcore.a", "-o", "refused", at=tmp_path)
        run("./refused", at=tmp_path)


def test_every_kind_that_has_a_part_of_the_core_has_its_turn():
    kinds = {path.parent.name for path in (CORE.parent / "src/headwater/kinds").glob("*/kind.py")}
    assert kinds - set(OWN) == {
        "classifier_regressor",
        "multi_output",
        "router",
    }  # what all learners share, and bandits
