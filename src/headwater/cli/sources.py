"""The sources that a model has learned, and whether a stream's columns fit the model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from headwater.cli.options.fleet import features_of
from headwater.errors import DataError, counted, did_you_mean
from headwater.learner.kind import kind_with
from headwater.streams.brokers.address import is_address
from headwater.streams.files.addresses import MARK, shown
from headwater.streams.files.paths import check_there, files_of
from headwater.streams.stream import Stream
from headwater.types import Metrics

__all__ = ["LearnedSources", "compare_columns", "without_score"]

_PART = 1 << 16  # bytes at a file's beginning and at its end that identify it
_SHOWN = 8


class LearnedSources:
    """The sources that a model has learned, kept in its notes.

    Parameters
    ----------
    entries
        One a run: its files' fingerprints, the number of the last row learned, and how many rows the model had learned
        when that was counted.
    sources
        What is to be learned now.
    """

    def __init__(self, entries: list[dict[str, Any]], sources: Sequence[str]) -> None:
        self._entries = entries
        self._waiting = 0  # rows at the end that are read, and learned with the next one
        self._recount: Callable[[], None] | None = None
        self._now = [_fingerprint(file) for source in sources for file in _files(source)]
        self._found = [
            entry for entry in entries if any(_same(old, new) for old in entry["files"] for new in self._now)
        ]

    @property
    def warning(self) -> str:
        """A sentence if one of the sources has been learned already, else empty."""
        if not self._found:
            return ""
        entry = self._found[-1]
        return (
            f"{entry['name']} has been learned by this model already ({counted(entry['rows'], 'row')}): a score on rows that were "
            "learned is too good. --resume goes on behind them."
        )

    def rows_learned(self, n_learned: int) -> int:
        """Return the number of the last learned row of this source, 0 if it is new."""
        same = [entry for entry in self._found if self._now and _same(entry["files"][0], self._now[0])]
        if not same:
            return 0
        entry = same[-1]
        latest = entry is self._entries[-1]  # saved within a block, the model has learned some more of its rows
        return int(entry["rows"]) + (max(0, n_learned - int(entry["learned"])) if latest else 0)

    def follow(self, stream: Stream, learner: Any) -> None:
        """Count the rows that the model learns of this stream."""
        if not self._now:
            return
        entry = {"name": stream.name, "files": self._now, "rows": stream.skip, "learned": learner.n_learned}
        self._entries[:] = [old for old in self._entries if old not in self._found or old["files"] != self._now]
        self._entries.append(entry)

        def count(row: int) -> None:
            entry["rows"], entry["learned"] = row - self._waiting, learner.n_learned
            self._recount = partial(count, row)

        stream.on_rows = count

    def hold(self, rows: int) -> None:
        """Count rows that are read and not learned yet, or below 0 those of them that now are."""
        self._waiting += rows
        if rows < 0 and self._recount is not None:
            self._recount()


def compare_columns(learner: Any, stream: Stream, *, model: str, learning: bool) -> list[str]:
    """Return sentences about columns that only the stream or only the model has.

    Raises
    ------
    DataError
        When they have none in common.
    """
    known = set(features_of(learner))
    bases = known | {name.partition("[")[0] for name in known} | {name.partition(".")[0] for name in known}
    here = [name for name in stream.columns if name != stream.target]
    if not known or not here:
        return []
    new = [
        name
        for name in here
        if name not in bases and not any(old.startswith((f"{name}.", f"{name}[")) for old in known)
    ]
    if len(new) == len(here):
        lowered = {name.lower(): name for name in known}
        capital = next((name for name in here if name.lower() in lowered), None)
        remedy = did_you_mean(here[0], known)
        if capital is not None:
            remedy = f"Capitals count: {capital} is {lowered[capital.lower()]} in the model. Rename the columns."
        raise DataError(
            expected=f"columns of {model} ({_some(sorted(known))})", got=_some(here), at=stream.name, help=remedy
        )
    gone = sorted(name for name in known if name.partition("[")[0] not in here and name not in here)
    surprises = "scores" in kind_with(learner.task).can  # a new column is a surprise
    fate = "learned from now on" if learning else "each of them a surprise" if surprises else "not used"
    said = [f"Columns that {model} doesn't know, {fate}: {_some(new)}."] if new else []
    if gone and not any("." in name or "[" in name for name in gone):
        said.append(f"Columns of {model} that are missing here: {_some(gone)}.")
    return said


def without_score(record: Metrics, stream: Stream, model: Path | None, skipped: int) -> str:
    """Return what a run without a score has done, if it is what was asked for.

    A model that goes on with a file which has no new rows is up to date, and one that is kept has learned its first row.

    Raises
    ------
    DataError
        In any other case, with the reason.
    """
    if not record.rejected and not record.rows and skipped:
        return f"Nothing new in {stream.name}, whose {counted(skipped, 'row')} {'were' if skipped > 1 else 'was'} learned before."
    if not record.rejected and record.rows and model is not None:
        return f"{counted(record.rows, 'row')} learned, too few for a score. Saved to {model}."
    raise _nothing_learned(record, stream)


def _nothing_learned(record: Metrics, stream: Stream) -> DataError:
    """Return that no row was learned, and why."""
    reasons = ", ".join(f"{count:,} × {reason}" for reason, count in record.rejected.items())
    if record.rows and not record.rejected:
        return DataError(
            expected="enough rows to score one",
            got=f"{record.rows:,} learned",
            at=stream.name,
            help="Give more rows, or keep what was learned with --model.",
        )
    return DataError(
        expected="rows" if stream.goal is None else f"rows with {stream.target} known",
        got=reasons or (f"none after the {stream.skip:,} that were skipped" if stream.skip else "none"),
        at=stream.name,
        help="Look at them with --rejects FILE." if record.rejected else "Check the file.",
    )


def _some(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _SHOWN:,} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more


def _files(source: str) -> list[str]:
    if source == "-" or is_address(source):  # a broker's position stands in the notes by itself
        return []
    if not os.path.isfile(source) and _is_pipe(source):
        return []
    if source.startswith("dataset:") or MARK in source:
        return [shown(source)]
    files = files_of(source)
    for file in files:
        check_there(file)
    return files


def _is_pipe(source: str) -> bool:
    """Return whether a source is read once only, such as ``<(command)`` of a shell or /dev/stdin."""
    path = Path(source)
    return path.exists() and not path.is_dir()


def _fingerprint(name: str) -> dict[str, Any]:
    """Return the fingerprint of a file, its size and a digest of its beginning and its end, or the name of what is elsewhere."""
    if _elsewhere(name):
        return {"name": name, "size": 0, "digest": ""}
    size = Path(name).stat().st_size
    return {"name": name, "size": size, "digest": _digest(name, size)}


def _elsewhere(name: str) -> bool:
    return name.startswith("dataset:") or MARK in name


def _digest(name: str, size: int) -> str:
    with open(name, "rb") as file:
        head = file.read(min(size, _PART))
        file.seek(max(0, size - _PART))
        tail = file.read(min(size, _PART))
    return hashlib.blake2b(head + tail, digest_size=16).hexdigest()


def _same(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Return whether a file is the learned one, possibly with more rows at its end."""
    if _elsewhere(new["name"]) or _elsewhere(old["name"]):
        return bool(old["name"].replace("_", "-").lower() == new["name"].replace("_", "-").lower())
    if new["size"] < old["size"]:
        return False
    return bool(old["digest"] == (new["digest"] if old["size"] == new["size"] else _digest(new["name"], old["size"])))
