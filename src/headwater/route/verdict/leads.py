"""Say whether a learner is better than the one whose choices it was scored on, with the interval that tells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from .numbers import figure
from .phrases import PHRASES

__all__ = ["LOGGED", "Lead", "LeadSummary", "LeadSummaries", "Looked", "Spread", "lead_sentences"]

LOGGED = "logged"
"""What a session calls the choices of its log, as its baseline does."""

_WORDS = {
    "en": {
        "recent": "Last {n} {unit}: {said}",
        "overall": "All {n} {unit}: {said}",
        "better": "better than “{than}” by {value} (95 % interval: {low} to {high}).",
        "worse": "worse than “{than}” by {value} (95 % interval: {low} to {high}).",
        "open": "neither better nor worse than “{than}” for certain (95 % interval of the difference: {low} to {high}).",
        "unexplored": "“{than}” explored too little to tell (95 % interval of the difference: {low} to {high}). "
        "Let it explore more{how}{wait}.",
        "how": ", for example with {settings}",
        "wait": ", or wait for {n} more {unit}",
    },
    "zh": {
        "recent": "最近 {n} {unit}：{said}",
        "overall": "全部 {n} {unit}：{said}",
        "better": "比“{than}”好 {value}（95% 区间：{low} 至 {high}）。",
        "worse": "比“{than}”差 {value}（95% 区间：{low} 至 {high}）。",
        "open": "还不能确定比“{than}”好还是差（差值的 95% 区间：{low} 至 {high}）。",
        "unexplored": "“{than}”探索得太少，无法判断（差值的 95% 区间：{low} 至 {high}）。请让它多探索{how}{wait}。",
        "how": "，例如设置 {settings}",
        "wait": "，或再等 {n} {unit}",
    },
}
_DIGITS = 3


class LeadSummary(TypedDict):
    """By how much a learner is better than the one whose choices it was scored on, with the ends of the 95 % interval."""

    state: Literal["better", "worse", "open", "unexplored"]
    n: int
    value: float
    explored: bool
    wait: int | None
    interval: list[float]


class LeadSummaries(TypedDict):
    """The lead over the window and over all rows, null where it is not known."""

    recent: LeadSummary | None
    overall: LeadSummary | None


@dataclass(frozen=True, slots=True)
class Lead:
    """By how much a learner is better than the one whose choices it was scored on, with a 95 % interval.

    Parameters
    ----------
    n
        Rows over which.
    value, low, high
        The estimate and its interval, below 0 where it is worse.
    explored
        Whether the choices were varied enough to tell.
    wait
        How many more rows it may take until they are, None where that is not known.

    Examples
    --------
    >>> Lead(1000, 0.1, 0.02, 0.18).state, Lead(1000, 0.1, -0.3, 0.5, explored=False).state
    ('better', 'unexplored')
    """

    n: int
    value: float
    low: float
    high: float
    explored: bool = True
    wait: int | None = None

    @property
    def state(self) -> Literal["better", "worse", "open", "unexplored"]:
        """What can be said: "better" or "worse" where the interval is on one side of 0, else "unexplored" or "open"."""
        if self.low > 0 or self.high < 0:
            return "better" if self.low > 0 else "worse"
        return "open" if self.explored else "unexplored"

    def as_dict(self) -> LeadSummary:
        """Return the lead as values for JSON."""
        return {
            "state": self.state,
            "n": self.n,
            "value": self.value,
            "explored": self.explored,
            "wait": self.wait,
            "interval": [self.low, self.high],
        }


class Spread(ABC):
    """What is known of how far a score may lie from its estimate, of rows that change no more.

    It is taken under a learner's lock and computed outside of it, because intervals take milliseconds.
    """

    @abstractmethod
    def interval(self) -> tuple[float, float] | None:
        """Return the 95 % interval of the primary metric, or None where it is not known."""

    @abstractmethod
    def lead(self) -> Lead | None:
        """Return by how much the learner is better than the one whose choices were scored, or None where it is not known."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The metrics of one moment, and what their intervals are computed from.

    Parameters
    ----------
    report
        ``Score.report()``.
    recent, overall
        Spreads over the window and over all rows, None of a kind whose metrics have no interval.
    """

    report: dict[str, Any]
    recent: Spread | None = None
    overall: Spread | None = None

    def scores(self) -> dict[str, Any]:
        """Return the report, with ``interval`` over all rows and over the window where the metric has one."""
        if self.recent is None:
            return self.report
        window = {**self.report["window"], "interval": self.recent.interval()}
        overall = None if self.overall is None else self.overall.interval()
        return {**self.report, "interval": overall, "window": window}

    def leads(self) -> dict[str, Lead | None] | None:
        """Return the lead over the window and over all rows, or None of a kind that has none."""
        if self.recent is None:
            return None
        return {"recent": self.recent.lead(), "overall": None if self.overall is None else self.overall.lead()}


def lead_sentences(
    leads: Mapping[str, Lead | None], than: str, unit: str, settings: str = "", language: str = "en"
) -> list[str]:
    """Return a sentence on the lead over the window and one on that over all rows, or one where both are of the same rows.

    Parameters
    ----------
    leads
        By "recent" and "overall".
    than
        Name of the learner whose choices were scored.
    unit
        What is counted, as in `Comparison`.
    settings
        Settings that vary choices more, as an example.
    language
        "en" or "zh".

    Examples
    --------
    >>> lead = Lead(1000, 0.102, 0.021, 0.183)
    >>> lead_sentences({"recent": lead, "overall": lead}, "champion", "decisions")
    ['All 1,000 decisions: better than “champion” by 0.102 (95 % interval: 0.021 to 0.183).']
    """
    recent, overall = leads["recent"], leads["overall"]
    if recent is not None and overall is not None and recent.n >= overall.n:
        recent = None
    named = {"recent": recent, "overall": overall}
    return [_said(lead, which, (than, unit, settings), language) for which, lead in named.items() if lead is not None]


def _said(lead: Lead, which: str, about: tuple[str, str, str], language: str) -> str:
    words, (than, unit, settings) = _WORDS[language], about
    sign = -1 if lead.state == "worse" else 1
    low, high = sorted((sign * lead.low, sign * lead.high))
    said = words[lead.state].format(
        than=than,
        value=figure(sign * lead.value, _DIGITS),
        low=figure(low, _DIGITS),
        high=figure(high, _DIGITS),
        how=words["how"].format(settings=settings) if settings else "",
        wait=""
        if lead.wait is None
        else words["wait"].format(n=f"{lead.wait:,}", unit=_units(unit, lead.wait, language)),
    )
    return words[which].format(n=f"{lead.n:,}", unit=_units(unit, lead.n, language), said=said)


def _units(unit: str, n: int, language: str) -> str:
    forms = PHRASES[language][f"unit {unit}"].split("|")
    return forms[0 if n == 1 else -1]
