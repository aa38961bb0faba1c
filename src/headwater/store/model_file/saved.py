"""What is kept of a learner or a network: a header of plain values, and arrays. The store knows no more of it.

What builds a learner from these stands above the store (``headwater.load``) and is handed down to it as a `LearnerFormat`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["LearnerCopy", "LearnerFormat", "SavedModel"]


@dataclass(frozen=True, slots=True)
class SavedModel:
    """What one model file, or one snapshot, holds.

    Parameters
    ----------
    header : dict
        Kind, settings, classes and counts, as JSON can hold them.
    arrays : dict
        Everything that learning changes, by name; each is a copy, which later learning leaves as it is.
    """

    header: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


class LearnerCopy(Protocol):
    """A copy of a learner that is made in short turns, between which the learner may go on learning."""

    def advance(self) -> bool:
        """Copy a part; return whether it is worth calling again before `finish`."""

    def stop(self) -> None:
        """Note how the learner stands now, in the last turn; from here on it may go on."""

    def finish(self) -> SavedModel:
        """Return the learner as it stood at ``stop``; as it stands now without."""


@dataclass(frozen=True, slots=True)
class LearnerFormat:
    """How a learner becomes settings and arrays, and how it comes back.

    Parameters
    ----------
    pack : callable
        Learner → `SavedModel`.
    copy : callable
        Learner → `LearnerCopy`: the same, in short turns.
    unpack : callable
        `SavedModel` and where it was found (for errors) → learner. It raises ``ModelFileError`` where they don't fit.
    """

    pack: Callable[[Any], SavedModel]
    copy: Callable[[Any], LearnerCopy]
    unpack: Callable[[SavedModel, str], Any]
