"""What a watcher is: something that is shown each row once, when its answer has been scored and learned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from headwater.types import Event, ScoredRows

__all__ = ["Watcher"]


class Watcher(Protocol):
    """What can be given to a `Session` as ``watch``."""

    @property
    def due(self) -> int | None:
        """The number of scored rows after which it wants to be shown what there is, before more is learned."""

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Take notice of some rows; return what is worth telling."""
