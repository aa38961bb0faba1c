"""``headwater store`` checks, compacts and exports a store, and restores past states of a model from it."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from cyclopts import App

from headwater.errors import ConfigError, ModelFileError, counted
from headwater.route.verdict.numbers import figure

__all__ = ["app"]

app = App(
    name="store", help="Look after the file of a durable learner or server; all but backup while none has it open."
)


@app.command
def check(file: Path, /, *, json: bool = False) -> int:
    """Read the whole store, try a start, and report what is damaged. Exits with 1 on any damage.

    Parameters
    ----------
    file
        The store.
    json
        Print JSON.
    """
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.service.maintenance.commands import check as checked

    report = checked(_existing(file), LEARNER_FORMAT)
    if json:
        print(msgspec.json.encode(report).decode())
    else:
        print(
            f"{file}: {counted(report.events, 'event')}, {report.first:,} to {report.last:,}; {report.pending:,} pending."
        )
        for name, seqs in report.snapshots.items():
            print(f"{name}: sound snapshots at {', '.join(f'{seq:,}' for seq in seqs) or 'none'}.")
        if report.damaged:
            print(f"{report.damaged:,} damaged or lost entries at an end were set aside earlier.")
        if report.skipped:
            print(f"Left out of every replay, by command: events {', '.join(f'{seq:,}' for seq in report.skipped)}.")
        print("\n".join(report.problems) if report.problems else "Sound.")
    return 1 if report.problems else 0


@app.command
def backup(file: Path, to: Path, /) -> int:
    """Copy a store, even while a process has it open and learns. TO appears only after it is verified.

    Parameters
    ----------
    file
        The store of a durable learner, a server or a fleet.
    to
        The copy: a path where nothing is.
    """
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.service.maintenance.commands import backup as backed_up

    size = backed_up(_existing(file), to, LEARNER_FORMAT)
    print(f"{to}: a sound copy of {file}, {size:,} bytes.")
    return 0


@app.command
def challengers(
    file: Path, /, *, model: str | None = None, language: Literal["en", "zh"] = "en", json: bool = False
) -> int:
    """Say how each challenger does, and whether it is better than the champion where that can be told.

    Parameters
    ----------
    file
        The store.
    model
        Only this model's challengers.
    language
        Of the sentences: en or zh.
    json
        Print JSON.
    """
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.service.maintenance.commands import challengers as compared

    found = compared(_existing(file), LEARNER_FORMAT, model)
    if json:
        print(_line({name: list(own) for name, own in found.items()}), end="")
        return 0
    for name, own in found.items():
        print(f"{name}: {counted(len(own), 'challenger')}.")
        for one in own:
            print(f"  {one['name']}: {counted(one['n_learned'], 'row')} learned; {_score(one['scores'])}.")
            for sentence in one["said"][language]:
                print(f"    {sentence}")
    return 0


@app.command
def compact(file: Path, /, *, keep: int = 1_000_000) -> int:
    """Write a snapshot, prune by the policy, and free the space.

    Parameters
    ----------
    file
        The store.
    keep
        Events that the journal keeps behind the last, at least.
    """
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.service import RetentionPolicy
    from headwater.store.service.maintenance.commands import compact as compacted

    before, after = compacted(_existing(file), LEARNER_FORMAT, RetentionPolicy(keep_events=keep))
    print(f"{file}: {before:,} bytes before, {after:,} now.")
    return 0


@app.command
def export(file: Path, /, *, model: str | None = None, out: Path | None = None) -> int:
    """Write the undamaged events of the journal as JSON lines.

    Parameters
    ----------
    file
        The store.
    model
        Only this model's events.
    out
        A file to write; standard output without it.
    """
    from headwater.store.service.maintenance.commands import export as exported

    rows = exported(_existing(file), model)
    if out is None:
        sys.stdout.writelines(_line(row) for row in rows)
        return 0
    with out.open("w", encoding="utf-8") as handle:
        handle.writelines(_line(row) for row in rows)
    return 0


@app.command
def forget(
    file: Path,
    /,
    *,
    where: list[str] | None = None,
    event: list[int] | None = None,
    id: list[str] | None = None,  # noqa: A002 - as in Python and over HTTP
    model: str | None = None,
    reason: str = "",
    dry_run: bool = False,
    json: bool = False,
) -> int:
    """Forget rows exactly, so that every model is as if it had never seen them. Exits with 1 if that can't be.

    Parameters
    ----------
    file
        The store.
    where
        COLUMN=VALUE; a row that has all given values is forgotten.
    event
        The number of an event; may be repeated.
    id
        The id of an example or of a prediction; may be repeated.
    model
        Only this model's rows; those of all models without it.
    reason
        The reason, which the store keeps. Write no name into it.
    dry_run
        Say only what would be done.
    json
        Print JSON.
    """
    from headwater.store.forget.selection import Selection
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.service.maintenance.commands import forget as forgot

    selection = Selection.of(event, id, dict(map(_pair, where or ())))
    how: dict[str, Any] = {"model": model, "reason": reason, "dry_run": dry_run}
    done = forgot(_existing(file), LEARNER_FORMAT, selection, **how)
    print(msgspec.json.encode(done).decode() if json else "\n".join(done.sentences()))
    if done.number and not json:
        print(f"Forgetting {done.number}. `headwater store verify-forgotten {file} {done.number}` proves it.")
    return 1 if done.cannot else 0


@app.command
def forgotten(file: Path, /, *, json: bool = False) -> int:
    """List what was forgotten, without its content, and where copies of the models went.

    Parameters
    ----------
    file
        The store.
    json
        Print JSON.
    """
    from headwater.store.service.maintenance.commands import exports
    from headwater.store.service.maintenance.commands import forgotten as records

    found, copies = records(_existing(file)), exports(file)
    if json:
        print(msgspec.json.encode({"forgotten": found, "exports": copies}).decode())
        return 0
    for one in found:
        why = f", {one.reason}" if one.reason else ""
        print(f"{one.id}: {counted(one.rows, 'row')} on {_day(one.t)}{why}.")
    for copy in copies:
        old = f", outdated by forgetting {copy.recalled}: recall it" if copy.recalled else ""
        print(f"{copy.what} of event {copy.seq:,} at {copy.place}, {_day(copy.t)}{old}.")
    if not found:
        print("Nothing was forgotten.")
    return 0


@app.command
def verify_forgotten(file: Path, number: int, /, *, text: list[str] | None = None, json: bool = False) -> int:
    """Learn the journal again and compare every kept state with it, bit for bit. Exits with 1 if one differs.

    Parameters
    ----------
    file
        The store.
    number
        The number of the forgetting, as forget and forgotten print it.
    text
        A text that must be nowhere in the store, such as a mail address; may be repeated.
    json
        Print JSON.
    """
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.service.maintenance.commands import verify_forgotten as verified

    found = verified(_existing(file), LEARNER_FORMAT, number, tuple(text or ()))
    if json:
        print(msgspec.json.encode(found).decode())
    else:
        print(
            f"Tombstones without content: {found.tombstones:,}. States learned again to the same bits: {found.states:,}."
        )
        print("\n".join(found.problems) if found.problems else "Forgotten.")
    return 1 if found.problems else 0


@app.command
def skip(file: Path, event: int, /) -> int:
    """Exclude from every replay the event that no learner can learn and that stops the start.

    Parameters
    ----------
    file
        The store.
    event
        Its number, as the start's error and check name it.
    """
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.service.maintenance.commands import skip as skipped

    why = skipped(_existing(file), LEARNER_FORMAT, event)
    print(f"{file}: event {event:,} is left out ({why}). It stays in the journal.")
    return 0


@app.command
def accept(file: Path, /) -> int:
    """Continue with a store that lost its last acknowledged events. Lost numbers are not reused.

    Parameters
    ----------
    file
        The store; copy it and its WAL aside first.
    """
    from headwater.store.service.maintenance.commands import accept as accepted

    end, acknowledged = accepted(_existing(file))
    print(f"{file}: events to {end:,} are there, {acknowledged - end:,} acknowledged ones are lost.")
    return 0


@app.command
def restore(
    file: Path, /, out: Path, *, model: str = "default", seq: int | None = None, time: str | None = None
) -> int:
    """Save a model as of an event or a time, without changing the store.

    Parameters
    ----------
    file
        The store.
    out
        The model file to write.
    model
        The model's name.
    seq
        The number of the last event that it has learned; the newest without it.
    time
        In place of --seq: a time such as 2026-11-24T12:00:00+00:00.
    """
    from headwater.store.learner_file import LEARNER_FORMAT
    from headwater.store.service.maintenance.commands import restore as restored

    learner, at = restored(_existing(file), LEARNER_FORMAT, model=model, seq=seq, t=None if time is None else _ms(time))
    learner.save(out)
    print(f"{out}: {model} as of event {at:,}, with {counted(learner.n_learned, 'row')} learned.")
    return 0


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise ModelFileError(
            expected="a store", got="no such file", at=str(file), help="Check the path; headwater serve makes one."
        )
    return file


def _score(scores: Mapping[str, Any]) -> str:
    """Return the primary metric over all rows with its interval, where there is one."""
    metric = next((one["metric"] for one in scores["comparisons"]), "")
    value = scores["model"].get(metric)
    if value is None:
        return "no score yet"
    interval = scores.get("interval")
    within = "" if interval is None else f" ({figure(interval[0])} to {figure(interval[1])})"
    return f"{metric.replace('_', ' ')} {figure(value)}{within}"


def _pair(said: str) -> tuple[str, str]:
    column, equals, value = said.partition("=")
    if not column or not equals:
        raise ConfigError(expected="COLUMN=VALUE", got=said, at="--where", help="Write it as user=u17.")
    return column, value


def _day(t: int) -> str:
    return dt.datetime.fromtimestamp(t / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")


def _ms(time: str) -> int:
    try:
        when = dt.datetime.fromisoformat(time)
    except ValueError as error:
        raise ConfigError(
            expected="a time such as 2026-11-24T12:00:00+00:00", got=time, at="--time", help="Write it like that."
        ) from error
    return int((when if when.tzinfo else when.astimezone()).timestamp() * 1000)


def _line(row: dict[str, Any]) -> str:
    return msgspec.json.encode(row, enc_hook=str).decode() + "\n"
