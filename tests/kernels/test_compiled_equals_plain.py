"""Third proof: the compiled kernels and the same source as plain Python give the same arrays."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from headwater.kernels._jit import JIT
from runs import runs

SRC, SCRIPT = Path(__file__).resolve().parents[2] / "src", Path(__file__).resolve().parents[1] / "runs.py"
# Compiled code may round a product and a sum once instead of twice and adds long sums in another order; both
# grow over the 24 rows and 6 mini-batches of a run, and Adam's family divides by small roots. Plain float32 goes
# through float64 in math.exp.
TOLERANCE = {"float64": 1e-13, "float32": 1e-5}


pytestmark = pytest.mark.skipif(not JIT, reason="HEADWATER_JIT=0: there is nothing compiled to compare with")


def test_compiled_equals_plain_python_on_every_op_loss_rule_and_path(tmp_path):
    environment = {**os.environ, "HEADWATER_JIT": "0", "PYTHONPATH": str(SRC)}
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), str(tmp_path / "plain.npz")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    compiled = runs()

    with np.load(tmp_path / "plain.npz", allow_pickle=False) as plain:
        assert set(plain.files) == set(compiled)
        worst = {name: difference(compiled[name], plain[name]) for name in plain.files}
    assert {name: error for name, error in worst.items() if error > TOLERANCE[name.split()[0]]} == {}
    # Counts and random numbers are whole numbers: they agree exactly.
    assert all(error == 0 for name, error in worst.items() if name.endswith((" 8", " 9")))


def difference(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(float) - b.astype(float)).max(initial=0) / max(1.0, np.abs(b).max(initial=0)))


def test_without_jit_numba_is_not_even_imported():
    code = "import sys, headwater.nn; print('numba' in sys.modules)"
    environment = {**os.environ, "HEADWATER_JIT": "0", "PYTHONPATH": str(SRC)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
