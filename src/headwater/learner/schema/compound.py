"""Read labels with parts, each in its own column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headwater.learner.schema.answer import Answer
from headwater.streams.block import Block
from headwater.streams.stream import Stream

__all__ = ["read_labels"]


def read_labels(
    stream: Stream, answer: Answer, columns: Mapping[str, Any], names: Sequence[str], known: Any = None
) -> None:
    """Let a stream read the columns of labels as that of one label is read, and leave out rows with a fault, which it counts.

    Parameters
    ----------
    stream
        The stream.
    answer
        What is learned.
    columns, names
        The column of each part of a label, and all of them.
    known
        A saved learner to go on with.
    """
    fault = None if answer.fault is None else answer.fault.value

    def stage(blocks: Iterator[Block]) -> Iterator[Block]:
        for block in blocks:
            X: list[dict[Any, Any]] = [dict(x) for x in block.X]
            if block.cells is not None:
                _read(block, X, names, stream)
            faults = [""] * len(X) if fault is None else [fault(x, columns, known) for x in X]
            for i, why in enumerate(faults):
                if why:
                    stream.rejects.add(why, line=block.line(i), row=X[i], number=block.rows[i])
            kept = [i for i, why in enumerate(faults) if not why]
            yield replace(block, X=X) if len(kept) == len(X) else replace(block, X=X).picked(kept)

    stream.through(stage)


def _read(block: Block, X: list[dict[Any, Any]], names: Sequence[str], stream: Stream) -> None:
    """Read columns of a file of text: whole numbers as int, and texts among numbers as they are, which is not remarked upon."""
    inference = stream.inference
    for name in [name for name in names if name in inference.readers]:
        cells = [cell for (cell,) in block.written([name]) or ()]
        for x, label in zip(X, inference.readers[name].labels(cells, block.rows), strict=True):
            x[name] = label
    inference.hush(names)
