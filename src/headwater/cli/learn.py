"""``headwater learn`` makes one pass over a stream and predicts each row before it learns it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headwater.cli.options.declared import parts_of, settings_of
from headwater.cli.options.drift import drift_lines
from headwater.cli.options.fleet import agree_on_key, as_fleet, check_fleet, is_auto, watch_keys
from headwater.cli.options.model import ModelOptions, agree_on_settings, load_model
from headwater.cli.options.reading import ReadingOptions
from headwater.cli.options.report import ReportFile, report_file, session_pace
from headwater.cli.options.scoring import ScoringOptions
from headwater.cli.options.shared import Names, Source, check_sources, split_names
from headwater.cli.options.task import kind_of_run, task_of
from headwater.cli.runs.follow import FollowOptions, accepted, learn_into_store
from headwater.cli.terminal.progress import ProgressLine, raise_kept
from headwater.cli.terminal.summary import print_json, print_report, print_start
from headwater.errors import HeadwaterError
from headwater.learner.kind import Kind, is_fleet, kind_of, kind_with
from headwater.route.session import Session
from headwater.streams.files.addresses import shown
from headwater.streams.files.terminal import go_on_unread
from headwater.streams.stream import Stream
from headwater.types import Event, Lazy, Metrics, ScoredRows

if TYPE_CHECKING:
    from headwater.cli.runs.advice import Advised
    from headwater.cli.runs.steps import Steps
    from headwater.cli.terminal.surprises import Surprises
    from headwater.route.drift import DriftWatch
    from headwater.route.policies import Policy

__all__ = ["learn"]

# imported where they are used, since most runs keep no model and look for no anomalies
_LOCKED = Lazy("headwater.cli.runs.lock:locked")
_LEARNED = Lazy("headwater.cli.sources:LearnedSources")
_COMPARED = Lazy("headwater.cli.sources:compare_columns")
_WITHOUT_SCORE = Lazy("headwater.cli.sources:without_score")
_SURPRISES = Lazy("headwater.cli.terminal.surprises:Surprises")


def learn(
    *source: Source,
    target: Annotated[str | None, Parameter(name=("--target", "-t"), metavar="COLUMN")] = None,
    targets: Names = None,
    task: str = "auto",
    model: Path | None = None,
    fleet: Annotated[str | None, Parameter(metavar="KEY")] = None,
    resume: bool = False,
    anomalies: bool = False,
    reading: Annotated[ReadingOptions | None, Parameter(name="*")] = None,
    options: Annotated[ModelOptions | None, Parameter(name="*")] = None,
    more: Annotated[Any, Parameter(parse=False)] = None,  # an option in runs/any_kind
    scoring: Annotated[ScoringOptions | None, Parameter(name="*")] = None,
    json: bool = False,
    report: Path | None = None,
    follow: Annotated[FollowOptions | None, Parameter(name="*")] = None,
) -> int:
    """Learn from a stream, scoring each row before it is learned.

    The model is a pool of small nets that needs no tuning; --hidden, --optimizer or --lr make it a single net.

    Parameters
    ----------
    source
        CSV, TSV, JSON lines, Parquet or Arrow files (also packed), folders of them, here or at s3://, gs://, https://; a table
        delta://FOLDER, - for standard input, dataset:NAME, or a broker: kafka://, nats://, redis://, postgresql://, mqtt://.
    target
        The column to predict. A data set knows its own, and a saved model what it has learned.
    targets
        Several columns to predict together, with commas between, in place of --target.
    task
        classify, regress, anomaly, forecast, bandit, agent, or auto: decided from the first rows.
    model
        A file to save to; if it exists, learning goes on where it stopped.
    fleet
        Learn one model for each value of this column, such as machine_id. Where keys are alike, one model for all is better;
        with many keys use --hidden 8. auto, or auto:COLUMN, compares both on the first 10,000 rows, says which it uses, and why.
    resume
        Leave out the rows of this source that the model has learned already.
    anomalies
        Look for anomalies, as --task anomaly does: no target is needed. With --target, the column of labels (0 or 1), the
        ranking is scored too; labels are never learned.
    reading
        How the source is read.
    options
        What the model is to be like; these are the defaults of the library where left out.
    more
        Settings that only some tasks have; and of --task bandit and agent, in place of --target, the column of each part of what
        is learned beside a row.
    scoring
        How rows are scored, and what is done about drift.
    json
        Print JSON lines instead of tables.
    report
        A file for a report about the run: scores, curves, what is wrong, what the model looks at.
    follow
        How a broker is followed into a store.
    """
    drift, scoring = (None, ()) if scoring is None else scoring.drift(), scoring or ScoringOptions()
    check_sources(source, "learn")
    known = load_model(model, fleets=True) if model is not None and model.exists() else None
    said = task != "auto" or known is not None or more is not None or anomalies or bool(targets)
    found = task_of(task, known, anomalies=anomalies, targets=bool(targets), columns=more) if said else "auto"
    kind = None if found == "auto" else kind_of_run(found, known, report, scoring.delay)
    reading, options = reading or ReadingOptions(), options or ModelOptions()
    besides = scoring.given() if kind or follow is not None else {}
    if follow is not None and follow.with_store:
        besides |= {"--report": report, "--model": model, "--resume": resume}
        new = target, kind, reading, options, more, fleet
        return learn_into_store(source, follow, besides, *new, as_json=json)
    if kind is not None and kind.answer.table is not None:
        plain = besides | {"--fleet": fleet, "--target": target, "--anomalies": anomalies, "--store": follow}
        from headwater.cli.runs.compound import CompoundRun

        parts = parts_of(kind, split_names(targets), more, known)
        compound = CompoundRun(source, kind, parts, task, known, model, scoring.window, resume, plain, report)
        return compound.run(reading, options, more, as_json=json)
    start = Start(accepted(source, follow) if follow else source, target, found, model, reading, options, fleet)
    (start.drift, start.policies), start.settings = drift, more
    return _learn_files(start, report, scoring, resume=resume, as_json=json)


def _learn_files(start: Start, report: Path | None, scoring: ScoringOptions, *, resume: bool, as_json: bool) -> int:
    """Learn files, a pipe or a broker's topic and report the scores."""
    reads = (*start.source, start.model)
    written = report_file(start.name, report, start.drift, reads=reads) if report is not None else None
    with ExitStack() as opened:
        if start.model is not None:
            opened.enter_context(_LOCKED(start.model))
            opened.enter_context(go_on_unread())
        start.open(opened, resume=resume)
        pace = session_pace(written, start.learner, scoring.every, start.drift, start.surprises)
        pace["watch"] = [*pace["watch"], *([start] if start.known is None else [])]
        how: dict[str, Any] = {"delay": scoring.delay, "window": scoring.window, "adapt": start.policies, **pace}
        session = Session(start.learner, keep=start.model, **how)
        record, events = _run(session, start, scoring.every if as_json else None, written)
        drifts, surprises = drift_lines(events), start.surprises
        advice = {} if start.advice is None else {"advice": start.advice.about}
        if not record.scored:
            line = _WITHOUT_SCORE(record, start.stream, start.model, start.skipped)
            if not as_json:
                print(line)
                return 130 if session.interrupted else 0
        record = record if as_json else start.explained(record)
        return _report(record, session, start.stream, drifts, written, advice, as_json=as_json, surprises=surprises)


