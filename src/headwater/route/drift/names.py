"""Names of the drift detectors, for options that don't load them."""

from __future__ import annotations

__all__ = ["DETECTORS"]

DETECTORS = ("adwin", "page_hinkley", "kswin")
