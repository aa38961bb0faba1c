"""Say the facts of a dossier in a language, as sections that a page and a PDF lay out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from headwater.errors._version import own_version
from headwater.kinds.fleet.base import AnyFleet
from headwater.learner.base import Learner
from headwater.learner.kind import kind_of
from headwater.learner.supervised import SupervisedLearner
from headwater.route.curve import MARKS
from headwater.route.evaluate import score_cell
from headwater.store.learner_file import fingerprint
from headwater.store.service.limits import Limits
from headwater.store.service.models import FARTHEST_STEP
from headwater.types import Scores

from .facts import Facts, Month, StoreFacts
from .replay import Proof, Replayed, SpanScores
from .words import Words

__all__ = ["Section", "sections_of"]

_NAMES = 12
"""Maximum names in a list."""
_ROWS = 6
"""Maximum rows of a table, so that all fits on two pages."""
_MONTHS = 12
_SHORT = 16
"""Digits of a hash in a table."""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a dossier, with sentences, named facts and a table.

    Parameters
    ----------
    title
        Its heading.
    facts
        Names and what there is to say of each.
    lines
        Sentences before the table.
    head, rows
        The table's head and its rows, without one if there are no rows.
    after
        Sentences after the table.
    """

    title: str
    facts: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    head: Sequence[str] = ()
    rows: list[list[str]] = field(default_factory=list)
    after: list[str] = field(default_factory=list)


def sections_of(facts: Facts, say: Words) -> list[Section]:
    """Return a dossier's sections, fewer for a model file."""
    first = [_declaration(facts, say), Section(say("changes"), facts=list(_changes(facts, say)))]
    store = facts.store
    if store is None:
        return [*first, Section(say("log"), lines=[say("no log")])]
    parts = (_log(store, say), _drift(facts, store, say), _forgotten(facts, store, say), _exports(facts, store, say))
    return [*first, *parts, _proof(store.replayed.proof, say)]


# ---- what the learner is, and what may change -----------------------------------------------------------------------------


def _declaration(facts: Facts, say: Words) -> Section:
    learner, one = facts.learner, facts.one
    about = one.describe()
    found = {
        "kind": kind_of(one).noun if say.language == "en" else type(one).__name__,
        "settings": say("settings text", settings=repr(learner)),
        "version": say("version text", version=own_version(), core=one.core_version),
    }
    if isinstance(learner, AnyFleet):
        found["members"] = say("members text", n=len(learner), key=learner.key)
    found["learned"] = f"{learner.n_learned:,}"
    found["parameters"] = f"{about['parameters']:,}"
    if inputs := sorted(str(feature["name"]) for feature in about["features"]):
        found["inputs"] = say.some(inputs, _NAMES)
    if about["classes"]:
        found["classes"] = say.some([str(label) for label in about["classes"]], _NAMES)
    found["privacy"] = about.get("privacy") or say("no privacy")
    if facts.store is not None and facts.store.challengers:
        found["challengers"] = say.some(_challengers(facts.store.challengers, say), _NAMES)
    found["file"] = say("file sha" if facts.sha else "file text", size=facts.size, sha=facts.sha)
    if isinstance(learner, Learner):
        found["state"] = say("state text", sha=fingerprint(learner))
    return Section(say("declaration"), facts=[(say(key), text) for key, text in found.items()])


def _challengers(said: dict[str, dict[str, list[str]]], say: Words) -> list[str]:
    """Return the name of each challenger, with what is said over all rows where that can be told."""
    names = ((name, own[say.language][-1:]) for name, own in said.items())
    return [say("challenger", name=name, said=sentences[0]) if sentences else name for name, sentences in names]


def _changes(facts: Facts, say: Words) -> Iterator[tuple[str, str]]:
    one, store = facts.one, facts.store
    kind, about = kind_of(one), one.describe()
    paused = store is not None and store.paused
    learning = "paused" if paused else "learning labels" if "answers" in kind.can else "learning rows"
    yield say("learning"), say(learning)
    if "max_rows" in about:
        yield say("names"), say("names text", most=about["max_rows"], n=about["rows"])
    if kind.names_in is not None:
        yield say("classes"), say("classes text", most=Limits().classes, n=len(about["classes"]))
    begun = [expert["reinitialised"] for expert in one.experts_ if "reinitialised" in expert]
    if len(begun) > 1:
        yield say("experts"), say("experts text", n=len(begun), times=sum(begun))
    if isinstance(one, SupervisedLearner):
        yield say("units"), say("units text", times=len(one.unit_changes_))
        if len(begun) > 1:
            times = sum(succession.number for succession in one.successions_)
            yield say("successors"), say("successors text", times=times)
    yield say("drift policies"), say("drift file" if store is None else "drift store")
    if store is not None:
        if "step" in kind.can:
            yield say("step"), say("step text", most=FARTHEST_STEP)
        yield say("age"), say("age text", age=store.max_age) if store.max_age else say("no age")
    yield say("fixed"), say("fixed text")


# ---- what was logged ------------------------------------------------------------------------------------------------------