class Start:
    """The learner, new or saved, and the stream from the first row that it hasn't learned.

    A watcher of the session that learns a new one.
    """

    due: int | None = None

    def __init__(
        self,
        source: tuple[str, ...],
        target: str | None,
        task: str,
        model: Path | None,
        reading: ReadingOptions,
        options: ModelOptions,
        fleet: str | None = None,
    ) -> None:
        self._fleet = fleet
        self.drift: DriftWatch | None = None
        self.policies: tuple[Policy, ...] = ()
        self.settings: Any = None
        self.advice: Advised | None = None
        self.source, self._task, self._reading, self._options = source, task, reading, options
        self.model = model
        self.known: Any = load_model(model, fleets=True) if model is not None and model.exists() else None
        if self.known is not None:
            agree_on_key(self.known, fleet, at=str(model))
            options.agree_with(self.known, task=task, target=target, at=str(model))
        self._notes = reading.notes(self.known, target=target)
        self.said: list[str] = []
        self._seen: Any = None
        self.warning = ""
        self.skipped = 0

    @property
    def name(self) -> str:
        """The sources, as a report is headed."""
        return " ".join(map(shown, self.source))

    def open(self, opened: ExitStack, *, resume: bool) -> None:
        """Open the stream and make the learner, unless there is one."""
        if self._fleet is not None and self.known is None and is_auto(self._fleet):
            self._choose(self._fleet)
        notes, known = self._notes, self.known
        learned = _LEARNED(notes["sources"], self.source) if self.model is not None else None
        if learned is not None and known is not None:
            self.skipped = learned.rows_learned(known.n_learned) if resume else 0
            self.warning = "" if resume else learned.warning
        classes = known.describe()["classes"] if known is not None else ()
        asked = "auto" if known is None and self._task == "auto" else self._kind().answer.reads
        stream = self._reading.open(self.source, notes, task=asked, classes=classes, skip=self.skipped)
        self.stream = opened.enter_context(stream)
        if known is not None:
            self.said = _COMPARED(known, stream, model=str(self.model), learning=True)
        task = self._task if self._task != "auto" or stream.goal is None else stream.goal.task
        own = {} if self.settings is None else settings_of(kind_with(task), self.settings)
        options = self._options if self._options.time is None else self._untimed(task)
        new = None if known is not None else options.make(task, **own)
        self.learner = known if new is None else new if self._fleet is None else as_fleet(new, self._fleet)
        kind = kind_of(self.learner)
        if "keys" in kind.can:
            check_fleet(self.learner, stream)
        elif column := getattr(self.learner, "by", None):
            watch_keys(stream, column, as_floats=True)
        if own and known is not None:
            agree_on_settings(known, kind_with(task), own, at=str(self.model))
        stream.gaps = kind.answer.gaps
        if kind.question.ahead:
            self._watch_order(stream)
        self.surprises = _SURPRISES() if "scores" in kind.can else None
        self.learner.notes = notes | {"columns": stream.reading() or notes["columns"]}
        if learned is not None:
            learned.follow(stream, self.learner)

    @cached_property
    def _steps(self) -> Steps:
        from headwater.cli.runs.steps import Steps

        return Steps()

    def see(self, rows: ScoredRows, learner: Any) -> Sequence[Event]:
        """Look for columns that go on by steps in the rows before, so that the first ones don't wait for it."""
        if self._seen is not None:
            self._steps.see(self._seen)
        self._seen = rows.X
        return ()

    def explained(self, record: Metrics) -> Metrics:
        """Return a record that counts no value as far where going on by steps is all that it was."""
        if self.known is not None or "far" not in record.rejected:
            return record
        self._steps.see([] if self._seen is None else self._seen)
        return self._steps.explained(record)

    def _untimed(self, task: str) -> ModelOptions:
        """Return the options of a new learner. --time of a series is the order of its rows, and no setting."""
        return self._options.without("time") if kind_with(task).question.ahead else self._options

    def _watch_order(self, stream: Stream) -> None:
        """Watch whether rows come in the order of time, by --time or the only column of dates."""
        from headwater.cli.runs.order import watch_order

        fleet = self.learner if is_fleet(self.learner) else None
        key, together = (None, False) if fleet is None else (fleet.key, fleet.together)
        watch_order(stream, self._options.time, key=key, together=together)

    def _choose(self, fleet: str) -> None:
        """Let the first rows decide whether there is to be a fleet, and how rows are read."""
        from headwater.cli.runs.advice import advised

        new = self._reading, self._options, self.settings
        self.advice = advised(self.source, self._notes["target"], self._task, fleet, *new)
        self._fleet, self._reading = self.advice.fleet, self.advice.reading
        self._notes = self._reading.notes(None, target=self._notes["target"])

    def _kind(self) -> Kind:
        return kind_of(self.known) if self.known is not None else kind_with(self._task, at="--task")

    def say(self, *, quiet: bool) -> None:
        """Print what will be learned, and warnings to stderr."""
        for line in filter(None, [self.warning, *(self.said if quiet else [])]):
            print(line, file=sys.stderr)
        if not quiet:
            going_on = self.model if self.known is not None else None
            said = [*self.said, *(() if self.advice is None else self.advice.lines)]
            print_start(self.stream, self.learner, going_on, said, skipped=self.skipped)


