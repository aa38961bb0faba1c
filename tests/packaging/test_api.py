"""The public API is what docs/api.txt lists, so that a change of it is seen and meant."""

from __future__ import annotations

import difflib
import inspect
import subprocess
import sys

from tools.docs import api

from headwater.errors._deprecation import deprecated

MEANT = "the public API changed; if that is meant, run `python -m tools.docs.api` and tell it in CHANGELOG.md"


def test_the_public_api_is_what_the_list_says():
    """In a process of its own: a kind that another test declares brings options to the commands."""
    listed = api.LIST.read_text(encoding="utf-8").splitlines()
    program = "from tools.docs import api; print(api.HEAD, *api.lines(), sep='\\n')"
    run = [sys.executable, "-X", "utf8", "-c", program]
    found = subprocess.run(run, cwd=api.ROOT, capture_output=True, encoding="utf-8", check=True).stdout.splitlines()
    assert list(difflib.unified_diff(listed, found, "docs/api.txt", "the code", n=0, lineterm="")) == [], MEANT


def test_the_list_holds_functions_classes_members_commands_and_addresses():
    listed = api.LIST.read_text(encoding="utf-8").splitlines()
    assert "headwater.load(path: str | Path, kind: type[Any] | None = None) -> Any" in listed
    assert "headwater.Classifier.learn_one(x: Mapping[Any, Any], y: Hashable, w: float = 1.0) -> None" in listed
    assert "headwater.Classifier.rejected: dict[str, int]" in listed
    assert "headwater.nn.SGD(lr: float | Schedule = 0.01)" in listed
    assert "POST /predict" in listed
    assert any(line.startswith("$ headwater learn --") and " --target" in line for line in listed)
    assert [line for line in listed if "._" in line.partition("(")[0]] == [], "what begins with _ is private"


def test_a_deprecated_name_keeps_its_line():
    """The list is read from the source, so that a decorator changes no signature."""
    found = next(line for line in api.lines() if line.startswith("headwater.evaluate("))
    marked = deprecated("x", since="1", gone_in="2")(api.reference.importlib.import_module("headwater").evaluate)
    assert api.signed("headwater.evaluate", marked) == found
    assert "headwater.evaluate" in found
    assert inspect.isfunction(marked)
