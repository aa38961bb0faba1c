"""``headwater predict`` writes the predictions of a saved model for the rows of a stream."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from cyclopts import Parameter

from headwater.cli.options.asked import QuestionOptions, question_of
from headwater.cli.options.fleet import check_key, features_of
from headwater.cli.options.model import load_model
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Names, Source, check_sources, check_writable, split_names
from headwater.cli.sources import compare_columns
from headwater.cli.terminal.progress import ProgressLine
from headwater.cli.terminal.summary import rejected_lines
from headwater.cli.terminal.written import ResponseWriter, exact, opened_output
from headwater.errors import ConfigError, DataError, counted, did_you_mean
from headwater.kinds.fleet.base import AnyFleet
from headwater.learner.kind import kind_of
from headwater.streams import Stream, native_frame

__all__ = ["check_columns", "predict", "tell"]

_Rows: TypeAlias = tuple[Sequence[int], Any, list[list[str]] | None]
"""Numbers of rows, the rows, and the cells to write beside their predictions, of a file of text."""
_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}


def predict(
    *source: Source,
    model: Path,
    out: Path | None = None,
    keep: Names = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    question: Annotated[QuestionOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Predict the rows of a stream with a saved model, without changing it.

    Parameters
    ----------
    source
        CSV, TSV, JSON lines, Parquet or Arrow files (also packed), folders of them, - for standard input, or
        dataset:NAME. A forecaster needs none; rows are then the times that come next, in a fleet those of each key.
    model
        The model, as headwater learn has saved it.
    out
        Where to write: a .csv or .jsonl file, whole or not at all. Without it, CSV goes to standard output.
    keep
        Columns of the source to write beside the predictions, such as an identifier, with commas between.
    reading
        How the source is read. Columns that were left out or read as text while learning are.
    question
        What is asked of the model beside the rows.
    json
        Write JSON lines, whatever the name of the file.
    """
    form = _form(out, as_json=json)
    learner = load_model(model, fleets=True)
    kind = kind_of(learner)
    asked = question_of(kind, question)
    if source or not kind.question.ahead:
        check_sources(source, "predict")
    if out is not None:
        check_writable(out, "--out", reads=(*source, model))
    if not source:
        return _say_done(_next_times(learner, asked, out, form), "time", out)
    reading, kept = reading or ReadingOptions(), split_names(keep)
    notes = reading.notes(learner, target=None)
    dropped = [name for name in notes["drop"] if name not in kept]
    with reading.open(source, notes | {"drop": dropped}, task=None) as stream:
        done = _predicted(learner, stream, kept, model, asked, out, form)
    tell(stream, none="" if done else "nothing to predict")
    return _say_done(done, "row", out)


def _next_times(learner: Any, asked: dict[str, Any], out: Path | None, form: str) -> int:
    """Write the times that come next, of a fleet those of each key, and return their number."""
    kind, done = kind_of(learner), 0
    with opened_output(out) as file:
        writer = ResponseWriter(file, form, (), kind.response, numbered=False)
        for rows in ([{learner.key: key}] for key in learner) if kind.question.keyed else [None]:
            said = kind.ask(learner, rows, **asked)
            writer.write(range(1, len(said) + 1), [()] * len(said), said)
            done += len(said)
    return done


def tell(stream: Stream, *, none: str = "") -> None:
    """Print to stderr how a source's features were read, which rows were left out, and ``none`` of a source without rows."""
    lines = [*stream.new_notes(), *stream.odd(stream.columns), *rejected_lines(stream.rejects.counts, stream)]
    for line in [*lines, *([f"{stream.name}: no rows, so {none}."] if none else [])]:
        print(line, file=sys.stderr)


def _say_done(done: int, what: str, out: Path | None) -> int:
    if out is not None:
        print(f"{counted(done, what)} predicted, written to {out}.", file=sys.stderr)
    return 0