def _report(
    record: Metrics,
    session: Session,
    stream: Stream,
    drifts: list[str],
    written: ReportFile | None,
    advice: dict[str, Any],
    *,
    as_json: bool,
    surprises: Surprises | None = None,
) -> int:
    fleet: Any = session.learner if is_fleet(session.learner) else None
    if as_json:
        from headwater.kinds.fleet.looks.scores import key_scores

        more: dict[str, Any] = advice if fleet is None else {"fleet": key_scores(fleet), **advice}
        notes = [*stream.notes, *stream.odd()]
        more |= {} if surprises is None else {"surprises": surprises.as_dicts()}
        about = {"verdict": record.verdict, "interrupted": session.interrupted, "notes": notes, **more}
        print_json(record, final=True, **about)
    else:
        print_report(record, stream, session.keep, interrupted=session.interrupted, drifts=drifts, surprises=surprises)
        if fleet is not None:
            from headwater.cli.terminal.keys import print_keys

            print_keys(fleet)
        if written is not None:
            print(f"The report is in {written.path}.")
    return 130 if session.interrupted else 0


def _print_due(record: Metrics, waiting: list[Event], every: int) -> None:
    """Print a record if it is one of those asked for, with the events of the finer ones before it."""
    waiting.extend(record.events)
    if record.rows and record.rows % every == 0:  # the last record is printed as the final one
        print_json(_with_events(record, waiting))
        waiting.clear()


def _with_events(record: Metrics, waiting: list[Event]) -> Metrics:
    return replace(record, events=tuple(waiting) or record.events)


def _run(
    session: Session, start: Start, json_every: int | None, written: ReportFile | None
) -> tuple[Metrics, list[Event]]:
    start.say(quiet=json_every is not None)
    events: list[Event] = []
    stream = start.stream
    live = ProgressLine(stream, lambda: session.rows)

    waiting: list[Event] = []

    def on_record(record: Metrics) -> None:
        events.extend(record.events)
        if json_every is None:
            live.on_record(record)
        else:
            _print_due(record, waiting, json_every)

    session.on_record = (on_record,) if written is None else (on_record, written.on_record)
    try:
        with live:
            record = session.run(stream)
        if written is not None and record.scored:
            written.write(session.learner)
        return _with_events(record, waiting), events
    except (HeadwaterError, OSError) as error:
        raise_kept(session, stream.name, error)
