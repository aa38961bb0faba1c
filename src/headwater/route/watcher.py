"""The interface of watchers, which see each row once after it was scored and learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from headwater.types import Event, ScoredRows

__all__ = ["Watcher"]


class Watcher(Protocol):
    """An object that a `Session` accepts as ``watch``."""

    @property
    def due(self) -> int | None:
        """Number of scored rows after which `see` must be called before more is learned, or None."""

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Process scored rows and return events."""
