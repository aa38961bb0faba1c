"""Read how a learner scored before it was exported, which its page shows beside what it scores there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headwater.encode.noted import SEEN, as_note
from headwater.learner.base import Learner
from headwater.route.curve import NOTE, score_note
from headwater.route.score import Score
from headwater.store.learner_file import LEARNER_FORMAT
from headwater.store.model_file.container import holds_database
from headwater.store.service.durable_learner import NAME
from headwater.store.service.maintenance.commands import models_of

__all__ = ["note_score_of", "note_seen"]


def note_score_of(learner: Learner, path: Path) -> None:
    """Note in a learner that was loaded from a store how it scored there. A model file has that in its notes.

    Parameters
    ----------
    learner : Learner
        What was loaded.
    path : Path
        From where.
    """
    if holds_database(path) and not learner.secret:
        learner.notes = {**learner.notes, NOTE: _note_of(learner, _score_in(path))}


def note_seen(learner: Learner) -> None:
    """Note in a learner with a memory the newest row of its diagnosis sample: means of keys are the key of nobody."""
    sample = learner.sample
    if not getattr(learner, "has_memory", False) or sample is None or not (sample.rows or sample.fresh):
        return
    newest = max([*sample.rows, *sample.fresh], key=lambda one: one.row)
    seen = as_note(newest.x)
    if seen is not None:
        learner.notes = {**learner.notes, SEEN: seen}


def _score_in(path: Path) -> Score:
    with models_of(path, LEARNER_FORMAT) as (models, journal):
        model = models.named(NAME)
        champion = model.champion
        return models.reached(model, champion.id, champion.name, journal.sound_end()).scores


def _note_of(learner: Learner, score: Score) -> dict[str, Any]:
    comparisons, views = score.comparisons(), learner.kind.views
    curve = list(views.curve or score.scores())
    baselines = [name for one in comparisons[:1] for name in one.recent.guesses if name in curve]
    lead = [name for name in (*(one.metric for one in comparisons[:1]), views.lead) if name in curve][:1]
    places = [1 + curve.index(name) for name in (*lead, *baselines)]
    points = [[point[0], *(point[place] for place in places)] for point in score.history()["points"]]
    return score_note(learner.n_learned, comparisons, ["model", *baselines] if lead else [], points if lead else [])
