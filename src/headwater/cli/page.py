"""``--report FILE``: a page about the run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from headwater.cli.options import check_writable
from headwater.errors import MissingExtra

if TYPE_CHECKING:
    from headwater.plot import Report

__all__ = ["PAGE_EVERY", "page_for"]

PAGE_EVERY = 1_000  # rows between two points of the page's curve


def page_for(source: str, path: Path | None) -> Report | None:
    """Return what gathers the page that is to be written to that file, or None without one.

    Raises
    ------
    ConfigError
        When the file can't be written: said now, not after an hour of learning.
    MissingExtra
        When there is nothing to draw with.
    """
    if path is None:
        return None
    check_writable(path, "--report")
    if find_spec("matplotlib") is None:
        raise MissingExtra(package="matplotlib", extra="plot", at="--report")
    from headwater.plot import Report

    return Report(f"headwater learn {source}")
