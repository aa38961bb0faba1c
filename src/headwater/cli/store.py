"""``headwater store`` checks, compacts and exports a store, and restores past states of a model from it."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

import msgspec
from cyclopts import App

from headwater.errors import ConfigError, ModelFileError

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
    from headwater.store.service.upkeep import check as checked

    report = checked(_existing(file), LEARNER_FORMAT)
    if json:
        print(msgspec.json.encode(report).decode())
    else:
        print(f"{file}: {report.events:,} events, {report.first:,} to {report.last:,}; {report.pending:,} pending.")
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
    from headwater.store.service.upkeep import backup as backed_up

    size = backed_up(_existing(file), to, LEARNER_FORMAT)
    print(f"{to}: a sound copy of {file}, {size:,} bytes.")
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
    from headwater.store.service.upkeep import compact as compacted

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
    from headwater.store.service.upkeep import export as exported

    rows = exported(_existing(file), model)
    if out is None:
        sys.stdout.writelines(_line(row) for row in rows)
        return 0
    with out.open("w", encoding="utf-8") as handle:
        handle.writelines(_line(row) for row in rows)
    return 0


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
    from headwater.store.service.upkeep import skip as skipped

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
    from headwater.store.service.upkeep import accept as accepted

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
    from headwater.store.service.upkeep import restore as restored

    learner, at = restored(_existing(file), LEARNER_FORMAT, model=model, seq=seq, t=None if time is None else _ms(time))
    learner.save(out)
    print(f"{out}: {model} as of event {at:,}, with {learner.n_learned:,} rows learned.")
    return 0


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise ModelFileError(
            expected="a store", got="no such file", at=str(file), help="Check the path; headwater serve makes one."
        )
    return file


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
