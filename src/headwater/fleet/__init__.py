"""Fleets of one small model per key. The members live in `core/learners/fleet.c`."""

from .fleet import Fleet as Fleet  # its public name is headwater.Fleet
from .kinds import ClassifierFleet, RegressorFleet

__all__ = ["ClassifierFleet", "RegressorFleet"]
