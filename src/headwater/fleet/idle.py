"""Members that are away: they lie in a store until a row with their key comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from headwater.errors import StoreError
from headwater.store.members import MemberStore
from headwater.store.model_file.container import fitting
from headwater.store.model_file.settings import as_json, from_json

from .file import check_labels, header_of, take_header

__all__ = ["Idle", "read_about"]

SPARE = 10
"""When there are too many in memory, a tenth more than need be go, so that not every block sends some away."""


class Idle:
    """The store of a fleet.

    Parameters
    ----------
    path : str or Path
        Its file. If it holds a fleet already, the fleet goes on from there.
    fleet : Fleet
        Whose members lie there.

    Raises
    ------
    StoreError
        If it can't be used, or holds another fleet.
    """

    def __init__(self, path: str | Path, fleet: Any) -> None:
        self._fleet = fleet
        self.members = MemberStore(path)
        about = self.members.about()
        try:
            if about is not None:
                self._take(about, str(path))
        except BaseException:
            self.members.close()
            raise

    def _take(self, about: dict[str, Any], path: str) -> None:
        """Go on from what lies in the store: every member is away."""
        fleet, own = self._fleet, header_of(self._fleet)
        for part in ("key", "member"):
            if about.get(part) != own[part]:
                raise StoreError(
                    expected=f"the store of a fleet with the same {part}",
                    got=f"one with {about.get(part)!r}",
                    at=path,
                    help="Give the settings that it was made with, or another file.",
                )
        with fitting(path):
            take_header(fleet, about)
            for number, key, rows, total in self.members.listed():
                if fleet.core.add(from_json(json.loads(key))) != number:
                    raise ValueError("members", "numbers without gaps", number)
                fleet.core.set_score(number, rows, total)
        members = list(range(len(fleet)))
        fleet.core.settle(members)  # the store has them all
        fleet.core.drop(members)

    def fetch(self, numbers: Iterable[int]) -> None:
        """Bring members back into memory; each is checked."""
        with fitting(self.members.path):
            for number, record, labels, rows, total in self.members.get(numbers):
                check_labels(self._fleet, labels)
                self._fleet.core.put(number, record, labels, rows, total)

    def away(self) -> dict[int, tuple[bytes, list[int], int, float]]:
        """Return the records of all members that are away."""
        core = self._fleet.core
        gone = core.away(np.arange(core.count, dtype=np.int64), core.count)
        return {number: (record, labels, rows, total) for number, record, labels, rows, total in self.members.get(gone)}

    def let_rest(self, resident: int) -> None:
        """Send the members away that were not used for longest, until a tenth less than ``resident`` are in memory.

        Raises
        ------
        StoreError
            If they can't be written: then those that the store does not have stay in memory.
        """
        core = self._fleet.core
        uses = np.empty(core.count, np.int32)
        core.uses(uses)
        present = np.flatnonzero(uses >= 0)
        n = len(present) - (resident - resident // SPARE)
        coldest = present[np.argpartition(uses[present], n - 1)[:n]].tolist()
        changed = set(core.changed())
        core.drop([member for member in coldest if member not in changed])
        self._write([member for member in coldest if member in changed])
        core.drop(coldest)

    def remove(self, number: int, last: int) -> None:
        """Forget a member; the one with the last number has its number from now on."""
        self.members.remove(number, last)

    def commit(self, besides: Callable[[], None] = lambda: None) -> None:
        """Write what has changed since the last time, and make it durable; ``besides``: as in `MemberStore.commit`.

        Raises
        ------
        StoreError
            If it can't be written: nothing counts, and it can be tried again.
        """
        self._write(self._fleet.core.changed())
        self.members.commit(header_of(self._fleet), len(self._fleet), besides)

    def close(self) -> None:
        """Close the store; what was not committed is undone."""
        self.members.close()

    def _write(self, numbers: list[int]) -> None:
        """Write members to the store, which then has them as they are in memory."""
        core = self._fleet.core
        keys = core.keys if numbers else []
        self.members.put((number, json.dumps(as_json(keys[number])), *core.record(number)) for number in numbers)
        core.settle(numbers)


def read_about(path: str | Path) -> dict[str, Any]:
    """Return what the members of a store have in common.

    Raises
    ------
    StoreError
        If it can't be used, or nothing was committed to it.
    """
    with closing(MemberStore(path)) as members:
        about = members.about()
    if about is None:
        raise StoreError(expected="the store of a fleet", got="an empty one", at=str(path), help="Check the path.")
    return about
