"""Concept drift detection with `DriftWatch` and its built-in detectors."""

from .watch import DETECTORS, DriftWatch

__all__ = ["DETECTORS", "DriftWatch"]
