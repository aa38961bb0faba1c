"""The foreign suites of ``tools/docs/compatibility.py``, for the tests: what the page says and what is tested is one run's way."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

SOURCE = Path(__file__).resolve().parents[2] / "tools" / "docs" / "compatibility.py"


@cache
def compatibility() -> ModuleType:
    """The module that runs the suites and writes the page."""
    spec = importlib.util.spec_from_file_location("compatibility", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def ran(name: str) -> list:
    """What each check of a suite said."""
    (suite,) = [suite for suite in compatibility().SUITES if suite.name == name]
    return compatibility().checks_of(suite)
