"""Evict members to a store until a row with their key arrives."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import numpy as np

from headwater.errors import StoreError
from headwater.kinds.fleet.copying import OF_STORE, InTurns
from headwater.kinds.fleet.file import check_labels, header_of, take_header
from headwater.store.members import Member, MemberStore
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
        self._committing: int | None = None  # the thread that commits
        self._committed = threading.Condition(fleet.lock)
        self.members = MemberStore(path, fleet.lock)
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
                    got=f"one with {_unlike(about.get(part), own[part])}",
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

        While another thread writes a commit, a tenth more may be in memory before a row waits for it.

        Raises
        ------
        StoreError
            If writing fails. Members that the store doesn't hold stay in memory.
        """
        core = self._fleet.core
        with self.members.held(wait=core.present > resident + resident // SPARE) as held:
            if not held:
                return
            uses = np.empty(core.count, np.int32)
            core.uses(uses)
            present = np.flatnonzero(uses >= 0)
            n = len(present) - (resident - resident // SPARE)
            coldest = present[np.argpartition(uses[present], n - 1)[:n]].tolist()
            changed = set(core.changed(OF_STORE))
            core.drop([member for member in coldest if member not in changed])
            last = [member for member in coldest if member in changed]
            self.members.put(_row(core, member) for member in last)
            core.settle(last, OF_STORE)
            core.drop(coldest)

    def remove(self, number: int, last: int) -> None:
        """Delete a member and give its number to the member with the last number."""
        with self.members.held():  # what a commit is writing keeps its number
            self.members.remove(number, last)
            self._fleet.core.remove(number)

    def commit(self, besides: Callable[[], None] = lambda: None) -> None:
        """Write all changes since the last commit durably, with ``besides`` as in `MemberStore.commit`.

        The commit is the fleet of one moment during the call. Rows of other threads go on meanwhile, unless the caller holds the
        fleet. Those after that moment belong to the next commit.

        Raises
        ------
        StoreError
            If writing fails. Nothing is committed, and the call may be retried.
        """
        self.members.check_process()
        with self._fleet.held():
            if self._committing == threading.get_ident():
                raise _inside(self.members.path)
            while self._committing is not None:
                self._committed.wait()
            self._committing = threading.get_ident()
        try:
            _Commit(self._fleet, self.members).run(besides)
        finally:
            with self._fleet.held():
                self._committing = None
                self._committed.notify_all()

    def close(self) -> None:
        """Close the store, rolling back what was not committed."""
        self.members.close()


class _Commit(InTurns):
    """A commit, whose members are taken in turns and written between them.

    Parameters
    ----------
    fleet : Fleet
        The fleet.
    store : MemberStore
        Its store.
    """

    def __init__(self, fleet: Any, store: MemberStore) -> None:
        super().__init__(fleet, fleet.core.changed(OF_STORE))
        self._store = store
        self._taken: list[Member] = []  # but not written
        self._version: int | None = None
        self._about: dict[str, Any] = {}
        self._members = 0

    def changed(self) -> list[int]:
        """Return the members that have changed since they were taken."""
        changed: list[int] = self.fleet.core.changed(OF_STORE)
        return changed

    def take(self, members: list[int]) -> None:
        """Take members, but not those that were removed or evicted meanwhile."""
        core = self.fleet.core
        there = [member for member in members if member < core.count]
        away = core.away(np.array(there, np.int64), len(there))
        self._taken += [_row(core, member) for member in there if member not in away]

    def settle(self, members: list[int]) -> None:
        """Count members as unchanged from now on."""
        self.fleet.core.settle([member for member in members if member < self.fleet.core.count], OF_STORE)

    def take_rest(self) -> None:
        """Take the header. What changes from now on belongs to the next commit."""
        self._about, self._members = header_of(self.fleet), len(self.fleet)
        self._version = self._store.begin_commit()

    def run(self, besides: Callable[[], None]) -> None:
        """Write the commit."""
        while self._turn(self.advance):
            pass
        self._turn(self.stop, lambda: self._commit(besides))
        self._store.forget_older(self._members)

    def _turn(self, take: Callable[[], bool | None], then: Callable[[], None] = lambda: None) -> bool | None:
        """Take members while the fleet waits, then write them while it goes on, but before anyone else writes or evicts."""
        with ExitStack() as turn:
            with self.fleet.held():
                turn.enter_context(self._store.held())
                turn.callback(self._give_back)
                more = take()
            self._store.put(self._taken, self._version)
            self._taken = []
            then()
        return more

    def _commit(self, besides: Callable[[], None]) -> None:
        self._store.commit(self._version or 0, self._about, self._members, besides)

    def _give_back(self) -> None:
        """Count members as changed that were taken but not written."""
        for number, *_ in self._taken:
            self.fleet.core.mark(number)


def _unlike(theirs: Any, ours: Any) -> str:
    """Say what a store's header has that this fleet's hasn't, of a member its settings that differ."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict) or theirs.get("learner") != ours.get("learner"):
        return repr(theirs["learner"] if isinstance(theirs, dict) and "learner" in theirs else theirs)
    mine, its = ours.get("settings", {}), theirs.get("settings", {})
    differ = [f"{name}={from_json(value)!r}" for name, value in its.items() if mine.get(name) != value]
    return ", ".join(differ) or "another initial state"


def _row(core: Any, number: int) -> Member:
    return (number, json.dumps(as_json(core.key_of(number))), *core.record(number))


def _inside(path: str) -> StoreError:
    return StoreError(
        expected="one commit after the other",
        got="one inside another, in the same thread",
        at=path,
        help="Let what interrupts a commit, such as a signal's handler, set a flag, and commit afterwards.",
    )


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
