"""What a picture shows of a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from headwater.errors import counted
from headwater.kinds.fleet.base import AnyFleet
from headwater.kinds.fleet.looks.scores import LEAST
from headwater.learner.kind import HasKind, kind_of
from headwater.learner.schema.pictures import Bars, Histogram, Picture
from headwater.learner.validation import check_sample
from headwater.route.evaluate import is_share

__all__ = ["pictures_of"]

WORST = 10
"""Keys that are drawn by name."""
MEMBERS = 3
"""Keys with a picture of their own, where a key has no score."""
SPREAD = 20
"""Minimum keys whose scores are counted in a histogram."""


Ranking = list[tuple[Any, dict[str, float]]]


def pictures_of(fleet: AnyFleet, score: Any = None, x: Any = None) -> list[Picture]:
    """Return the scores of the worst keys and of all, or with a row that holds a key the pictures of its member.

    Parameters
    ----------
    fleet : Fleet
        The fleet, kept from others by the caller.
    score : Score, optional
        Its score, of which nothing more is drawn.
    x : dict, optional
        A row with its key.
    """
    if x is not None:
        return _of_member(fleet, x)
    ranking = fleet.ranking(LEAST) or fleet.ranking()
    if not ranking:
        return [Bars("scores of the keys", {})]
    name = next((one for one in ranking[0][1] if one != "rows"), None)
    return _of_busiest(fleet, ranking) if name is None else _of_scores(fleet, ranking, name)


def _of_scores(fleet: AnyFleet, ranking: Ranking, name: str) -> list[Picture]:
    said, worst = name.replace("_", " "), ranking[:WORST]
    title = f"{said} of the {len(worst)} worst of {counted(len(fleet), 'key')} of {fleet.key}"
    bars = {_named(key): own[name] for key, own in worst}
    beside = {_named(key): counted(int(own["rows"]), "row") for key, own in worst}
    found: list[Picture] = [Bars(title, bars, said, beside, percent=is_share(name))]
    if len(ranking) >= SPREAD:
        found.append(Histogram(f"{said} of all keys", said, [own[name] for _, own in ranking]))
    return found


def _of_busiest(fleet: AnyFleet, ranking: Ranking) -> list[Picture]:
    """Return the rows of the keys that have learned most, and the first picture of the members of some."""
    busiest = sorted(ranking, key=lambda one: -one[1]["rows"])
    more = f", the {WORST} with most of {counted(len(fleet), 'key')}" if len(busiest) > WORST else ""
    rows = {_named(key): own["rows"] for key, own in busiest[:WORST]}
    found: list[Picture] = [Bars(f"rows of each {fleet.key}{more}", rows, "rows")]
    for key, _ in busiest[:MEMBERS]:
        for picture in _pictures_of(fleet.member(key))[:1]:
            found.append(replace(picture, title=f"{fleet.key} {_named(key)}: {picture.title}"))
    return found


def _of_member(fleet: AnyFleet, x: Mapping[Any, Any]) -> list[Picture]:
    """Return the pictures of the member of a row's key, asked about the rest of the row where there is any."""
    check_sample(x)
    row = dict(x)
    member = fleet.member(row.pop(fleet.key, None))
    return _pictures_of(member, row) or [Bars(_named(x[fleet.key]), {}, empty="Its model has no pictures.")]


def _pictures_of(member: Any, row: Mapping[Any, Any] | None = None) -> list[Picture]:
    """Return the pictures of a member, asked about a row where it answers rows."""
    kind = kind_of(member) if isinstance(member, HasKind) else None
    if kind is None or kind.pictures is None:
        return []
    found: list[Picture] = kind.pictures(member, None, row if row and kind.question.needs_rows else None)
    return found


def _named(key: Any) -> str:
    return f"{key:g}" if isinstance(key, float) else str(key)
