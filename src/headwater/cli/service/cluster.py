"""``headwater cluster`` trains one model with several workers, and shows the status of the run."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from headwater.cli.options.model import ModelOptions
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.shared import Source, check_sources, check_writable
from headwater.cli.runs.lock import locked
from headwater.errors import ConfigError
from headwater.route.verdict.numbers import figure
from headwater.types import Record

__all__ = ["app"]

app = App(name="cluster", help="Train one model with several workers, on Ray or in this process.")


@app.command
def run(
    *source: Source,
    model: Path,
    target: Annotated[str | None, Parameter(name=("--target", "-t"), metavar="COLUMN")] = None,
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
        stream, learner = _begin(first, model, target, task, how, options or ModelOptions())
        opened.enter_context(stream)
        if partition == "sources":
            stream = _parts(source, stream, how, learner.notes)
        settings = {"key": key, "deadline": deadline, "address": address, "engine": engine, "workers": workers}
        settings["partition"] = partition
        record, new = _learn(
            learner, stream, model, page, opened, block=block if block == "auto" else int(block), **settings
        )
    _tell(record, model, new=new, as_json=json)
    return 0


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
    source: tuple[str, ...], model: Path, target: str | None, task: str, reading: ReadingOptions, options: ModelOptions
) -> tuple[Any, Any]:
    """Return the stream and a learner, from the manifest or new."""
    from headwater.cluster.published.manifest import read_manifest

    found = read_manifest(model)
    known = None if found is None else found[0]
    if known is not None:
        options.agree_with(known, task=task, target=target, at=str(model))
    notes = reading.notes(known, target=target)
    classes = [] if known is None else known.known_classes
    stream = reading.open(source, notes, task=known.task if known else task, classes=classes)
    learner = known or options.make(stream.goal.task if stream.goal else task)
    learner.notes = {**learner.notes, **notes, "columns": stream.reading() or notes["columns"]}
    return stream, learner


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


def _parts(source: tuple[str, ...], first: Any, reading: ReadingOptions, notes: dict[str, Any]) -> Any:
    from headwater.cluster.sources.partitions import Partitions

    return Partitions(list(source), first.target, **reading.alike(notes))


def _learn(
    learner: Any, stream: Any, model: Path, page: int | None, opened: ExitStack, **settings: Any
) -> tuple[Record, bool]:
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
    record = cluster.run(stream)
    file.put(cluster.progress, cluster.standing, ended=True)
    return record, cluster.progress.rows > before


def _tell(record: Record, model: Path, *, new: bool, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(record.as_dict()).decode())
        return
    if not new:
        print(f"{model} had learned all rows of this stream.")
        return
    scores = ", ".join(f"{name} {figure(record.scores[name])}" for name in record.names[:2] if name in record.scores)
    print(f"{record.rows:,} rows at {record.rows_per_s:,.0f} rows/s: {scores}. {model} has them.")