def _predicted(
    learner: Any, stream: Stream, kept: Sequence[str], model: Path, asked: dict[str, Any], out: Path | None, form: str
) -> int:
    """Write the predictions of a stream and return the number of rows."""
    kind, done = kind_of(learner), 0
    beside_rows = check_columns(learner, stream, kept, model)
    # To an anomaly model a column that it never saw is a surprise, and to a forecaster a label is not known yet.
    strange = beside_rows if "scores" in kind.can or kind.question.ahead else frozenset()
    with opened_output(out) as file, ProgressLine(stream, lambda: done):
        writer = ResponseWriter(file, form, kept, kind.response)
        for rows, X, cells in _all(stream, learner, model) if kind.question.ahead else _blocks(stream, kept):
            beside, X = _taken(X, kept, strange)
            beside = beside if cells is None else _written(beside, cells, form)
            said = kind.ask(learner, native_frame(X), **asked)
            if len(said) != len(rows):
                raise DataError(
                    expected=f"a row for each of {counted(len(said), 'time')} ahead",
                    got=counted(len(rows), "row"),
                    at="predict",
                    help="Give each key as many rows as times ahead are asked of it.",
                )
            writer.write(rows, beside, said)
            done += len(rows)
    return done


def _blocks(stream: Stream, kept: Sequence[str]) -> Iterator[_Rows]:
    for block in stream.blocks():
        yield block.rows, block.X, block.written(kept) if kept else None


def _written(beside: list[tuple[Any, ...]], cells: list[list[str]], form: str) -> list[tuple[Any, ...]]:
    """Return the columns to write as their file has them: 007 in CSV, and an identifier of 17 digits in JSON."""
    if form == "csv":
        return list(map(tuple, cells))
    return [tuple(map(exact, values, row)) for values, row in zip(beside, cells, strict=True)]


def _all(stream: Stream, learner: Any, model: Path) -> Iterator[_Rows]:
    """Yield all rows together as the times ahead.

    Raises
    ------
    DataError
        If there are more than can be forecast, or their label is known already.
    """
    target, numbers, rows = learner.notes.get("target"), list[int](), list[Any]()
    for block in stream.blocks():
        numbers += block.rows
        rows += [dict(x) for x in block.X]
        known = next((i for i, x in enumerate(rows) if target in x and x[target] is not None), None)
        if known is not None:
            raise DataError(
                expected=f"times that come next, whose {target} is not known yet",
                got=f"{target} = {rows[known][target]}",
                at=f"row {numbers[known]} of {stream.name}",
                help=f"Learn such rows first: headwater learn FILE --model {model}. Without a file the next times are forecast.",
            )
    if rows:
        yield numbers, rows, None


def check_columns(learner: Any, stream: Stream, kept: Sequence[str], model: Path) -> frozenset[str]:
    """Raise if the stream doesn't fit the model, and print the columns that only one of them has.

    Returns
    -------
    frozenset of str
        Columns that are no features: the answers, and what is only written beside the predictions.
    """
    stream.look()
    if isinstance(learner, AnyFleet):
        check_key(learner, stream)
    for name in kept:
        if stream.columns and name not in stream.columns:
            raise DataError(
                expected=f"the column {name}",
                got="no such column",
                at="--keep",
                help=did_you_mean(name, [*stream.columns, *learner.notes.get("drop", [])]),
            )
    target = learner.notes.get("target")
    answers = [target] if target else learner.notes.get("targets", [])
    features = set(features_of(learner))
    no_features = frozenset({*kept, *answers}) - features
    stream.columns = tuple(name for name in stream.columns if name not in no_features)
    for line in [*stream.new_notes(), *compare_columns(learner, stream, model=str(model), learning=False)]:
        print(line, file=sys.stderr)
    return no_features


def _taken(X: Any, names: Sequence[str], strange: Collection[str]) -> tuple[list[tuple[Any, ...]], Any]:
    """Return the columns to write next to the predictions, and the rows without columns that the model doesn't know."""
    if not names and not strange:
        return [()] * len(X), X
    rows = list(X)
    beside = [tuple(x.get(name) for name in names) for x in rows]
    if strange:
        rows = [{name: value for name, value in x.items() if name not in strange} for x in rows]
    return beside, rows


def _form(out: Path | None, *, as_json: bool) -> str:
    if as_json or out is None:
        return "jsonl" if as_json else "csv"
    if out.suffix not in _SUFFIXES:
        raise ConfigError(
            expected="a name that ends in .csv or .jsonl", got=out.name, at="--out", help="Rename it, or add --json."
        )
    return _SUFFIXES[out.suffix]
