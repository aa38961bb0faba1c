"""Run ``headwater learn`` on labels with parts, each in its own column."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from headwater.cli.options.declared import settings_of
from headwater.cli.options.model import ModelOptions
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.report import report_file, session_pace
from headwater.cli.runs.lock import locked
from headwater.cli.sources import LearnedSources, without_score
from headwater.cli.terminal.progress import rows_kept
from headwater.cli.terminal.summary import print_json, print_report
from headwater.errors import ConfigError, UnlikelyData, did_you_mean
from headwater.learner.kind import Kind
from headwater.learner.schema.compound import read_labels
from headwater.route.session import Session
from headwater.streams import Stream
from headwater.streams.block import Block
from headwater.streams.files.terminal import go_on_unread

__all__ = ["CompoundRun"]

_EVERY = 1_000  # rows between two records of a run with a report


@dataclass(frozen=True)
class CompoundRun:
    """A pass over a source whose labels are compound.

    Parameters
    ----------
    source : tuple of str
        What to read.
    kind : Kind
        What learns it.
    columns : mapping
        The column of each part of the label; of several outputs, ``{"y": their columns}``.
    task : str
        What --task says.
    known : Learner, optional
        A saved learner to go on with.
    model : Path, optional
        A file to save to.
    window : int
        Rows that the second set of scores is over.
    resume : bool
        Whether rows that were learned of this source are left out.
    plain : mapping
        What was given for each option that is for plain labels alone.
    report : Path, optional
        A file for a report about the run.
    """

    source: tuple[str, ...]
    kind: Kind
    columns: Mapping[str, Any]
    task: str
    known: Any
    model: Path | None
    window: int
    resume: bool
    plain: Mapping[str, Any]
    report: Path | None = None

    def run(self, reading: ReadingOptions, options: ModelOptions, settings: Any, *, as_json: bool) -> int:
        """Learn the rows, print the scores and return the exit status.

        Raises
        ------
        ConfigError
            If a column is not there.
        DataError
            If a row has no label that can be learned.
        """
        for option, value in self.plain.items():
            if value:
                raise ConfigError(
                    expected=f"no {option} where a label has several parts",
                    got=str(value),
                    at=option,
                    help="Leave it out. The parts of a label have columns of their own.",
                )
        with ExitStack() as opened:
            if self.model is not None:
                opened.enter_context(locked(self.model))
                opened.enter_context(go_on_unread())
            return self._learn(reading, options, settings, as_json=as_json)

    def _learn(self, reading: ReadingOptions, options: ModelOptions, settings: Any, *, as_json: bool) -> int:
        known, columns = self.known, dict(self.columns)
        table = self._table(columns)
        notes = reading.notes(known, target=None) | {"targets": list(table.names), "labels": columns, "target": None}
        learned = LearnedSources(notes["sources"], self.source)
        skip = learned.rows_learned(known.n_learned) if self.resume and known is not None else 0
        written = report_file(" ".join(self.source), self.report, reads=(*self.source, self.model))
        with reading.open(self.source, notes, task=None, skip=skip) as stream:
            blocks = self._blocks(stream, table)
            first = next(blocks, [])
            found = table.settings(first, task=self.task, at=stream.name, known=known)
            learner = known or options.make(self.kind.task, **{**found, **settings_of(self.kind, settings)})
            watched = (
                {} if written is None else session_pace(written, learner, _EVERY) | {"on_record": written.on_record}
            )
            session = Session(learner, window=self.window, keep=self.model, **watched)
            if self.model is not None:
                learned.follow(stream, learner)
            learner.notes = {**learner.notes, **notes}

            def noted() -> None:  # after each block, since any may be the last
                learner.notes["columns"] = stream.reading() or notes["columns"]

            with _told(), rows_kept(session, stream.name):
                record = session.run(_labelled(learned, table, chain([first] if first else [], blocks), noted))
            line = "" if record.rows else without_score(record, stream, self.model, skip)
            record = replace(record, rejected={**stream.rejects.counts, **record.rejected})
            if as_json:
                print_json(record, final=True, verdict=record.verdict)
            elif line:
                print(line)
            else:
                print(f"{stream.name}: {', '.join(table.names)}.", file=sys.stdout)
                print_report(record, stream, self.model, interrupted=session.interrupted)
            if written is not None:
                written.write(learner)
                print(f"The report is in {written.path}.", file=sys.stderr if as_json else sys.stdout)
        return 130 if session.interrupted else 0

    def _table(self, columns: Mapping[str, Any]) -> Any:
        if self.kind.answer.table is None:
            raise ConfigError(
                expected="a kind whose labels have parts", got=self.kind.one, at="--task", help="Give --target COLUMN."
            )
        return self.kind.answer.table(columns)

    def _blocks(self, stream: Stream, table: Any) -> Iterator[list[dict[Any, Any]]]:
        stream.look()
        for name in table.names:
            if stream.columns and name not in stream.columns:
                raise ConfigError(
                    expected=f"a column {name}",
                    got="none",
                    at=stream.name,
                    help=did_you_mean(name, stream.columns),
                )
        read_labels(stream, self.kind.answer, self.columns, table.names, self.known)
        for block in stream.blocks():
            yield [dict(x) for x in block.X]


def _labelled(
    learned: LearnedSources, table: Any, blocks: Iterable[list[Any]], noted: Callable[[], None]
) -> Iterator[Block]:
    """Yield the rows with their labels, and count those that a table holds back until the next row comes."""
    for rows in blocks:
        noted()
        n = len(rows)
        pairs = table.pairs(rows)
        learned.hold(n - len(pairs))
        yield _block(pairs)
    rest = table.rest()
    yield _block(rest)
    learned.hold(-len(rest))


def _block(pairs: list[tuple[Any, Any]]) -> Block:
    return Block([x for x, _ in pairs], [y for _, y in pairs], range(1, len(pairs) + 1))


@contextmanager
def _told() -> Iterator[None]:
    """Print warnings of unlikely data as sentences, after what is done meanwhile."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UnlikelyData)
        yield
    for one in told:
        print(one.message, file=sys.stderr)
