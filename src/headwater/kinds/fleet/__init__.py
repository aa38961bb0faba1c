"""Fleets of one small model per key. The members live in `core/learners/fleet.c`."""

from typing import TYPE_CHECKING

from headwater.types import lazily

if TYPE_CHECKING:
    from headwater.kinds.fleet.fleet import Fleet as Fleet  # its public name is headwater.Fleet
    from headwater.kinds.fleet.kinds import ClassifierFleet, RegressorFleet

__all__ = ["ClassifierFleet", "RegressorFleet"]

__getattr__ = lazily(
    __name__,
    {
        ".kinds": "ClassifierFleet Fleet RegressorFleet",  # of which a fleet looks its class up
    },
)
