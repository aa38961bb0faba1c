"""Read CSV and TSV as blocks of dicts."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress, count, repeat
from operator import attrgetter
from typing import Any

from headwater.errors import DataError, SourceError, TargetError, counted, did_you_mean
from headwater.streams.block import Block
from headwater.streams.files.lines import Numbered
from headwater.streams.files.rejects import Rejects
from headwater.streams.readers.dtypes.cells import parse_numbers
from headwater.streams.readers.dtypes.columns import BY_CELL, TEXT, ColumnReader
from headwater.streams.readers.dtypes.inference import DtypeInference

__all__ = ["Header", "Layout", "read_delimited", "read_header"]

# Maximum lines of a record. An unclosed quote would otherwise consume the rest of the file.
_LONGEST_RECORD = 1_000
_MOST_PIECES = 500  # 16 MB of text, so very wide files are inferred from fewer rows
_DELIMITERS = ",;\t|"
_SAMPLED = 20  # lines for detecting the delimiter
_PREAMBLE = 50  # lines for detecting lines before the header
_BLANK = ("\n",)  # appended to the lines, it is read as a separate row unless a quote is open


@dataclass(frozen=True, slots=True)
class Header:
    """Columns of a file and their roles.

    Parameters
    ----------
    names
        All columns in the order of the file.
    target
        Column of the labels, None to read features only.
    drop
        Columns to leave out.
    text
        Columns to read as text even where a cell looks like a number.
    """

    names: tuple[str, ...]
    target: str | None = None
    drop: Collection[str] = ()
    text: Collection[str] = ()
    features: tuple[int, ...] = field(init=False)  # indices of the feature columns
    wanted: tuple[int, ...] = field(init=False)  # features and labels

    def __post_init__(self) -> None:
        left_out = {*self.drop, self.target}
        kept = tuple([j for j, name in enumerate(self.names) if name not in left_out])
        object.__setattr__(self, "features", kept)
        answers = (self.names.index(self.target),) if self.target in self.names else ()
        object.__setattr__(self, "wanted", (*kept, *answers))

    def readers(self) -> dict[str, ColumnReader]:
        """Return readers that parse each cell separately."""
        return {self.names[j]: ColumnReader(TEXT if self.names[j] in self.text else BY_CELL) for j in self.wanted}

    def check(self, at: str) -> None:
        """Raise if a requested column is missing or ambiguous.

        Raises
        ------
        TargetError, DataError
            For the target, and for any other column.
        """
        if self.target is not None and self.target not in self.names:
            raise TargetError(
                expected=f"the column {self.target}",
                got=counted(len(self.names), "other"),
                at=at,
                help=did_you_mean(self.target, self.names),
            )
        for name in (*self.drop, *self.text):
            if name not in self.names:
                raise DataError(
                    expected=f"the column {name}", got="no such column", at=at, help=did_you_mean(name, self.names)
                )
        if len(set(self.names)) == len(self.names):
            return
        kept = [name for name in self.names if name == self.target or name not in self.drop]
        for name in kept:
            if kept.count(name) > 1:
                raise DataError(
                    expected="columns with different names", got=f"{name!r} more than once", at=at, help="Rename one."
                )


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of a text file.

    Parameters
    ----------
    skip_lines
        Lines before the header; None recognises a preamble.
    comment
        Beginning of lines to leave out; empty for none.
    header
        Whether there is a line with the names of the columns.
    missing
        Cells that are gaps.
    """

    skip_lines: int | None = None
    comment: str = ""
    header: bool = True
    missing: Collection[str] = ()

    def lines(self, lines: Iterator[Numbered]) -> Iterator[Numbered]:
        r"""Yield the lines behind the skipped ones that are no comments.

        Examples
        --------
        >>> list(Layout(1, "#").lines(iter([(range(1, 5), ["title\n", "a\n", "# no\n", "1\n"])])))
        [([2, 4], ['a\n', '1\n'])]
        """
        skip = self.skip_lines or 0
        for numbers, chunk in lines:
            kept = [
                i
                for i, line in enumerate(chunk)
                if numbers[i] > skip and not (self.comment and line.lstrip().startswith(self.comment))
            ]
            yield [numbers[i] for i in kept], [chunk[i] for i in kept]


