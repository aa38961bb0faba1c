"""``headwater bench`` measures on this machine and on somebody's own stream what a row costs, beside other libraries."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from headwater.cli.options.model import ModelOptions
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Source, check_sources
from headwater.cli.runs.contest import Found, Job
from headwater.errors import ConfigError, SourceError, counted
from headwater.interop.rivals import RIVALS, installed
from headwater.learner.kind import kind_of

__all__ = ["bench"]

_LEAST = 100
_COLUMNS = "learner", "rows/s", "p50 µs", "p99 µs", "p99.9 µs", "worst µs", "memory MB"


def bench(
    *source: Source,
    target: Annotated[str | None, Parameter(name=("--target", "-t"), metavar="COLUMN")] = None,
    task: str = "auto",
    rows: int = 20_000,
    alone: bool = False,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    options: Annotated[ModelOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Measure rows a second, latency to p99.9, memory and score on your stream, beside River's and VW's models where installed.

    Each learner predicts and then learns one row after the other, in a process of its own; reading the file is not counted.

    Parameters
    ----------
    source
        As in headwater learn.
    target
        The column to predict.
    task
        classify, regress, or auto: decided from the first rows.
    rows
        Rows to take at most. They are held in memory.
    alone
        Measure headwater alone.
    reading
        How the source is read.
    options
        What the model is to be like.
    json
        Print JSON.
    """
    check_sources(source, "bench")
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        classes, learner = _prepared(source, target, task, rows, reading or ReadingOptions(), options, folder)
        learner.save(folder / "model.hw")
        own = Job(str(folder / "rows"), classes, model=str(folder / "model.hw"))
        jobs = [("headwater", own)]
        jobs += [] if alone else [(one.title, Job(own.rows, classes, rival=RIVALS.index(one))) for one in installed()]
        found = {name: one for name, job in jobs if (one := _measured(name, job)) is not None}
    score = "accuracy" if classes else "mean error"
    if json:
        print(msgspec.json.encode({"score": score, "learners": found}).decode())
    else:
        _print(found, score)
    return 0


def _prepared(
    source: tuple[str, ...],
    target: str | None,
    task: str,
    most: int,
    reading: ReadingOptions,
    options: ModelOptions | None,
    folder: Path,
) -> tuple[list[Any], Any]:
    """Write the rows into a file, and return their classes (none for numbers) and a new learner."""
    with reading.open(source, reading.notes(None, target=target), task=task, classes=()) as stream:
        learner = (options or ModelOptions()).make(stream.goal.task if task == "auto" and stream.goal else task)
        kind = kind_of(learner)
        if not kind.answer.needed or kind.answer.compound or {"ahead", "acts"} & {*kind.can}:
            raise ConfigError(
                expected="classify or regress", got=task, at="--task", help="Other kinds have no rivals here."
            )
        rows = [(dict(x), y) for x, y in islice(stream, most) if y is not None and y == y]
        learner.notes = {**learner.notes, "columns": stream.reading()}
    if len(rows) < _LEAST:
        got = f"{len(rows):,}"
        raise SourceError(expected=f"{_LEAST} rows or more", got=got, at=" ".join(source), help="Take a longer stream.")
    (folder / "rows").write_bytes(msgspec.msgpack.encode(rows, enc_hook=str))
    seen = dict.fromkeys(y for _, y in rows) if "classes" in kind.can else {}
    return list(seen), learner


def _measured(name: str, job: Job) -> Found | None:
    """Run a job in a process of its own, or say why another library's learner can't do it and return None.

    Raises
    ------
    SourceError
        If ours fails.
    """
    words = [sys.executable, "-W", "ignore", "-c", "from headwater.cli.runs.contest import main; main()"]
    done = subprocess.run(words, input=msgspec.json.encode(job), capture_output=True, check=False)
    if done.returncode:
        why = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["nothing"]
        error = SourceError(expected="a learner that learns these rows", got=why[0][:300], at=name, help="Try --alone.")
        if job.model:
            raise error
        print(error, file=sys.stderr)
        return None
    return msgspec.json.decode(done.stdout, type=Found)


def _print(found: dict[str, Found], score: str) -> None:
    table = Table(box=None, pad_edge=False)
    for i, column in enumerate((*_COLUMNS, score)):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    for name, one in found.items():
        times = (f"{1e6 * value:,.0f}" for value in (one.p50, one.p99, one.p999, one.worst))
        table.add_row(name, f"{one.rows / one.seconds:,.0f}", *times, f"{one.memory / 1e6:,.1f}", f"{one.score:.4g}")
    rows = next(iter(found.values())).rows
    Console(width=None if Console().is_terminal else 160).print(table)
    print(f"{counted(rows, 'row')}, each predicted and then learned, one by one; memory is what the process grew by.")
