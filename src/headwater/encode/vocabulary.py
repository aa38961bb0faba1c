"""The vocabulary as it stands: what the core says of columns, their kinds and their categories."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .values import name_of

NUMBER, CATEGORY, TIME, WORDS, BIGRAMS = "number", "category", "time", "words", "bigrams"
KINDS = (NUMBER, CATEGORY, TIME, WORDS, BIGRAMS)
"""The kinds of columns, by the core's numbers."""
PARTS = ("elapsed", "hour_sin", "hour_cos", "weekday_sin", "weekday_cos", "yearday_sin", "yearday_cos")
"""The numeric features of a date-time."""
LEAST_ROWS = 16
"""A table needs room for a few names and the rows that the others share."""


@dataclass(slots=True)
class Column:
    """One named input: its kind is what its first value was.

    Parameters
    ----------
    name : hashable
        As in the samples.
    kind : str
        "number", "category", "time", or of a text "words" or "bigrams".
    slot : int
        Place of a number's statistics, of the first of a date-time's seven; −1 for none.
    values : dict
        Row of each category seen.
    """

    name: Any
    kind: str
    slot: int = -1
    values: dict[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[int, ...]:
        """Places of a date-time's seven."""
        return tuple(range(self.slot, self.slot + len(PARTS))) if self.kind == TIME else ()


def columns_of(learner: Any) -> dict[Any, Column]:
    """Return the columns that a ``_core.Learner`` knows, by name, in the order of their appearance."""
    found = {}
    for name, kind, slot, categories in learner.columns():
        values = {text.decode("utf-8", "surrogatepass"): row for text, row in categories}
        own = name_of(name)
        found[own] = Column(own, KINDS[kind], slot, values)
    return found
