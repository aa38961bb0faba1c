"""Read one partition of a stream, from the position that is committed with the members it has taught."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from headwater.store.model_file.settings import from_json
from headwater.streams import Block, Stream, read
from headwater.streams.brokers import is_address

__all__ = ["Followed", "Mark", "Partition", "Reading"]


class Partition(NamedTuple):
    """A partition, and how it is read."""

    source: str
    target: str
    drop: tuple[str, ...]
    classes: tuple[Any, ...]
    """Known classes as JSON, so that all partitions read labels of one kind."""
    known: dict[str, dict[str, object]]
    """How columns are read, from the first partition."""


class Mark(msgspec.Struct, frozen=True):
    """Position in a partition, committed with the members that its rows have taught."""

    rows: int = 0
    """Rows read so far, rejected ones included."""
    positions: dict[str, dict[str, str]] = {}
    """Positions of a broker by source name."""
    known: dict[str, dict[str, object]] = {}
    """How columns are read."""


class Followed(NamedTuple):
    """What a shard tells after it has read for a while."""

    rows: int
    """Rows of the partition read so far."""
    ended: bool
    away: str
    """Why the source can't be reached at the moment, or empty."""
    rejected: dict[str, int]
    """Rows that could not be read since the source was opened, by reason."""
    sketch: list[tuple[int, str]]
    """Keys with the lowest hashes, as JSON, by which a key in two partitions is noticed."""


class Reading:
    """Rows of a partition behind a position.

    Parameters
    ----------
    partition : Partition
        What to read.
    task : str
        ``"classify"`` or ``"regress"``.
    mark : Mark
        Where to begin.
    """

    def __init__(self, partition: Partition, task: str, mark: Mark) -> None:
        live = is_address(partition.source)
        self._stream: Stream = read(
            partition.source,
            target=partition.target,
            task=task,
            classes=tuple(map(from_json, partition.classes)),
            drop=partition.drop,
            skip=0 if live else mark.rows,
            known=mark.known or partition.known or None,
            positions=mark.positions,
        )
        self._stream.pauses = True
        self._blocks: Iterator[Block] = self._stream.blocks()
        self._before = mark.rows if live else 0
        self.mark = mark

    def next(self) -> Block | None:
        """Return the next rows, none of them while a broker is silent, or None at the end of the partition."""
        return next(self._blocks, None)

    def taken(self, block: Block) -> None:
        """Move the position behind a block."""
        rows = self._before + block.rows[-1] if len(block) else self.mark.rows
        positions = self.mark.positions if block.position is None else dict([block.position])
        self.mark = Mark(rows, positions, self._stream.reading())

    @property
    def rejected(self) -> dict[str, int]:
        """Counts of rows that could not be read, by reason."""
        return dict(self._stream.rejects.counts)

    def close(self) -> None:
        """Close the source."""
        self._stream.close()


def lowest(pairs: Sequence[tuple[int, str]], count: int) -> list[tuple[int, str]]:
    """Return the pairs with the lowest hashes, each once."""
    return sorted(set(pairs))[:count]
