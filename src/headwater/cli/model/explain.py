"""``headwater explain`` says what moved the predictions of a saved model, row by row."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from headwater.cli.model.predict import check_columns, tell
from headwater.cli.options.asked import ExplainOptions, explained_of
from headwater.cli.options.model import load_model
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Source, check_sources
from headwater.explain.explanation import Explanation
from headwater.learner.kind import kind_of

__all__ = ["explain"]


def explain(
    *source: Source,
    model: Path,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    about: Annotated[ExplainOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Say what moved each prediction of a saved model, without changing it.

    Parameters
    ----------
    source
        As in headwater predict. A forecaster needs none; rows are then the columns of the time ahead.
    model
        The model, as headwater learn has saved it.
    reading
        How the source is read. Columns that were left out or read as text while learning are.
    about
        What is explained of each row.
    json
        Print JSON lines.
    """
    learner = load_model(model, fleets=True)
    kind = kind_of(learner)
    how = explained_of(kind, about)
    if not source and not kind.question.needs_rows:
        _print(0, learner.explain_one(**how), as_json=json)
        return 0
    check_sources(source, "explain")
    reading = reading or ReadingOptions()
    with reading.open(source, reading.notes(learner, target=None), task=None) as stream:
        labels, done = check_columns(learner, stream, (), model), 0
        for block in stream.blocks():
            for number, x in zip(block.rows, block.X, strict=True):
                row = {name: value for name, value in dict(x).items() if name not in labels}
                _print(number, learner.explain_one(row, **how), as_json=json)
                done += 1
        tell(stream, none="" if done else "nothing to explain")
    return 0


def _print(row: int, why: Any, *, as_json: bool) -> None:
    """Print the explanation of a row, or of each of its outputs."""
    for name, one in _each(why):
        if as_json:
            about = {"row": row} | ({} if name is None else {"output": name}) | one.as_dict()
            sys.stdout.write(msgspec.json.encode(about, enc_hook=str).decode() + "\n")
            continue
        head = " ".join(([f"row {row}"] if row else []) + ([] if name is None else [f"output {name}"]))
        print(f"{head}:" if head else "The next time:", one, "", sep="\n")


def _each(why: Any) -> Iterator[tuple[Any, Explanation]]:
    if isinstance(why, Mapping):
        yield from why.items()
    else:
        yield None, why
