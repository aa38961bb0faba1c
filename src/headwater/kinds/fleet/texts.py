"""Treat texts as categories in a fleet, because its small members have no word features."""

from __future__ import annotations

from collections import Counter
from typing import Any

from headwater.encode.vocabulary import BIGRAMS, COSINE, RAW, WORDS
from headwater.errors import ConfigError
from headwater.learner.engine import Engine
from headwater.learner.settings import settings_of
from headwater.learner.supervised import SupervisedLearner
from headwater.nn.core.declaration import without_last
from headwater.nn.inspect import OUTPUT_CAPACITY

__all__ = ["without_text"]

_WHAT = {WORDS: "text", BIGRAMS: "text", COSINE: "embedding", RAW: "embedding"}


def without_text(learner: SupervisedLearner) -> SupervisedLearner:
    """Return a learner without word features, keeping its state, or the same learner if it has none.

    Raises
    ------
    ConfigError
        If its setting asks for words, or it has inferred a text column.
    """
    if not learner.setup.text:
        return learner
    engine: Engine | None = learner.engine
    found = [] if engine is None else [column for column in engine.columns.values() if column.kind in _WHAT]
    if learner.text != "auto" or found:
        raise ConfigError(
            expected="members without word features and embeddings",
            got=f"the {_WHAT[found[0].kind]} column {found[0].name!r}" if found else f"text={learner.text!r}",
            at="make of Fleet",
            help="Give text=None, which treats a text as a category, and a list as numbered columns.",
        )
    plain = type(learner)(**{**settings_of(learner), "text": None})
    plain.limits = learner.limits
    if engine is not None:
        own = plain.new_engine(_stripped(engine, len(learner.setup.text)))
        own.resume_counts(engine.counts())
        plain.resume(
            engine=own,
            classes=learner.known_classes,
            refused=Counter(learner.refused),
            notes=dict(learner.notes),
            sample=learner.sample,
        )
    return plain


def _stripped(engine: Engine, declared: int) -> dict[str, Any]:
    """Return the state without its text features."""
    state = {name: array for name, array in engine.state().items() if not name.startswith("text_")}
    state["declaration"] = without_last(state, declared)
    room = int(state["sizes"][OUTPUT_CAPACITY])
    state["pending"] = state["pending"][:, :-room].copy()
    return state
