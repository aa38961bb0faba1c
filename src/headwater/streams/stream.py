"""Open any source of rows by `read`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, filterfalse
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from headwater.errors import ConfigError, SourceError, TargetError, did_you_mean
from headwater.streams.block import Block
from headwater.streams.brokers.address import is_address, read_address
from headwater.streams.files.addresses import DELTA, shown
from headwater.streams.files.rejects import Rejects
from headwater.streams.limits import ALLOWED, check_limits, from_row, stop_where_unusable
from headwater.streams.readers.delimited import Layout
from headwater.streams.readers.dtypes.inference import LOOK, DtypeInference, Writing
from headwater.streams.readers.files import Files
from headwater.streams.readers.frame_rows import FrameRows
from headwater.streams.target import UNLABELLED, Target, assume_target, decide_target, task_by_labels

if TYPE_CHECKING:
    from headwater.streams.brokers.rows import BrokerRows
    from headwater.streams.readers.memory import Memory

__all__ = ["Stream", "read"]

SHEETS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
"""Suffixes of workbooks."""
_LOOK_LIVE = 100  # rows to infer the task from on standard input, where they may arrive slowly


class Stream:
    """Rows of a source, which can be iterated over once. `read` creates it.

    Iterating over it gives pairs of a sample and its label. Rows that can't be read are counted in `rejects`, and no others
    are missing.

    Attributes
    ----------
    name : str
        The source, for messages.
    target : str or None
        Column of the labels; None when only features are read.
    goal : Target or None
        Task and kind of the labels; None when only features are read.
    total : int or None
        Number of rows, if known in advance.
    columns : tuple of str
        Features of the first rows.
    notes : list of str
        Notes on the source, and on how its columns are read.
    rejects : Rejects
        Rows that could not be read, counted by reason.

    Examples
    --------
    >>> with read("dataset:phishing") as stream:
    ...     x, y = next(iter(stream))
    >>> y, len(x)
    (True, 9)
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
        files: Files | Memory | None = None,
        broker: BrokerRows | None = None,
    ) -> None:
        self.name, self.target, self.rejects = name, target, rejects
        self.total = total if files is None else files.total
        self.goal: Target | None = None
        self.columns: tuple[str, ...] = ()
        self.on_rows: Callable[[int], object] | None = None  # called with a row number once all rows up to it are used
        self._notes = list(notes)
        self._noted: set[str] = set()  # notes already returned
        self._blocks = blocks
        self._files, self._broker = files, broker
        self.live = broker is not None or (files is not None and files.live)  # whether rows may arrive slowly
        self.share = ALLOWED
        self.skip = 0
        self.limit: int | None = None
        self.gaps = False  # whether a row without a label is a gap in a series, and none that can't be used
        self.pauses = False  # whether to yield empty blocks while a broker is silent

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        for block in self.blocks():
            yield from zip(block.X, block.y, strict=True)

    def blocks(self) -> Iterator[Block]:
        """Yield the rows in blocks."""
        blocks = from_row(self._blocks, self.skip, self.limit) if self.skip or self.limit is not None else self._blocks
        answers = self.target if self.goal is not None else None
        if self.goal is not None:
            blocks = map(partial(self.goal.clean, rejects=self.rejects), blocks)
        for block in stop_where_unusable(
            blocks, self.rejects, self.share, target=answers, at=self.name, live=self.live, gaps=self.gaps
        ):
            if len(block) or self.pauses:
                yield block
                if len(block) and self.on_rows is not None:
                    self.on_rows(block.rows[-1])

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def notes(self) -> list[str]:
        """Notes on the source, and on how its columns are read."""
        return self._notes + ([] if self._files is None else self._files.notes)

    @property
    def inference(self) -> DtypeInference:
        """Inference of the columns, which knows none of a source that tells its types, such as a data set."""
        return DtypeInference() if self._files is None else self._files.inference

    def add_note(self, note: str) -> None:
        """Add a sentence to the notes on the source."""
        self._notes.append(note)

    def new_notes(self) -> list[str]:
        """Return the notes not returned before, as further files may add some."""
        new = list(filterfalse(self._noted.__contains__, self.notes))
        self._noted.update(new)
        return new

    def reading(self) -> dict[str, dict[str, object]]:
        """Return the settings of each column as JSON. Passed as `known`, they read other data alike."""
        return {} if self._files is None else self._files.inference.note()

    def kinds(self) -> str:
        """Return a line that lists the columns read as numbers, dates and texts, or "" for a typed source."""
        return "" if self._files is None else self._files.inference.kinds()

    def odd(self, only: Collection[str] | None = None) -> list[str]:
        """Return a sentence for each column with texts among numbers or dates, or for some of these columns only."""
        return [] if self._files is None else self._files.inference.odd(only)

    def fraction(self) -> float | None:
        """Return the share of the source read so far, or None if its length is unknown."""
        return None if self._files is None else self._files.fraction()

    def close(self) -> None:
        """Close the source and the file of rejected rows."""
        self.rejects.close()
        if self._files is not None:
            self._files.close()
        if self._broker is not None:
            self._broker.close()

    def through(self, stage: Callable[[Iterator[Block]], Iterator[Block]]) -> None:
        """Pass all blocks through a stage as they are read."""
        self._blocks = stage(self._blocks)

    def look(self, rows: int = 1) -> list[Block]:
        """Return blocks with the first rows, which stay in the stream."""
        head: list[Block] = []
        while sum(map(len, head)) < rows and (block := next(self._blocks, None)) is not None:
            head += [block] if not self.live or len(block) else []
        self._blocks = chain(head, self._blocks)
        self.columns = _columns(head)
        return head

    def decide(self, task: str, classes: Collection[Hashable] = ()) -> Target | None:
        """Infer the target from the first rows, which stay in the stream, or return None for a task without labels."""
        if self.live and task != "auto":  # a live stream's rows must not wait
            self.goal = None if task == task_by_labels()[UNLABELLED] else assume_target(task, classes)
            return self.goal
        rows = _LOOK_LIVE if self.live else LOOK
        head = self.look(rows)
        answers = list(chain.from_iterable(map(attrgetter("y"), head)))
        if not answers:
            places = self.rejects.places
            reasons = ", ".join(
                f"{n:,} × {why}, first in line {places[why][0]}" for why, n in self.rejects.counts.items()
            )
            raise SourceError(
                expected="rows", got=reasons or "none", at=self.name, help="Check the file, or give its --format."
            )
        alone = task == task_by_labels()[UNLABELLED]
        name = self.target or ("" if alone else "target")
        json = self._files is not None and self._files.kind in ("jsonl", "rows")
        if json and name and name not in self.columns and all(y is None for y in answers):
            raise TargetError(
                expected=f"answers in the column {name}",
                got="none",
                at=self.name,
                help=did_you_mean(name, self.columns),
            )
        if alone:
            return None
        self.goal = decide_target(answers[:rows], task=task, classes=classes, name=name, at=self.name)
        self._notes += filter(None, [self.goal.doubt])
        return self.goal


