"""Serialized models (a JSON header and arrays) and the interface that converts learners.

The store doesn't know learner classes. ``headwater.load`` passes the conversion to it as a `LearnerFormat`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

__all__ = ["LearnerCopy", "LearnerFormat", "SavedModel"]


@dataclass(frozen=True, slots=True)
class SavedModel:
    """Serialized model, the contents of one model file or snapshot.

    Parameters
    ----------
    header : dict
        Kind, settings, classes and counts as JSON values.
    arrays : dict
        Copies of all learned arrays, by name.
    """

    header: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


class LearnerCopy(Protocol):
    """Copy of a learner made in short turns, between which the learner may continue learning."""

    def advance(self) -> bool:
        """Copy a part and return whether another call before `finish` is worthwhile."""

    def stop(self) -> None:
        """Fix the state to copy, in the last turn, after which the learner may continue."""

    def finish(self) -> SavedModel:
        """Return the state at ``stop``, or the current state if ``stop`` was not called."""


@dataclass(frozen=True, slots=True)
class LearnerFormat:
    """Conversion between learners and serialized models.

    Parameters
    ----------
    pack : callable
        Learner → `SavedModel`.
    copy : callable
        Learner → `LearnerCopy`, which does the same in short turns.
    unpack : callable
        `SavedModel` and its location (for errors) → learner. Raises ``ModelFileError`` if they don't match.
    """

    pack: Callable[[Any], SavedModel]
    copy: Callable[[Any], LearnerCopy]
    unpack: Callable[[SavedModel, str], Any]
