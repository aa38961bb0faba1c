"""Pictures of the chapters 4 to 11 that show a loss and the way down: curves, surfaces, paths."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

PICTURES: dict[str, Callable[[], Figure]] = {}
