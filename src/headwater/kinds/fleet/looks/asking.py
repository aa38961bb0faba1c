"""Explain, measure and diagnose a fleet through its members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from headwater.diagnose.finding import Finding
from headwater.encode.values import as_key
from headwater.errors import ConfigError, DataError
from headwater.explain.sensitivity import sensitivity
from headwater.kinds.fleet.base import AnyFleet
from headwater.kinds.fleet.rows import as_list
from headwater.learner.kind import HasKind
from headwater.learner.schema import Response
from headwater.learner.validation import check_sample
from headwater.route.verdict.numbers import figure

__all__ = ["ask_fleet", "diagnose_members", "explain_through", "importance_of_members", "issue_through"]

LOOKED_AT = 100
"""Members that are looked at, those that have learned most."""
SHOWN = 20
"""Findings that are shown."""
ENOUGH = 30
"""Rows that a member should have learned."""
FAR = 2.0
"""A member is far behind where its error is this many times the median."""


@dataclass(frozen=True, slots=True)
class FleetMeasures:
    """Measures of a fleet."""

    rows: int
    members: int


def explain_through(fleet: AnyFleet, x: Mapping[Any, Any], **how: Any) -> Any:
    """Explain the prediction for a row as the member of its key does.

    Raises
    ------
    DataError
        If there is no such key.
    ConfigError
        If the members are models of others.
    """
    check_sample(x)
    row = dict(x)
    member = fleet.member(row.pop(fleet.key, None))
    foreign = not isinstance(member, HasKind)
    if foreign:
        raise ConfigError(
            expected="a fleet of learners that explain themselves",
            got=f"one of {type(member.model).__name__}",
            at="explain_one",
            help="Explain the model of a key itself: fleet.member(key).model.",
        )
    return member.explain_one(row, **how)


def ask_fleet(fleet: AnyFleet, rows: Any, **question: Any) -> Response:
    """Return predictions of rows, or, where more is asked for, what a copy of each row's member says."""
    if not any(value is not None for value in question.values()):
        return Response.of(fleet.predict_batch(rows), fleet.kind.response[0].name)
    copies: dict[Any, Any] = {}
    found = []
    with fleet.held():
        for row in as_list(rows):
            x = dict(row)
            key = as_key(x.pop(fleet.key, None))
            if key not in copies:
                copies[key] = fleet[key] if key in fleet else fleet.first  # noqa: SIM401 - a fleet is no dict
            found.append(copies[key].ask([x], **question).rows()[0])
    names = dict.fromkeys(name for one in found for name in one)
    return Response({name: [one.get(name) for one in found] for name in names})


def issue_through(fleet: AnyFleet, x: Mapping[Any, Any], **question: Any) -> Any:
    """Make a choice for a row as the member of its key does."""
    row = dict(x)
    key = as_key(row.pop(fleet.key, None))
    member = fleet[key] if key in fleet else fleet.first  # noqa: SIM401 - a fleet is no dict
    return member.kind.issue(member, row, **question)


def importance_of_members(fleet: AnyFleet, method: str | None = None) -> dict[Any, float]:
    """Return the mean importance of each feature, each member weighted by the rows it has learned.

    Members in the core keep no rows, so how far their outputs move is measured (`headwater.explain.sensitivity`).

    Raises
    ------
    DataError
        If nothing has been learned.
    """
    members = list(_most_learned(fleet))
    if not members:
        raise DataError(
            expected="a fleet that has learned",
            got="one that has seen no row",
            at="importance of Fleet",
            help="Let it learn some rows first.",
            code="not_learned",
        )
    whole = sum(member.n_learned for _, member in members)
    found: dict[Any, float] = {}
    for _, member in members:
        own = sensitivity(member, method) if _keeps_no_rows(member) else member.importance(method)
        for name, value in own.items():
            found[name] = found.get(name, 0.0) + value * member.n_learned / whole
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def diagnose_members(fleet: AnyFleet) -> tuple[FleetMeasures, list[Finding]]:
    """Return the findings of each member with its key, and what is odd about members beside each other."""
    found = [*_few_rows(fleet), *_far_behind(fleet)]
    for key, member in _most_learned(fleet):
        if not _keeps_no_rows(member):
            own = member.kind.findings(member)[1]
            found += [replace(one, text=f"{fleet.key} {key}: {one.text}") for one in own if one is not None]
    return FleetMeasures(fleet.n_learned, len(fleet)), found[:SHOWN]


def _keeps_no_rows(member: Any) -> bool:
    """Say whether the loss of a member's rows is wanted, of which it has none."""
    return "losses" in member.kind.can and member.sample is None


def _most_learned(fleet: AnyFleet) -> Iterator[tuple[Any, Any]]:
    """Yield the members that have learned most, with their keys."""
    with fleet.held():
        ranked = sorted(fleet, key=lambda key: -fleet.score(key)["rows"])[:LOOKED_AT]
        for key in ranked:
            member = fleet[key]
            if isinstance(member, HasKind) and getattr(member, "engine", None) is not None:
                yield key, member


def _few_rows(fleet: AnyFleet) -> Iterator[Finding]:
    """Find that many members have seen few rows."""
    few = sum(fleet.score(key)["rows"] < ENOUGH for key in fleet)
    if 2 * few > len(fleet) > 0:
        yield Finding(
            "few_rows_a_key",
            "warning",
            f"{few:,} of {len(fleet):,} keys have fewer than {ENOUGH} rows.",
            f"Where keys are alike, learn one model for all rows, with {fleet.key} as a column.",
            {"keys": float(len(fleet)), "few": float(few)},
        )


def _far_behind(fleet: AnyFleet) -> Iterator[Finding]:
    """Find the key whose error is far above the median of the others."""
    ranked = fleet.ranking(ENOUGH)
    name = next((name for name in fleet.score() if name != "rows"), "")
    if not name or len(ranked) < 3:
        return
    errors = [1 - score[name] if name == "accuracy" else score[name] for _, score in ranked]
    median, worst = sorted(errors)[len(errors) // 2], errors[0]
    if worst > FAR * median and worst > 0.01:
        yield Finding(
            "key_far_behind",
            "note",
            f"{fleet.key} {ranked[0][0]} has an error of {figure(worst)}, the median key {figure(median)}.",
            "Look at its rows: a sensor may be broken, or its task another one.",
            {"worst": worst, "median": median},
        )