AS_IT_IS = Layout()


def read_header(
    lines: Iterator[Numbered],
    *,
    delimiter: str | None,
    at: str,
    layout: Layout = AS_IT_IS,
    notes: list[str] | None = None,
) -> tuple[tuple[str, ...], str, Numbered]:
    """Return the column names, the delimiter, and the lines read along with the header.

    The delimiter is the one of ``, ; tab |`` that splits the first lines into the same number of fields, the most if several
    do, unless it is given or set in a first line ``sep=;``. A column without a name, such as the index that pandas writes,
    is named by its position, ``column 1``.

    Raises
    ------
    SourceError
        When there is no line at all, or the first can't be read.
    """
    seen = 0
    for numbers, chunk in lines:
        filled = next(compress(count(), map(str.strip, chunk)), None)
        if filled is None:
            seen += len(chunk)
            continue
        if not (layout.skip_lines or layout.comment) and numbers[filled] != seen + filled + 1:
            raise SourceError(
                expected="a line with the names of the columns",
                got="one that can't be decoded",
                at=at,
                help="Name its --encoding.",
            )
        if chunk[filled].startswith("sep=") and len(chunk[filled].strip()) == len("sep=;"):  # Excel writes this
            delimiter, filled = chunk[filled][4], filled + 1
        at_line, separator = _header_line(chunk, filled, delimiter, layout)
        if at_line > filled and notes is not None:
            notes.append(_about_preamble(at, at_line - filled, numbers[filled]))
        cells = next(csv.reader(chunk[at_line : at_line + 1], delimiter=separator, skipinitialspace=True))
        if not layout.header:
            names = tuple([f"column {j}" for j in range(1, len(cells) + 1)])
            return names, separator, (numbers[at_line:], chunk[at_line:])
        if notes is not None and cells[0][:1].isdigit() and parse_numbers(cells) is not None:
            shown = ", ".join(cells[:2])
            notes.append(f"{at}: the names of the columns are numbers ({shown} …); --no-header reads them as a row.")
        names = tuple([cell.strip() or f"column {j}" for j, cell in enumerate(cells, 1)])
        return names, separator, (numbers[at_line + 1 :], chunk[at_line + 1 :])
    raise SourceError(
        expected="a line with the names of the columns", got="an empty file", at=at, help="Check its path."
    )


def _about_preamble(at: str, n: int, first: int) -> str:
    lines = "1 line before the names of the columns is" if n == 1 else f"{n} lines before the names of the columns are"
    return f"{at}: {lines} left out, from line {first:,}; --skip-lines 0 keeps them."


def _header_line(chunk: list[str], first: int, delimiter: str | None, layout: Layout) -> tuple[int, str]:
    """Return the index of the line with the names and the delimiter, behind a preamble such as a title with a date.

    A preamble has at most two filled cells a line, where the lines that follow have the same number of cells, four or more, or
    three behind lines of one cell. The names are texts, none of them empty.
    """
    separator = delimiter or _delimiter(chunk[first : first + _SAMPLED])
    if layout.skip_lines is not None:
        return first, separator
    for candidate in dict.fromkeys([separator, *([] if delimiter else _DELIMITERS)]):
        rows = list(csv.reader(chunk[first : first + _PREAMBLE], delimiter=candidate, skipinitialspace=True))
        if len(rows[0]) > 1 and set(map(len, rows)) == {len(rows[0])} and all(rows[0]):
            return first, candidate  # as most files are
        width = Counter(map(len, filter(None, rows))).most_common(1)[0][0] if any(rows) else 0
        at = next((i for i, row in enumerate(rows) if len(row) == width and all(map(str.strip, row))), 0)
        if at == 0 and width > 1:
            return first, candidate  # the first line has the names
        before = all(_is_title(row, width) for row in rows[:at])
        same = {len(row) for row in rows[at:-1] if row} == {width}
        whole = len(rows) == len(chunk[first : first + _PREAMBLE])  # no record of several lines
        if before and same and whole and 0 < at < len(rows) - 1 and not _numbers_in(rows[at]):
            return first + at, candidate
    return first, separator


