"""Retention policy of a store."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DAY", "RetentionPolicy"]

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How much a store keeps, and for how long.

    Parameters
    ----------
    snapshot_every
        Events between two snapshots, which is the most that a start replays.
    keep_events
        Minimum number of recent events in the journal. Within them any past state can be restored.
    keep_bytes
        Bytes of the file in use beyond which fewer events and fewer old snapshots are kept. The newest three snapshots of each
        learner and the journal after them are always kept, because the next start needs them.
    keep_pending, keep_pending_s, keep_pending_bytes
        Maximum number, age in seconds, and total bytes of predictions that wait for their labels. Beyond them ids expire.
    late_s
        Seconds after which a label counts as late. It is still learned.
    """

    snapshot_every: int = 50_000
    keep_events: int = 1_000_000
    keep_bytes: int = 8_000_000_000
    keep_pending: int = 1_000_000
    keep_pending_s: float = 7 * DAY
    keep_pending_bytes: int = 1_000_000_000
    late_s: float = DAY
