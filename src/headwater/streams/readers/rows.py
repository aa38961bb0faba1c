"""Read rows in memory, as pairs of a sample and its label, arrays or data frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from headwater.errors import DataError, TargetError, counted, did_you_mean, shown
from headwater.streams.block import Block
from headwater.streams.readers.frame_rows import FRAME_BLOCK, FrameRows, is_frame
from headwater.streams.stream import Stream, read
from headwater.streams.target import UNLABELLED, task_by_labels
from headwater.types import nw

__all__ = ["as_blocks", "opened", "read_frame", "read_pairs", "read_samples", "read_table"]

_BLOCK = 1_024


def as_blocks(source: Any, *, target: str | None = None, answers: bool = True) -> Iterator[Block]:
    """Yield blocks of any source of rows and labels.

    Parameters
    ----------
    source
        A `Stream` or another iterable of `Block`; a tuple ``(X, y)``; an iterable of pairs ``(x, y)``, such as a data
        set of River; or, with `target`, a data frame or a source for `read`, such as a path or a folder.
    target
        Column of the labels, in a data frame or a file.
    answers
        Whether labels are required. If not, samples, an array (n, features) or a data frame without labels are accepted.

    Raises
    ------
    DataError
        For any other source.

    Examples
    --------
    >>> [block.y for block in as_blocks((np.zeros((2, 1)), np.array([0, 1])))]
    [[0, 1]]
    >>> [block.y for block in as_blocks([{"a": 1}, {"a": 2}], answers=False)]
    [[None, None]]
    """
    source = opened(source, target=target, task="auto" if answers else task_by_labels()[UNLABELLED])
    if isinstance(source, Stream):
        return source.blocks()
    if is_frame(source):
        if target is None and answers:
            raise TargetError(
                expected="a column to predict",
                got="a data frame alone",
                at="target",
                help=f"Name it: target=COLUMN. {did_you_mean('', _names_of(source))}".rstrip(),
            )
        return read_table(source, [None] * len(source)) if target is None else read_frame(source, target)
    if target is not None:
        raise TargetError(
            expected="a data frame or files, whose columns have names",
            got=type(source).__name__,
            at=f"target={shown(target)}",
            help="Leave target out, and give (X, y) or pairs (x, y).",
        )
    if isinstance(source, tuple) and len(source) == 2:
        return read_table(*source)
    if not answers and isinstance(source, np.ndarray):
        return read_table(source, [None] * len(source))
    if not isinstance(source, Iterable):
        raise DataError(
            expected="a stream of rows", got=type(source).__name__, at="stream", help="Give (X, y), or pairs (x, y)."
        )
    rows = iter(source)
    first = next(rows, None)
    if first is None:
        return iter(())
    again = chain([first], rows)
    if isinstance(first, Block):
        return again
    return read_samples(again) if not answers and isinstance(first, Mapping) else read_pairs(again)


def _names_of(frame: Any) -> tuple[str, ...]:
    return tuple(map(str, nw.from_native(frame, eager_only=True).columns))


def opened(source: Any, *, target: str | None = None, task: str | None = "auto", positions: Any = None) -> Any:
    """Open a source given as files or a broker's address, and return any other source unchanged."""
    several = isinstance(source, list) and bool(source) and all(isinstance(one, str | Path) for one in source)
    if not several and not isinstance(source, str | Path):
        return source
    return read(source, target=target, task=task, positions=positions)


def read_samples(samples: Iterable[Any]) -> Iterator[Block]:
    """Yield blocks of samples without labels.

    Raises
    ------
    DataError
        Unless each is a mapping of names to values.

    Examples
    --------
    >>> (block,) = read_samples([{"a": 1}, {"a": 2}])
    >>> block.X, block.y
    ([{'a': 1}, {'a': 2}], [None, None])
    """
    first = 1
    rows = iter(samples)
    while some := list(islice(rows, _BLOCK)):
        for i, x in enumerate(some, first):
            if not isinstance(x, Mapping):
                raise DataError(
                    expected="a mapping of names to values",
                    got=type(x).__name__,
                    at=f"row {i} of the stream",
                    help="Give an iterable of dicts.",
                )
        yield Block(some, [None] * len(some), range(first, first + len(some)))
        first += len(some)


def read_pairs(pairs: Iterable[Any]) -> Iterator[Block]:
    """Yield blocks of a stream of ``(x, y)``, such as a data set of River.

    Raises
    ------
    DataError
        When an item is not a pair of a mapping and a label.

    Examples
    --------
    >>> (block,) = read_pairs([({"a": 1}, True), ({"a": 2}, False)])
    >>> block.X, block.y
    ([{'a': 1}, {'a': 2}], [True, False])
    """
    first = 1
    rows = iter(pairs)
    while some := list(islice(rows, _BLOCK)):
        for i, pair in enumerate(some, first):
            if not (isinstance(pair, tuple) and len(pair) == 2):
                raise DataError(
                    expected="pairs (x, y)",
                    got=type(pair).__name__,
                    at=f"row {i} of the stream",
                    help="Give an iterable of (dict, answer), or a tuple (X, y) of arrays.",
                )
        yield Block([x for x, _ in some], [y for _, y in some], range(first, first + len(some)))
        first += len(some)


def read_table(X: Any, y: Any) -> Iterator[Block]:
    """Yield blocks of an array (n, features), a list of dicts, or a data frame, with its labels.

    Raises
    ------
    DataError
        When `X` and `y` have different lengths.

    Examples
    --------
    >>> (block,) = read_table(np.ones((2, 3)), [0, 1])
    >>> block.X.shape, block.y, block.rows
    ((2, 3), [0, 1], range(1, 3))
    """
    if isinstance(y, str | bytes) or not isinstance(y, Iterable):
        raise DataError(
            expected="answers, one a row of X", got=type(y).__name__, at="y", help="Give a list or an array."
        )
    answers = y.tolist() if isinstance(y, np.ndarray) else list(y)
    if isinstance(X, str | bytes) or not isinstance(X, Sized):
        raise DataError(
            expected="a list of dicts, an array or a data frame", got=type(X).__name__, at="X", help="Collect its rows."
        )
    if len(X) != len(answers):
        raise DataError(
            expected=f"{counted(len(X), 'answer')}, one a row of X",
            got=f"{len(answers):,}",
            at="y",
            help="Give X and y of the same length.",
        )
    rows, size = (X, _BLOCK) if isinstance(X, (np.ndarray, list)) else (FrameRows(X), FRAME_BLOCK)
    first = 1
    for piece in (rows[i : i + size] for i in range(0, len(rows), size)):
        yield Block(piece, answers[first - 1 : first - 1 + len(piece)], range(first, first + len(piece)))
        first += len(piece)


def read_frame(frame: Any, target: str) -> Iterator[Block]:
    """Yield blocks of a data frame (pandas, polars, pyarrow …) with labels in one of its columns.

    Examples
    --------
    >>> import pandas as pd
    >>> (block,) = read_frame(pd.DataFrame({"a": [1, 2], "late": [True, False]}), "late")
    >>> block.X, block.y
    ([{'a': 1}, {'a': 2}], [True, False])
    """
    rows = nw.from_native(frame, eager_only=True)
    if target not in rows.columns:
        raise TargetError(
            expected=f"the column {target}",
            got=counted(len(rows.columns), "other"),
            at="the data frame",
            help=did_you_mean(str(target), _names_of(frame)),
        )
    return read_table(rows.drop(target).to_native(), rows[target].to_list())
