"""``python -OO`` strips docstrings and asserts; everything works without them."""

from __future__ import annotations

import subprocess
import sys

IMPORTED = """
import importlib, pkgutil, headwater
for module in pkgutil.walk_packages(headwater.__path__, "headwater."):
    if not module.name.endswith("__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError:  # of an extra that is not installed
            pass
"""
LEARNED = """
import headwater as hw
model = hw.Classifier()
model.learn_one({"a": 1.0}, "x")
print(model.predict_one({"a": 1.0}))
"""


def run(code: str) -> tuple[str, str]:
    done = subprocess.run([sys.executable, "-OO", "-c", code], capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def test_every_module_is_imported_without_docstrings():
    assert run(IMPORTED) == ("", "")


def test_a_learner_learns_without_docstrings():
    assert run(LEARNED) == ("x\n", "")
