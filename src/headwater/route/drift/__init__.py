"""Concept drift detection with `DriftWatch` and its built-in detectors."""

from typing import TYPE_CHECKING

from headwater.route.drift.names import DETECTORS
from headwater.types import lazily

if TYPE_CHECKING:
    from .watch import DriftWatch

__all__ = ["DETECTORS", "DriftWatch"]

__getattr__ = lazily(__name__, {".watch": "DriftWatch"})
