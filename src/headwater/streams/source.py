"""One door to every source: `open_stream`."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any

from headwater.errors import ConfigError, SourceError, TargetError, did_you_mean
from headwater.streams.block import Block
from headwater.streams.columnar import open_columnar, read_columnar
from headwater.streams.datasets import open_dataset
from headwater.streams.delimited import Columns, read_delimited, read_header
from headwater.streams.files import COLUMNAR, OpenFile, open_file
from headwater.streams.jsonlines import read_json_lines
from headwater.streams.lines import read_lines
from headwater.streams.rejects import Rejects
from headwater.streams.target import Target, assume_target, decide_target

__all__ = ["Stream", "open_stream"]

_LOOK = 1_000  # rows that decide the task
_LOOK_LIVE = 100  # and from standard input, where they may take their time


class Stream:
    """Rows of one source, block by block; see `open_stream`, which makes them.

    Iterate over it once. Rows that can't be read are in `rejects`, and no others are missing.

    Attributes
    ----------
    name : str
        The source, for messages.
    target : str or None
        The column of the answers; None when only features are read.
    goal : Target or None
        The task and the kind of the answers; None when only features are read.
    total : int or None
        How many rows there are, where that is known beforehand.
    notes : list of str
        What a reader should know about this source.
    rejects : Rejects
        The rows that could not be read, counted by reason.
    """

    def __init__(
        self,
        blocks: Iterator[Block],
        *,
        name: str,
        rejects: Rejects,
        target: str | None = None,
        total: int | None = None,
        notes: Iterable[str] = (),
        file: OpenFile | None = None,
    ) -> None:
        self.name, self.target, self.total, self.rejects = name, target, total, rejects
        self.goal: Target | None = None
        self.notes = list(notes)
        self._blocks = blocks
        self._file = file

    def __iter__(self) -> Iterator[Block]:
        for block in self._blocks:
            cleaned = block if self.goal is None else self.goal.clean(block, self.rejects)
            if len(cleaned):
                yield cleaned

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def fraction(self) -> float | None:
        """Return how much of the source has been read, between 0 and 1, or None where its length isn't known."""
        if self._file is None or not self._file.size:
            return None
        return min(1.0, self._file.position() / self._file.size)

    def close(self) -> None:
        """Close the source and the file of rejected rows."""
        self.rejects.close()
        if self._file is not None:
            self._file.close()

    def decide(self, task: str, classes: Collection[Hashable] = ()) -> Target:
        """Decide what is to be learned from the first rows, which stay in the stream; see `open_stream`."""
        live = self._file is not None and self._file.live
        if live and task != "auto":
            self.goal = assume_target(task, classes)  # rows that trickle in are not kept waiting
            return self.goal
        head: list[Block] = []
        answers: list[Any] = []
        while len(answers) < (_LOOK_LIVE if live else _LOOK) and (block := next(self._blocks, None)) is not None:
            head.append(block)
            answers += block.y
        self._blocks = chain(head, self._blocks)
        if not answers:
            reasons = ", ".join(f"{n:,} × {reason}" for reason, n in self.rejects.counts.items())
            raise SourceError(
                expected="rows", got=reasons or "none", at=self.name, help="Check the file, or give its --format."
            )
        name = self.target or "target"
        if self._file is not None and self._file.kind == "jsonl" and all(y is None for y in answers):
            _raise_absent(name, head, self.name)
        self.goal = decide_target(
            answers[: _LOOK_LIVE if live else _LOOK], task=task, classes=classes, name=name, at=self.name
        )
        return self.goal


