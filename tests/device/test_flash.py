"""Saving: wherever the power fails, a whole state is found."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from tools.build.compiler import find

from headwater.interop.device import export_device

from .models import taught

COMPILER = find()


@pytest.mark.skipif(COMPILER is None, reason="there is no C compiler here")
@pytest.mark.parametrize(("name", "step"), [("linear", 1), ("anomalies", 179)])
def test_a_save_that_is_cut_at_any_byte_leaves_a_whole_state(name, step, tmp_path):
    sizes = export_device(taught(name), tmp_path)
    sources = (Path(__file__).with_name("cuts.c"), tmp_path / "headwater.c", tmp_path / "model.c")
    COMPILER.run("-std=c11", "-O1", f"-DSTEP={step}", f"-I{tmp_path}", *sources, "-lm", "-o", tmp_path / "cuts")
    done = subprocess.run([tmp_path / "cuts"], capture_output=True, text=True, check=False)
    found = re.fullmatch(r"(\d+) cuts: (\d+) found the state before, (\d+) the new one\n", done.stdout)
    assert found is not None, done.stdout
    assert -(-2 * sizes["flash"] // step) >= int(found[1]) > 1000
    assert name != "linear" or int(found[1]) == 2 * sizes["flash"]
    assert int(found[3]) < 2  # only the last byte of all completes a save
