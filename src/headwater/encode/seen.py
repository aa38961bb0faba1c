"""The columns and categories that a learner has seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .values import name_of
from .vocabulary import KINDS, PARTS, TIME


@dataclass(slots=True)
class Column:
    """One input column. Its kind is that of its first value.

    Parameters
    ----------
    name : hashable
        As in the samples.
    kind : str
        "number", "category", "time", "words" or "bigrams" for texts, "cosine" or "raw" for embeddings.
    slot : int
        Feature index of a number, or of the first of a date-time's seven parts; −1 for none.
    values : dict
        Embedding row of each category seen.
    """

    name: Any
    kind: str
    slot: int = -1
    values: dict[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[int, ...]:
        """Feature indices of a date-time's seven parts."""
        return tuple(range(self.slot, self.slot + len(PARTS))) if self.kind == TIME else ()


def columns_of(learner: Any) -> dict[Any, Column]:
    """Return the columns of a ``_core.Learner`` by name, in order of appearance."""
    found = {}
    for name, kind, slot, categories in learner.columns():
        values = {text.decode("utf-8", "surrogatepass"): row for text, row in categories}
        own = name_of(name)
        found[own] = Column(own, KINDS[kind], slot, values)
    return found
