"""``headwater predict``: the predictions of a saved model for the rows of a stream, as they come."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from headwater.cli.options import Format, Names, Source, check_writable, split_names
from headwater.cli.progress import ProgressLine
from headwater.cli.report import rejected_lines
from headwater.cli.wishes import load_model, notes_of
from headwater.errors import ConfigError
from headwater.streams import columns_of, open_stream
from headwater.types import Forecast

__all__ = ["predict"]

_SUFFIXES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

# One row of output: its number in the source, what is predicted, and the probability of each class (or None).
Row = tuple[int, Any, "list[float] | None"]


def predict(
    source: Source,
    /,
    *,
    model: Path,
    out: Path | None = None,
    drop: Names = None,
    text: Names = None,
    format: Format = None,  # noqa: A002 - the option's name
    rejects: Path | None = None,
    json: bool = False,
) -> int:
    """Predict the rows of a stream with a saved model, which stays as it is.

    Parameters
    ----------
    source
        A CSV, TSV, JSON lines, Parquet or Arrow file (text also gzipped), - for standard input, or dataset:NAME.
    model
        The model, as headwater learn has saved it.
    out
        Where to write: a .csv or .jsonl file. Without it, CSV goes to standard output.
    drop
        Columns to leave out, with commas between; those that were left out while learning are.
    text
        Columns to read as text although they look like numbers; those that were read so while learning are.
    format
        csv, tsv, jsonl, parquet or arrow, where the name doesn't tell.
    rejects
        A file for the rows that can't be read.
    json
        Write JSON lines, whatever the name of the file.
    """
    kind = _kind(out, as_json=json)
    if out is not None:
        check_writable(out, "--out")
    learner = load_model(model)
    notes = notes_of(learner, target=None, drop=split_names(drop), text=split_names(text))
    done = 0
    with (
        open_stream(
            source, task=None, drop=notes["drop"], text=notes["text"], format=format, rejects=rejects
        ) as stream,
        _opened(out) as file,
        ProgressLine(stream, lambda: done),
    ):
        write = _writer(file, kind, learner.describe()["classes"])
        for block in stream:
            write(_rows(block.rows, learner.forecast(columns_of(block.X))))
            done += len(block)
    for line in rejected_lines(stream.rejects.counts, stream):
        print(line, file=sys.stderr)
    if out is not None:
        print(f"{done:,} rows predicted, written to {out}.", file=sys.stderr)
    return 0


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
    if out is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with out.open("w", newline="", encoding="utf-8") as file:
        yield file


def _rows(numbers: Iterable[int], forecast: Forecast) -> Iterator[Row]:
    proba = [None] * len(forecast) if forecast.proba is None else forecast.proba.tolist()
    said = forecast.y_pred.tolist() if isinstance(forecast.y_pred, np.ndarray) else forecast.y_pred
    return zip(numbers, said, proba, strict=True)


def _writer(file: IO[str], kind: str, classes: Iterable[Any]) -> Callable[[Iterable[Row]], None]:
    """Return what writes some rows: CSV with a column for each class, or JSON lines."""
    names = [str(label) for label in classes]
    if kind == "jsonl":
        return lambda rows: file.writelines(_json_line(row, names) for row in rows)
    table = csv.writer(file, lineterminator="\n")
    table.writerow(["row", "y_pred", *(f"proba_{name}" for name in names)])
    return lambda rows: table.writerows((row, said, *_rounded(proba or ())) for row, said, proba in rows)


def _json_line(row: Row, names: list[str]) -> str:
    number, said, proba = row
    entry = {"row": number, "y_pred": said}
    if proba is not None:
        entry["proba"] = dict(zip(names, _rounded(proba), strict=True))
    return msgspec.json.encode(entry, enc_hook=str).decode() + "\n"


def _rounded(proba: Iterable[float]) -> list[float]:
    return [float(f"{p:.6g}") for p in proba]  # float32 holds no more, and 0.30000001192092896 helps nobody
