"""Pictures of the chapters 12 to 22: streams, drift, fit, saturation, remedies, explanation, cost, privacy."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.figure import Figure

PICTURES: dict[str, Callable[[], Figure]] = {}
