"""``headwater cluster`` trains one model with several workers, or one a key with several shards, and shows the status of a run."""

from __future__ import annotations

import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from headwater.cli.options.declared import parts_of
from headwater.cli.options.model import ModelOptions
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Names, Source, check_sources, check_writable, split_names
from headwater.cli.options.task import task_of
from headwater.cli.runs.lock import locked
from headwater.errors import ConfigError, counted
from headwater.learner.kind import Kind, kind_with
from headwater.route.verdict.numbers import figure
from headwater.streams import read
from headwater.streams.brokers import is_address
from headwater.types import Metrics

__all__ = ["app"]

EVERY_S = 10.0
"""Seconds between two lines of progress."""
app = App(name="cluster", help="Train one model with several workers, on Ray or in this process.")


@app.command
def run(
    *source: Source,
    model: Path,
    target: Annotated[str | None, Parameter(name=("--target", "-t"), metavar="COLUMN")] = None,
    targets: Names = None,
    task: str = "auto",
    workers: int = 2,
    block: str = "auto",
    engine: str = "ray",
    address: str | None = None,
    key: str | None = None,
    partition: str = "blocks",
    deadline: float | None = None,
    page: int | None = None,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    options: Annotated[ModelOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Learn a stream in rounds, from the position in the model's file.

    Parameters
    ----------
    source
        As in headwater learn.
    model
        The file that keeps model and position after each round; a run that was killed goes on from it to the same bits.
    target
        The column to predict.
    targets
        Several columns to predict together, with commas between, in place of --target.
    task
        classify, regress, or auto: decided from the first rows.
    workers
        Blocks of a round: how many workers learn at once.
    block
        Rows of a block; auto chooses it so that syncing takes at most a fifth of the time.
    engine
        ray, or local: in this process, one block after the other, to the same bits.
    address
        Of a Ray cluster that runs already; auto finds one. Without it Ray runs on this machine.
    key
        A column whose values keep their order: all rows of one value go to one worker.
    partition
        blocks, or sources: each of the sources is a partition that a worker reads itself, and no row passes the coordinator.
    deadline
        Seconds after which a round goes on without blocks that are not done.
    page
        A port for a page that shows how it stands; 0 takes a free one.
    reading
        How the source is read.
    options
        What a new model is to be like.
    json
        Print the last record as JSON.
    """
    check_sources(source, "cluster run")
    check_writable(model, "--model")
    if block != "auto" and not block.isdecimal():
        raise ConfigError(expected="auto or a whole number", got=block, at="--block", help="Try 500.")
    with ExitStack() as opened:
        opened.enter_context(locked(model))
        how = reading or ReadingOptions()
        first = _first_of(source, how) if partition == "sources" else source
        named = target, split_names(targets)
        stream, learner, labels = _begin(first, model, named, task, how, options or ModelOptions())
        opened.enter_context(stream)
        if partition == "sources":
            stream = _parts(source, stream.target if labels is None else labels.names, how, learner.notes)
        settings = {"key": key, "deadline": deadline, "address": address, "engine": engine, "workers": workers}
        settings["partition"] = partition
        record, new = _learn(
            learner, (stream, labels), model, page, opened, block=block if block == "auto" else int(block), **settings
        )
    _tell(record, model, new=new, as_json=json)
    return 0


@app.command
def fleet(
    *partitions: Source,
    key: str,
    folder: Path,
    target: Annotated[str, Parameter(name=("--target", "-t"), metavar="COLUMN")],
    task: str = "auto",
    engine: str = "ray",
    address: str | None = None,
    drop: Names = None,
    every: float = 10.0,
    options: Annotated[ModelOptions | None, Parameter(name="*")] = None,
    json: bool = False,
) -> int:
    """Learn one small model per key, each partition of a stream by a shard that reads it itself.

    Parameters
    ----------
    partitions
        Files of one partition each, with all rows of a key in one of them, or a topic: kafka://host:9092/orders.
    key
        The column with the key.
    folder
        The folder of the shards' stores; a run that was killed goes on from it to the same bits.
    target
        The column to predict.
    task
        classify, regress, or auto: decided from the first rows of a file.
    engine
        ray, or local: in this process, one partition after the other, to the same bits.
    address
        Of a Ray cluster that runs already; auto finds one. Without it Ray runs on this machine.
    drop
        Columns to leave out, with commas between.
    every
        Seconds between the commits of a shard.
    options
        What a new member is to be like.
    json
        Print how it stands at the end as JSON.
    """
    from headwater.cluster.fleet import PartitionedFleet

    if engine not in ("ray", "local"):
        raise ConfigError(expected="ray or local", got=engine, at="--engine", help="Leave it out for ray.")
    task = _task_of(partitions, target, task)
    member = (options or ModelOptions()).make(task)
    sources: Any = partitions[0] if len(partitions) == 1 else partitions
    where: dict[str, Any] = {
        "drop": split_names(drop),
        "every": every,
        "address": False if engine == "local" else address,
    }
    ended, told = 0, None
    with PartitionedFleet(member, key, sources, target, folder, **where) as learned:
        try:
            told = learned.run(_Progress())
        except KeyboardInterrupt:
            ended = 130
        report = {"keys": len(learned.keys()), "score": learned.score(), "rejected": learned.rejected}
    if told is not None:
        report |= {"rows": told.rows, "partitions": told.partitions, "unread": told.rejected}
    _tell_fleet(report, folder, as_json=json, interrupted=ended != 0)
    return ended


class _Progress:
    """Print rows and rejected rows to stderr each ten seconds."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def __call__(self, progress: Any) -> None:
        if time.monotonic() - self._at >= EVERY_S:
            self._at = time.monotonic()
            waiting = "".join(f"; {name} is waited for: {why}" for name, why in progress.waiting.items())
            print(
                f"{counted(progress.rows, 'row')} of {counted(len(progress.partitions), 'partition')}{waiting}",
                file=sys.stderr,
            )


def _task_of(partitions: tuple[str, ...], target: str, task: str) -> str:
    """Return the task, inferred from the first rows of a file."""
    if not partitions:
        raise ConfigError(expected="partitions to read", got="none", at="cluster fleet", help="Name their files.")
    if task != "auto":
        return task
    if is_address(partitions[0]):
        raise ConfigError(
            expected="the task, which a topic doesn't tell before it is read",
            got="auto",
            at="--task",
            help="Give --task classify or --task regress.",
        )
    with read(partitions[0], target=target) as stream:
        return stream.goal.task if stream.goal is not None else task


def _tell_fleet(report: dict[str, Any], folder: Path, *, as_json: bool, interrupted: bool) -> None:
    if as_json:
        print(msgspec.json.encode(report).decode())
        return
    begin = "Interrupted: " if interrupted else ""
    rows = (
        f"{counted(report['rows'], 'row')} of {counted(len(report['partitions']), 'partition')}, "
        if "rows" in report
        else ""
    )
    (name, value), scored = next(one for one in report["score"].items() if one[0] != "rows"), report["score"]["rows"]
    print(
        f"{begin}{rows}{counted(report['keys'], 'key')}: {name} {figure(value)} over {counted(scored, 'row')}. {folder} has them."
    )
    for reason, count in (Counter(report["rejected"]) + Counter(report.get("unread", {}))).items():
        print(f"left out: {count:,} × {reason}")


@app.command
def status(model: Path, /, *, json: bool = False) -> int:
    """Show the workers, rows/s, age and merge loss of the run that keeps this model.

    Parameters
    ----------
    model
        The model's file, as given to headwater cluster run.
    json
        Print JSON.
    """
    from headwater.cluster.progress.status import as_lines, read_status

    found = read_status(model)
    print(msgspec.json.encode(found).decode() if json else "\n".join(as_lines(found)))
    return 0


def _begin(
    source: tuple[str, ...],
    model: Path,
    named: tuple[str | None, tuple[str, ...]],
    task: str,
    reading: ReadingOptions,
    options: ModelOptions,
) -> tuple[Any, Any, Any]:
    """Return the stream, a learner, from the manifest or new, and the columns of several labels."""
    from headwater.cluster.published.manifest import read_manifest

    found = read_manifest(model)
    known = None if found is None else found[0]
    target, targets = named
    kind = _kind_of_run(known, target, targets, task)
    if known is not None:
        options.agree_with(known, task="auto" if targets else task, target=target, at=str(model))
    if kind is not None:
        return _begin_compound(source, kind, known, targets, task, reading, options)
    notes = reading.notes(known, target=target)
    classes = [] if known is None else known.known_classes
    stream = reading.open(source, notes, task=known.task if known else task, classes=classes)
    learner = known or options.make(stream.goal.task if stream.goal else task)
    learner.notes = {**learner.notes, **notes, "columns": stream.reading() or notes["columns"]}
    return stream, learner, None


def _kind_of_run(known: Any, target: str | None, targets: tuple[str, ...], task: str) -> Kind | None:
    """Return the kind of a run whose labels have several parts, or None for plain labels."""
    found = task_of(task, known, anomalies=False, targets=bool(targets), columns=None)
    kind = None if found == "auto" else kind_with(found, at="--task")
    if kind is None or not kind.answer.compound or "cluster" not in kind.can:
        return None
    if target is not None:
        raise ConfigError(
            expected=f"--targets for {kind.one}", got=f"--target {target}", at="--target", help="Name all the columns."
        )
    return kind


def _begin_compound(
    source: tuple[str, ...],
    kind: Kind,
    known: Any,
    targets: tuple[str, ...],
    task: str,
    reading: ReadingOptions,
    options: ModelOptions,
) -> tuple[Any, Any, Any]:
    """Return the stream, a learner of labels with several parts, and their columns."""
    from headwater.cluster.sources.labels import LabelColumns

    columns = parts_of(kind, targets, None, known)
    labels = LabelColumns(kind.name, columns["y"])
    notes = reading.notes(known, target=None) | {"targets": labels.names, "labels": columns, "target": None}
    stream = reading.open(source, notes, task=None)
    labels.begin(stream)
    first = [dict(x) for block in stream.look() for x in block.X]
    settings = labels.settings(first, task=task, at=stream.name, known=known)
    learner = known or options.make(kind.task, **settings)
    learner.notes = {**learner.notes, **notes, "columns": stream.reading() or notes["columns"]}
    return stream, learner, labels


def _first_of(source: tuple[str, ...], reading: ReadingOptions) -> tuple[str, ...]:
    """Return the first source, whose first rows decide how all are read."""
    for name, value in (("--skip", reading.skip), ("--limit", reading.limit), ("--rejects", reading.rejects)):
        if value:
            raise ConfigError(
                expected="neither --skip, --limit nor --rejects with --partition sources",
                got=f"{name} {value}",
                at="headwater cluster run",
                help="Leave it out: each worker reads its sources to their end.",
            )
    return source[:1]


def _parts(source: tuple[str, ...], target: Any, reading: ReadingOptions, notes: dict[str, Any]) -> Any:
    from headwater.cluster.sources.partitions import Partitions

    return Partitions(list(source), target, **reading.alike(notes))


def _learn(
    learner: Any, read: tuple[Any, Any], model: Path, page: int | None, opened: ExitStack, **settings: Any
) -> tuple[Metrics, bool]:
    """Learn the stream, and return the record of the run and whether there were new rows."""
    from headwater.cluster import Cluster
    from headwater.cluster.progress.status import StatusFile

    file = StatusFile(model)
    if page is not None:
        from headwater.cluster.progress.page import show

        print(f"Watch it at {opened.enter_context(show(model, page))}", flush=True)
    cluster = opened.enter_context(Cluster(learner, manifest=model, **settings))
    cluster.on_round = lambda progress: file.put(progress, cluster.standing)
    before = cluster.progress.rows
    stream, labels = read
    record = cluster.run(stream, None if settings["partition"] == "sources" else labels)
    file.put(cluster.progress, cluster.standing, ended=True)
    return record, cluster.progress.rows > before


def _tell(record: Metrics, model: Path, *, new: bool, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(record.as_dict()).decode())
        return
    if not new:
        print(f"{model} had learned all rows of this stream.")
        return
    scores = ", ".join(f"{name} {figure(record.scores[name])}" for name in record.names[:2] if name in record.scores)
    print(f"{counted(record.rows, 'row')} at {record.rows_per_s:,.0f} rows/s: {scores}. {model} has them.")
