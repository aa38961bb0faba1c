"""Output of ``headwater learn`` before and after a run, as tables for people or as JSON lines for programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from headwater.errors import counted
from headwater.learner.validation import REASONS
from headwater.types import Metrics

if TYPE_CHECKING:
    from headwater.cli.terminal.surprises import Surprises
    from headwater.streams import Stream

__all__ = ["print_json", "print_report", "print_start", "rejected_lines"]

_NOTES = 12  # maximum sentences about columns


def print_json(record: Metrics, **more: Any) -> None:
    """Print a record as one line of JSON."""
    sys.stdout.write(msgspec.json.encode({**record.as_dict(), **more}).decode() + "\n")
    sys.stdout.flush()


def print_start(
    stream: Stream, learner: Any, model: Path | None, notes: Sequence[str] = (), *, skipped: int = 0
) -> None:
    """Print what will be learned, the reason for the task, and notes about the source."""
    why = f" ({stream.goal.why}; --task overrules this)" if stream.goal and stream.goal.why else ""
    what = f"{learner.task} {stream.target}{why}"
    if stream.goal is None:  # learns no labels
        what = "anomalies" + (f", with labels in {stream.target}, which are not learned" if stream.target else "")
    lines = [
        f"{stream.name}: {what}.",
        *filter(None, [stream.kinds()]),
        *_some(stream.new_notes()),
        *notes,
    ]
    if model is not None:
        lines.append(f"Going on with {model}, which has learned {counted(learner.n_learned, 'row')}.")
    if skipped:
        lines.append(
            f"Its first {counted(skipped, 'row')}, learned before, {'is' if skipped == 1 else 'are'} left out."
        )
    print("\n".join(lines), flush=True)


def _some(notes: Sequence[str]) -> list[str]:
    more = [f"… and {len(notes) - _NOTES:,} more columns."] if len(notes) > _NOTES + 1 else []
    return [*notes[:_NOTES], *more] if more else list(notes)


def print_report(
    record: Metrics,
    stream: Stream,
    model: str | Path | None,
    *,
    interrupted: bool,
    drifts: Sequence[str] = (),
    surprises: Surprises | None = None,
) -> None:
    """Print the scores next to the baselines, the rejected rows, and where the model is saved."""
    from rich.console import Console  # when everything is learned

    from headwater.route.evaluate import score_table

    console = Console(highlight=False)
    if interrupted:
        console.print("Stopped by Ctrl-C; these are the rows so far.")
    console.print()
    console.print(score_table(record))
    console.print()
    if surprises is not None:
        console.print(surprises.table())
        console.print()
    for line in filter(
        None,
        [
            *record.sentences,
            *drifts,
            *stream.new_notes(),
            *stream.odd(),
            *rejected_lines(record.rejected, stream),
        ],
    ):
        console.print(line, soft_wrap=True, markup=False)
    saved = f" Saved to {model}." if model is not None else ""
    rate = f" at {record.rows_per_s:,.0f} rows/s" if record.rows_per_s else ""
    console.print(f"{counted(record.rows, 'row')}{rate}.{saved}", soft_wrap=True, markup=False)


def rejected_lines(rejected: dict[str, int], stream: Stream) -> list[str]:
    """Return one line per reason with the number of rejected or clipped rows and where the first ones are."""
    from headwater.kinds.fleet.keys import KEY_REASONS  # read when everything is learned

    lines = []
    for reason, count in rejected.items():
        places = stream.rejects.places.get(reason, [])
        where = f" (line {', '.join(map(str, places))}{' …' if count > len(places) else ''})" if places else ""
        meaning = REASONS.get(reason) or KEY_REASONS.get(reason)
        said = f"Left out: {count:,} × {reason}{where}."
        lines.append(f"Guarded: {count:,} × {reason}: {meaning}." if meaning else said)
    if stream.rejects.path is not None and stream.rejects.counts:
        lines.append(f"The rows that can't be read are in {stream.rejects.path}.")
    return lines