def open_stream(
    source: str | Path,
    *,
    target: str | None = None,
    task: str | None = "auto",
    classes: Collection[Hashable] = (),
    drop: Collection[str] = (),
    text: Collection[str] = (),
    format: str | None = None,  # noqa: A002 - the option's name
    rejects: str | Path | None = None,
) -> Stream:
    """Open a source of rows.

    Parameters
    ----------
    source
        A path (CSV, TSV, JSON lines, Parquet, Arrow; each text format also gzipped), ``"-"`` for standard input, or
        ``"dataset:NAME"``.
    target
        The column of the answers. A data set knows its own.
    task
        ``"classify"``, ``"regress"``, ``"auto"`` (decided from the first 1,000 rows, or 100 from standard input), or
        None to read features only.
    classes
        The classes that a model knows already; answers of another kind are rejected.
    drop
        Columns to leave out.
    text
        Columns to read as text even where a cell looks like a number, such as a flight's number or a postal code.
    format
        ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"`` or ``"arrow"``, where it can't be told from the source.
    rejects
        A file for the rows that can't be read.

    Returns
    -------
    Stream
        Its blocks, and what is known about them.

    Raises
    ------
    SourceError
        When the source can't be opened or holds no rows.
    TargetError
        When the target is not there, or its answers don't fit the task.
    DataError
        When a column to drop is not there.
    ConfigError
        When an option can't be.
    MissingExtra
        When a package is missing that reads this source.

    Examples
    --------
    >>> with open_stream("dataset:phishing") as stream:
    ...     stream.target, stream.total, stream.goal.task, sum(len(block) for block in stream)
    ('is_phishing', 1250, 'classify', 1250)
    """
    if target is not None and target in drop:
        raise ConfigError(
            expected="a target that is kept", got=f"{target} among the dropped", at="--drop", help="Drop other columns."
        )
    named = str(source).startswith("dataset:")
    if target is None and task is not None and not named:
        raise ConfigError(
            expected="a column to predict", got="no --target", at=str(source), help="Name one: --target COLUMN."
        )
    answers = target if task is not None else None
    with ExitStack() as opened:  # closes what is open if anything goes wrong
        if named:
            stream = _open_named(str(source), answers, drop, opened.enter_context(Rejects(rejects)))
        else:
            file = open_file(source, kind=format)
            opened.callback(file.close)
            stream = _open_file(file, answers, drop, text, opened.enter_context(Rejects(rejects)))
        if task is not None:
            stream.decide(task, classes)
        opened.pop_all()
    return stream


def _open_named(name: str, target: str | None, drop: Collection[str], rejects: Rejects) -> Stream:
    dataset = open_dataset(name.removeprefix("dataset:"), target=target)
    blocks = (_without(block, drop) for block in dataset.blocks) if drop else dataset.blocks
    return Stream(blocks, name=name, rejects=rejects, target=dataset.target, total=dataset.total, notes=dataset.notes)


def _open_file(
    file: OpenFile, target: str | None, drop: Collection[str], text: Collection[str], rejects: Rejects
) -> Stream:
    name, total = file.name, None
    if file.kind in COLUMNAR:
        names, total, batches = open_columnar(file.seekable(), kind=file.kind, at=name)
        columns = Columns(names, target=target, drop=drop, text=text)
        columns.check(name)
        blocks = read_columnar(batches, columns)
    elif file.kind == "jsonl":
        lines = read_lines(file.raw, rejects, live=file.live)
        blocks = read_json_lines(lines, rejects, target=target, drop=drop, text=text)
    else:
        lines = read_lines(file.raw, rejects, live=file.live)
        tab = "\t" if file.kind == "tsv" else None
        names, delimiter, rest = read_header(lines, delimiter=tab, at=name)
        columns = Columns(names, target=target, drop=drop, text=text)
        columns.check(name)
        blocks = read_delimited(chain([rest], lines), columns, rejects, delimiter=delimiter)
    return Stream(blocks, name=name, rejects=rejects, target=target, total=total, file=file)


def _without(block: Block, drop: Collection[str]) -> Block:
    for x in block.X:
        for name in drop:
            x.pop(name, None)
    return block


def _raise_absent(target: str, head: list[Block], at: str) -> None:
    """Name what the first rows do hold: in JSON lines there is no header that would have told."""
    names = dict.fromkeys(name for block in head for x in block.X[:20] for name in x)
    raise TargetError(expected=f"answers in the column {target}", got="none", at=at, help=did_you_mean(target, names))
