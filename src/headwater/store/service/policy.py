"""What a store keeps, and how long."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DAY", "RetentionPolicy"]

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """What is kept, and how long.

    Parameters
    ----------
    snapshot_every
        Events between two snapshots: what a start replays at most.
    keep_events
        Events that the journal keeps behind the last, at least; within them any past state can be restored.
    keep_bytes
        Bytes of the file that may be in use before fewer events, and fewer old snapshots, are kept. What the next start needs
        is always kept: the newest three snapshots of each learner and the journal behind them.
    keep_pending, keep_pending_s, keep_pending_bytes
        Predictions that wait for their answers: how many, for how many seconds, and of what size. Then their ids are expired.
    late_s
        Seconds behind which an answer is called late; it is learned nevertheless.
    """

    snapshot_every: int = 50_000
    keep_events: int = 1_000_000
    keep_bytes: int = 8_000_000_000
    keep_pending: int = 1_000_000
    keep_pending_s: float = 7 * DAY
    keep_pending_bytes: int = 1_000_000_000
    late_s: float = DAY