def _is_title(row: list[str], width: int) -> bool:
    """Return whether a line before rows of this width is none of names, but a title, a date, or empty."""
    filled = sum(map(bool, map(str.strip, row)))
    return filled <= 1 < width - (len(row) == width) if filled < 2 or width < 4 else filled == 2 and len(row) < width


def _numbers_in(cells: Sequence[str]) -> bool:
    return any(parse_numbers([cell]) not in (None, [None]) for cell in cells)


def _delimiter(lines: list[str]) -> str:
    """Return the delimiter that splits header and sample lines into the same number of fields."""
    likely = max(_DELIMITERS, key=lines[0].count)
    for delimiter in sorted(_DELIMITERS, key=lines[0].count, reverse=True):
        widths = [len(fields) for fields in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if fields]
        if widths and widths[0] > 1 and 2 * widths.count(widths[0]) > len(widths):
            return delimiter
    return likely


def read_delimited(
    lines: Iterator[Numbered],
    header: Header,
    rejects: Rejects,
    *,
    delimiter: str = ",",
    inference: DtypeInference | None = None,
    missing: Collection[str] = (),
) -> Iterator[Block]:
    r"""Yield blocks of rows, rejecting rows whose number of fields differs from the header.

    This takes 3 µs per row of 12 columns.

    Parameters
    ----------
    lines
        Lines after the header.
    header
        Columns.
    rejects
        Counts rows of another width.
    delimiter
        Separator of cells.
    inference
        Infers from the first rows how to read each column; None parses each cell separately.
    missing
        Cells that are gaps.

    Examples
    --------
    >>> lines = iter([(range(2, 5), ["1,a,yes\n", "2\n", "3,b,no\n"])])
    >>> (block,) = read_delimited(lines, Header(("n", "s", "late"), target="late"), Rejects())
    >>> block.X, block.y, block.rows, block.lines
    ([{'n': 1.0, 's': 'a'}, {'n': 3.0, 's': 'b'}], ['yes', 'no'], [1, 3], [2, 4])
    """
    pieces = _Splitter(len(header.names), delimiter, rejects).pieces(lines)
    if missing:
        pieces = (piece.without(missing) for piece in pieces)
    if inference is not None:
        first = _first(pieces, inference.rows)
        cells = list(zip(*chain.from_iterable(map(attrgetter("fields"), first)), strict=True))
        wanted = {header.names[j]: cells[j] for j in header.wanted} if cells else {}
        inference.look(wanted, target=header.target, semicolons=delimiter == ";")
        pieces = chain(first, pieces)
    columns = inference.readers if inference is not None and inference.readers else header.readers()
    for piece in pieces:
        yield _block(header, columns, piece)


def _first(pieces: Iterator[Piece], rows: int) -> list[Piece]:
    """Return the pieces with the first rows, bounded in memory."""
    first: list[Piece] = []
    for piece in pieces:
        first.append(piece)
        rows -= len(piece.rows)
        if rows <= 0 or len(first) == _MOST_PIECES:
            break
    return first


