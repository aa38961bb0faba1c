"""``headwater diagnose`` reports problems of a saved model, or of one that it trains on a stream."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console

from headwater.cli.options.model import ModelOptions, load_model
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Source
from headwater.cli.terminal.progress import ProgressLine
from headwater.errors import ConfigError, DataError
from headwater.route.session import Session
from headwater.streams.files.open_file import is_model

__all__ = ["diagnose"]

_STYLES = {"serious": "bold red", "warning": "yellow", "note": "cyan"}


def diagnose(
    source: Source,
    /,
    *,
    target: Annotated[str | None, Parameter(name=("--target", "-t"), metavar="COLUMN")] = None,
    task: str = "auto",
    model: Path | None = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    options: Annotated[ModelOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Report problems of a saved model or of a stream, with evidence and remedy. Nothing is saved.

    Parameters
    ----------
    source
        A saved model; or a CSV, TSV, JSON lines, Parquet or Arrow file (text also gzipped), - for standard input, or
        dataset:NAME.
    target
        The column to predict. A data set knows its own.
    task
        classify, regress, or auto: decided from the first rows.
    model
        A saved model to begin with; the file stays as it is.
    reading
        How the source is read.
    options
        What the model is to be like; these are the defaults of the library where left out.
    json
        Print JSON instead of text.
    """
    if is_model(source):
        _check_alone(source, target or "", str(model or ""))
        _print(load_model(Path(source), fleets=True).diagnose(), as_json=json)
        return 0
    options = options or ModelOptions()
    known = load_model(model) if model is not None else None
    if known is not None:
        options.agree_with(known, task=task, target=target, at=str(model))
    reading = reading or ReadingOptions()
    notes = reading.notes(known, target=target)
    classes = known.describe()["classes"] if known else ()
    with reading.open([source], notes, task=known.task if known else task, classes=classes) as stream:
        learner = known or options.make(stream.goal.task if stream.goal else task)
        session = Session(learner)
        with ProgressLine(stream, lambda: session.rows):
            record = session.run(stream)
        if not record.scored:
            raise DataError(
                expected=f"rows with {stream.target} known", got="none", at=stream.name, help="Check --target."
            )
    _print(learner.diagnose(), as_json=json)
    return 130 if session.interrupted else 0


def _check_alone(source: str, target: str, model: str) -> None:
    """Raise if other options are given with a model file."""
    if target or model:
        raise ConfigError(
            expected="a model alone, or a stream and --target",
            got=f"the model {source} with {'--target' if target else '--model'}",
            at="diagnose",
            help=f"headwater diagnose {source}, or headwater diagnose STREAM --target COLUMN --model {source}",
        )


def _print(diagnosis: Any, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(diagnosis.as_dict()).decode() + "\n")
        return
    console = Console(highlight=False)
    if not diagnosis.findings:
        console.print(str(diagnosis))
    for finding in diagnosis:
        head = f"{finding.severity}: {finding.name.replace('_', ' ')}"
        console.print(head, style=_STYLES[finding.severity], markup=False)
        console.print(f"  {finding.text}", markup=False)
        console.print(f"  → {finding.remedy}", markup=False)
