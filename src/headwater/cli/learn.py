"""``headwater learn``: one pass over a stream, predicting each row before it is learned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

import headwater as hw
from headwater.cli.options import check_writable, split_names
from headwater.cli.progress import Live
from headwater.cli.report import print_json, print_report, print_start
from headwater.cli.resume import Wishes, open_model
from headwater.errors import DataError, HeadwaterError
from headwater.session import Session
from headwater.streams import Stream, open_stream
from headwater.types import Record

__all__ = ["learn"]

_KEEP_EVERY = 100_000  # rows: what a power cut can cost


def learn(
    source: str,
    /,
    *,
    target: str | None = None,
    task: str = "auto",
    model: Path | None = None,
    drop: str = "",
    text: str = "",
    hidden: str | None = None,
    optimizer: str | None = None,
    lr: float | None = None,
    loss: str | None = None,
    seed: int | None = None,
    delay: int = 0,
    window: int = 1000,
    every: int = 10_000,
    format: str | None = None,  # noqa: A002 - the option's name
    rejects: Path | None = None,
    json: bool = False,
) -> int:
    """Learn from a stream, scoring each row before it is learned.

    Parameters
    ----------
    source
        A CSV, TSV, JSON lines, Parquet or Arrow file (text also gzipped), - for standard input, or dataset:NAME.
    target
        The column to predict. A data set knows its own.
    task
        classify, regress, or auto: decided from the first rows.
    model
        A file to save to; if it exists, learning goes on where it stopped.
    drop
        Columns to leave out, with commas between.
    text
        Columns to read as text although they look like numbers, such as postal codes.
    hidden
        Sizes of the hidden layers, such as 64,32; 0 for none.
    optimizer
        The update rule, such as adam or sgd.
    lr
        The learning rate.
    loss
        The loss, such as cross_entropy, mse or huber.
    seed
        What the first weights are drawn from.
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
    json
        Print JSON lines instead of tables.
    """
    if model is not None:
        check_writable(model, "--model")
    wishes = Wishes(task=task, hidden=hidden, optimizer=optimizer, lr=lr, loss=loss, seed=seed)
    known = open_model(model, wishes) if model is not None and model.exists() else None
    with open_stream(
        source,
        target=target,
        task=known.task if known else task,
        classes=known.describe()["classes"] if known else (),
        drop=split_names(drop),
        text=split_names(text),
        format=format,
        rejects=rejects,
    ) as stream:
        learner = known or wishes.make(stream)
        if not json:
            print_start(stream, learner, model if known else None)
        return _run(stream, learner, delay=delay, window=window, every=every, model=model, as_json=json)


def _run(
    stream: Stream, learner: Any, *, delay: int, window: int, every: int, model: Path | None, as_json: bool
) -> int:
    live = Live(stream, lambda: session.rows)
    session = Session(
        learner,
        delay=delay,
        window=window,
        every=every,
        tell=print_json if as_json else live.hear,
        keep=model,
        keep_every=_KEEP_EVERY,
    )
    try:
        with live:
            record = session.run(stream)
    except (HeadwaterError, OSError) as error:
        raise _said_with_loss(error, session, model, stream) from error
    if not record.scored:
        raise _nothing_learned(record, stream)
    if as_json:
        print_json(record, verdict=verdict(record), final=True)
    else:
        print_report(record, stream, model, interrupted=session.interrupted)
    return 130 if session.interrupted else 0
