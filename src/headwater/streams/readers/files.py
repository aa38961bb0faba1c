"""Read several files as one stream."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from headwater.errors import SourceError
from headwater.streams.block import Block
from headwater.streams.files.addresses import shown
from headwater.streams.files.lines import read_lines
from headwater.streams.files.open_file import COLUMNAR, OpenFile, open_file
from headwater.streams.files.paths import check_there, files_of, sizes_of
from headwater.streams.files.rejects import Rejects
from headwater.streams.readers.delimited import AS_IT_IS, Header, Layout, read_delimited, read_header
from headwater.streams.readers.dtypes.inference import DtypeInference
from headwater.types import Lazy

__all__ = ["Files"]

_OPEN_COLUMNAR = Lazy("headwater.streams.readers.columnar:open_columnar")
_READ_COLUMNAR: Callable[..., Iterator[Block]] = Lazy("headwater.streams.readers.columnar:read_columnar")
_READ_JSON_LINES: Callable[..., Iterator[Block]] = Lazy("headwater.streams.readers.jsonlines:read_json_lines")


class Files:
    """Rows of one file, or of several with the same columns.

    The first file is opened immediately, so that its errors are raised early.

    Parameters
    ----------
    source
        A path, a folder, a pattern, ``"-"``, or a list of these.
    inference
        Infers how to read the columns. A further file is read like the ones before it if that fits as well.
    rejects
        Counts rows that can't be read.
    target, drop, text
        Columns of the labels, to leave out, and to read as text.
    format, encoding
        Format and encoding of the files, if given.
    layout
        Lines of text files that are no rows, and cells that are gaps.
    """

    def __init__(
        self,
        source: str | Path | Iterable[str | Path],
        inference: DtypeInference,
        rejects: Rejects,
        *,
        target: str | None = None,
        drop: Collection[str] = (),
        text: Collection[str] = (),
        format: str | None = None,  # noqa: A002 - the option's name
        encoding: str | None = None,
        layout: Layout = AS_IT_IS,
    ) -> None:
        self.names = files_of(source)
        if not self.names:
            raise SourceError(expected="at least one file", got="none", at="the source", help="Name a file.")
        for name in self.names if len(self.names) > 1 else ():  # a single file is opened below anyway
            check_there(name)
        self.inference, self._rejects = inference, rejects
        self._target, self._drop, self._text = target, drop, text
        self._format, self._encoding, self._layout = format, encoding, layout
        self._notes: list[str] = []
        self.total: int | None = None
        self._header: Header | None = None
        self._done = 0  # bytes of the finished files
        self._file = self._open(self.names[0])
        self.kind, self.live = self._file.kind, self._file.live
        self.name = self._file.name if len(self.names) == 1 else f"{self._file.name} and {len(self.names) - 1:,} more"
        self._size = (self._file.size or 0) if len(self.names) == 1 else sizes_of(self.names)
        if self.live:
            inference.go_live()
        try:
            self._first = self._read(self._file)
        except BaseException:
            self._file.close()
            raise

    @property
    def notes(self) -> list[str]:
        """Notes on the files' encoding and format."""
        decoder = self._file.decoder
        note = f"{self._file.name}: written in {decoder.spoken}; --encoding overrules this."
        if decoder.found and note not in self._notes:
            self._notes.append(note)
        return self._notes + self.inference.remarks

    def fraction(self) -> float | None:
        """Return the share read so far, or None if the length is unknown."""
        return min(1.0, (self._done + self._file.position()) / self._size) if self._size else None

    def close(self) -> None:
        """Close the open file."""
        self._file.close()

    def blocks(self) -> Iterator[Block]:
        """Yield the rows of all files, numbered consecutively."""
        before = last = 0
        for i, name in enumerate(self.names):
            if i:
                self._done += self._file.size or 0
                self._file.close()
                self._file = self._open(name)
            for block in self._first if i == 0 else self._read(self._file):
                last = block.rows[-1]
                rows = [before + row for row in block.rows] if before else block.rows
                yield replace(block, rows=rows)
            before, last = before + last, 0
            self._rejects.before = before

    def _open(self, name: str) -> OpenFile:
        if len(self.names) > 1:
            self._rejects.file = shown(name)
        return open_file(name, kind=self._format, encoding=self._encoding)

    def _read(self, file: OpenFile) -> Iterator[Block]:
        """Return the rows of a file, and raise immediately if a column is missing."""
        target, drop, text = self._target, self._drop, self._text
        if file.kind in COLUMNAR:
            names, total, batches = _OPEN_COLUMNAR(file.seekable(), kind=file.kind, at=file.name)
            self.total = total if len(self.names) == 1 else None
            return _READ_COLUMNAR(batches, self._checked(names, file.name), self.inference)
        lines = read_lines(file.raw, self._rejects, live=file.live, decoder=file.decoder)
        if file.kind == "jsonl":
            return _READ_JSON_LINES(lines, self._rejects, target=target, drop=drop, text=text, inference=self.inference)
        tab = "\t" if file.kind == "tsv" else None
        layout = self._layout
        lines = layout.lines(lines) if layout.skip_lines or layout.comment else lines
        names, delimiter, rest = read_header(lines, delimiter=tab, at=file.name, layout=layout, notes=self._notes)
        header, lines = self._checked(names, file.name), chain([rest], lines)
        return read_delimited(
            lines, header, self._rejects, delimiter=delimiter, inference=self.inference, missing=layout.missing
        )

    def _checked(self, names: tuple[str, ...], at: str) -> Header:
        header = Header(names, target=self._target, drop=self._drop, text=self._text)
        header.check(at)
        if self._header is not None and set(names) != set(self._header.names):
            lacks, adds = set(self._header.names) - set(names), set(names) - set(self._header.names)
            parts = [
                f"{verb} {', '.join(sorted(found)[:5])}" for verb, found in (("lacks", lacks), ("adds", adds)) if found
            ]
            self._notes.append(f"{at} {' and '.join(parts)}, compared with {shown(self.names[0])}.")
        self._header = self._header or header
        return header
