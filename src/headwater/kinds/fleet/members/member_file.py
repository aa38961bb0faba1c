"""The file of a fleet whose members are objects, with one saved learner a key.

``0.`` begins the names of the template's arrays, ``1.`` those of the first key's member, and so on.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from headwater.errors import ConfigError
from headwater.kinds.fleet.copying import FleetCopy
from headwater.learner.base import Learner
from headwater.learner.expiring import Expiring
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.model_file import SavedModel
from headwater.store.model_file.settings import as_json, list_from_json

__all__ = [
    "BESIDE",
    "MembersCopy",
    "arrays_beside",
    "holds_objects",
    "pack_members",
    "settings_of_members",
    "unpack_members",
]

FORMAT = 2
"""Format of fleets that hold something beside their members. Others are written in format 1."""
BESIDE = "beside"
"""What a fleet holds beside its members, in the header, and how the names of its arrays begin."""


def pack_members(fleet: Any, at: str) -> SavedModel:
    """Return a consistent snapshot of a fleet's settings and of all members.

    Raises
    ------
    ConfigError
        If its members are somebody's own objects, which this format can't hold.
    """
    copy = MembersCopy(fleet, at)
    copy.take(list(fleet))
    copy.take_rest()
    return copy.saved()


class MembersCopy(FleetCopy):
    """A copy of a fleet of objects, made in turns.

    Parameters
    ----------
    fleet : MemberFleet
        The fleet.
    at : str
        Where it is written, for errors.

    Raises
    ------
    ConfigError
        While it is made, if its members are somebody's own objects.
    """

    def __init__(self, fleet: Any, at: str) -> None:
        super().__init__(fleet, list(fleet))
        self._where = at
        self._header: dict[str, Any] = {}
        self._first: list[SavedModel] = []
        self._saved: dict[Any, SavedModel] = {}
        self._beside: dict[str, Any] = {}

    def changed(self) -> list[Any]:
        """Return the keys of members that have learned since they were taken."""
        return [key for key in self.fleet if key in self.fleet.touched or key not in self._saved]

    def take(self, members: list[Any]) -> None:
        """Copy the members of keys."""
        for key in members:
            self._saved[key] = _packed(self.fleet[key], self._where)

    def settle(self, members: list[Any]) -> None:
        """Count members as unchanged from now on."""
        self.fleet.touched.difference_update(members)

    def take_rest(self) -> None:
        """Copy the header and the template."""
        fleet = self.fleet
        self._first = [_packed(fleet.first, self._where)]
        about, self._beside = fleet.beside()
        self._header = {
            "learner": "Fleet",
            "members_format": FORMAT if about else 1,
            **({BESIDE: about} if about else {}),
            "key": fleet.key,
            "max_keys": fleet.max_keys,
            "keys": [as_json(key) for key in fleet],
            "refused": {reason: count for reason, count in fleet.refused.items() if count},
            "notes": dict(fleet.notes),
        }

    def saved(self) -> SavedModel:
        """Return what was copied."""
        whole = [*self._first, *self._saved.values()]
        arrays = {f"{i}.{name}": array for i, one in enumerate(whole) for name, array in one.arrays.items()}
        arrays |= {f"{BESIDE}.{name}": array for name, array in self._beside.items()}
        return SavedModel(self._header | {"members": [one.header for one in whole]}, arrays)


def _packed(member: Any, at: str) -> SavedModel:
    if not isinstance(member, Learner | Expiring):
        raise ConfigError(
            expected="a fleet of headwater's learners to save",
            got=f"a fleet of {type(getattr(member, 'model', member)).__name__} objects",
            at=at,
            help="Keep its members one by one, as their library does.",
            code="kind",
        )
    packed: SavedModel = LEARNER_FORMAT.pack(member)
    return packed


def holds_objects(header: dict[str, Any]) -> bool:
    """Say whether a file's header is that of a fleet of objects."""
    return "members_format" in header


def arrays_beside(saved: SavedModel) -> dict[str, Any]:
    """Return the arrays that a file holds beside those of the members."""
    return {name.partition(".")[2]: array for name, array in saved.arrays.items() if name.startswith(f"{BESIDE}.")}


def settings_of_members(header: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the fleet that a header describes."""
    if header["members_format"] > FORMAT:
        raise ValueError("members_format", f"{FORMAT} or earlier", header["members_format"])
    return {"key": header["key"], "max_keys": header["max_keys"]}


def unpack_members(saved: SavedModel, at: str) -> tuple[list[Any], dict[Any, Any], Counter[str]]:
    """Return the template and the members of a file, the members by key, and the counts of refused rows."""
    header = saved.header
    keys = list_from_json(header["keys"])
    if len(set(keys)) < len(keys) or len(header["members"]) != len(keys) + 1:
        raise ValueError("keys", "different ones, each with a member", keys)
    own: list[dict[str, Any]] = [{} for _ in header["members"]]
    for name, array in saved.arrays.items():
        number, _, inner = name.partition(".")
        if number != BESIDE:
            own[int(number)][inner] = array
    made = [
        LEARNER_FORMAT.unpack(SavedModel(one, arrays), at) for one, arrays in zip(header["members"], own, strict=True)
    ]
    refused = Counter(header["refused"])
    if any(type(count) is not int or count < 0 for count in refused.values()):
        raise ValueError("refused", "counts of 0 or more", refused)
    return made[:1], dict(zip(keys, made[1:], strict=True)), refused