def read(
    source: Any,
    *,
    target: str | None = None,
    task: str | None = "auto",
    classes: Collection[Hashable] = (),
    drop: Collection[str] = (),
    text: Collection[str] = (),
    format: str | None = None,  # noqa: A002 - the option's name
    encoding: str | None = None,
    decimal: str | None = None,
    thousands: str | None = None,
    dates: str | None = None,
    skip: int = 0,
    limit: int | None = None,
    rejects: str | Path | None = None,
    allow_rejects: float = ALLOWED,
    skip_lines: int | None = None,
    comment: str = "",
    header: bool = True,
    missing: Collection[str] = (),
    times: Collection[str] = (),
    known: Mapping[str, dict[str, object]] | None = None,
    positions: Mapping[str, Mapping[str, str]] | None = None,
) -> Stream:
    """Read files, rows in memory or a broker's topic as a stream of rows, as ``headwater learn`` does.

    Columns are inferred from their first thousand rows as numbers, dates or text, with their formats. The stream's `notes`
    describe the result.

    Parameters
    ----------
    source
        A path (CSV, TSV, JSON lines, Parquet, Arrow or a workbook such as .xlsx; optionally compressed by gzip, bzip2, xz or
        zstd, or alone in a zip), a folder, a pattern such as ``"2024-*.csv"``, an address of these (``s3://``, ``gs://``,
        ``https://``), a table ``delta://FOLDER``, a list of files, ``"-"`` for standard input, ``"dataset:NAME"``, or the
        address of a broker, such as ``"kafka://host:9092/topic"``. Or rows in memory: an iterable of
        dicts such as ``csv.DictReader``, an array, a data frame, a lazy one, or any object with ``__arrow_c_stream__``.
    target
        Column of the labels. A data set has its own.
    task
        ``"classify"``, ``"regress"``, ``"auto"`` (inferred from the first 1,000 rows, or 100 of standard input),
        ``"anomaly"`` for rows that need no labels (a target is then the column of labels for scores), or None to read
        features only.
    classes
        Known classes of a model. Labels of another kind are rejected.
    drop
        Columns to leave out.
    text
        Columns to read as text even if cells look like numbers, such as a flight number or a postal code.
    format
        ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"`` or ``"arrow"``; by default detected.
    encoding
        Encoding of text, such as ``"gb18030"``; by default detected.
    decimal, thousands
        Sign before a fraction and between groups of digits, such as ``"comma"``; by default inferred.
    dates
        ``"dmy"``, ``"mdy"`` or ``"ymd"`` for the order of day, month and year, or a pattern of ``strptime``.
    skip, limit
        Rows to skip at the start, and maximum number of rows to read.
    rejects
        File for the rows that can't be read.
    allow_rejects
        Maximum share of unusable rows before reading stops.
    skip_lines
        Lines before the one with the names of the columns; by default a preamble is recognised.
    comment
        Beginning of lines to leave out, such as ``"#"``.
    header
        Whether the first line has the names of the columns. If not, they are named ``column 1`` and so on.
    missing
        Cells that are gaps, such as ``"-999"``.
    times
        Columns of numbers that are times: seconds or milliseconds since 1970, or days of a spreadsheet.
    known
        Settings of the columns of earlier files, from `Stream.reading`.
    positions
        Positions of brokers by source name, from a learner's notes.

    Returns
    -------
    Stream
        The rows, and what is known about them.

    Raises
    ------
    SourceError
        When the source can't be opened or has no rows.
    TargetError
        When the target is missing, or its labels don't fit the task.
    DataError
        When a column to drop is missing or, while reading, too many rows are unusable.
    ConfigError
        For an invalid option.
    MissingExtra
        When a package for this source is not installed.

    Examples
    --------
    >>> with read("dataset:phishing") as stream:
    ...     stream.target, stream.total, stream.goal.task, sum(len(block) for block in stream.blocks())
    ('is_phishing', 1250, 'classify', 1250)
    """
    written = decimal is not None or thousands is not None or dates is not None or times
    options = Options(
        target=target if task is not None else None,
        drop=drop,
        text=text,
        writing=Writing(decimal, thousands, dates, tuple(times)) if written else None,
        layout=Layout(skip_lines, comment, header, frozenset(missing)),
        form=(format, encoding),
        known=known,
        positions=positions,
    )
    _check_target(source, target, drop, needed=task not in (None, task_by_labels()[UNLABELLED]))
    check_limits(skip, limit, allow_rejects, skip_lines)
    return _open(source, options, task, classes, Rejects(rejects), (skip, limit, allow_rejects))


