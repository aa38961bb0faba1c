"""Options for reading a source."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.cli.options.shared import Names, split_names
from headwater.streams.limits import ALLOWED
from headwater.streams.stream import Stream, read

__all__ = ["LAYOUT", "ReadingOptions"]

LAYOUT = frozenset(("skip_lines", "comment", "missing", "header"))
"""What a model remembers of the lines and cells of its files."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """Options for reading a source. A saved model remembers drop, text and the kinds of its columns.

    Parameters
    ----------
    drop
        Columns to leave out, with commas between.
    text
        Columns to read as text although they look like numbers, such as postal codes.
    format
        csv, tsv, jsonl, parquet or arrow, where the name doesn't tell.
    encoding
        The encoding of text, such as gb18030 or latin-1, where it isn't recognised.
    decimal
        The sign before a fraction: comma or point.
    thousands
        The sign between groups of digits: comma, point, space, apostrophe or none.
    dates
        The order of day, month and year: dmy, mdy or ymd; or a pattern such as %d.%m.%Y.
    times
        Columns of numbers that are times: seconds or milliseconds since 1970, or days of a spreadsheet.
    missing
        Cells that are gaps, such as -999, with commas between.
    skip_lines
        Lines before the one with the names of the columns, where it isn't recognised.
    comment
        The beginning of lines to leave out, such as #.
    no_header
        Whether the first line is a row, so that the columns are named column 1, column 2 and so on.
    skip
        Rows to leave out at the beginning.
    limit
        Rows to read at most.
    rejects
        A file for the rows that can't be read.
    allow_rejects
        The share of rows that may be left out before the run stops.
    """

    drop: Names = None
    text: Names = None
    format: Annotated[str | None, Parameter(metavar="FORMAT", name="--format")] = None
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    dates: str | None = None
    times: Names = None
    missing: Names = None
    skip_lines: int | None = None
    comment: str | None = None
    no_header: bool = False
    skip: int = 0
    limit: int | None = None
    rejects: Path | None = None
    allow_rejects: Annotated[float, Parameter(metavar="SHARE")] = ALLOWED

    def notes(self, learner: Any, *, target: str | None) -> dict[str, Any]:
        """Return the notes for reading rows, from the options or else from a saved model."""
        kept = {} if learner is None else learner.notes
        return {
            "target": target or kept.get("target"),
            "drop": list(split_names(self.drop)) if self.drop else kept.get("drop", []),
            "text": list(split_names(self.text)) if self.text else kept.get("text", []),
            "columns": kept.get("columns", {}),
            "sources": kept.get("sources", []),
            "positions": kept.get("positions", {}),
            **self._layout(kept),
        }

    def _layout(self, kept: Mapping[str, Any]) -> dict[str, Any]:
        """Return which lines are no rows and which cells are gaps, as the options or else a saved model say, if they do."""
        asked = {
            "skip_lines": self.skip_lines,
            "comment": self.comment,
            "missing": list(split_names(self.missing)) if self.missing is not None else None,
            "header": False if self.no_header else None,
        }
        layout = dict[str, Any]()
        for name, value in asked.items():
            if value is not None or name in kept:
                layout[name] = kept[name] if value is None else value
        return layout

    def open(
        self,
        sources: Collection[str],
        notes: Mapping[str, Any],
        *,
        task: str | None,
        classes: Collection[Hashable] = (),
        skip: int = 0,
    ) -> Stream:
        """Open the source as a stream."""
        forms, remembered = self.forms(), ""
        if not LAYOUT.isdisjoint(notes):
            forms |= {name: notes[name] for name in LAYOUT.intersection(notes)}
            remembered = ", ".join(self._remembered(notes))
        stream = read(
            next(iter(sources)) if len(sources) == 1 else list(sources),
            target=notes["target"] if task is not None else None,
            task=task,
            classes=classes,
            drop=notes["drop"],
            text=notes["text"],
            known=notes["columns"],
            positions=notes["positions"],
            **forms,
            skip=max(skip, self.skip) if self.skip >= 0 else self.skip,
            limit=self.limit,
            rejects=self.rejects,
            allow_rejects=self.allow_rejects,
        )
        if remembered:
            stream.add_note(f"Read as the model's files were: {remembered}.")
        return stream

    def alike(self, notes: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of ``read`` that hold for each of several sources."""
        forms = self.forms() | {name: notes[name] for name in LAYOUT.intersection(notes)}
        return {**forms, "drop": notes["drop"], "text": notes["text"], "allow_rejects": self.allow_rejects}

    def _remembered(self, notes: Mapping[str, Any]) -> list[str]:
        """Return the options of the layout that a saved model says, and not the command."""
        given = self._layout({})
        written = {"comment": "--comment '{}'", "missing": "--missing={}", "header": "--no-header"}
        values = {name: value for name, value in notes.items() if name in LAYOUT and name not in given}
        return [
            written.get(name, "--skip-lines {}").format(",".join(value) if isinstance(value, list) else value)
            for name, value in values.items()
        ]

    def forms(self) -> dict[str, Any]:
        """Return how files, lines, cells and times are written, as options of ``read``."""
        return {
            "format": self.format,
            "encoding": self.encoding,
            "decimal": self.decimal,
            "thousands": self.thousands,
            "dates": self.dates,
            "times": split_names(self.times) if self.times else (),
            "missing": split_names(self.missing) if self.missing else (),
            "skip_lines": self.skip_lines,
            "comment": self.comment or "",
            "header": not self.no_header,
        }