def _block(header: Header, columns: Mapping[str, ColumnReader], piece: Piece) -> Block:
    cells = list(zip(*piece.fields, strict=True))
    names = header.names
    values = [columns[names[j]].read(cells[j], piece.lines) for j in header.features]
    kept = list(map(names.__getitem__, header.features))
    X: list[dict[str, Any]] = list(map(dict, map(zip, repeat(kept), zip(*values, strict=True))))
    y: list[Any] = [None] * len(piece.rows)
    if header.target is not None:
        y = columns[header.target].labels(cells[names.index(header.target)], piece.lines)
    return Block(X or [{} for _ in piece.rows], y, piece.rows, piece.lines, names=names, cells=piece.fields)


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows as cells, with row numbers, first lines and fields."""

    rows: Sequence[int]
    lines: Sequence[int]
    fields: list[list[str]]

    def without(self, missing: Collection[str]) -> Piece:
        """Return the piece with these cells empty."""
        fields = [["" if cell.strip() in missing else cell for cell in row] for row in self.fields]
        return Piece(self.rows, self.lines, fields)


class _Splitter:
    """Splitter of lines into fields. Records left open by a quoted line break wait for the next chunk."""

    def __init__(self, width: int, delimiter: str, rejects: Rejects) -> None:
        self._width = width
        self._delimiter = delimiter
        self._rejects = rejects
        self._row = 0  # rows so far, including rejected ones
        self._open: tuple[list[int], list[str]] = ([], [])

    def pieces(self, lines: Iterator[Numbered]) -> Iterator[Piece]:
        """Yield the rows of each chunk of lines."""
        for numbers, chunk in lines:
            if (piece := self.split(numbers, chunk)).fields:
                yield piece
        numbers, last = self._open
        if last and (piece := self._split_carefully(numbers, last, last=True)).fields:
            yield piece

    def split(self, numbers: Sequence[int], lines: list[str]) -> Piece:
        if self._open[0]:
            numbers, lines = [*self._open[0], *numbers], self._open[1] + lines
            self._open = ([], [])
        elif fields := self._split_simple(lines):
            first = self._row + 1
            self._row += len(fields)
            return Piece(range(first, self._row + 1), numbers, fields)
        return self._split_carefully(numbers, lines, last=False)

    def _reader(self, lines: Iterable[str]) -> Any:
        return csv.reader(lines, delimiter=self._delimiter, skipinitialspace=True)

    def _split_simple(self, lines: list[str]) -> list[list[str]]:
        # Nearly every chunk has one valid row per line. Anything else is split carefully.
        try:
            fields: list[list[str]] = list(self._reader(chain(lines, _BLANK)))
        except csv.Error:
            return []
        simple = len(fields) == len(lines) + 1 and not fields.pop() and set(map(len, fields)) == {self._width}
        return fields if simple else []

    def _split_carefully(self, numbers: Sequence[int], lines: list[str], *, last: bool) -> Piece:
        rows: list[int] = []
        starts: list[int] = []
        fields: list[list[str]] = []
        i = 0
        while i < len(lines):
            taken, record, problem = self._record(lines, i)
            if problem == "unclosed quote" and not last and i + _LONGEST_RECORD > len(lines):
                self._open = (list(numbers[i:]), lines[i:])
                break
            if problem:
                self._rejects.add(problem, line=numbers[i], row=lines[i].rstrip("\r\n"), number=self._row + 1)
            elif record:
                rows.append(self._row + 1)
                starts.append(numbers[i])
                fields.append(record)
            self._row += bool(problem or record)
            i += taken
        return Piece(rows, starts, fields)

    def _record(self, lines: list[str], i: int) -> tuple[int, list[str], str]:
        """Return the number of lines of the record at `i`, its fields (none for a blank line), and its error."""
        n = min(_LONGEST_RECORD, len(lines) - i)
        reader = self._reader(chain(map(lines.__getitem__, range(i, i + n)), _BLANK))
        try:
            fields: list[str] = next(reader)
        except csv.Error as error:
            return 1, [], str(error)
        if reader.line_num > n:
            return 1, [], "unclosed quote"
        if fields and len(fields) != self._width:
            # Reject only the first line, since a stray quote may have joined valid ones.
            return 1, [], "wrong number of fields"
        return reader.line_num, fields, ""
