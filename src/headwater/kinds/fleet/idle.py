"""Evict members to a store until a row with their key arrives."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from headwater.errors import StoreError
from headwater.kinds.fleet.copying import OF_STORE
from headwater.kinds.fleet.file import check_labels, header_of, take_header
from headwater.store.members import MemberStore
from headwater.store.model_file.container import fitting
from headwater.store.model_file.settings import as_json, from_json

__all__ = ["Idle", "read_about"]

SPARE = 10
"""Evict a tenth more members than needed, so that not every block causes evictions."""


class Idle:
    """The member store of a fleet.

    Parameters
    ----------
    path : str or Path
        Its file. If it already holds a fleet, the fleet continues from there.
    fleet : Fleet
        The fleet whose members it stores.

    Raises
    ------
    StoreError
        If the file can't be used, or holds another fleet.
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
        """Restore the fleet from the store, with all members evicted."""
        fleet, own = self._fleet, header_of(self._fleet)
        for part in ("key", "member"):
            if about.get(part) != own[part]:
                raise StoreError(
                    expected=f"the store of a fleet with the same {part}",
                    got=f"one with {about.get(part)!r}",
                    at=path,
                    help="Give the settings that it was created with, or another file.",
                )
        with fitting(path):
            take_header(fleet, about)
            for number, key, rows, total in self.members.listed():
                if fleet.core.add(from_json(json.loads(key))) != number:
                    raise ValueError("members", "numbers without gaps", number)
                fleet.core.set_score(number, rows, total)
        members = list(range(len(fleet)))
        fleet.core.settle(members, OF_STORE)  # the store holds them all, so none counts as changed
        fleet.core.drop(members)

    def fetch(self, numbers: Iterable[int]) -> None:
        """Load members into memory, validating each."""
        with fitting(self.members.path):
            for number, record, labels, rows, total in self.members.get(numbers):
                check_labels(self._fleet, labels)
                self._fleet.core.put(number, record, labels, rows, total)

    def away(self) -> dict[int, tuple[bytes, list[int], int, float]]:
        """Return the records of all evicted members."""
        core = self._fleet.core
        gone = core.away(np.arange(core.count, dtype=np.int64), core.count)
        return {number: (record, labels, rows, total) for number, record, labels, rows, total in self.members.get(gone)}

    def let_rest(self, resident: int) -> None:
        """Evict the least recently used members until a tenth fewer than ``resident`` are in memory.

        Raises
        ------
        StoreError
            If writing fails. Members that the store doesn't hold stay in memory.
        """
        core = self._fleet.core
        uses = np.empty(core.count, np.int32)
        core.uses(uses)
        present = np.flatnonzero(uses >= 0)
        n = len(present) - (resident - resident // SPARE)
        coldest = present[np.argpartition(uses[present], n - 1)[:n]].tolist()
        changed = set(core.changed(OF_STORE))
        core.drop([member for member in coldest if member not in changed])
        self._write([member for member in coldest if member in changed])
        core.drop(coldest)

    def remove(self, number: int, last: int) -> None:
        """Delete a member and give its number to the member with the last number."""
        self.members.remove(number, last)

    def commit(self, besides: Callable[[], None] = lambda: None) -> None:
        """Write all changes since the last commit durably, with ``besides`` as in `MemberStore.commit`.

        Raises
        ------
        StoreError
            If writing fails. Nothing is committed, and the call may be retried.
        """
        self._write(self._fleet.core.changed(OF_STORE))
        self.members.commit(header_of(self._fleet), len(self._fleet), besides)

    def close(self) -> None:
        """Close the store, rolling back what was not committed."""
        self.members.close()

    def _write(self, numbers: list[int]) -> None:
        """Write members to the store and mark them as unchanged."""
        core = self._fleet.core
        keys = core.keys if numbers else []
        self.members.put((number, json.dumps(as_json(keys[number])), *core.record(number)) for number in numbers)
        core.settle(numbers, OF_STORE)


def read_about(path: str | Path) -> dict[str, Any]:
    """Return the fleet header of a store.

    Raises
    ------
    StoreError
        If the store can't be used, or nothing was committed to it.
    """
    with closing(MemberStore(path)) as members:
        about = members.about()
    if about is None:
        raise StoreError(expected="the store of a fleet", got="an empty one", at=str(path), help="Check the path.")
    return about
