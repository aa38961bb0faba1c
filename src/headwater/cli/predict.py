"""``headwater predict`` writes the predictions of a saved model for the rows of a stream."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import numpy as np
from cyclopts import Parameter

from headwater.cli.options.fleet import check_key, features_of
from headwater.cli.options.model import load_model
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Names, Source, check_sources, check_writable, split_names
from headwater.cli.sources import compare_columns
from headwater.cli.terminal.progress import ProgressLine
from headwater.cli.terminal.summary import rejected_lines
from headwater.errors import ConfigError, DataError, did_you_mean
from headwater.fleet import Fleet
from headwater.learner.kind import kind_of
from headwater.streams import Stream, native_frame
from headwater.types import Predictions

__all__ = ["predict"]

_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

# One row of output: its number in the source, kept columns, the prediction, and the probability of each class (or None).
Row = tuple[int, tuple[Any, ...], Any, "list[float] | None"]


def predict(
    *source: Source,
    model: Path,
    out: Path | None = None,
    keep: Names = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Predict the rows of a stream with a saved model, without changing it.

    Parameters
    ----------
    source
        CSV, TSV, JSON lines, Parquet or Arrow files (also packed), folders of them, - for standard input, or
        dataset:NAME.
    model
        The model, as headwater learn has saved it.
    out
        Where to write: a .csv or .jsonl file, whole or not at all. Without it, CSV goes to standard output.
    keep
        Columns of the source to write beside the predictions, such as an identifier, with commas between.
    reading
        How the source is read. Columns that were left out or read as text while learning are.
    json
        Write JSON lines, whatever the name of the file.
    """
    kind = _kind(out, as_json=json)
    check_sources(source, "predict")
    if out is not None:
        check_writable(out, "--out")
    learner = load_model(model, fleets=True)
    reading = reading or ReadingOptions()
    notes = reading.notes(learner, target=None)
    kept = split_names(keep)
    done = 0
    with reading.open(
        source, notes | {"drop": [name for name in notes["drop"] if name not in kept]}, task=None
    ) as stream:
        beside_rows = _check_columns(learner, stream, kept, model)
        with _opened(out) as file, ProgressLine(stream, lambda: done):
            alarm = kind_of(learner).alarm
            outputs = [one["name"] for one in learner.describe().get("outputs", ())]
            classes = () if outputs else learner.describe()["classes"]
            write = _writer(file, kind, classes, kept, alarm=alarm, outputs=outputs)
            strange = (
                beside_rows if alarm is not None else frozenset()
            )  # to a detector a column that it never saw is a surprise
            for block in stream.blocks():
                beside, X = _taken(block.X, kept, strange)
                write(_rows(block.rows, beside, learner.predict_batch(native_frame(X))))
                done += len(block)
    for line in [*stream.new_notes(), *stream.odd(), *rejected_lines(stream.rejects.counts, stream)]:
        print(line, file=sys.stderr)
    if out is not None:
        print(f"{done:,} rows predicted, written to {out}.", file=sys.stderr)
    return 0


def _check_columns(learner: Any, stream: Stream, kept: Sequence[str], model: Path) -> frozenset[str]:
    """Raise if the stream doesn't fit the model, and print the columns that only one of them has.

    Returns
    -------
    frozenset of str
        Columns that are no features: the answers, and what is only written beside the predictions.
    """
    stream.look()
    if isinstance(learner, Fleet):
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


def _kind(out: Path | None, *, as_json: bool) -> str:
    if as_json or out is None:
        return "jsonl" if as_json else "csv"
    if out.suffix not in _SUFFIXES:
        raise ConfigError(
            expected="a name that ends in .csv or .jsonl", got=out.name, at="--out", help="Rename it, or add --json."
        )
    return _SUFFIXES[out.suffix]


@contextmanager
def _opened(out: Path | None) -> Iterator[IO[str]]:
    """Open standard output, or a temporary file that replaces the output file when it is complete."""
    if out is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    if not out.is_file() and out.exists():  # a device, a pipe
        with out.open("w", newline="", encoding="utf-8") as file:
            yield file
        return
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with beside.open("w", newline="", encoding="utf-8") as file:
            yield file
        beside.replace(out)
    finally:
        beside.unlink(missing_ok=True)


def _rows(numbers: Iterable[int], beside: Iterable[tuple[Any, ...]], forecast: Predictions) -> Iterator[Row]:
    proba = [None] * len(forecast) if forecast.proba is None else forecast.proba.tolist()
    said = forecast.y_pred.tolist() if isinstance(forecast.y_pred, np.ndarray) else forecast.y_pred
    return zip(numbers, beside, said, proba, strict=True)


def _writer(
    file: IO[str],
    kind: str,
    classes: Iterable[Any],
    kept: Sequence[str],
    *,
    alarm: float | None = None,
    outputs: Sequence[Any] = (),
) -> Callable[[Iterable[Row]], None]:
    """Return a function that writes rows as CSV with a column per class, or as JSON lines.

    A detector writes scores and alarms.

    With several outputs, CSV has a column for each, and JSON lines have an object.
    """
    names = [str(label) for label in classes]
    if alarm is not None:
        return _score_writer(file, kind, kept, alarm)
    if kind == "jsonl":
        return lambda rows: file.writelines(_json_line(row, names, kept) for row in rows)
    table = csv.writer(file, lineterminator="\n")
    if outputs:
        table.writerow(["row", *kept, *(f"y_pred_{name}" for name in outputs)])
        return lambda rows: table.writerows(
            (row, *map(_plain, beside), *(said[name] for name in outputs)) for row, beside, said, _ in rows
        )
    table.writerow(["row", *kept, "y_pred", *(f"proba_{name}" for name in names)])
    return lambda rows: table.writerows(
        (row, *map(_plain, beside), said, *_rounded(proba or ())) for row, beside, said, proba in rows
    )


def _score_writer(file: IO[str], kind: str, kept: Sequence[str], alarm: float) -> Callable[[Iterable[Row]], None]:
    """Return a function that writes the score of each row and whether it is an alarm."""

    def fields(row: Row) -> dict[str, Any]:
        number, beside, said, _ = row
        own = dict(zip(kept, map(_plain, beside), strict=True))
        return {"row": number, **own, "score": _rounded([said])[0], "anomaly": said > alarm}

    if kind == "jsonl":
        return lambda rows: file.writelines(
            msgspec.json.encode(fields(row), enc_hook=str).decode() + "\n" for row in rows
        )
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["row", *kept, "score", "anomaly"])
    return lambda rows: table.writerows(
        [str(value).lower() if isinstance(value, bool) else value for value in fields(row).values()] for row in rows
    )


def _plain(value: Any) -> Any:
    """Return a whole float as an int, so that an identifier 17 isn't written as 17.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _json_line(row: Row, names: list[str], kept: Sequence[str]) -> str:
    number, beside, said, proba = row
    entry = {"row": number, **dict(zip(kept, map(_plain, beside), strict=True)), "y_pred": said}
    if proba is not None:
        entry["proba"] = dict(zip(names, _rounded(proba), strict=True))
    return msgspec.json.encode(entry, enc_hook=str).decode() + "\n"


def _rounded(proba: Iterable[float]) -> list[float]:
    return [float(f"{p:.6g}") for p in proba]  # float32 has no more digits, and 0.30000001192092896 would mislead
