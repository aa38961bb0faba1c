"""Put fresh scores of headwater into a result file that keeps the rivals' entries and everybody's times.

A rival's scores don't change with headwater's version, but times compare only with those taken beside them. An entry that is
scored again therefore keeps its old times and says of which version they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import headwater

TIMES = ("us", "us_per_row", "ms_per_row")
"""What an entry calls its time."""


class NotScoredError(Exception):
    """An entry has no score, so nothing is written; the message is one sentence for the user."""


def scored(whole: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a result file holds once headwater's fresh entries are in it, which must all have been measured."""
    failed = [f"{name}: {entry['error']}" for name, entry in fresh.items() if "error" in entry]
    if failed:
        raise NotScoredError(f"expected a score of every entry, got {'; '.join(failed)} — nothing was written.")
    entries = merged(whole["entries"], fresh, whole["version"])
    return {**whole, "version": headwater.__version__, "scored": time.strftime("%Y-%m-%d"), "entries": entries}


def merged(old: Mapping[str, Any], fresh: Mapping[str, Any], version: str) -> dict[str, Any]:
    """Return old results with fresh ones in their places.

    Parameters
    ----------
    old, fresh
        Entries, or mappings of names to entries at any depth. What fresh doesn't name stays.
    version
        The version of headwater that the old times are of.
    """
    times = {key: old[key] for key in TIMES if key in old}
    found = {} if times else dict(old)
    for name, value in fresh.items():
        found[name] = merged(old.get(name, {}), value, version) if isinstance(value, dict) else value
    return found | times | ({"timed": old.get("timed", version)} if times else {})


def noted(whole: Mapping[str, Any]) -> str:
    """Return when headwater was scored and which version its times are of, "" where both were measured at once."""
    versions = sorted(set(_timed(whole)))
    if not versions:
        return ""
    when = f" headwater was scored on {whole['scored']}." if "scored" in whole else ""
    return f"{when} Its times are those of {' and '.join(versions)}, measured beside the rivals."


def _timed(part: Mapping[str, Any]) -> Iterator[str]:
    for name, value in part.items():
        if name == "timed":
            yield value
        elif isinstance(value, dict):
            yield from _timed(value)