def _log(store: StoreFacts, say: Words) -> Section:
    log, replayed = store.log, store.replayed
    if not log.entries:
        return Section(say("log"), lines=[say("empty journal")])
    ends = {"since": say.day(log.since), "until": say.day(log.until)}
    lines = [
        say("journal", first=log.first, last=log.last, entries=log.entries, **ends),
        say("digest", sha=log.digest),
    ]
    if log.tombstones:
        lines.append(say("tombstones", n=log.tombstones))
    whole = replayed.state.scores.scores()
    metric = _metric(replayed.names, whole["model"])
    lines.append(say("metric", name=metric.replace("_", " ")))
    shown = log.months[-_MONTHS:]
    head = [say("month"), say("events"), say("digest column"), say("scored"), *whole]
    rows = [_month(month, replayed, metric, say) for month in shown]
    if replayed.before.rows and len(shown) == len(log.months):
        before = replayed.before
        rows = [[say("before"), say("up to", last=before.last), "", *_cells(before, metric)], *rows]
    n = replayed.state.scores.n
    every = SpanScores(log.last, n, n, whole)
    rows.append([say("all"), "", "", *_cells(every, metric)])
    left = [say("earlier months", n=len(log.months) - len(shown))] if len(shown) < len(log.months) else []
    return Section(say("log"), lines=lines, head=head, rows=rows, after=left)


def _metric(names: Sequence[str], scores: Scores) -> str:
    """Return the first metric that is known: that of an anomaly model without labels isn't its first."""
    return next((name for name in names if isfinite(scores.get(name, float("nan")))), names[0])


def _month(month: Month, replayed: Replayed, metric: str, say: Words) -> list[str]:
    span = next((span for span in replayed.spans if span.last == month.last), None)
    cells = [] if span is None else _cells(span, metric)
    events = say("range", first=month.first, last=month.last)
    return [say.month(month.year, month.month), events, month.digest[:_SHORT], *cells]


def _cells(span: SpanScores, metric: str) -> list[str]:
    scores = [own.get(metric, float("nan")) for own in span.scores.values()]
    return [f"{span.rows:,}", *(score_cell(metric, value) for value in scores)]


def _drift(facts: Facts, store: StoreFacts, say: Words) -> Section:
    found = store.replayed.state.scores.history().get("drift", [])
    lines = [say("drift times", n=len(found), most=MARKS)] if found else [say("no drift")]
    lines += [f"{say('drift at', row=row, month=_when(row, store, say))};" for row in found[-_ROWS:]]
    if found:
        lines[-1] = lines[-1].removesuffix(";") + "."
    done = [say("step at", seq=one.seq, day=say.day(one.t), factor=one.factor) for one in store.log.steps[-_ROWS:]]
    done += [say("skip at", seq=seq, reason=reason) for seq, reason in store.skipped[-_ROWS:]]
    done = done or [say("nothing done")]
    done += [say("unit at", name=one.name, row=one.row + 1) for one in facts.one.unit_changes_[-_ROWS:]]
    done += [say("succeeded at", row=one.row + 1, taken=one.taken) for one in facts.one.successions_]
    return Section(say("drift"), lines=[*lines, *done])


def _when(row: int, store: StoreFacts, say: Words) -> str:
    """Return the month of a scored row."""
    last = next((span.last for span in store.replayed.spans if span.scored >= row), 0)
    month = next((month for month in store.log.months if month.first <= last <= month.last), None)
    if month is None or row <= store.replayed.before.scored:
        return say("before journal")
    return say.month(month.year, month.month)


def _forgotten(facts: Facts, store: StoreFacts, say: Words) -> Section:
    if not store.forgotten:
        return Section(say("forgotten"), lines=[say("nothing forgotten")])
    head = [say("number"), say("rows"), say("events"), say("day"), say("reason")]
    rows = [
        [str(one.id), f"{one.rows:,}", _ranges(one.ranges, say), say.day(one.t), one.reason]
        for one in store.forgotten[-_ROWS:]
    ]
    command = f"headwater store forgotten {facts.file.name}"
    return Section(say("forgotten"), head=head, rows=rows, after=_more(store.forgotten, command, say))


def _ranges(ranges: Sequence[tuple[int, int]], say: Words) -> str:
    said = [f"{first:,}" if first == last else say("range", first=first, last=last) for first, last in ranges]
    return say.some(said, _ROWS)


def _exports(facts: Facts, store: StoreFacts, say: Words) -> Section:
    if not store.exports:
        return Section(say("exports"), lines=[say("nothing exported")])
    head = [say("what"), say("as of"), say("day"), say("place"), say("digest column"), say("note")]
    rows = []
    for one in store.exports[-_ROWS:]:
        note = say("recall", n=one.recalled) if one.recalled else ""
        rows.append([one.what, f"{one.seq:,}", say.day(one.t), one.place, one.sha[:_SHORT], note])
    command = f"headwater store forgotten {facts.file.name}"
    return Section(say("exports"), head=head, rows=rows, after=_more(store.exports, command, say))


def _more(found: Sequence[Any], command: str, say: Words) -> list[str]:
    return [say("more", n=len(found) - _ROWS, command=command)] if len(found) > _ROWS else []


def _proof(proof: Proof, say: Words) -> Section:
    if proof.base < 0:
        return Section(say("proof"), lines=[say("no base")])
    if proof.until <= proof.base:
        return Section(say("proof"), lines=[say("only base", base=proof.base)])
    same = proof.kept == proof.replayed
    lines = [say("reproduced" if same else "differs", until=proof.until, base=proof.base)]
    kept = proof.kept or say("damaged")
    lines.append(say("proof sha", sha=kept) if same else say("proof shas", kept=kept, replayed=proof.replayed))
    lines.append(say("proof states", same=proof.same, of=proof.same + len(proof.differing)))
    if proof.differing:
        lines.append(say("differing", seqs=", ".join(f"{seq:,}" for seq in proof.differing)))
    return Section(say("proof"), lines=lines)
