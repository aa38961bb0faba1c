"""Packages that take much memory and that few tests need: imported when a test uses them, not when tests are collected.

Each worker of a run collects all tests, so what a file imports is held by all of them to the end.
"""

from __future__ import annotations

import importlib
import importlib.util
import warnings
from typing import Any

import pytest


class WhenUsed:
    """A module that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith(("_", "pytest")):  # pytest asks this of everything that it finds in a file
            raise AttributeError(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a package warns of while it is imported is its own affair
            module = importlib.import_module(self._name)
        return getattr(module, name)


def when_used(name: str, *, reason: str = "") -> Any:
    """Return a module to be imported when it is used; where it is not installed, skip the file that asks for it."""
    package = name.partition(".")[0]
    if importlib.util.find_spec(package) is None:
        pytest.skip(reason or f"{package} is not installed", allow_module_level=True)
    return WhenUsed(name)
