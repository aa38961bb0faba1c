"""MicroPython: the module learns to the bits of this machine, in the unix port. HEADWATER_MICROPYTHON names its sources (1.25)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from headwater.interop.device import digest, export_device, take_back

from .models import COLUMNS, later, learn, taught

SOURCES = os.environ.get("HEADWATER_MICROPYTHON")
OFF = ("FFI", "BTREE", "SSL", "BLUETOOTH")
PROGRAM = """
import headwater
X, Y = {rows}
model = headwater.load()
for x, y in zip(X[:40], Y[:40]):
    model.learn_one(x, y)
saved = model.to_bytes()
headwater.load()
model = headwater.load(saved)
for x, y in zip(X[40:], Y[40:]):
    model.learn_one(x, y)
shares = model.predict_proba_one(X[0])
why = model.explain_one(X[0], model.predict_one(X[0]))
print([why[name] for name in sorted(why)])
print(model.digest(), model.predict_one(X[0]), sorted(shares), round(sum(shares.values()), 5))
for wrong in (lambda: model.learn_one({{"other": 1}}, Y[0]), lambda: model.learn_one(X[0], "other"), lambda: headwater.load(b"1")):
    try:
        wrong()
    except ValueError as error:
        print(error)
open("saved", "wb").write(model.to_bytes())
"""


@pytest.mark.skipif(
    not (SOURCES and shutil.which("make") and shutil.which("gcc")), reason="HEADWATER_MICROPYTHON is not set"
)
def test_a_model_learns_in_micropython_to_the_bits_of_this_machine(tmp_path):
    model = taught("net")
    export_device(model, tmp_path / "model", explain=True)
    x, y = later("net", 60)
    build = ["make", "-C", Path(SOURCES) / "ports" / "unix", f"BUILD={tmp_path / 'build'}", "FROZEN_MANIFEST="]
    build += [
        f"USER_C_MODULES={tmp_path / 'model'}",
        *(f"MICROPY_PY_{name}=0" for name in OFF),
        "MICROPY_SSL_MBEDTLS=0",
    ]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (tmp_path / "program.py").write_text(PROGRAM.format(rows=(x, y)), "utf-8")
    command = [tmp_path / "build" / "micropython", "program.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    learn(model, x, y)
    why, here = said.pop(0), model.explain_one(x[0]).contributions
    assert json.loads(why) == pytest.approx([here.get(name, 0.0) for name in sorted(COLUMNS)], abs=1e-5)
    assert said == [
        f"{digest(model)} {model.predict_one(x[0])} {sorted(model.classes)} 1.0",
        "expected columns that the model has learned, got another name",
        "expected a class that the model has learned",
        "expected what to_bytes() of this very export returned",
    ]
    assert digest(take_back(taught("net"), (tmp_path / "saved").read_bytes())) == digest(model)
