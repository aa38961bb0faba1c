"""How the learners of a model compare, the champion first, each with the intervals of its score."""

from __future__ import annotations

from typing import Any

from headwater.route.verdict.leads import Looked, lead_sentences

from .model import LearnerState, Model

__all__ = ["challengers_of", "standing_of"]

_LANGUAGES = ("en", "zh")


def standing_of(state: LearnerState, looked: Looked, champion: str) -> dict[str, Any]:
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
    leads = None if state.champion else looked.leads()
    if leads is None:
        return {"scores": looked.scores(), "lead": None, "said": {language: [] for language in _LANGUAGES}}
    score = state.scores
    unit = next((one["unit"] for one in looked.report["comparisons"]), "rows")
    return {
        "scores": looked.scores(),
        "lead": {name: None if lead is None else lead.as_dict() for name, lead in leads.items()},
        "said": {
            language: lead_sentences(leads, champion, unit, score.exploration, language) for language in _LANGUAGES
        },
    }


def challengers_of(model: Model) -> list[dict[str, Any]]:
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
