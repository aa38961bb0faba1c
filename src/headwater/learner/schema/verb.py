"""Short HTTP addresses of a kind, from which routes, bodies and their schemas are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from headwater.types import Lazy

from .field import Field

__all__ = ["ROW", "TIMES", "Verb"]

ROW = Field("x", "row", "The row.")
"""The field of a body with one row."""
TIMES = Field("xs", "rows", "The features of each time ahead, in order.", default=None)
"""The field of a body with the rows of the times ahead."""


@dataclass(frozen=True, slots=True)
class Verb:
    """Declare a short address of a kind, at ``/NAME`` of the default model and ``/models/{model}/NAME`` of any.

    Every model can be asked at ``/ask`` and taught at ``/teach``. A verb says the same in the words of its kind. Kinds may share a
    name, of which each model has that of its own kind.

    Parameters
    ----------
    name : str
        Its name in the address.
    does : str
        "ask" answers the question and changes nothing. "choose" makes a choice whose outcome is learned later, by its id. "teach"
        learns rows with answers, many in a request. "tell" learns the outcome of an earlier choice. "look" shows something of the
        learner. "change" changes settings, and answers as the look of the same name.
    doc : str
        What it does, in one sentence.
    needs : str
        Ability that models have that understand it, by which others are refused.
    fields : tuple of Field, optional
        What a body has: of "teach" the row, with the parts of the answer beside it; else without it the fields of the question.
    row : Field
        Which field holds the row, or the rows.
    read : Lazy, optional
        ``read(body)`` returns the row, where it is not in the body as it is.
    shows : tuple of str
        Columns of the response that "ask" answers, by default all. Of a question ahead each time is a row of them.
    repeats : tuple of str
        Fields of the question that "ask" answers with.
    more : tuple of Field
        What "choose" answers beside the choice and its probability: the first of the numbers that are issued with it.
    by_query : bool
        Whether it is answered to GET as well, without rows and with the other fields in the query.
    shown : Lazy, optional
        ``shown(learner)`` returns what "look" shows, beside the sequence.
    says : Lazy, optional
        Type of what "look" and "change" answer.

    Examples
    --------
    >>> Verb("act", "choose", "Draw an action.", needs="acts", fields=(ROW,)).method
    'POST'
    """

    name: str
    does: str
    doc: str
    needs: str = ""
    fields: tuple[Field, ...] = ()
    row: Field = ROW
    read: Lazy | None = None
    shows: tuple[str, ...] = ()
    repeats: tuple[str, ...] = ()
    more: tuple[Field, ...] = ()
    by_query: bool = False
    shown: Lazy | None = None
    says: Lazy | None = None

    @property
    def method(self) -> str:
        """HTTP method of the address."""
        return "GET" if self.does == "look" else "POST"

    def body(self, kind: Any) -> tuple[Field, ...]:
        """Return the fields of a body of a kind."""
        if self.does == "teach":
            return (self.row, *kind.answer.fields)
        return self.fields or (self.row, *kind.question.fields)

    def question(self, kind: Any, given: dict[str, Any]) -> dict[str, Any]:
        """Return the part of a body that the kind's question reads."""
        return {field.name: given[field.name] for field in kind.question.fields if field.name in given}

    def columns(self, kind: Any) -> tuple[Field, ...]:
        """Return the columns of the response that it answers."""
        return tuple(field for field in kind.response if not self.shows or field.name in self.shows)
