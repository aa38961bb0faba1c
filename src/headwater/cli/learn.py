"""``headwater learn``: one pass over a stream, predicting each row before it is learned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headwater.cli.options import Format, Names, Source, check_writable, split_names
from headwater.cli.page import Page, paced, page_for
from headwater.cli.progress import ProgressLine
from headwater.cli.reactions import Adapt, Watch, drift_lines, policies_of, watch_of
from headwater.cli.report import print_json, print_report, print_start
from headwater.cli.wishes import Wishes, load_model, notes_of
from headwater.errors import DataError, HeadwaterError, SourceError
from headwater.session import Session
from headwater.streams import Stream, open_stream
from headwater.types import Event, Record
from headwater.watch import verdict

__all__ = ["learn"]


def learn(
    source: Source,
    /,
    *,
    target: Annotated[str | None, Parameter(name=("--target", "-t"), metavar="COLUMN")] = None,
    task: str = "auto",
    model: Path | None = None,
    drop: Names = None,
    text: Names = None,
    wishes: Annotated[Wishes | None, Parameter(name="*")] = None,
    delay: int = 0,
    window: int = 1000,
    every: int = 10_000,
    format: Format = None,  # noqa: A002 - the option's name
    rejects: Path | None = None,
    watch: Watch = None,
    adapt: Adapt = None,
    json: bool = False,
    report: Path | None = None,
) -> int:
    """Learn from a stream, scoring each row before it is learned.

    The model is a pool of small nets that needs no tuning; --hidden, --optimizer or --lr make it a single net.

    Parameters
    ----------
    source
        A CSV, TSV, JSON lines, Parquet or Arrow file (text also gzipped), - for standard input, or dataset:NAME.
    target
        The column to predict. A data set knows its own, and a saved model what it has learned.
    task
        classify, regress, or auto: decided from the first rows.
    model
        A file to save to; if it exists, learning goes on where it stopped.
    drop
        Columns to leave out, with commas between. A saved model remembers them.
    text
        Columns to read as text although they look like numbers, such as postal codes. Remembered too.
    wishes
        What the model is to be like; these are the defaults of the library where left out.
    delay
        How many rows later than its prediction an answer arrives.
    window
        Rows that the second set of scores is over.
    every
        Rows between two lines of --json.
    format
        csv, tsv, jsonl, parquet or arrow, where the name doesn't tell.
    rejects
        A file for the rows that can't be read.
    watch
        Look for concept drift in what predictions cost: adwin, page_hinkley or kswin.
    adapt
        What to do at a drift, with commas between: step_up, replay, reinitialise, share_up. Nothing unless asked.
    json
        Print JSON lines instead of tables.
    report
        A file for a page about the run: scores, curves, what is wrong, what the model looks at.
    """
    drift, policies = watch_of(watch, adapt), policies_of(adapt)
    page = page_for(source, report, drift)
    wishes, known = wishes or Wishes(), _going_on(model)
    if known is not None:
        wishes.agree_with(known, task=task, target=target, at=str(model))
    notes = notes_of(known, target=target, drop=split_names(drop), text=split_names(text))
    about: dict[str, Any] = dict(notes)
    about |= {"task": known.task, "classes": known.describe()["classes"]} if known else {"task": task}
    with open_stream(source, **about, format=format, rejects=rejects) as stream:
        learner = known or wishes.make(stream.goal.task if stream.goal else task)
        learner._notes = notes
        pace = paced(page, every, drift)
        session = Session(learner, delay=delay, window=window, keep=model, adapt=policies, **pace)
        if not json:
            print_start(stream, learner, model if known else None)
        events: list[Event] = []
        record = _run(session, stream, every if json else None, page, events)
        return _report(record, session, stream, drift_lines(events), as_json=json)


def _going_on(model: Path | None) -> Any:
    """Return the saved learner that goes on, or None where a new one begins."""
    if model is None:
        return None
    check_writable(model, "--model")
    return load_model(model) if model.exists() else None


def _report(record: Record, session: Session, stream: Stream, drifts: list[str], *, as_json: bool) -> int:
    if not record.scored:
        raise _nothing_learned(record, stream)
    if as_json:
        print_json(record, final=True, verdict=verdict(record), interrupted=session.interrupted)
    else:
        print_report(record, stream, session.keep, interrupted=session.interrupted, drifts=drifts)
    return 130 if session.interrupted else 0


def _run(session: Session, stream: Stream, json_every: int | None, page: Page | None, events: list[Event]) -> Record:
    live = ProgressLine(stream, lambda: session.rows)

    def hear(record: Record) -> None:
        events.extend(record.events)
        if json_every is None:
            live.hear(record)
        elif record.rows % json_every == 0:  # the last record, wherever it falls, is printed as the final one
            print_json(record)

    session.tell = (hear,) if page is None else (hear, page.tell)
    try:
        with live:
            record = session.run(stream)
        if page is not None and record.scored:
            page.write(session.learner)
        return record
    except BrokenPipeError:  # of standard output, which is main's business
        raise
    except (HeadwaterError, OSError) as error:
        kept = f", and kept in {session.keep}" if session.keep is not None and session.rows else ""
        print(f"{session.rows:,} rows were learned before this{kept}.", file=sys.stderr)
        if isinstance(error, HeadwaterError):
            raise
        raise SourceError(
            expected="to read on and to save",
            got=(error.strerror or str(error)).lower(),
            at=str(error.filename or stream.name),
            help="Mend that, then go on with the same command.",
        ) from error


def _nothing_learned(record: Record, stream: Stream) -> DataError:
    reasons = ", ".join(f"{count:,} × {reason}" for reason, count in record.rejected.items())
    return DataError(
        expected=f"rows with {stream.target} known",
        got=reasons or "none",
        at=stream.name,
        help="Look at them with --rejects FILE." if record.rejected else "Check the file.",
    )
