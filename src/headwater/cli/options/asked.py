"""Options of a question and of an explanation, derived from the fields that kinds declare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from headwater.learner.kind import Kind, known_kinds

from .declared import given_in, options_of, parsed

__all__ = ["ExplainOptions", "QuestionOptions", "explained_of", "question_of"]

if TYPE_CHECKING:
    QuestionOptions: TypeAlias = Any
    ExplainOptions: TypeAlias = Any
else:
    QuestionOptions = options_of(
        "QuestionOptions", [(kind.noun, field) for kind in known_kinds() for field in kind.question.fields]
    )
    ExplainOptions = options_of(
        "ExplainOptions", [(kind.noun, field) for kind in known_kinds() for field in kind.explained]
    )


def question_of(kind: Kind, options: Any) -> dict[str, Any]:
    """Return the settings of a question as a kind's fields read them.

    Raises
    ------
    ConfigError, DataError
        If the kind has no such setting, or a text is no value of it.
    """
    return parsed(kind, kind.question.fields, given_in(options), "question")


def explained_of(kind: Kind, options: Any) -> dict[str, Any]:
    """Return what is said to ``explain_one`` beside a row, as ``question_of`` does."""
    return parsed(kind, kind.explained, given_in(options), "field of an explanation")
