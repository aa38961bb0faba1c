"""The setting ``text``, which selects columns of texts and of embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwater.encode.values import is_embedding, name_bytes
from headwater.encode.vocabulary import BIGRAMS, COSINE, RAW, WORDS
from headwater.errors import ConfigError

from .settings import Settings

if TYPE_CHECKING:
    from headwater.learner.engine import Setup

AUTO = "auto"
GRAMS = {WORDS: 1.0, BIGRAMS: 2.0}
"""Maximum length of the n-grams."""
EMBEDDINGS = (COSINE, RAW)
FIND_NONE, FIND_LONG, FIND_ALL = 0.0, 1.0, 2.0
"""Which columns the core infers to be text."""

Text = tuple[tuple[float, ...], tuple[tuple[Any, str], ...]]


def text_of(learner: Settings, *, mixed: bool) -> Text:
    """Return the declaration of text features for the core, and the declared columns of texts and embeddings.

    Parameters
    ----------
    learner : Settings
        The learner with its ``text`` and ``max_rows``.
    mixed : bool
        Whether several experts are mixed, because the word features are added to the mixture.

    Returns
    -------
    tuple of float, tuple of (name, kind)
        Both empty for a learner without text features.

    Raises
    ------
    ConfigError
        If the setting is invalid, or the learner has no mixture.
    """
    text = learner.text
    columns = dict(text) if isinstance(text, Mapping) else {}
    known = text is None or isinstance(text, Mapping) or text in (AUTO, *GRAMS)
    if not known or not {*GRAMS, *EMBEDDINGS} >= set(columns.values()):
        raise ConfigError(
            expected="'auto', 'words', 'bigrams', None, or a dict with 'words', 'bigrams', 'cosine' or 'raw' for each column",
            got=repr(text),
            at=f"text of {type(learner).__name__}",
            help="Give e.g. text='bigrams' or text={'title': 'words'}.",
        )
    if not mixed and text not in (None, AUTO, {}):
        raise ConfigError(
            expected="a pool of experts with cross-entropy or standardized targets, as text needs",
            got=f"text={text!r} of a single net, or with another loss",
            at=f"text of {type(learner).__name__}",
            help="Leave out hidden, optimizer and the like, or leave out text.",
        )
    if not mixed or text is None:
        return (), ()
    only_embeddings = bool(columns) and set(columns.values()) <= set(EMBEDDINGS)
    find = FIND_LONG if text == AUTO or only_embeddings else FIND_NONE if isinstance(text, Mapping) else FIND_ALL
    grams = GRAMS.get(text, 2.0) if isinstance(text, str) else 2.0
    return (grams, find, float(learner.max_rows)), tuple(sorted(columns.items(), key=lambda item: name_bytes(item[0])))


def check_embeddings(learner: Any) -> tuple[tuple[Any, str], ...]:
    """Return the columns that a learner without word features declares as embeddings.

    Raises
    ------
    ConfigError
        If its setting ``text`` is neither "auto", None nor a dict with "cosine" or "raw" for each column.
    """
    text = learner.text
    columns = dict(text) if isinstance(text, Mapping) else {}
    if not (text is None or text == AUTO or isinstance(text, Mapping)) or not set(EMBEDDINGS) >= set(columns.values()):
        name = type(learner).__name__
        raise ConfigError(
            expected="'auto', None, or a dict with 'cosine' or 'raw' for each column of embeddings",
            got=repr(text),
            at=f"text of {name}",
            help=f"{name} reads a text as a category; give an embedding of it.",
        )
    return tuple(sorted(columns.items(), key=lambda item: name_bytes(item[0])))


def reading(
    setup: Setup,
    text: Any,
    x: Mapping[Any, Any] | None = None,
    *,
    columns: tuple[tuple[Any, str], ...] = (),
    state: Mapping[str, Any] | None = None,
) -> Setup:
    """Return a setup that reads embeddings, if columns are declared, the first row has one, or a saved state did."""
    found = text == AUTO and x is not None and any(map(is_embedding, x.values()))
    reads = bool(columns) or bool(setup.text) or found if state is None else len(state.get("text_counts", ())) > 0
    own = (GRAMS[BIGRAMS], FIND_NONE, float(setup.max_rows)) if reads else ()
    return replace(setup, text=own, text_columns=columns or setup.text_columns)
