"""How the learners of a model compare, the champion first, each with the intervals of its score."""

from __future__ import annotations

from typing import NotRequired, TypedDict, cast

from headwater.route.verdict.leads import LeadSummaries, Looked, lead_sentences

from .model import LearnerState, Model

__all__ = ["ChallengerSummary", "ScoreSummary", "Standing", "challengers_of", "standing_of"]


class SpanSummary(TypedDict):
    """One metric over n rows, of the model and of each baseline, null where it is not known."""

    n: int
    model: float | None
    guesses: dict[str, float | None]


class ComparisonSummary(TypedDict):
    """One metric of a model beside its baselines, lately and since the start."""

    metric: str
    phrase: str
    more_is_better: bool | None
    unit: str
    output: str
    recent: SpanSummary
    overall: SpanSummary


class WindowSummary(TypedDict):
    """The metrics over the last rows: those of ``model``, and those of each baseline under its name."""

    n: int
    model: dict[str, float | None]
    interval: NotRequired[list[float] | None]


class LabeledSummary(TypedDict):
    """The mean score of all rows, estimated from those whose labels were asked for."""

    value: float
    error: float
    n: int


class ScoreSummary(TypedDict):
    """The metrics over all rows: those of ``model``, those of each baseline under its name, and what the kind adds."""

    n: int
    unscored: int
    labeled: NotRequired[LabeledSummary]
    model: dict[str, float | None]
    window: WindowSummary
    comparisons: list[ComparisonSummary]
    interval: NotRequired[list[float] | None]


class SaidSummary(TypedDict):
    """Sentences by language."""

    en: list[str]
    zh: list[str]


class Standing(TypedDict):
    """The metrics of a learner, and of a challenger its lead over the champion where that can be told."""

    scores: ScoreSummary
    lead: LeadSummaries | None
    said: SaidSummary


class ChallengerSummary(Standing):
    """A challenger with its metrics, and whether it is better than the champion."""

    name: str
    n_learned: int


def standing_of(state: LearnerState, looked: Looked, champion: str) -> Standing:
    """Return a learner's metrics, and of a challenger what is known of its lead over the champion.

    The intervals are computed here, so the model needn't be locked.

    Parameters
    ----------
    state, looked
        The learner, and its metrics of one moment.
    champion
        Name of the champion.

    Returns
    -------
    dict
        ``scores``; ``lead``, by "recent" and "overall", None for the champion and for kinds without; and ``said``, its sentences by
        language.
    """
    leads, scores = None if state.champion else looked.leads(), cast(ScoreSummary, looked.scores())
    if leads is None:
        return {"scores": scores, "lead": None, "said": {"en": [], "zh": []}}
    recent, overall = (None if (lead := leads[name]) is None else lead.as_dict() for name in ("recent", "overall"))
    unit = next((one["unit"] for one in scores["comparisons"]), "rows")
    english, chinese = (
        lead_sentences(leads, champion, unit, state.scores.exploration, language) for language in ("en", "zh")
    )
    return {
        "scores": scores,
        "lead": {"recent": recent, "overall": overall},
        "said": {"en": english, "zh": chinese},
    }


def challengers_of(model: Model) -> list[ChallengerSummary]:
    """Return the name, rows learned, metrics and lead of each challenger.

    Parameters
    ----------
    model
        The model.
    """
    with model.lock:
        found = [(state, state.learner.n_learned, state.scores.looked()) for state in model.learners[1:]]
        champion = model.champion.name
    return [{"name": state.name, "n_learned": n, **standing_of(state, looked, champion)} for state, n, looked in found]