@dataclass(frozen=True, slots=True)
class Options:
    """Options for reading a source, of its columns, its cells, its lines and its files."""

    target: str | None
    drop: Collection[str]
    text: Collection[str]
    writing: Writing | None
    layout: Layout
    form: tuple[str | None, str | None]  # format and encoding
    known: Mapping[str, dict[str, object]] | None
    positions: Mapping[str, Mapping[str, str]] | None


def _open(
    source: Any,
    options: Options,
    task: str | None,
    classes: Collection[Hashable],
    rejects: Rejects,
    limits: tuple[int, int | None, float],
) -> Stream:
    with ExitStack() as opened:  # closes everything on errors
        out = opened.enter_context(closing(rejects))
        if isinstance(source, str) and source.startswith("dataset:"):
            alone = options.target is None and task == task_by_labels()[UNLABELLED]
            stream = _open_named(str(source), options, out, alone=alone)
        elif is_address(source):
            stream = opened.enter_context(_open_broker(str(source), options, out, options.positions or {}))
        else:
            look = _LOOK_LIVE if task in (None, "auto") else 1
            inference = DtypeInference(writing=options.writing, text=options.text, known=options.known, look_live=look)
            files: Files | Memory
            one = isinstance(source, str | Path)
            if str(source).lower().endswith(SHEETS) or str(source).startswith(DELTA) if one else not is_path(source):
                files = _in_memory(source, options, inference)
            else:
                columns: dict[str, Any] = {"drop": options.drop, "text": options.text}
                form: dict[str, Any] = dict(zip(("format", "encoding"), options.form, strict=True))
                files = Files(source, inference, out, target=options.target, layout=options.layout, **columns, **form)
            stream = Stream(files.blocks(), name=files.name, rejects=out, target=options.target, files=files)
            opened.callback(stream.close)
        stream.skip, stream.limit, stream.share = limits
        out.last = None if limits[1] is None else limits[0] + limits[1]
        if task is not None:
            stream.decide(task, classes)
        opened.pop_all()
    return stream


