"""MicroPython: models learn to the bits of this machine, in the unix port. HEADWATER_MICROPYTHON names its sources (from 1.25 on).

.ci/run takes them from the packages of Debian. A model is a module of the port, so the port is linked for each.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from headwater.interop.device import digest, export_device, take_back

from .models import COLUMNS, later, learn, taught

SOURCES = os.environ.get("HEADWATER_MICROPYTHON")
OFF = ("FFI", "BTREE", "SSL", "BLUETOOTH")
ROWS = 60
LEARNS = {"net": "model.learn_one(x, y)", "anomalies": "model.learn_one(x)", "series": "model.learn_one(y, x)"}
SAYS = {
    "net": """
why = model.explain_one(X[0], model.predict_one(X[0]))
shares = model.predict_proba_one(X[0])
print([why[name] for name in sorted(why)])
print(model.predict_one(X[0]), sorted(shares), round(sum(shares.values()), 5))
said(lambda: model.learn_one({"other": 1}, Y[0]))
said(lambda: model.learn_one(X[0], "other"))
said(lambda: model.learn_one(X[0], Y[0], -1))""",
    "anomalies": """
print([model.score_one(x) for x in X[:5]])
said(lambda: model.learn_one({"other": 1}))
said(lambda: model.score_one({"x": "text"}))""",
    "series": """
print(model.forecast(2, X[:2]))
print(model.forecast())
said(lambda: model.learn_one(1.0, {"other": 1}))
said(lambda: model.forecast(3))""",
}
PROGRAM = """
import headwater, struct
X, Y = {rows}
X = [{{name: struct.unpack("<d", x[name])[0] for name in x}} for x in X]  # it reads 17 digits to the last bit but one
def said(wrong):
    try:
        wrong()
    except (ValueError, TypeError) as error:
        print(error)
model = headwater.load()
for x, y in zip(X[:40], Y[:40]):
    {learns}
saved = model.to_bytes()
headwater.load()
model = headwater.load(saved)
for x, y in zip(X[40:], Y[40:]):
    {learns}
{says}
said(lambda: headwater.load(b"1"))
print(model.digest())
open("saved", "wb").write(model.to_bytes())
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    """Where the port is built: once, since it knows the names of all models from the first on, and then a model's own files."""
    folder = tmp_path_factory.mktemp("port")
    words = set()
    for name in LEARNS:
        export_device(taught(name), folder / name, explain=name == "net")
        for file in (folder / name / "micropython_module").glob("*.[ch]"):
            words |= {*re.findall(r"\bMP_QSTR_\w+", file.read_text("utf-8"))}
    listed = ", ".join(sorted(words))
    (folder / "names.c").write_text(f'#include "py/obj.h"\nconst qstr names_of_all[] = {{{listed}}};\n', "utf-8")
    return folder


def in_micropython(name, port, folder):
    """Return what a program says in a port that has the model, and a model that has learned the same rows."""
    model = taught(name)
    export_device(model, port / "model", explain=name == "net")
    made = port / "model" / "micropython_module"
    shutil.copy2(port / "names.c", made)
    with (made / "micropython.mk").open("a", encoding="utf-8") as makefile:
        makefile.write("SRC_USERMOD_C += $(HEADWATER)/names.c\n")
    build = ["make", "-C", Path(SOURCES) / "ports" / "unix", f"BUILD={port / 'build'}", "FROZEN_MANIFEST="]
    for header in ("qstrdefs.generated.h", "compressed.data.h"):  # all of the port depends on them
        if (kept := port / "build" / "genhdr" / header).exists():
            build += ["-o", kept]
    build += [f"USER_C_MODULES={port / 'model'}", *(f"MICROPY_PY_{part}=0" for part in OFF), "MICROPY_SSL_MBEDTLS=0"]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    x, y = later(name, ROWS)
    packed = [{column: struct.pack("<d", value) for column, value in row.items()} for row in x]
    (folder / "program.py").write_text(PROGRAM.format(rows=(packed, y), learns=LEARNS[name], says=SAYS[name]), "utf-8")
    command = [port / "build" / "micropython", "program.py"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.splitlines()
    learn(model, x, y)
    return said, model


@pytest.mark.skipif(
    not (SOURCES and shutil.which("make") and shutil.which("gcc")), reason="HEADWATER_MICROPYTHON is not set"
)
@pytest.mark.parametrize("name", LEARNS)
def test_a_model_learns_in_micropython_to_the_bits_of_this_machine(name, port, tmp_path):
    said, model = in_micropython(name, port, tmp_path)
    x = later(name, ROWS)[0]
    assert said.pop() == str(digest(model))
    assert said.pop() == "expected what to_bytes() of this very export returned"
    assert digest(take_back(taught(name), (tmp_path / "saved").read_bytes())) == digest(model)
    if name == "net":
        why, here = said.pop(0), model.explain_one(x[0]).contributions
        assert json.loads(why) == pytest.approx([here.get(column, 0.0) for column in sorted(COLUMNS)], abs=1e-5)
        assert said == [
            f"{model.predict_one(x[0])} {sorted(model.classes)} 1.0",
            "expected columns that the model has learned, got another name",
            "expected a class that the model has learned",
            "expected a finite number as label, and a weight of 0 or more",
        ]
    elif name == "anomalies":
        assert json.loads(said[0]) == pytest.approx([model.score_one(row) for row in x[:5]], abs=1e-6)
        assert said[1:] == [
            "expected columns that the model has learned, got another name",
            "can't convert str to float",
        ]
    else:
        assert json.loads(said[0]) == pytest.approx(model.forecast(2, x[:2]), rel=1e-6)
        assert json.loads(said[1]) == pytest.approx(model.forecast(), rel=1e-6)
        assert said[2:] == [
            "expected columns that the model has learned, got another name",
            "the model can't do this",
        ]
