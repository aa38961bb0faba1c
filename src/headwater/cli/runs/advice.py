"""``--fleet auto`` compares one model for all rows with one a key on a source's first rows, and chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from headwater.cli.options.declared import settings_of
from headwater.cli.options.fleet import AUTO
from headwater.cli.options.model import ModelOptions
from headwater.cli.options.reading import ReadingOptions
from headwater.errors import ConfigError, counted, did_you_mean
from headwater.kinds.fleet.looks.advice import CATEGORY, FLEET, LEAST, POOLED, Advice, advise, keys_in
from headwater.learner.kind import kind_with
from headwater.streams.brokers.address import is_address

__all__ = ["Advised", "advised"]

ROWS = 10_000
"""First rows of the source that are compared."""
_TRIED = 3
"""Columns that are tried as keys where none is named."""


@dataclass(frozen=True, slots=True)
class Advised:
    """The chosen form of a model, as the options that a user would have given.

    Parameters
    ----------
    fleet
        The key of a fleet, or None for one model.
    reading
        How the source is to be read.
    lines
        What was compared and chosen, for people.
    about
        The same for programs.
    """

    fleet: str | None
    reading: ReadingOptions
    lines: tuple[str, ...]
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Sample:
    """The first rows with labels of a source."""

    X: list[dict[Any, Any]]
    y: list[Any]
    task: str


def advised(
    source: tuple[str, ...],
    target: str | None,
    task: str,
    fleet: str,
    reading: ReadingOptions,
    options: ModelOptions,
    settings: Any,
) -> Advised:
    """Compare the forms on the first rows of a source, and return the options of the one that is chosen.

    Raises
    ------
    ConfigError
        If the source can't be read twice, there is no such column, or the task is none of those that are compared.
    """
    named = fleet.removeprefix(AUTO).removeprefix(":")
    if any(one == "-" or is_address(one) for one in source):
        raise ConfigError(
            expected="files, or a data set, whose first rows can be read twice",
            got=" ".join("standard input" if one == "-" else one for one in source),
            at=f"--fleet {fleet}",
            help="Ask with a file of its first rows, then name what was chosen: --fleet COLUMN, or leave it out.",
        )
    sample = _read(source, target, task, reading)
    kind = kind_with(sample.task, at="--task")
    own = {} if settings is None else settings_of(kind, settings)
    keys = _keys(sample, named, fleet)
    if len(sample.X) < LEAST or not keys:
        return _nothing(sample, reading, named)
    found = []
    for key in keys:
        rows = sample.X if all(type(row.get(key)) is str for row in sample.X if row.get(key) is not None) else None
        typed = rows or _read(source, target, sample.task, _with(reading, "text", key)).X
        found.append(advise(lambda: options.make(kind.task, **own), key, sample.X, sample.y, as_category=typed))
    return _chosen(found, reading)


def _keys(sample: _Sample, named: str, fleet: str) -> list[str]:
    """Return the columns to try as keys.

    Raises
    ------
    ConfigError
        If the one that is named is not there.
    """
    if not named:
        return keys_in(sample.X)[:_TRIED]
    columns = dict.fromkeys(name for row in sample.X for name in row)
    if columns and named not in columns:
        help_ = did_you_mean(named, columns)
        raise ConfigError(expected=f"a column {named}", got="no such column", at=f"--fleet {fleet}", help=help_)
    return [named]


def _read(source: tuple[str, ...], target: str | None, task: str, reading: ReadingOptions) -> _Sample:
    """Return the first rows of a source with their labels."""
    first = replace(reading, limit=min(reading.limit or ROWS, ROWS), rejects=None)
    with first.open(source, first.notes(None, target=target), task=task) as stream:
        pairs = [(dict(row), label) for row, label in stream if label is not None]
        X, y = [row for row, _ in pairs], [label for _, label in pairs]
        return _Sample(X, y, stream.goal.task if stream.goal is not None else task)


def _with(reading: ReadingOptions, option: str, column: str) -> ReadingOptions:
    """Return the options with a column more for ``--drop`` or ``--text``."""
    more: dict[str, Any] = {option: ",".join(filter(None, [getattr(reading, option), column]))}
    return replace(reading, **more)


def _nothing(sample: _Sample, reading: ReadingOptions, named: str) -> Advised:
    """Return one model for all rows, where there is nothing to compare."""
    what = f"{counted(len(sample.X), 'row')} with labels are too few to compare ({LEAST} are needed)"
    if len(sample.X) >= LEAST:
        what = "no column of texts or whole numbers has values that repeat often enough to be a key"
    about: dict[str, Any] = {
        "form": POOLED,
        "key": named or None,
        "scores": {},
        "reason": f"{what[0].upper()}{what[1:]}.",
    }
    return Advised(None, reading, (f"--fleet auto: {what}. One model learns all rows.",), about)


def _chosen(found: list[Advice], reading: ReadingOptions) -> Advised:
    """Return the form that is chosen for the column by which a fleet does best."""
    sign = -1 if found[0].metric == "mae" else 1
    best = max(found, key=lambda one: sign * one.scores.get(FLEET, -sign * float("inf")))
    given = {POOLED: f"--drop {best.key}", CATEGORY: f"--text {best.key}", FLEET: f"--fleet {best.key}"}[best.form]
    others = [f"{one.key} {one.shown(one.scores[FLEET])}" for one in found if one is not best and FLEET in one.scores]
    lines = [f"--fleet auto: {best}"]
    if others:
        lines.append(f"Other keys, one model for each value: {', '.join(others)}.")
    lines.append(f"Learned from the first row on as with {given}.")
    after = {POOLED: _with(reading, "drop", best.key), CATEGORY: _with(reading, "text", best.key), FLEET: reading}
    about = {**best.as_dict(), "tried": [one.key for one in found], "options": given}
    return Advised(best.key if best.form == FLEET else None, after[best.form], tuple(lines), about)
