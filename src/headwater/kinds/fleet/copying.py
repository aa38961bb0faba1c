"""Take a fleet member by member, in turns so short that learning goes on between them."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Any

from headwater.store.model_file import SavedModel

__all__ = ["OF_COPY", "OF_STORE", "FleetCopy", "InTurns"]

OF_STORE, OF_COPY = 1, 2
"""Since when the core says which members have changed: since a store, or a copy, had them as they were."""
_TURN_S = 0.005
_PIECE = 16
"""Members copied between two looks at the clock."""
_FEW = 200
"""Changed members that the last turn may copy, while learning waits."""
_MOST_ROUNDS = 10
"""Rounds over changed members, after which the last turn copies however many there are."""


class InTurns(ABC):
    """The members of a fleet at one moment, taken in turns that begin before it.

    First each member is taken, then those that have changed meanwhile, until they are few enough to be taken in one turn, the
    moment.

    Parameters
    ----------
    fleet : AnyFleet
        The fleet, which may go on learning.
    members : list
        Its members, as the methods of the subclass take them.
    """

    def __init__(self, fleet: Any, members: list[Any]) -> None:
        self.fleet, self._left, self._at, self._rounds = fleet, members, 0, 0

    @abstractmethod
    def changed(self) -> list[Any]:
        """Return the members that have changed since they were taken."""

    @abstractmethod
    def take(self, members: list[Any]) -> None:
        """Take members, instead of what was taken of them before."""

    @abstractmethod
    def settle(self, members: list[Any]) -> None:
        """Count members as unchanged from now on."""

    @abstractmethod
    def take_rest(self) -> None:
        """Take all that is no member, in the last turn."""

    def advance(self) -> bool:
        """Take some members and return whether another call before `stop` is worthwhile."""
        with self.fleet.held():
            ends = time.perf_counter() + _TURN_S
            while self._at < len(self._left):
                part = self._left[self._at : self._at + _PIECE]
                self.take(part)
                self.settle(part)
                self._at += _PIECE
                if time.perf_counter() >= ends:
                    break
            if self._at < len(self._left):
                return True
            self._left, self._at = self.changed(), 0
            self._rounds += 1
            return len(self._left) > _FEW and self._rounds < _MOST_ROUNDS

    def stop(self) -> None:
        """Take what is left at this moment, after which the fleet may continue."""
        with self.fleet.held():
            if not self._rounds:
                self.take(self._left[self._at :])
            last = self.changed()
            self.take(last)
            self.settle(last)
            self.take_rest()


class FleetCopy(InTurns):
    """A copy of a fleet at one moment, made in turns.

    Parameters
    ----------
    fleet : AnyFleet
        The fleet.
    members : list
        Its members, as the methods of the subclass take them.
    """

    def __init__(self, fleet: Any, members: list[Any]) -> None:
        super().__init__(fleet, members)
        self._stopped = False

    @abstractmethod
    def saved(self) -> SavedModel:
        """Return what was copied."""

    def stop(self) -> None:
        """Fix the state to copy, after which the fleet may continue."""
        super().stop()
        self._stopped = True

    def finish(self) -> SavedModel:
        """Return the state at ``stop``, or the current state if ``stop`` was not called."""
        if not self._stopped:
            self.stop()
        return self.saved()
