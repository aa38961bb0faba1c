"""Concept drift: `DriftWatch`, and the detectors that it knows by name."""

from .watch import DETECTORS, DriftWatch

__all__ = ["DETECTORS", "DriftWatch"]
