"""Serialize learners that take turns: each as in its own file, under a prefix, beside their ages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from headwater.errors import ConfigError
from headwater.learner.expiring import Expiring

from .saved import SavedModel
from .settings import as_json, from_json

__all__ = ["pack_expiring", "unpack_expiring"]


def pack_expiring(expiring: Expiring, pack: Callable[[Any], SavedModel]) -> SavedModel:
    """Return the header and arrays of all learners. Arrays of learner i have names that begin with ``i.``.

    Raises
    ------
    ConfigError
        If the learners are fleets, whose members would all begin anew at one time.
    """
    if "keys" in expiring.kind.can:
        raise ConfigError(
            expected="an Expiring of a learner without keys in a file or a store",
            got=repr(expiring),
            at="learner of Expiring",
            help="Let each member expire: hw.Fleet(lambda: hw.Expiring(...), key=...).",
            code="kind",
        )
    learners, counts = expiring.turns()
    packed = [pack(learner) for learner in learners]
    age = expiring.max_age
    if isinstance(age, dt.timedelta):
        age = f"{age.total_seconds():f} seconds"
    header = {
        "learner": Expiring.__name__,
        "settings": {"max_age": age, "time": as_json(expiring.time)},
        "learners": [one.header for one in packed],
        **counts,
    }
    return SavedModel(header, {f"{i}.{name}": a for i, one in enumerate(packed) for name, a in one.arrays.items()})


def unpack_expiring(saved: SavedModel, at: str, unpack: Callable[[SavedModel, str], Any]) -> Expiring:
    """Build learners that take turns from their header and arrays.

    Raises
    ------
    ValueError
        If the header doesn't fit.
    """
    header = saved.header
    arrays: dict[str, dict[str, Any]] = {str(i): {} for i in range(len(header["learners"]))}
    for name, array in saved.arrays.items():
        number, _, own = name.partition(".")
        arrays[number][own] = array
    *learners, template = [
        unpack(SavedModel(head, own), at) for head, own in zip(header["learners"], arrays.values(), strict=True)
    ]
    age, time = header["settings"]["max_age"], from_json(header["settings"]["time"])
    expiring = Expiring(template, age, time)
    expiring.resume_turns(learners, header)
    return expiring
