"""Deal rows to workers, choose block sizes, and model the speed-up of a cluster.

A round costs the sync: sending changes, merging, and sending the merge's changes. A block of H rows must therefore be long
relative to the sync, and short relative to the stream's drift. With c seconds per row, K workers and a sync of
o(K, H) seconds::

    seconds per round = H·c + o(K, H)      speed-up = K·H·c / (H·c + o(K, H))      H = o/c · (1/share − 1)

where the last limits syncing to the given share of a round. States are merged by eights, so that of K workers the coordinator
gets t ≤ 8 states, after L levels of merges by workers::

    o(K, H) = fixed + level·L + each·t + call·K + row·K·H      L = ⌈log₈ K⌉ − 1, at least 0      t = ⌈K / 8^L⌉

The coordinator's seconds per row bound the rows per second of any number of workers to 1/row. docs/how-to/one-machine.md has
measurements.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from headwater.errors import ConfigError

from .merge import FAN_IN
from .worker import Block

__all__ = [
    "LARGEST",
    "LONGEST_LEAD",
    "SMALLEST",
    "Sync",
    "block_size",
    "by_key",
    "check_partition",
    "in_blocks",
    "lead_of",
    "ramp",
]

SMALLEST, LARGEST = 100, 10_000
"""Range of automatic block sizes. Fewer rows starve the state that restarts in each round, and more were never measured."""
LONGEST_LEAD = 100
"""Maximum number of rows before a block that its worker learns first by default."""
MISSED = 40
"""Rows learned before a round for each row of it that a worker misses, since other workers learn it."""


@dataclass(frozen=True, slots=True)
class Sync:
    """Cost of syncing in seconds per round, by its parts.

    Parameters
    ----------
    fixed : float
        Of the slowest worker and the coordinator in any round.
    each : float
        Of the coordinator per state of the last merge.
    level : float
        Of each level of merges by workers before it.
    call : float
        Of the coordinator per worker.
    row : float
        Of the coordinator per row, which it scores, and reads unless workers do.

    Examples
    --------
    >>> sync = Sync(fixed=0.004, each=0.002)
    >>> round(sync.speed_up(workers=2, rows=500, seconds_a_row=0.0005), 2)
    1.94
    >>> round(sync.speed_up(workers=2, rows=500, seconds_a_row=0.00001), 2)
    0.77
    >>> (
    ...     [Sync.levels(workers) for workers in (1, 8, 9, 64, 65, 1000)],
    ...     [Sync.tops(workers) for workers in (8, 9, 64, 1000)],
    ... )
    ([0, 0, 1, 1, 2, 3], [8, 2, 8, 2])
    >>> sync = Sync(fixed=0.0, each=0.0, row=2e-6)
    >>> round(sync.rows_per_s(workers=1000, rows=1000, seconds_a_row=0.0001))
    476190
    """

    fixed: float
    each: float
    level: float = 0.0
    call: float = 0.0
    row: float = 0.0

    @staticmethod
    def levels(workers: int) -> int:
        """Return the number of levels at which workers merge states."""
        levels = 0
        while workers > FAN_IN:
            workers, levels = -(-workers // FAN_IN), levels + 1
        return levels

    @staticmethod
    def tops(workers: int) -> int:
        """Return the number of states that the coordinator merges."""
        while workers > FAN_IN:
            workers = -(-workers // FAN_IN)
        return workers

    def seconds(self, workers: int, rows: int = 0) -> float:
        """Return the seconds of syncing per round, with ``rows`` rows per block."""
        merging = self.level * self.levels(workers) + self.each * self.tops(workers)
        return self.fixed + merging + self.call * workers + self.row * workers * rows

    def speed_up(self, *, workers: int, rows: int, seconds_a_row: float) -> float:
        """Return the speed-up of ``workers`` workers over one process, with ``rows`` rows per block."""
        return self.rows_per_s(workers=workers, rows=rows, seconds_a_row=seconds_a_row) * seconds_a_row

    def rows_per_s(self, *, workers: int, rows: int, seconds_a_row: float) -> float:
        """Return the rows per second of ``workers`` workers, with ``rows`` rows per block."""
        return workers * rows / (rows * seconds_a_row + self.seconds(workers, rows))


def block_size(sync_seconds: float, seconds_a_row: float, share: float) -> int:
    """Return the rows per block that limit syncing to ``share`` of a round.

    Examples
    --------
    >>> block_size(0.01, 0.0005, 0.2), block_size(0.02, 0.00002, 0.2), block_size(0.0001, 0.01, 0.2)
    (100, 4000, 100)
    """
    rows = sync_seconds / max(seconds_a_row, 1e-9) * (1 / share - 1)
    return min(max(100 * math.ceil(rows / 100 - 1e-9), SMALLEST), LARGEST)


def ramp(learned: int, workers: int, block: int) -> tuple[int, int]:
    """Return the number of blocks in a round and their rows, so that a worker misses at most a fortieth of the rows learned.

    Early rows change the model most, so missing the rows of other workers is costly then.

    Examples
    --------
    >>> ramp(1000, 4, 100), ramp(4000, 4, 100), ramp(12_000, 4, 100), ramp(24_000, 4, 1000), ramp(10**6, 4, 1000)
    ((1, 100), (2, 100), (4, 100), (4, 200), (4, 1000))
    """
    missed = learned // MISSED
    blocks = min(workers, 1 + missed // min(block, SMALLEST))
    return blocks, min(block, missed // (blocks - 1) if blocks > 1 else SMALLEST)


def lead_of(block: int) -> int:
    """Return how many rows before its block a worker learns as a warm-up, more of them before short blocks.

    In a short block more of the rows are near the beginning, where the rows just before are missing most.

    Examples
    --------
    >>> lead_of(100), lead_of(200), lead_of(1000)
    (100, 50, 40)
    """
    return min(max(10_000 // block, 40), LONGEST_LEAD)


def check_partition(partition: str) -> None:
    """Raise ConfigError for partitions that destroy the order of the stream.

    Raises
    ------
    ConfigError
        With the measured cost.
    """
    if partition in ("round-robin", "round_robin"):
        raise ConfigError(
            expected="blocks of consecutive rows",
            got="round-robin, which cost 5.6 points of accuracy on elec2 and 3.6 on covtype where blocks cost 0.5 and 0.3"
            " (4 workers, 100 rows each)",
            at="partition",
            help="Leave it out, or give key= where order within a key matters.",
        )
    if partition not in ("blocks", "sources"):
        raise ConfigError(
            expected='"blocks" or "sources"', got=repr(partition), at="partition", help="Leave it out, or give key=."
        )


def in_blocks(
    X: Any,
    y: list[Any],
    rows: Sequence[int],
    size: int,
    lead: int = 0,
    before: tuple[Any, list[Any]] = ((), []),
) -> list[Block]:
    """Cut rows into blocks of `size` consecutive rows, each with the `lead` rows before it.

    `before` has rows before the first of them. A block that is alone gets none, since its worker misses no rows.

    Examples
    --------
    >>> [(block.index, block.y, list(block.rows)) for block in in_blocks([{}, {}, {}], [1, 2, 3], range(5, 8), 2)]
    [(0, [1, 2], [5, 6]), (1, [3], [7])]
    >>> [block.lead for block in in_blocks([{}, {}], [1, 2], range(5, 7), 1, lead=1, before=([{}, {}], [-1, 0]))]
    [([{}], [0]), ([{}], [1])]
    """
    blocks = []
    for i, at in enumerate(range(0, len(y), size)):
        part, front = slice(at, at + size), slice(max(at - lead, 0), at)
        blocks.append(Block(i, X[part], y[part], rows[part], (X[front], y[front]) if lead and i else None))
    last = max(len(before[1]) - lead, 0)
    if lead and len(blocks) > 1 and before[1]:
        blocks[0] = replace(blocks[0], lead=(before[0][last:], before[1][last:]))
    return blocks


def by_key(X: Any, y: list[Any], rows: Sequence[int], key: Any, workers: int) -> list[Block]:
    """Deal rows so that each key always goes to the same block, in order.

    Examples
    --------
    >>> X = [{"shop": "a"}, {"shop": "b"}, {"shop": "a"}]
    >>> [list(block.rows) for block in by_key(X, [1, 2, 3], range(3), "shop", 2)]
    [[0, 2], [1]]
    """
    shares: list[list[int]] = [[] for _ in range(workers)]
    for i, x in enumerate(X):
        shares[zlib.crc32(repr(x.get(key)).encode("utf-8", "surrogatepass")) % workers].append(i)
    blocks: list[Block] = []
    for share in filter(None, shares):
        picked = [X[i] for i in share]
        blocks.append(Block(len(blocks), picked, [y[i] for i in share], [rows[i] for i in share]))
    return blocks
