"""Concept drift detection with `DriftWatch` and its built-in detectors."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from .watch import DriftWatch

__all__ = ["DETECTORS", "DriftWatch"]

DETECTORS = ("adwin", "page_hinkley", "kswin")
"""Names of the detectors that `DriftWatch` has by itself."""

__getattr__ = lazily(__name__, {".watch": "DriftWatch"})
