"""4 LEARN, many at once: one small model a key behind one face. `core/learners/fleet.c` holds the members."""

from .fleet import Fleet as Fleet  # its public name is headwater.Fleet
from .kinds import ClassifierFleet, RegressorFleet

__all__ = ["ClassifierFleet", "RegressorFleet"]