def _in_memory(source: Any, options: Options, inference: DtypeInference) -> Memory:
    """Open rows in memory, a workbook, which fits into it, or a table, whose columns tell their types."""
    from headwater.streams.readers.delta import read_delta
    from headwater.streams.readers.memory import Memory
    from headwater.streams.readers.sheets import read_sheet

    name = shown(str(source)) if isinstance(source, str | Path) else ""
    rows = source
    if name:
        rows = read_delta(str(source)) if name.startswith(DELTA) else read_sheet(source)
    return Memory(rows, inference, target=options.target, drop=options.drop, text=options.text, name=name)


def is_path(source: Any) -> bool:
    """Return whether a source is a path, an address, or a list of paths."""
    one = isinstance(source, str | Path)
    return one or (isinstance(source, list | tuple) and all(isinstance(part, str | Path) for part in source))


def _check_target(source: Any, target: str | None, drop: Collection[str], *, needed: bool) -> None:
    if target is not None and target in drop:
        raise ConfigError(
            expected="a target that is kept", got=f"{target} among the dropped", at="--drop", help="Drop other columns."
        )
    if target is None and needed and not (isinstance(source, str) and source.startswith("dataset:")):
        known = did_you_mean("", _names_in(source))
        raise ConfigError(
            expected="a column to predict",
            got="no --target",
            at=shown(str(source)) if is_path(source) else f"the {type(source).__name__} given",
            help=f"Name one: --target COLUMN. {known}".rstrip(),
        )


def _names_in(source: Any) -> tuple[str, ...]:
    """Return a source's column names, if reading them consumes no rows and doesn't block."""
    if not is_path(source):
        return ()
    if source == "-" or is_address(source):
        return ()
    with read(source, task=None) as stream:
        stream.look()
        return stream.columns


def _columns(head: list[Block]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for block in head:
        if isinstance(block.X, FrameRows):
            names |= dict.fromkeys(block.X.columns)
        elif isinstance(block.X, list):
            names |= dict.fromkeys(chain.from_iterable(block.X[:100]))
    return tuple(names)


def _open_named(name: str, options: Options, rejects: Rejects, *, alone: bool) -> Stream:
    """Open a data set by name, without labels if ``alone``."""
    from headwater.streams.datasets import open_dataset

    dataset = open_dataset(name.removeprefix("dataset:"), target=options.target)
    blocks = dataset.blocks
    if options.drop or options.text:
        blocks = (_as_asked(block, options.drop, options.text) for block in blocks)
    if alone:
        blocks = (replace(block, y=[None] * len(block)) for block in blocks)
    answer = None if alone else dataset.target
    return Stream(blocks, name=name, rejects=rejects, target=answer, total=dataset.total, notes=dataset.notes)


def _open_broker(source: str, options: Options, rejects: Rejects, positions: Mapping[str, Mapping[str, str]]) -> Stream:
    from headwater.streams.brokers.rows import BrokerRows

    address = read_address(source)
    rows = BrokerRows(address, positions, rejects, target=options.target, drop=options.drop)
    return Stream(rows.blocks(), name=address.at, rejects=rejects, target=options.target, broker=rows)


def _as_asked(block: Block, drop: Collection[str], text: Collection[str]) -> Block:
    """Return a block without some columns, and with others as text."""
    for x in block.X:
        for name in drop:
            x.pop(name, None)
        for name in text:
            if x.get(name) is not None:
                x[name] = str(x[name])
    return block
