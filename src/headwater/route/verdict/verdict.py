"""Say how good a model is, lately and since the start, each beside the best simple baseline by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from headwater.types import Comparison, Metrics, Span

from .numbers import tell_apart
from .phrases import PHRASES

__all__ = [
    "Line",
    "beats_baselines",
    "best_baseline",
    "compare_baselines",
    "comparisons_of",
    "leads_of",
    "lines_of",
    "sentences",
    "sentences_of",
    "state_of",
]

MOST = 12
"""Outputs with a line of their own, those behind their baseline first."""
_PERCENT = ("share", "alarms")
_FALLBACK = (("accuracy", "share", True), ("mae", "error", False), ("auc", "auc", True), ("rmse", "other", False))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the verdict.

    Parameters
    ----------
    recent
        What is said of the window, or "" where the window holds everything.
    overall
        What is said of all that was scored.
    state
        "ahead", "even" or "behind" of the best baseline lately, or "" where nothing is compared.
    output
        The output that the line is of, where there are several.
    """

    recent: str
    overall: str
    state: str
    output: str = ""


def compare_baselines(record: Metrics, language: str = "en") -> str:
    """Return the verdict on a run, or "" before anything was scored.

    Says the primary metric over the window and over all scored rows, each with the baseline that is best over the same rows. All pages
    show the same words.

    Examples
    --------
    >>> record = Metrics(
    ...     rows=9,
    ...     scored=9,
    ...     window=9,
    ...     scores={"accuracy": 0.72},
    ...     window_scores={"accuracy": 0.72},
    ...     baselines={"majority": {"accuracy": 0.59}},
    ...     window_baselines={"majority": {"accuracy": 0.59}},
    ... )
    >>> print(compare_baselines(record))
    All 9 rows: 72 % right, ahead of always saying the most frequent class (59 %).
    """
    lines = [sentences(line, language) for line in lines_of(comparisons_of(record), language)]
    return "\n".join(PHRASES[language]["join"].join(line) for line in [*lines, leads_of(record, language)] if line)


def sentences_of(record: Metrics) -> list[str]:
    """Return the sentences of the verdict on a run."""
    return [
        *(sentence for line in lines_of(comparisons_of(record)) for sentence in sentences(line)),
        *leads_of(record),
    ]


def leads_of(record: Metrics, language: str = "en") -> list[str]:
    """Return the sentences on a learner's lead over the choices of its log, none where it was scored on its own."""
    if not record.leads:
        return []
    from .leads import LOGGED, lead_sentences

    apart = {name: None if lead is None or lead.low == lead.high else lead for name, lead in record.leads.items()}
    unit = next((one.unit for one in record.comparisons), "rows")
    return lead_sentences(apart, LOGGED, unit, language=language)


def sentences(line: Line, language: str = "en") -> list[str]:
    """Return the sentences of a line, lately first, with the name of its output.

    Examples
    --------
    >>> sentences(Line("", "All 9 rows: 72 % right.", "", "late"))
    ['late · All 9 rows: 72 % right.']
    """
    first, *rest = filter(None, (line.recent, line.overall))
    return [PHRASES[language]["of output"].format(output=line.output, said=first) if line.output else first, *rest]


def beats_baselines(record: Metrics) -> bool:
    """Return whether the model is better than every baseline over all scored rows."""
    found = comparisons_of(record)
    return bool(found) and all(state_of(one, one.overall) == "ahead" for one in found)


def comparisons_of(record: Metrics) -> tuple[Comparison, ...]:
    """Return what a record compares, which for one without a learner's declaration is the first metric that is known."""
    if record.comparisons or not record.scores:
        return record.comparisons
    for metric, phrase, more in _FALLBACK:
        if metric in record.scores:
            window, n = (record.window_scores, record.window_baselines), min(record.window, record.scored)
            recent, overall = (
                Span(count, own.get(metric, math.nan), {name: each[metric] for name, each in guesses.items()})
                for count, (own, guesses) in ((n, window), (record.scored, (record.scores, record.baselines)))
            )
            return (Comparison(metric, phrase, more, "rows", recent, overall),)
    return ()


def lines_of(comparisons: Sequence[Comparison], language: str = "en") -> list[Line]:
    """Return the lines of the verdict, one for each output, those behind first.

    Parameters
    ----------
    comparisons
        What the score of a kind declares.
    language
        "en" or "zh".

    Examples
    --------
    >>> late = Comparison("mae", "error", False, "rows", Span(100, 3.0, {"mean": 4.0}), Span(500, 5.0, {"mean": 4.0}))
    >>> line = lines_of([late])[0]
    >>> line.state, line.recent
    ('ahead', 'Last 100 rows: off by 3 on average, ahead of always saying the mean so far (4).')
    >>> line.overall
    'All 500 rows: off by 5 on average, behind always saying the mean so far (4).'
    """
    words = PHRASES[language]
    known = [one for one in comparisons if one.overall.n and math.isfinite(one.overall.model)]
    found = [_line(one, words) for one in known]
    if len(found) <= MOST:
        return found
    found.sort(key=lambda line: line.state != "behind")  # stable: otherwise the order of the outputs
    rest = found[MOST:]
    behind = sum(line.state == "behind" for line in rest)
    return [*found[:MOST], Line("", words["more"].format(n=f"{len(rest):,}", behind=f"{behind:,}"), "")]


def state_of(comparison: Comparison, span: Span) -> str:
    """Return whether the model is ahead, even or behind over a span, or "" where nothing is compared."""
    name = best_baseline(comparison, span)
    if not name or comparison.more_is_better is None:
        return ""
    gain = (span.model - span.guesses[name]) * (1 if comparison.more_is_better else -1)
    return "ahead" if gain > 0 else "behind" if gain < 0 else "even"


def _line(one: Comparison, words: dict[str, str]) -> Line:
    partly = 0 < one.recent.n < one.overall.n and math.isfinite(one.recent.model)
    recent = _said(one, one.recent, "recent", words) if partly else ""
    state = state_of(one, one.recent if partly else one.overall)
    return Line(recent, _said(one, one.overall, "overall", words), state, one.output)


def _said(one: Comparison, span: Span, which: str, words: dict[str, str]) -> str:
    name, percent = best_baseline(one, span), one.phrase in _PERCENT
    model, guess = tell_apart(span.model, span.guesses.get(name, span.model), percent=percent)
    if percent:
        model, guess = (words["percent"].format(n=text) for text in (model, guess))
    state = state_of(one, span)
    form = words["alone" if not name else "compared" if state else "expected"]
    count = math.floor(span.model * span.n + 0.5)
    said = form.format(
        said=_of_count(words[one.phrase], count).format(
            model=model, metric=one.metric.replace("_", " "), count=f"{count:,}"
        ),
        state=words.get(state, ""),
        baseline=words.get(f"baseline {name}", name),
        guess=guess,
    )
    return words[which].format(n=f"{span.n:,}", unit=_of_count(words[f"unit {one.unit}"], span.n), said=said)


def _of_count(phrase: str, n: int) -> str:
    """Return the singular of a phrase that has one, "row|rows", or its plural."""
    forms = phrase.split("|")
    return forms[0 if n == 1 else -1]


def best_baseline(one: Comparison, span: Span) -> str:
    """Return the name of the best known baseline, the first of equals, or "" if there is none."""
    known = {name: value for name, value in span.guesses.items() if math.isfinite(value)}
    if not known or not math.isfinite(span.model):
        return ""
    sign = -1 if one.more_is_better is False else 1
    return max(known, key=lambda name: sign * known[name])
